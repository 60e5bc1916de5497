"""Episodes: one row for each time that something was there, wherever it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.core.stateful import Snapshot
from headrace.understanding.admission import Floats
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.tokenmemory import COUNTERS, TokenMemory
from headrace.understanding.tokens import Cue, Rows, TokenAdmission

#: A full memory is thinned to this share of its budget, so that the cost is spread over the writes that fill it again.
LOW_WATER = 0.9
#: Rows of one look at one place up to which each is a visit of its own, not the ground that things stand on.
VISITS = 4
#: Share of the picture that must have stayed as it was for what changed to be something in the scene.
WIDE = 0.5


class Episodes(TokenMemory):
    """Keeps visits apart and lets the ground between them run together; Stateful.

    What enters at a cell extends the newest row there if it looks the same and came soon after, else it begins a row
    of its own: an episode. The newest row of every cell is what stands there now, and is never given up. When the
    budget is full, rows of one cell that look alike are thinned where there are most of them: two neighbours in time
    become one, with their weights added and their spans joined. What came back often at one place is the ground, which
    nobody counts; what came a few times are visits, which stay apart. Where no look has more than `VISITS` rows left,
    rows are forgotten and their weight is counted: first those that came with most of the picture, which is a cut or a
    camera that moves, then the oldest. A row's score is the share of the picture that stayed as it was when it came.

    Args:
        budget: rows that are kept; more than the grid has cells.
        same: least cosine of two tokens that look the same.
        gap: ns after which the same look is another episode.

    Raises:
        ConfigError: the budget is below the number of cells, or a number cannot be used.
    """

    kind = "episodes"

    def __init__(self, grid: Grid, budget: int, same: float = 0.85, gap: int = 3 * SECOND) -> None:
        super().__init__(grid, budget, least=2 * grid.cells)
        if not -1 <= same <= 1 or gap < 0:
            raise ConfigError(f"episodes: same={same}, gap={gap} ns: use a cosine from -1 to 1 and a gap of 0 or more")
        self.same, self.gap = same, gap
        self.reset()

    def reset(self) -> None:
        self.forgotten = 0.0
        self._rows = Rows.none(self.grid.size)
        self._newest: dict[tuple[int, int], int] = {}

    def held(self) -> float:
        return float(self._rows.weight.sum())

    def _take(self, what: TokenAdmission) -> None:
        new = replace(what.rows(), score=np.full(int(what.admitted.sum()), 1 - what.share, np.float32))
        known = np.array([self._newest.get((int(row), int(column)), -1) for row, column in new.place])
        again = known >= 0
        if again.any():
            old = self._rows[known[again]]
            alike = _cosine(old.features, new.features[again]) >= self.same
            came = new.time[again]
            again[again] = alike & (np.maximum(came - old.last, old.first - came) <= self.gap)
            self._extend(known[again], new[again])
        fresh = new[~again]
        start = len(self._rows)
        self._rows = Rows.join([self._rows, fresh]) if len(fresh) else self._rows
        for index, (row, column) in enumerate(fresh.place, start):
            self._newest[int(row), int(column)] = index
        if len(self._rows) > self.budget:
            self._thin(int(LOW_WATER * self.budget))

    def _found(self, query: Cue) -> Rows:
        return self._rows

    def _extend(self, places: npt.NDArray[np.intp], new: Rows) -> None:
        """Let rows go on: new arrays, so that views that were given stay as they are."""
        if not len(places):
            return
        rows = Rows(**self._rows.arrays())
        weight = rows.weight[places]
        share = (new.weight / (weight + new.weight))[:, None]
        mean = rows.features[places] * (1 - share) + new.features * share
        rows.features[places] = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
        first = np.minimum(rows.first[places], new.first)
        last = np.maximum(rows.last[places], new.last)
        rows.first[places], rows.last[places], rows.time[places] = first, last, first + (last - first) // 2
        rows.weight[places] = weight + new.weight
        self._rows = rows

    def _thin(self, low: int) -> None:
        """Merge what is the ground, then forget what is oldest; the newest row of a cell stays as it is."""
        self._merge_ground(low)
        over = len(self._rows) - low
        if over > 0:
            held = np.fromiter(self._newest.values(), int)
            free = np.setdiff1d(np.arange(len(self._rows)), held)
            local = self._rows.score[free] > WIDE
            gone = free[np.lexsort((self._rows.last[free], local))[:over]]
            self.forgotten += float(self._rows.weight[gone].sum())
            kept = np.ones(len(self._rows), bool)
            kept[gone] = False
            self._choose(np.where(kept, np.cumsum(kept) - 1, -1))

    def _merge_ground(self, low: int) -> None:
        """Pair up neighbours in time within the most frequent looks, until enough rows are gone."""
        looks = self._looks()
        while len(self._rows) > low:
            sizes = np.bincount(looks)
            most = int(sizes.max())
            if most <= VISITS:
                return
            groups = np.arange(len(self._rows))
            spare = len(self._rows) - low
            for look in np.flatnonzero(sizes == most):
                members = np.flatnonzero(looks == look)[:-1]
                pairs = min(len(members) // 2, spare)
                groups[members[1 : 2 * pairs : 2]] = members[0 : 2 * pairs : 2]
                spare -= pairs
                if spare <= 0:
                    break
            firsts, groups = np.unique(groups, return_inverse=True)
            looks = looks[firsts]
            self._choose(groups)

    def _looks(self) -> npt.NDArray[np.intp]:
        """The look of every row: rows of one cell whose features are alike have one number."""
        looks = np.zeros(len(self._rows), np.intp)
        unit = _unit(self._rows.features)
        _, cells = np.unique(self._rows.place, axis=0, return_inverse=True)
        count = 0
        for cell in range(int(cells.max()) + 1):
            left = np.flatnonzero(cells.ravel() == cell)
            while len(left):
                alike = unit[left] @ unit[left[-1]] >= self.same
                alike[-1] = True
                looks[left[alike]] = count
                count += 1
                left = left[~alike]
        return looks

    def _choose(self, groups: npt.NDArray[np.intp]) -> None:
        """Rows by their new number: equal numbers are merged, -1 is left out; numbers keep the order of time."""
        kept = groups >= 0
        self._rows = self._rows[kept].merged(groups[kept])
        self._newest = {cell: int(groups[index]) for cell, index in self._newest.items() if groups[index] >= 0}

    def _dump(self) -> Snapshot:
        newest = [[*cell, index] for cell, index in self._newest.items()]
        return Snapshot(self.kind, {"newest": newest}, self._rows.arrays())

    def _load(self, snapshot: Snapshot) -> None:
        self._rows = Rows.restored(snapshot.arrays)
        self._newest = {(row, column): index for row, column, index in snapshot.meta["newest"]}

    def nbytes(self) -> int:
        return self._rows.nbytes + 24 * len(self._newest) + COUNTERS

    def max_bytes(self) -> int:
        return self.budget * self.grid.row_bytes + 24 * (self.grid.cells + 1) + COUNTERS


def _unit(features: Floats) -> Floats:
    return np.asarray(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9), np.float32)


def _cosine(a: Floats, b: Floats) -> Floats:
    return np.asarray((_unit(a) * _unit(b)).sum(axis=1), np.float32)
