"""Reservoir: items drawn uniformly over all time, and the newest."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import pairwise

import numpy as np

from headrace.core.stateful import Snapshot
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.tokenmemory import COUNTERS, TokenMemory
from headrace.understanding.tokens import Cue, Rows, TokenAdmission

#: Bytes beside the rows of one item: its key, its number and how many rows it has.
ENTRY = 24


class Reservoir(TokenMemory):
    """A uniform sample of all items so far; what was admitted of an item stays or goes as one. Stateful.

    Every item gets a random key when it is no longer the newest. The items with the smallest keys stay, as many as
    fit; a key above one that ever had to leave is refused. Where all items are equally large, this has the
    distribution of Algorithm R (Vitter, "Random sampling with a reservoir", ACM TOMS 1985); where gates admit parts
    of them, the room is still used in full (Ting, "Adaptive threshold sampling", SIGMOD 2022).

    Args:
        budget: rows in all, those of the newest item included; twice the cells of the grid or more.
        seed: of the keys.
    """

    kind = "reservoir"

    def __init__(self, grid: Grid, budget: int, seed: int = 0) -> None:
        super().__init__(grid, budget, least=2 * grid.cells)
        self.seed = seed
        self.reset()

    def reset(self) -> None:
        from headrace.state.rng import Rng

        self.forgotten = 0.0
        self._rng = Rng(self.seed)
        self._threshold = 1.0
        self._sample: list[tuple[float, int, Rows]] = []
        self._newest = Rows.none(self.grid.size)
        self._count = 0

    def held(self) -> float:
        return float(self._all().weight.sum(dtype=np.float64))

    def _take(self, what: TokenAdmission) -> None:
        if len(self._newest):
            self._offer(self._newest)
        self._newest = what.rows()

    def _offer(self, rows: Rows) -> None:
        key, number = self._rng.uniform(), self._rng.counter
        if key >= self._threshold:
            self._forget(rows)
            return
        heappush(self._sample, (-key, number, rows))
        self._count += len(rows)
        while self._count > self.budget - self.grid.cells:
            key, _, rows = heappop(self._sample)
            self._threshold = -key
            self._count -= len(rows)
            self._forget(rows)

    def _forget(self, rows: Rows) -> None:
        self.forgotten += float(rows.weight.sum(dtype=np.float64))

    def _all(self) -> Rows:
        return Rows.join((*(rows for _, _, rows in self._ordered()), self._newest))

    def _ordered(self) -> list[tuple[float, int, Rows]]:
        return sorted(self._sample, key=lambda entry: entry[1])

    def _found(self, query: Cue) -> Rows:
        return self._all() if self._count or len(self._newest) else Rows.none(self.grid.size)

    def _dump(self) -> Snapshot:
        ordered = self._ordered()
        arrays = Rows.join(rows for _, _, rows in ordered).arrays("sample.") | self._newest.arrays("newest.")
        arrays["keys"] = np.array([key for key, _, _ in ordered], np.float64)
        arrays["numbers"] = np.array([number for _, number, _ in ordered], np.int64)
        arrays["counts"] = np.array([len(rows) for _, _, rows in ordered], np.int64)
        return Snapshot(self.kind, {"rng": self._rng.snapshot().meta, "threshold": self._threshold}, arrays)

    def _load(self, snapshot: Snapshot) -> None:
        arrays = snapshot.arrays
        self._rng.restore(Snapshot("rng", snapshot.meta["rng"]))
        self._threshold = snapshot.meta["threshold"]
        rows, ends = Rows.restored(arrays, "sample."), np.cumsum([0, *arrays["counts"]])
        parts = [rows[start:end] for start, end in pairwise(ends)]
        self._sample = list(zip(arrays["keys"].tolist(), arrays["numbers"].tolist(), parts, strict=True))
        heapify(self._sample)
        self._count, self._newest = len(rows), Rows.restored(arrays, "newest.")

    def _made(self) -> dict[str, object]:
        return super()._made() | {"seed": self.seed}

    def nbytes(self) -> int:
        rows = self._count + len(self._newest)
        return rows * self.grid.row_bytes + len(self._sample) * ENTRY + self._rng.nbytes() + COUNTERS

    def max_bytes(self) -> int:
        return self.budget * (self.grid.row_bytes + ENTRY) + self._rng.nbytes() + COUNTERS
