"""Pool: rows in storage that is made once, of which the least wanted leave first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from headrace.understanding.tokens import Rows


class Pool:
    """Up to `capacity` rows in no order; the lowest score leaves first, of equal scores the oldest row.

    Args:
        capacity: rows.
        size: of their features.
    """

    def __init__(self, capacity: int, size: int) -> None:
        none = Rows.none(size)
        self._arrays = {
            one.name: np.zeros((capacity, *getattr(none, one.name).shape[1:]), getattr(none, one.name).dtype)
            for one in fields(Rows)
        }
        self._used = np.zeros(capacity, bool)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, rows: Rows) -> None:
        """Put in rows, for which there must be room."""
        if not len(rows):
            return
        at = np.flatnonzero(~self._used)[: len(rows)]
        for name, array in self._arrays.items():
            array[at] = getattr(rows, name)
        self._used[at] = True
        self._count += len(rows)

    def evict(self, count: int) -> float:
        """Take out so many rows, all if there are fewer; returns their weight."""
        gone = 0.0
        for _ in range(min(count, self._count)):
            used = np.flatnonzero(self._used)
            score = self._arrays["score"][used]
            lowest = used[score <= score.min()]
            at = lowest[self._arrays["first"][lowest].argmin()]
            gone += float(self._arrays["weight"][at])
            self._used[at] = False
            self._count -= 1
        return gone

    def rows(self) -> Rows:
        """Copies of the rows."""
        return Rows(**{name: array[self._used] for name, array in self._arrays.items()})

    def weight(self) -> float:
        """Weight of all rows."""
        return float(self._arrays["weight"][self._used].sum(dtype=np.float64))

    @property
    def nbytes(self) -> int:
        """Bytes of the storage, in use or not."""
        return sum(array.nbytes for array in self._arrays.values()) + self._used.nbytes

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[Any]]:
        """Copies by name, as a snapshot takes them."""
        return self.rows().arrays(prefix) | {f"{prefix}places": np.flatnonzero(self._used)}

    def load(self, arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> None:
        """The inverse of `arrays`, into an empty one."""
        rows, at = Rows.restored(arrays, prefix), arrays[f"{prefix}places"]
        for name, array in self._arrays.items():
            if len(at):
                array[at] = getattr(rows, name)
        self._used[at] = True
        self._count = len(at)
