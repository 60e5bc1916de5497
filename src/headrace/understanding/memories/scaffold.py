"""Scaffold: events, and events of events, as far back as the stream goes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.core.stateful import Snapshot
from headrace.understanding.memories.canvas import Canvas
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.neighbours import unit
from headrace.understanding.memories.segmenter import Segmenter
from headrace.understanding.memories.tokenmemory import COUNTERS, TokenMemory
from headrace.understanding.tokens import Cue, Rows, TokenAdmission

#: Rows of one cell are preferred for merging by this much cosine over rows of two.
APART = 0.5


class Scaffold(TokenMemory):
    """VideoScaffold's hierarchy (a reconstruction from its abstract); Stateful.

    Within an event, a token that looks as its cell did goes into the row of that cell; one that does not begins a row.
    A `Segmenter` says where events begin; an event also ends when it has twice as many rows as the grid has cells.
    Closed events stand in the first level. Each level has an equal share of the budget: where it has more, its two
    oldest events are consolidated into one of half their rows by merging what is most alike, which goes up a level.
    In the last one those two neighbours are consolidated, and stay, that together stand for the least time. Nothing is
    forgotten, all is merged.

    Args:
        budget: rows in all.
        levels: levels of the hierarchy.
        same: least cosine at which a token goes on with a row of its event.
        deviations, growth, scale: see `Segmenter`.
    """

    kind = "scaffold"
    whole = True

    def __init__(
        self,
        grid: Grid,
        budget: int,
        levels: int = 3,
        same: float = 0.8,
        deviations: float = 3.0,
        growth: float = 0.5,
        scale: int = 60 * SECOND,
    ) -> None:
        if levels < 1 or not -1 <= same <= 1:
            raise ConfigError(f"scaffold: levels={levels}, same={same}; use 1 or more, and a cosine")
        self.widest = 2 * grid.cells
        super().__init__(grid, budget, least=self.widest * (levels + 1))
        self.levels, self.same = levels, same
        self.room = (budget - self.widest) // levels
        self._segmenter = Segmenter(grid.size, deviations, growth, scale)
        self.reset()

    def reset(self) -> None:
        self.forgotten = 0.0
        self._canvas = Canvas(self.grid)
        self._segmenter = self._segmenter.fork()
        self._segmenter.reset()
        self._levels: list[list[Rows]] = [[] for _ in range(self.levels)]
        self._open = Rows.none(self.grid.size)
        #: The row of the open event that each cell goes on with; -1: none.
        self._row = np.full(self.grid.cells, -1, np.int64)

    def held(self) -> float:
        parts = (self._open, *(event for level in self._levels for event in level))
        return sum(float(part.weight.sum(dtype=np.float64)) for part in parts)

    def _take(self, what: TokenAdmission) -> None:
        self._canvas.paint(what)
        seen = self._canvas.last >= 0
        if self._segmenter.see(what.pts, self._canvas.features[seen].mean(axis=0)):
            self._close()
        cells = np.flatnonzero(what.admitted)
        rows, known = what.rows(), self._row[cells]
        again = known >= 0
        if again.any():
            alike = (unit(self._open.features[known[again]]) * unit(rows.features[again])).sum(axis=1) >= self.same
            again[again] = alike
            self._go_on(known[again], rows[again])
        fresh = ~again
        if fresh.any():
            if len(self._open) + fresh.sum() > self.widest:
                self._close()
            self._row[cells[fresh]] = len(self._open) + np.arange(fresh.sum())
            self._open = Rows.join((self._open, rows[fresh])) if len(self._open) else rows[fresh]

    def _go_on(self, at: Any, new: Rows) -> None:
        """Let rows of the open event take in one token each; they are the memory's own, no view holds them."""
        if not len(at):
            return
        rows, weight = self._open, self._open.weight[at]
        share = 1 / (weight + 1)
        rows.features[at] += share[:, None] * (new.features - rows.features[at])
        rows.time[at] += np.rint((new.time - rows.time[at]) * share.astype(np.float64)).astype(np.int64)
        rows.first[at] = np.minimum(rows.first[at], new.first)
        rows.last[at] = np.maximum(rows.last[at], new.last)
        rows.weight[at] = weight + 1

    def _close(self) -> None:
        """The open event goes to the first level, and what that has no room for up."""
        if not len(self._open):
            return
        event, self._open = self._open, Rows.none(self.grid.size)
        self._row[:] = -1
        self._rise(0, event)

    def _rise(self, number: int, event: Rows) -> None:
        """Put an event into a level, and what that has no room for into the next."""
        level = self._levels[number]
        level.append(event)
        while sum(map(len, level)) > self.room:
            at = 0 if number + 1 < self.levels else self._briefest(level)
            pair = Rows.join(level[at : at + 2])
            level[at : at + 2] = []
            made = consolidated(pair, min(self.widest, max(1, len(pair) // 2)))
            if number + 1 < self.levels:
                self._rise(number + 1, made)
            else:
                level.insert(at, made)

    @staticmethod
    def _briefest(level: list[Rows]) -> int:
        """The first of the two neighbours that together stand for the least time."""
        spans = [int(two.last.max() - one.first.min()) for one, two in pairwise(level)]
        return int(np.argmin(spans)) if spans else 0

    def sizes(self) -> list[int]:
        """Rows of the open event, then of each level, the most recent first."""
        return [len(self._open), *(sum(map(len, level)) for level in self._levels)]

    def _found(self, query: Cue) -> Rows:
        return Rows.join((*(event for level in reversed(self._levels) for event in level), _copy(self._open)))

    # -- Stateful -----------------------------------------------------------------------------

    def _dump(self) -> Snapshot:
        events = [event for level in self._levels for event in level]
        arrays = self._canvas.arrays() | Rows.join(events).arrays("events.") | self._open.arrays("open.")
        arrays["counts"] = np.array([len(event) for event in events], np.int64)
        arrays["row"] = self._row.copy()
        arrays["predicted"] = self._segmenter.snapshot().arrays["predicted"]
        meta = {"levels": [len(level) for level in self._levels], "segmenter": self._segmenter.snapshot().meta}
        return Snapshot(self.kind, meta, arrays)

    def _load(self, snapshot: Snapshot) -> None:
        arrays, meta = snapshot.arrays, snapshot.meta
        self._canvas.load(arrays)
        self._segmenter.restore(Snapshot("segmenter", meta["segmenter"], {"predicted": arrays["predicted"]}))
        rows, ends = Rows.restored(arrays, "events."), np.cumsum([0, *arrays["counts"]])
        events = iter([rows[start:end] for start, end in pairwise(ends)])
        self._levels = [[next(events) for _ in range(count)] for count in meta["levels"]]
        self._open, self._row = Rows.restored(arrays, "open."), arrays["row"].copy()

    def _made(self) -> dict[str, Any]:
        return super()._made() | {"depth": self.levels}

    def nbytes(self) -> int:
        rows = len(self._open) + sum(len(event) for level in self._levels for event in level)
        return rows * self.grid.row_bytes + self._fixed()

    def max_bytes(self) -> int:
        return self.budget * self.grid.row_bytes + self._fixed()

    def _fixed(self) -> int:
        return self._canvas.nbytes + self._row.nbytes + self._segmenter.max_bytes() + COUNTERS


def consolidated(rows: Rows, count: int) -> Rows:
    """At most `count` rows: the most alike merge first, those of one cell before those of two."""
    groups = np.arange(len(rows))
    means, weight = rows.features.copy(), rows.weight.copy()
    cosine = unit(means) @ unit(means).T
    other = (rows.place[:, None] != rows.place).any(axis=2)
    cosine -= np.float32(APART) * other
    np.fill_diagonal(cosine, -np.inf)
    for _ in range(len(rows) - count):
        one, two = sorted(divmod(int(cosine.argmax()), len(rows)))
        share = weight[two] / (weight[one] + weight[two])
        means[one] += share * (means[two] - means[one])
        weight[one] += weight[two]
        groups[groups == two] = one
        gone = np.isneginf(cosine[one])
        fresh = unit(means) @ unit(means[one]) - np.float32(APART) * other[one]
        fresh[gone] = -np.inf
        cosine[one], cosine[:, one] = fresh, fresh
        cosine[two], cosine[:, two] = -np.inf, -np.inf
    return rows.merged(np.unique(groups, return_inverse=True)[1])


def _copy(rows: Rows) -> Rows:
    return Rows(**rows.arrays())
