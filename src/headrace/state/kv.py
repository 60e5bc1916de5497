"""KV: keys and values of one site, in blocks of storage that a segment table hands out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from headrace.core.errors import StateError
from headrace.state.layout import Layout, Site


class KV:
    """Entries of one site of one session.

    A slot holds `block` entries. Keys lie as [slots, kv_heads, block, key_dim], turned once by their offset and pair by
    pair (`Rotary.flat`); values as [kv_heads, slots x block, value_dim]: so a prefix of the slots is read by two
    batched products without a copy. Storage grows by doubling and is never given back; all of it is finite, since what
    is masked is still multiplied by zero.

    Args:
        site: shapes.
        layout: dtype and device.
        block: entries a slot.
        limit: slots at most.
    """

    def __init__(self, site: Site, layout: Layout, block: int, limit: int) -> None:
        self.site, self.block, self.limit = site, block, limit
        like = {"dtype": layout.dtype, "device": layout.device}
        self.keys = torch.zeros(0, site.kv_heads, block, site.key_dim, **like)
        self.values = torch.zeros(site.kv_heads, 0, site.value_dim, **like)
        self._reads: tuple[int, Tensor, Tensor] | None = None

    @property
    def slots(self) -> int:
        """Slots that there is storage for."""
        return int(self.keys.shape[0])

    def reserve(self, slots: int) -> None:
        """Have storage for so many slots."""
        if slots <= self.slots:
            return
        grown = min(self.limit, max(slots, 2 * self.slots, 4))
        keys = self.keys.new_zeros(grown, *self.keys.shape[1:])
        values = self.values.new_zeros(self.values.shape[0], grown * self.block, self.values.shape[2])
        keys[: self.slots] = self.keys
        values[:, : self.values.shape[1]] = self.values
        self.keys, self.values, self._reads = keys, values, None

    def reads(self, slots: int) -> tuple[Tensor, Tensor]:
        """Views of the first slots: [slots x kv_heads, key_dim, block] and [kv_heads, slots x block, value_dim]."""
        if self._reads is None or self._reads[0] != slots:
            keys = self.keys[:slots].view(-1, self.block, self.site.key_dim).transpose(1, 2)
            self._reads = slots, keys, self.values[:, : slots * self.block]
        return self._reads[1:]

    def write(self, slots: Sequence[int], offset: int, keys: Tensor, values: Tensor) -> None:
        """Write entries of one segment, from an offset on.

        Args:
            slots: the segment's.
            offset: of the first entry in the segment.
            keys: [kv_heads, n, key_dim]. values: [kv_heads, n, value_dim].
        """
        done, n = 0, keys.shape[1]
        if offset % self.block + n <= self.block:
            slot, at = slots[offset // self.block], offset % self.block
            self.keys.select(0, slot).narrow(1, at, n).copy_(keys)
            self.values.narrow(1, slot * self.block + at, n).copy_(values)
            return
        while done < n:
            slot, at = slots[(offset + done) // self.block], (offset + done) % self.block
            m = min(n - done, self.block - at)
            start = slot * self.block + at
            self.keys[slot, :, at : at + m] = keys[:, done : done + m]
            self.values[:, start : start + m] = values[:, done : done + m]
            done += m

    def read(self, slots: Sequence[int], length: int) -> tuple[Tensor, Tensor]:
        """Copies of a segment's first entries, [kv_heads, length, key_dim] and [kv_heads, length, value_dim]."""
        cells = self._cells(slots, length)
        keys = self.keys[cells // self.block, :, cells % self.block].transpose(0, 1)
        return keys.contiguous(), self.values[:, cells]

    def clear(self, slots: Sequence[int], start: int, stop: int) -> None:
        """Make entries of a segment zero."""
        cells = self._cells(slots, stop)[start:]
        self.keys[cells // self.block, :, cells % self.block] = 0
        self.values[:, cells] = 0

    def gather(self, segments: Iterable[tuple[Sequence[int], int]]) -> tuple[Tensor, Tensor]:
        """Copies of all entries of segments (slots, length): [kv_heads, n, key_dim] and [kv_heads, n, value_dim]."""
        parts = [self.read(slots, length) for slots, length in segments]
        none = self.keys.new_zeros(self.site.kv_heads, 0, self.site.key_dim), self.values[:, :0]
        keys, values = zip(none, *parts, strict=True)
        return torch.cat(keys, 1), torch.cat(values, 1)

    def scatter(self, segments: Iterable[tuple[Sequence[int], int]], keys: Tensor, values: Tensor) -> None:
        """Write what `gather` gave; ValueError if shapes or type are others."""
        segments = list(segments)
        n = sum(length for _, length in segments)
        shapes = (self.site.kv_heads, n, self.site.key_dim), (self.site.kv_heads, n, self.site.value_dim)
        if (tuple(keys.shape), tuple(values.shape)) != shapes or keys.dtype != self.keys.dtype:
            found = f"{keys.dtype} {tuple(keys.shape)} and {tuple(values.shape)}"
            raise ValueError(
                f"entries of {self.site.name} are {found}, not {self.keys.dtype} {shapes[0]} and {shapes[1]}"
            )
        at = 0
        for slots, length in segments:
            self.write(slots, 0, keys[:, at : at + length], values[:, at : at + length])
            at += length

    def take(self, other: KV) -> None:
        """Copy the content of another of the same shape, as far as this one's limit goes."""
        slots = min(other.slots, self.limit)
        self.keys = other.keys[:slots].clone()
        self.values = other.values[:, : slots * self.block].clone()
        self._reads = None

    def _cells(self, slots: Sequence[int], length: int) -> Tensor:
        """Where entries 0 to length - 1 of a segment lie, counted in entries of storage."""
        if length > len(slots) * self.block:
            raise StateError(f"{length} entries do not lie in {len(slots)} slots of {self.block}")
        offsets = torch.arange(length)
        cells = torch.tensor(slots, dtype=torch.int64)[offsets // self.block] * self.block + offsets % self.block
        return cells.to(self.keys.device)
