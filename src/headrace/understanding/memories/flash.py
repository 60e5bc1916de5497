"""Flash: four memories of one stream: the frame, its history in clusters, a gist, and frames to look up."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from headrace.core.errors import ConfigError
from headrace.core.stateful import Snapshot
from headrace.understanding.memories.canvas import Canvas
from headrace.understanding.memories.gist import Gist
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.pooling import Pooling
from headrace.understanding.memories.tokenmemory import COUNTERS, TokenMemory
from headrace.understanding.tokens import Cue, Rows, TokenAdmission

#: Rounds of k-means after a frame, at most.
ROUNDS = 10
#: Arrays of the clusters, those of the exemplars (host) last.
STATE = ("points", "norms", "weight", "cells", "time", "first", "last", "frames", "stamps")


class Flash(TokenMemory):
    """Flash-VStream's memories (Zhang et al., arXiv 2406.08085, section 3.2); Stateful.

    - spatial: the current frame, whole.
    - temporal: frames pooled to `pool`, in `clusters` clusters by weighted k-means.
    - abstract: `slots` vectors for whole frames, see `Gist`.
    - retrieved: the whole frames nearest to the `looked_up` heaviest clusters, fetched when read.

    All four can be read after any write. k-means starts from all points but one, which is drawn from the seed; old
    clusters come with the weight of all they stand for. Then Lloyd's rounds have only this to do: the point left out
    joins its nearest cluster, and the point it met there may move on to another. Each cluster keeps, on the host,
    the frame nearest to it among those it had: so the frames to look up are bounded. Between frames that gates
    admitted in part, the cells that did not enter are as they were.

    Args:
        budget: rows of all four together, at most.
        pool: rows and columns of a pooled frame.
        looked_up: 3 in the paper.
        slots: 25 in the paper.
        seed: of the draws.
    """

    kind = "flash"
    whole = True

    def __init__(
        self, grid: Grid, budget: int, pool: tuple[int, int], looked_up: int = 3, slots: int = 25, seed: int = 0
    ) -> None:
        if not (1 <= pool[0] <= grid.rows and 1 <= pool[1] <= grid.columns) or looked_up < 0 or slots < 1:
            raise ConfigError(f"flash: pool={pool}, looked_up={looked_up}, slots={slots} on a grid of {grid}")
        pooled = pool[0] * pool[1]
        fixed = (1 + looked_up) * grid.cells + slots
        super().__init__(grid, budget, least=fixed + max(1, looked_up) * pooled)
        self.clusters = (budget - fixed) // pooled
        self.pool, self.looked_up, self.slots, self.seed = pool, looked_up, slots, seed
        self._pooling = Pooling(grid, pool)
        self.reset()

    def reset(self) -> None:
        from headrace.state.rng import Rng

        self.forgotten = 0.0
        count, bins = self.clusters + 1, self.pool[0] * self.pool[1]
        self._rng, self._canvas, self._gist = Rng(self.seed), Canvas(self.grid), Gist(self.slots, self.grid.size)
        self._count = 0
        self._points = np.zeros((count, bins * self.grid.size), np.float32)
        self._norms = np.zeros(count, np.float32)
        #: Frames in each cluster, for its mean; tokens in each of its bins, for the weight of a row.
        self._weight, self._cells = np.zeros(count), np.zeros((count, bins), np.float32)
        self._time = np.zeros((count, bins))
        self._first, self._last = np.zeros((count, bins), np.int64), np.zeros((count, bins), np.int64)
        self._frames = np.zeros((count, self.grid.cells, self.grid.size), np.float32)
        self._stamps = np.full((count, self.grid.cells), -1, np.int64)

    def held(self) -> float:
        """Weight of the temporal rows; the others are of the same tokens."""
        return float(self._cells[: self._count].sum(dtype=np.float64))

    def _take(self, what: TokenAdmission) -> None:
        entered = self._canvas.paint(what)
        at = self._count
        point = self._pooling.mean(self._canvas.features).ravel()
        self._points[at], self._norms[at], self._weight[at] = point, point @ point, 1
        self._cells[at] = self._pooling.count(entered)
        self._time[at] = self._first[at] = self._last[at] = what.pts
        self._frames[at], self._stamps[at] = self._canvas.features, self._canvas.last
        self._count += 1
        self._gist.add(self._canvas.features[self._canvas.last >= 0].mean(axis=0), float(entered.sum()), what.pts)
        if self._count > self.clusters:
            self._cluster(min(int(self._rng.uniform() * self._count), self._count - 1))

    def _cluster(self, left_out: int) -> None:
        """Lloyd's rounds from all points but one: a chain of moves, each to a nearer cluster than the one before."""
        mover, partner = left_out, self._nearest(left_out)[0]
        for _ in range(ROUNDS):
            share = self._weight[mover] / (self._weight[mover] + self._weight[partner])
            to_mean = share * share * self._distance(mover, partner)
            other, distance = self._nearest(partner, but=mover)
            if not distance < to_mean:
                break
            mover, partner = partner, other
        self._join(min(mover, partner), max(mover, partner))

    def _distances(self, point: int) -> npt.NDArray[np.float32]:
        products = self._points[: self._count] @ self._points[point]
        return self._norms[: self._count] + (self._norms[point] - 2 * products)

    def _nearest(self, point: int, but: int = -1) -> tuple[int, float]:
        distances = self._distances(point)
        distances[point] = np.inf
        if but >= 0:
            distances[but] = np.inf
        at = int(distances.argmin())
        return at, float(distances[at])

    def _distance(self, one: int, two: int) -> float:
        gap = self._points[one] - self._points[two]
        return float(gap @ gap)

    def _join(self, one: int, two: int) -> None:
        """Two clusters become the first of them; the last of all takes the place of the second."""
        heavier = self._weight[one] + self._weight[two]
        mean = (self._points[one] * self._weight[one] + self._points[two] * self._weight[two]) / heavier
        exemplar = self._exemplar(one, two, mean)
        self._points[one], self._weight[one] = mean, heavier
        self._norms[one] = self._points[one] @ self._points[one]
        cells = self._cells[one] + self._cells[two]
        gain = np.divide(self._cells[two], cells, out=np.zeros_like(cells), where=cells > 0)
        self._time[one] += (self._time[two] - self._time[one]) * gain
        empty = self._cells[one] == 0
        fresh = self._cells[two] == 0
        first = np.where(empty, self._first[two], np.minimum(self._first[one], self._first[two]))
        last = np.where(empty, self._last[two], np.maximum(self._last[one], self._last[two]))
        self._first[one] = np.where(fresh, self._first[one], first)
        self._last[one] = np.where(fresh, self._last[one], last)
        self._cells[one] = cells
        self._frames[one], self._stamps[one] = self._frames[exemplar], self._stamps[exemplar]
        self._count -= 1
        for name in STATE:
            array = getattr(self, f"_{name}")
            array[two] = array[self._count]

    def _exemplar(self, one: int, two: int, mean: npt.NDArray[np.float32]) -> int:
        """Which of two clusters has the frame that is nearer to their common mean."""
        gaps = [self._pooling.mean(self._frames[each]).ravel() - mean for each in (one, two)]
        return one if float(gaps[0] @ gaps[0]) <= float(gaps[1] @ gaps[1]) else two

    # -- reading ------------------------------------------------------------------------------

    def _found(self, query: Cue) -> Rows:
        return Rows.join((self.spatial(), self.temporal(), self._gist.rows(self.grid.sense), self.retrieved()))

    def spatial(self) -> Rows:
        """The current frame, a row for each cell that ever entered."""
        return self._frame(self._canvas.features, self._canvas.last)

    def temporal(self) -> Rows:
        """A row for each bin of each cluster that something entered."""
        clusters, bins = np.nonzero(self._cells[: self._count])
        points = self._points.reshape(*self._cells.shape, -1)
        rows = Rows.of(points[clusters, bins], self._pooling.place(bins), 0, self.grid.sense)
        rows.first, rows.last = self._first[clusters, bins], self._last[clusters, bins]
        rows.time = np.clip(np.rint(self._time[clusters, bins]).astype(np.int64), rows.first, rows.last)
        rows.weight = self._cells[clusters, bins]
        return rows

    def abstract(self) -> Rows:
        """A row for each slot of the gist."""
        return self._gist.rows(self.grid.sense)

    def retrieved(self) -> Rows:
        """The frames of the heaviest clusters."""
        heaviest = np.lexsort((np.arange(self._count), -self._weight[: self._count]))[: self.looked_up]
        return Rows.join(self._frame(self._frames[each], self._stamps[each]) for each in heaviest)

    def _frame(self, features: npt.NDArray[np.float32], stamps: npt.NDArray[np.int64]) -> Rows:
        seen = np.flatnonzero(stamps >= 0)
        place = np.stack(np.divmod(seen, self.grid.columns), axis=1)
        rows = Rows.of(features[seen], place if self.grid.sense == "sight" else 0 * place - 1, 0, self.grid.sense)
        rows.time = rows.first = rows.last = stamps[seen]
        return rows

    # -- Stateful -----------------------------------------------------------------------------

    def _dump(self) -> Snapshot:
        arrays = {name: getattr(self, f"_{name}")[: self._count].copy() for name in STATE}
        arrays |= self._canvas.arrays() | self._gist.arrays()
        meta = {"rng": self._rng.snapshot().meta, "gist": self._gist.count}
        return Snapshot(self.kind, meta, arrays)

    def _load(self, snapshot: Snapshot) -> None:
        arrays = snapshot.arrays
        self._rng.restore(Snapshot("rng", snapshot.meta["rng"]))
        self._canvas.load(arrays)
        self._gist.load(arrays, snapshot.meta["gist"])
        self._count = len(arrays["points"])
        for name in STATE:
            getattr(self, f"_{name}")[: self._count] = arrays[name]

    def _made(self) -> dict[str, object]:
        mine = {"pool": list(self.pool), "looked_up": self.looked_up, "slots": self.slots, "seed": self.seed}
        return super()._made() | mine

    def tiers(self) -> Mapping[str, int]:
        host = self._frames.nbytes + self._stamps.nbytes
        return {"device": self.nbytes() - host, "host": host}

    def nbytes(self) -> int:
        held = sum(getattr(self, f"_{name}").nbytes for name in STATE)
        return held + self._canvas.nbytes + self._gist.nbytes + self._pooling.nbytes + COUNTERS

    def max_bytes(self) -> int:
        return self.nbytes()
