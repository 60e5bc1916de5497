"""Ring: the newest rows, in storage that is made once."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from headrace.understanding.tokens import Rows


class Ring:
    """Up to `capacity` rows, oldest first; what comes when it is full takes the place of the oldest.

    Args:
        capacity: rows, 0 or more.
        size: of their features.
    """

    def __init__(self, capacity: int, size: int) -> None:
        self.capacity, self._head, self._count = capacity, 0, 0
        none = Rows.none(size)
        self._arrays = {
            one.name: np.zeros((capacity, *getattr(none, one.name).shape[1:]), getattr(none, one.name).dtype)
            for one in fields(Rows)
        }

    def __len__(self) -> int:
        return self._count

    def push(self, rows: Rows) -> float:
        """Append rows; returns the weight of those that left for them."""
        gone, count = 0.0, len(rows)
        if count > self.capacity:
            gone = float(rows.weight[: count - self.capacity].sum(dtype=np.float64))
            rows, count = rows[count - self.capacity :], self.capacity
        over = max(0, self._count + count - self.capacity)
        if over:
            oldest = (self._head + np.arange(over)) % self.capacity
            gone += float(self._arrays["weight"][oldest].sum(dtype=np.float64))
            self._head, self._count = (self._head + over) % self.capacity, self._count - over
        if count:
            at = (self._head + self._count) % self.capacity
            fit = min(count, self.capacity - at)
            for name, array in self._arrays.items():
                new = getattr(rows, name)
                array[at : at + fit] = new[:fit]
                if fit < count:
                    array[: count - fit] = new[fit:]
            self._count += count
        return gone

    def rows(self) -> Rows:
        """Copies of the rows, oldest first."""
        end = self._head + self._count
        if end <= self.capacity:
            return Rows(**{name: array[self._head : end].copy() for name, array in self._arrays.items()})
        return Rows(
            **{
                name: np.concatenate((array[self._head :], array[: end - self.capacity]))
                for name, array in self._arrays.items()
            }
        )

    def weight(self) -> float:
        """Weight of all rows."""
        held = (self._head + np.arange(self._count)) % max(1, self.capacity)
        return float(self._arrays["weight"][held].sum(dtype=np.float64))

    @property
    def nbytes(self) -> int:
        """Bytes of the storage, in use or not."""
        return sum(array.nbytes for array in self._arrays.values())
