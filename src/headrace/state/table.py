"""SegmentTable: which segments a session holds, where they lie, and where they stand."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from headrace.core.errors import CapacityError, ConfigError, StateError
from headrace.state.keep import Grid
from headrace.state.policy import Policy
from headrace.state.rotary import Rotary
from headrace.state.segment import Segment


class SegmentTable:
    """The segments of one session, oldest first, for all sites (grain "row") or for one (grain "layer").

    Args:
        policy: what to keep and where it stands.
        grid: how entries are laid out.
        slots: that there are at most.

    Attributes:
        segments: the rows.
        reach: slots that reads go over, whether or not they are in use: it only grows, so that shapes settle.
    """

    def __init__(self, policy: Policy, grid: Grid, slots: int) -> None:
        self.policy, self.grid, self.limit = policy, grid, slots
        self.segments: list[Segment] = []
        self.reach = 0
        self._turns: dict[int, Tensor] = {}
        self._bases: list[int] | None = None
        self._used: int | None = None

    @property
    def open(self) -> Segment | None:
        """The segment that is being written, if one is."""
        return self.segments[-1] if self.segments and not self.segments[-1].closed else None

    @property
    def used(self) -> int:
        """Slots that reads go over: up to the last one that is or was in use."""
        if self._used is None:
            last = max((slot for segment in self.segments for slot in segment.slots), default=-1)
            self._used = max(self.reach, last + 1)
        return self._used

    def begin(self, segment: Segment, entries: int, avoid: Collection[int] = ()) -> None:
        """Put a new open segment at the end, with room for so many entries, in the first slots that are free.

        Args:
            avoid: slots that must not be written to, although they are free.

        Raises:
            CapacityError: there are not enough.
        """
        taken = self.slots.union(avoid)
        count = -(-entries // self.grid.block)
        free = [slot for slot in range(len(taken) + count) if slot not in taken][:count]
        if free[-1] >= self.limit:
            raise CapacityError(
                f"state: max_bytes={self.policy.max_bytes} is reached, no room for {entries} entries more; "
                "what was written before is intact"
            )
        segment.slots = free
        self.segments.append(segment)
        self.moved()

    @property
    def slots(self) -> set[int]:
        """Slots in use."""
        return {slot for segment in self.segments for slot in segment.slots}

    def take(self, other: SegmentTable) -> None:
        """Copy the rows of another."""
        self.segments, self.reach = [segment.copy() for segment in other.segments], other.reach
        self.moved()

    def forget(self, index: int) -> None:
        """Take out all segments from a serial number on."""
        self.segments = [segment for segment in self.segments if segment.index < index]
        self.moved()

    def evict(self) -> list[tuple[Segment, int]]:
        """Let the policy choose among the closed segments.

        Returns:
            The segments that lost entries, oldest first, as they were, each with the number that stays of it.
        """
        lost: list[tuple[Segment, int]] = []
        groups: dict[str, list[Segment]] = {}
        for segment in self.segments:
            if segment.closed:
                groups.setdefault(self.policy.group(segment.kind), []).append(segment)
        stays: dict[int, int] = {}
        for name, group in groups.items():
            kept = self.policy.keeps[name].choose(group, self.grid)
            stays.update({segment.index: length for segment, length in zip(group, kept, strict=True)})
        for segment in list(self.segments):
            length = stays.get(segment.index, segment.length)
            if length == segment.length:
                continue
            lost.append((segment.copy(), length))
            segment.extent = min(segment.extent, length)
            segment.length = length
            segment.slots = segment.slots[: -(-length // self.grid.block)]
        if lost:
            self.segments = [segment for segment in self.segments if segment.length or not segment.closed]
            self.moved()
        return lost

    def moved(self) -> None:
        """Bases may have changed: forget what was worked out from them."""
        self._turns.clear()
        self._bases = self._used = None

    def bases(self) -> list[int]:
        """Position of offset 0 of each segment."""
        if self._bases is None:
            bases = list(self.policy.place.bases(self.segments))
            if len(bases) != len(self.segments) or not all(isinstance(base, int) for base in bases):
                name = type(self.policy.place).__name__
                raise ConfigError(f"place {name}: bases returns one whole number a segment, not {bases!r}")
            self._bases = bases
        return self._bases

    def turns(self, rotary: Rotary, like: Tensor) -> Tensor:
        """Complex [used, 1, 1, dim / 2]: what turns a query of the last segment so that it reads each slot.

        Args:
            rotary: the site's.
            like: gives dtype and device.
        """
        found = self._turns.get(id(rotary))
        if found is None:
            bases = self.bases()
            steps = np.zeros((self.used, 1), np.int64)
            for segment, base in zip(self.segments, bases, strict=True):
                steps[segment.slots] = bases[-1] - base
            wide = torch.from_numpy(steps).expand(-1, rotary.axis_count)
            found = self._turns[id(rotary)] = rotary.turn(wide)[:, None, None].to(like.device, like.dtype)
        return found

    def bias(self, offset: int, n: int, window: int | None, like: Tensor) -> Tensor:
        """[n, used x block]: 0 for entries that queries at offset, offset + 1, … of the last segment see, else -inf.

        Args:
            offset: of the first query; its entry and those of its n - 1 followers are written already.
            n: queries.
            window: of a site that looks back so many positions only, itself included.
            like: gives dtype and device.
        """
        seen = torch.from_numpy(self._seen(offset, n, window))
        return torch.zeros(seen.shape, dtype=like.dtype).masked_fill_(~seen, float("-inf")).to(like.device)

    def check(self) -> None:
        """StateError unless the table is consistent: each slot held once, all within the limit, rows in order."""
        slots = [slot for segment in self.segments for slot in segment.slots]
        indices = [segment.index for segment in self.segments]
        wrong = {
            "a slot is held twice": len(slots) != len(set(slots)),
            "a slot lies beyond the limit": self.used > self.limit,
            "a segment overflows its slots": any(s.length > len(s.slots) * self.grid.block for s in self.segments),
            "an open segment is not the last": not all(s.closed for s in self.segments[:-1]),
            "segments are out of order": indices != sorted(set(indices)),
        }
        for what, found in wrong.items():
            if found:
                raise StateError(f"state: the segment table is not consistent: {what}")

    def _seen(self, offset: int, n: int, window: int | None) -> npt.NDArray[np.bool_]:
        last, block = self.segments[-1], self.grid.block
        lengths = np.zeros(self.used, np.int64)
        for segment in self.segments[:-1]:
            if self.policy.see.allows(last.stream, segment.stream):
                for j, slot in enumerate(segment.slots):
                    lengths[slot] = min(segment.length - j * block, block)
        within = np.arange(block)
        seen = np.broadcast_to((within < lengths[:, None]).reshape(1, -1), (n, self.used * block)).copy()
        upto = np.full(n, offset + n - 1) if self.policy.see.whole else np.arange(offset, offset + n)
        for j, slot in enumerate(last.slots):
            seen[:, slot * block : (slot + 1) * block] = within + j * block <= upto[:, None]
        if window is not None:
            places = np.zeros(self.used * block, np.int64)
            for segment, base in zip(self.segments, self.bases(), strict=True):
                for j, slot in enumerate(segment.slots):
                    places[slot * block : (slot + 1) * block] = base + j * block + within
            own = self.bases()[-1] + np.arange(offset, offset + n)
            seen &= own[:, None] - places < window
        return seen
