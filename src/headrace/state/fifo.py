"""Fifo: a queue of tensors that is allocated once."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from headrace.core.errors import CapacityError, ConfigError, InputError, StateError
from headrace.core.stateful import Snapshot
from headrace.state.provisional import Provisional
from headrace.state.tensors import dtype_name, from_array, to_array


class Fifo(Provisional):
    """The last items of a stream, first in first out; Stateful, with a transaction.

    A ring in which each item is written twice, at its place and one capacity further on: whatever is held lies in
    one piece, so `view` and `pop` copy nothing, nothing ever moves, and each push does the same work. A compacting
    buffer would save the second write and pay with a move now and then. Of a third part, only a transaction makes
    use: items that it pops and then writes over.

    Args:
        capacity: items that it can hold.
        item_shape: of one item.
        dtype: of the items.
        device: where they lie.
    """

    _head: int
    _fill: int
    _head_before: int
    _fill_before: int
    _pushed: int  # items since `begin`

    def __init__(
        self,
        capacity: int,
        item_shape: tuple[int, ...],
        dtype: torch.dtype,
        device: torch.device | str = "cpu",
    ) -> None:
        if capacity < 1:
            raise ConfigError(f"Fifo(capacity={capacity}): it holds one item or more")
        self.capacity = capacity
        self._ring = torch.zeros((2 * capacity, *item_shape), dtype=dtype, device=device)
        self._saved = torch.zeros((capacity, *item_shape), dtype=dtype, device=device)
        self.reset()

    def __len__(self) -> int:
        """Items held."""
        return self._fill

    def view(self) -> Tensor:
        """The items held, [n, *item], oldest first: part of the ring, to be read before the next push."""
        return self._ring[self._head : self._head + self._fill]

    def push(self, items: Tensor) -> None:
        """Add `items` [n, *item] behind those held.

        Raises:
            InputError: another shape or type.
            CapacityError: more than it can hold. In either case nothing changes.
        """
        if items.ndim != self._ring.ndim or items.shape[1:] != self._ring.shape[1:] or items.dtype != self._ring.dtype:
            wanted = f"{dtype_name(self._ring.dtype)} [n{''.join(f', {size}' for size in self._ring.shape[1:])}]"
            found = f"{dtype_name(items.dtype)} {list(items.shape)}"
            raise InputError(f"Fifo: {found} cannot be pushed, this queue takes {wanted}")
        count = int(items.shape[0])
        if self._fill + count > self.capacity:
            room = self.capacity - self._fill
            raise CapacityError(f"Fifo: {count} items pushed, room for {room} of {self.capacity}; pop some first")
        if items.untyped_storage().data_ptr() == self._ring.untyped_storage().data_ptr():
            items = items.clone()
        if self._begun:
            self._save(count)
        self._write((self._head + self._fill) % self.capacity, items.detach())
        self._fill += count

    def pop(self, n: int) -> Tensor:
        """Take the `n` oldest, [n, *item]: part of the ring, to be read before the next push.

        Raises:
            StateError: fewer are held; nothing changes.
        """
        if not 0 <= n <= self._fill:
            raise StateError(f"Fifo: {n} items wanted, {self._fill} are held")
        taken = self._ring[self._head : self._head + n]
        self._head, self._fill = (self._head + n) % self.capacity, self._fill - n
        return taken

    def _write(self, place: int, items: Tensor) -> None:
        """Put items at both of their places, from `place` on, round the end."""
        first = min(items.shape[0], self.capacity - place)
        for at, part in ((place, items[:first]), (0, items[first:])):
            if part.shape[0]:
                self._ring[at : at + part.shape[0]].copy_(part)
                self._ring[self.capacity + at : self.capacity + at + part.shape[0]].copy_(part)

    def _save(self, count: int) -> None:
        """Before `count` items are written: keep what this transaction popped and they would overwrite."""
        free = self.capacity - self._fill_before
        for j in range(max(self._pushed, free), min(self._pushed + count, self.capacity)):
            place = (self._head_before + self._fill_before + j) % self.capacity
            self._saved[place].copy_(self._ring[place])
        self._pushed += count

    def _mark(self) -> None:
        self._head_before, self._fill_before, self._pushed = self._head, self._fill, 0

    def _undo(self) -> None:
        self._head, self._fill = self._head_before, self._fill_before
        for j in range(self.capacity - self._fill, min(self._pushed, self.capacity)):
            place = (self._head + self._fill + j) % self.capacity
            self._write(place, self._saved[place : place + 1])

    def _settle(self) -> None:
        self._pushed = 0

    # -- Stateful -----------------------------------------------------------------------------

    def reset(self) -> None:
        self._head = self._fill = 0
        self._head_before = self._fill_before = self._pushed = 0
        self._begun = False

    def snapshot(self) -> Snapshot:
        self._outside("snapshot")
        array, name = to_array(self.view())
        return Snapshot("fifo", {"dtype": name}, {"items": array})

    def restore(self, snapshot: Snapshot) -> None:
        held = snapshot.expect("fifo")
        other = self._fresh()
        try:
            other.push(from_array(held.arrays["items"], held.meta["dtype"], self._ring.device))
        except (InputError, CapacityError) as error:
            raise StateError(f"the snapshot does not fit: {error}") from None
        self.reset()
        self.push(other.view())

    def fork(self) -> Self:
        self._outside("fork")
        other = self._fresh()
        other.push(self.view())
        return other

    def _fresh(self) -> Self:
        return type(self)(self.capacity, tuple(self._ring.shape[1:]), self._ring.dtype, self._ring.device)

    def nbytes(self) -> int:
        return int(self._ring.nbytes + self._saved.nbytes) + 48

    def max_bytes(self) -> int:
        return self.nbytes()
