"""AdjacentMerge: the two most similar neighbours in time become one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from headrace.core.stateful import Snapshot
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.tokenmemory import COUNTERS, TokenMemory
from headrace.understanding.tokens import Cue, Rows, TokenAdmission

Indices = npt.NDArray[np.intp]
#: Names of the arrays that make the state.
STATE = (
    "features", "time", "first", "last", "weight", "score", "alike", "before", "after", "tail", "spare", "count",
)  # fmt: skip


class AdjacentMerge(TokenMemory):
    """Every cell has a chain of its tokens in time; a full chain merges its most similar neighbours. Stateful.

    The memory bank of MA-LMM (He et al., CVPR 2024, arXiv 2404.05726, section 3.2): a new token is appended at its
    cell, and where a chain is then longer than it may be, the two neighbours in time with the greatest cosine become
    their mean. MovieChat (Song et al., CVPR 2024, arXiv 2307.16449) merges whole frames by the same rule. Both take
    plain means; here they are means by weight, so that no token counts less because it merged early.

    Args:
        budget: rows in all; each of the grid's cells has an equal share, so at least one a cell.
    """

    kind = "adjacent"
    whole = True

    def __init__(self, grid: Grid, budget: int) -> None:
        super().__init__(grid, budget, least=grid.cells)
        self.length = budget // grid.cells
        self.reset()

    def reset(self) -> None:
        self.forgotten = 0.0
        shape = (self.grid.cells, self.length + 1)
        self._features = np.zeros((*shape, self.grid.size), np.float32)
        self._time = np.zeros(shape)
        self._first, self._last = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        self._weight, self._score = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        #: Cosine of each token and the one after it; -inf at the end of a chain and where no token is.
        self._alike = np.full(shape, -np.inf, np.float32)
        self._before, self._after = np.full(shape, -1, np.int32), np.full(shape, -1, np.int32)
        #: The newest token of each chain, the place that its next one takes, and how many it has.
        self._tail = np.full(self.grid.cells, -1, np.int32)
        self._spare, self._count = np.zeros(self.grid.cells, np.int32), np.zeros(self.grid.cells, np.int32)

    def held(self) -> float:
        return float(self._weight.sum(dtype=np.float64))

    def _take(self, what: TokenAdmission) -> None:
        cells = np.flatnonzero(what.admitted)
        at, tail = self._spare[cells], self._tail[cells]
        self._features[cells, at] = what.tokens.features.reshape(self.grid.cells, -1)[cells]
        for array in (self._time, self._first, self._last):
            array[cells, at] = what.pts
        self._weight[cells, at], self._score[cells, at] = 1, what.score
        self._before[cells, at], self._after[cells, at] = tail, -1
        self._alike[cells, at] = -np.inf
        self._tail[cells] = at
        self._count[cells] += 1
        known = tail >= 0
        self._after[cells[known], tail[known]] = at[known]
        self._compare(cells[known], tail[known])
        full = self._count[cells] > self.length
        self._spare[cells[~full]] = self._count[cells[~full]]
        if full.any():
            self._merge(cells[full])

    def _merge(self, cells: Indices) -> None:
        """One merge in each of these chains."""
        one = self._alike[cells].argmax(axis=1)
        two = self._after[cells, one]
        old, new = self._weight[cells, one], self._weight[cells, two]
        share = new / (old + new)
        features = self._features[cells, one] * (1 - share)[:, None] + self._features[cells, two] * share[:, None]
        self._features[cells, one] = features
        time = self._time[cells, one]
        self._time[cells, one] = time + (self._time[cells, two] - time) * share
        self._first[cells, one] = np.minimum(self._first[cells, one], self._first[cells, two])
        self._last[cells, one] = np.maximum(self._last[cells, one], self._last[cells, two])
        self._weight[cells, one] = old + new
        self._score[cells, one] = np.where(new > old, self._score[cells, two], self._score[cells, one])
        after = self._after[cells, two]
        self._after[cells, one], self._alike[cells, one] = after, -np.inf
        inner = after >= 0
        self._before[cells[inner], after[inner]] = one[inner]
        self._tail[cells[~inner]] = one[~inner]
        self._compare(cells[inner], one[inner])
        before = self._before[cells, one]
        inner = before >= 0
        self._compare(cells[inner], before[inner])
        self._weight[cells, two], self._alike[cells, two] = 0, -np.inf
        self._count[cells] -= 1
        self._spare[cells] = two

    def _compare(self, cells: Indices, at: npt.NDArray[Any]) -> None:
        """Cosines of tokens and those after them."""
        one, two = self._features[cells, at], self._features[cells, self._after[cells, at]]
        lengths = np.einsum("nd,nd->n", one, one) * np.einsum("nd,nd->n", two, two)
        self._alike[cells, at] = np.einsum("nd,nd->n", one, two) / np.sqrt(np.maximum(lengths, 1e-12))

    def _found(self, query: Cue) -> Rows:
        cells, at = np.nonzero(self._weight)
        seen = self.grid.sense == "sight"
        place = np.stack(np.divmod(cells, self.grid.columns), axis=1) if seen else np.full((len(cells), 2), -1)
        rows = Rows.of(self._features[cells, at], place, 0, self.grid.sense)
        first, last = self._first[cells, at], self._last[cells, at]
        rows.time = np.clip(np.rint(self._time[cells, at]).astype(np.int64), first, last)
        rows.first, rows.last = first, last
        rows.weight, rows.score = self._weight[cells, at], self._score[cells, at]
        return rows

    def _dump(self) -> Snapshot:
        return Snapshot(self.kind, {}, {name: getattr(self, f"_{name}").copy() for name in STATE})

    def _load(self, snapshot: Snapshot) -> None:
        for name in STATE:
            setattr(self, f"_{name}", snapshot.arrays[name].copy())

    def nbytes(self) -> int:
        return sum(getattr(self, f"_{name}").nbytes for name in STATE) + COUNTERS

    def max_bytes(self) -> int:
        return self.nbytes()
