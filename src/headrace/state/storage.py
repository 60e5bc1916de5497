"""Storage: segment tables and the entries they speak of, for all sites of one session."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from headrace.core.errors import CapacityError, ConfigError, StateError
from headrace.core.stateful import Array
from headrace.state.kv import KV
from headrace.state.layout import Layout
from headrace.state.policy import Budget, Policy
from headrace.state.queries import LastQueries
from headrace.state.segment import Segment
from headrace.state.table import SegmentTable
from headrace.state.tensors import from_array, to_array


@dataclass(frozen=True)
class Mark:
    """A state of the tables to which one can return, and copies of the entries that closing a segment may change.

    Attributes:
        tables: one a table.
        pins: (site, slots, keys, values) of pinned segments, if the policy folds into them.
    """

    tables: list[SegmentTable]
    pins: list[tuple[int, list[int], Tensor, Tensor]]


class Storage:
    """Where entries lie and which segments they belong to; it knows of no transaction.

    At grain "row" all sites share one table; at grain "layer" each has its own, and their open segments go in step.
    This is the seam at which another way to store entries (pages on a device) would come in.

    Args:
        layout: the sites.
        policy: what to keep.
        budget: what that comes to.
    """

    def __init__(self, layout: Layout, policy: Policy, budget: Budget) -> None:
        self.layout, self.policy, self.budget = layout, policy, budget
        count = len(layout.sites) if policy.grain == "layer" else 1
        self.tables = [SegmentTable(policy, budget.grid, budget.slots) for _ in range(count)]
        self.kvs = [KV(site, layout, policy.block, budget.slots) for site in layout.sites]
        self.queries = LastQueries(layout, budget.queries)

    @property
    def open(self) -> Segment | None:
        """The segment that is being written, if one is."""
        return self.tables[0].open

    def table(self, site: int) -> SegmentTable:
        """The table of a site."""
        return self.tables[site if len(self.tables) > 1 else 0]

    def begin(self, segment: Segment, entries: int, mark: Mark | None = None) -> None:
        """Open a segment with room for so many entries; CapacityError if there is none, and nothing is changed.

        Args:
            mark: what must stay there to return to.
        """
        try:
            for number, table in enumerate(self.tables):
                table.begin(segment.copy(), entries, mark.tables[number].slots if mark is not None else ())
        except CapacityError:
            self.forget(segment.index)
            raise

    def forget(self, index: int) -> None:
        """Take out all segments from a serial number on."""
        for table in self.tables:
            table.forget(index)

    def write(self, site: int, offset: int, keys: Tensor, values: Tensor) -> None:
        """Write entries into the open segment, from an offset on: keys [kv_heads, n, key_dim], values likewise."""
        table = self.table(site)
        self.kvs[site].reserve(table.used)
        self.kvs[site].write(table.segments[-1].slots, offset, keys, values)

    def clear(self, start: int, stop: int) -> None:
        """Make entries of the open segment zero."""
        for site, kv in enumerate(self.kvs):
            slots = self.table(site).segments[-1].slots
            written = sum(slot < kv.slots for slot in slots) * kv.block
            if start < written:
                kv.clear(slots, start, min(stop, written))

    def extend(self, length: int, extent: int, pts: int, inputs: Sequence[int] | None) -> None:
        """The open segment now has so many entries; `inputs` came with the new ones, if they are kept."""
        for table in self.tables:
            segment = table.segments[-1]
            table.reach = table.used
            segment.length, segment.extent, segment.last = length, max(segment.extent, extent), pts
            if inputs is not None:
                segment.inputs = [*(segment.inputs or ()), *inputs]

    def close(self, folded: int) -> tuple[int, int]:
        """Close the open segment: score, evict, fold.

        Args:
            folded: how many segments were folded before.

        Returns:
            Entries that were dropped (at the first site), and segments that were folded.
        """
        self._score()
        for table in self.tables:
            table.segments[-1].closed = True
        lost = [table.evict() for table in self.tables]
        if any(lost):
            self._settle()
        counts = [self._fold(number, gone, folded) for number, gone in enumerate(lost)]
        return sum(segment.length - stays for segment, stays in lost[0]), counts[0]

    def mark(self) -> Mark:
        """What to keep in order to undo a `close`."""
        tables = [SegmentTable(self.policy, self.budget.grid, self.budget.slots) for _ in self.tables]
        for copy, table in zip(tables, self.tables, strict=True):
            copy.take(table)
        pins = [
            (site, list(segment.slots), *kv.read(segment.slots, segment.length))
            for site, kv in enumerate(self.kvs if self.policy.fold.into_pins else ())
            for segment in self.table(site).segments
            if segment.pinned
        ]
        return Mark(tables, pins)

    def revert(self, mark: Mark) -> None:
        """Undo all since a mark; what was written since then lies in slots that the mark does not use."""
        self.tables = mark.tables
        for site, slots, keys, values in mark.pins:
            self.kvs[site].write(slots, 0, keys, values)

    # ── copies and files ─────────────────────────────────────────────────────────────────────────────────────────

    def take(self, other: Storage) -> None:
        """Copy the content of another of the same layout and grain."""
        for mine, theirs in zip(self.tables, other.tables, strict=True):
            mine.take(theirs)
        for kv, held in zip(self.kvs, other.kvs, strict=True):
            kv.take(held)
        for buffer, source in zip(self.queries.buffers, other.queries.buffers, strict=True):
            buffer.copy_(source)

    def rows(self) -> list[dict[str, Any]]:
        """All tables, as JSON."""
        return [{"reach": t.reach, "rows": [segment.to_json() for segment in t.segments]} for t in self.tables]

    def arrays(self) -> tuple[dict[str, Array], str]:
        """Valid entries and kept queries by name, and the name of their type."""
        arrays: dict[str, Array] = {}
        dtype = ""
        for number, kv in enumerate(self.kvs):
            keys, values = kv.gather((segment.slots, segment.length) for segment in self.table(number).segments)
            arrays[f"keys.{number}"], dtype = to_array(keys)
            arrays[f"values.{number}"], _ = to_array(values)
            if self.queries.count:
                arrays[f"queries.{number}"], _ = to_array(self.queries.buffers[number])
        return arrays, dtype

    def load(self, rows: list[dict[str, Any]], arrays: Mapping[str, Array], dtype: str) -> None:
        """Fill this fresh storage from `rows` and `arrays`; any error means that they do not fit."""
        if len(rows) != len(self.tables):
            raise ValueError(f"{len(rows)} segment tables, not {len(self.tables)}")
        names = ("keys", "values", "queries") if self.queries.count else ("keys", "values")
        if set(arrays) != {f"{name}.{number}" for name in names for number in range(len(self.kvs))}:
            raise ValueError("it has other arrays than a model with these sites")
        for table, own in zip(self.tables, rows, strict=True):
            table.segments, table.reach = [Segment.from_json(row) for row in own["rows"]], int(own["reach"])
            table.moved()
            table.check()
        for number, kv in enumerate(self.kvs):
            table = self.table(number)
            kv.reserve(table.used)
            keys, values = (from_array(arrays[f"{name}.{number}"], dtype) for name in ("keys", "values"))
            kv.scatter([(segment.slots, segment.length) for segment in table.segments], keys, values)
            if not (bool(keys.isfinite().all()) and bool(values.isfinite().all())):
                raise ValueError("its entries are not finite")
            if self.queries.count:
                held, buffer = from_array(arrays[f"queries.{number}"], dtype), self.queries.buffers[number]
                if held.shape != buffer.shape:
                    raise ValueError(f"its queries have the shape {tuple(held.shape)}, not {tuple(buffer.shape)}")
                buffer.copy_(held)

    def release(self) -> None:
        """Let go of the entries; the tables stay."""
        self.kvs = [KV(site, self.layout, self.policy.block, self.budget.slots) for site in self.layout.sites]

    def nbytes(self) -> int:
        """Bytes of the tensors."""
        return sum(tensor.nbytes for tensor in self.tensors())

    def tensors(self) -> list[Tensor]:
        """Everything that is held: in the steady state these stay the same."""
        return [tensor for kv in self.kvs for tensor in (kv.keys, kv.values)] + self.queries.buffers

    def check(self) -> None:
        """StateError unless the tables are consistent, each within its limits and all in step."""
        for table in self.tables:
            table.check()
        if len({(table.open.index, table.open.length) if table.open else None for table in self.tables}) != 1:
            raise StateError("state: the segment tables are out of step")
        if self.open is not None and self.open.length >= self.policy.block and not self.policy.atomic(self.open.kind):
            raise StateError("state: the open segment is full")

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _sites(self, number: int) -> Sequence[int]:
        """The sites of a table."""
        return range(len(self.kvs)) if len(self.tables) == 1 else (number,)

    def _settle(self) -> None:
        """Take the final size: from the first eviction on, shapes are constant."""
        for table in self.tables:
            table.reach = table.limit
            table.moved()
        for kv in self.kvs:
            kv.reserve(kv.limit)

    def _score(self) -> None:
        """Renew the scores of all segments, that of the one that closes included."""
        for number, table in enumerate(self.tables):
            masses = [0.0] * len(table.segments)
            if self.queries.count:
                found = [self.queries.masses(site, table, self.kvs[site]) for site in self._sites(number)]
                masses = torch.stack(found).mean(0).tolist()
            for segment, mass in zip(table.segments, masses, strict=True):
                score = self.policy.keeps[self.policy.group(segment.kind)].score
                if score is not None:
                    new = score.renew(segment, mass)
                    if not isinstance(new, int | float) or not math.isfinite(new):
                        raise ConfigError(f"score {type(score).__name__} gave {new!r}; renew returns a finite number")
                    segment.score = float(new)

    def _together(self, one: Segment, other: Segment) -> bool:
        """Whether two segments share a budget, and may be mixed: what one stream must not see stays out of it."""
        same = self.policy.group(one.kind) == self.policy.group(other.kind)
        return same and (not self.policy.by_stream or one.stream == other.stream)

    def _fold(self, number: int, lost: Sequence[tuple[Segment, int]], folded: int) -> int:
        """Fold segments that left whole into the pinned ones in turn; returns how many."""
        table, before = self.tables[number], folded
        for gone, stays in lost if self.policy.fold.into_pins else ():
            pins = [s for s in table.segments if s.pinned == s.length == gone.length and self._together(s, gone)]
            if stays or not pins:
                continue
            into = pins[folded % len(pins)]
            folded += 1
            into.weight += gone.weight
            for site in self._sites(number):
                kv = self.kvs[site]
                kept, leaving = kv.read(into.slots, into.length), kv.read(gone.slots, gone.length)
                keys, values = (self.policy.fold.mix(a, b) for a, b in zip(kept, leaving, strict=True))
                kv.write(into.slots, 0, keys, values)
        return folded - before
