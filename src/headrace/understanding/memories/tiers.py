"""Tiers: what is now, what changed lately, and what mattered long ago."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from headrace.core.errors import ConfigError, StateError
from headrace.core.stateful import Snapshot
from headrace.understanding.admission import Floats, Mask
from headrace.understanding.memories.canvas import Canvas
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.neighbours import Neighbours, late, unit
from headrace.understanding.memories.otsu import otsu
from headrace.understanding.memories.pool import Pool
from headrace.understanding.memories.tokenmemory import COUNTERS, TokenMemory
from headrace.understanding.tokens import Cue, Rows, TokenAdmission
from headrace.understanding.tokens.rows import SENSES

#: Tokens of a frame from which the best of each quadrant stay as they are; below it they are clustered.
MANY = 20
#: A frame this many times as different as frames are on average begins a scene.
SCENE = 1.5
#: Weight of the newest moment in the running mean of scores.
ALPHA = 0.2


class SemanticTiers(TokenMemory):
    """SAVEMem's three tiers, shaped by pseudo-questions, and its retrieval gated by recency; Stateful.

    - short: the last `short` frames, whole.
    - middle: of each of the next `middle` frames the tokens that changed: whose distance to the most similar token of
      the 3 x 3 around them, in the frame before or the frame after, is at or above Otsu's cut of that frame; except
      those that are still too similar to both, above 0.8 + 0.15 x semantic, unless a scene begins.
    - long: of frames with 20 such tokens or more the most semantic of each quadrant, a share of 0.15 + 0.25 x their
      mean semantic; of others, clusters of similar neighbours. Beyond the budget the least semantic leave.

    A token's semantic is its greatest cosine to a pseudo-question, 0 without one. Pseudo-questions are features that
    are known before the stream begins: a fixed set for every stream, never what will be asked.

    A cue with features gets the short tier alone where that answers as well as usual, else the best moments of the
    others too: `top` of them, but no smaller share than `floor`, and all where their scores spread by less than `even`.
    The published running mean is over earlier questions and goes on from video to video; reading changes nothing here,
    so the mean is over the moments that are kept, oldest first, for the question asked.
    A cue without features gets all.

    Args:
        budget: rows in all.
        short: frames; 4 or 8 in the published code, by benchmark.
        middle: frames; 16.
        ratio: short-only where the short tier's score is at least this times the mean.
        top: moments that are looked up.
        floor: least share of the moments that are looked up; 0.9 in the published code, where `top` hardly counts.
        even: share of its mean by which the score of moments deviates at least, or all are looked up; 0.05.
        questions: float32 [Q, D] pseudo-questions, or None.
    """

    kind = "tiers"
    whole = True

    def __init__(
        self,
        grid: Grid,
        budget: int,
        short: int = 8,
        middle: int = 16,
        ratio: float = 1.0,
        top: int = 10,
        floor: float = 0.9,
        even: float = 0.05,
        questions: Floats | None = None,
    ) -> None:
        if min(short, middle, top) < 1 or not min(ratio, even) >= 0 or not 0 <= floor <= 1:
            raise ConfigError(
                f"tiers: short={short}, middle={middle}, ratio={ratio}, top={top}, floor={floor}, even={even}; use "
                "positive numbers and a floor up to 1"
            )
        if questions is not None and np.shape(questions)[1:] != (grid.size,):
            raise ConfigError(f"tiers: pseudo-questions of shape {np.shape(questions)}; use [Q, {grid.size}]")
        super().__init__(grid, budget, least=(short + 1) * grid.cells)
        self.short, self.middle, self.ratio, self.top = short, middle, ratio, top
        self.floor, self.even = floor, even
        self.questions = None if questions is None else unit(np.asarray(questions, np.float32))
        self._neighbours = Neighbours(grid)
        self.reset()

    def reset(self) -> None:
        self.forgotten = 0.0
        self._canvas = Canvas(self.grid)
        self._short: deque[_Frame] = deque()
        #: The frame that left the short tier last, as far as it is needed to see what changed.
        self._before: Floats | None = None
        self._middle: deque[Rows] = deque()
        self._long = Pool(self.budget - self.short * self.grid.cells, self.grid.size)
        self._mean, self._seen = 0.0, 0

    def held(self) -> float:
        short = sum(float(frame.entered.sum()) for frame in self._short)
        return short + sum(float(rows.weight.sum(dtype=np.float64)) for rows in self._middle) + self._long.weight()

    def _take(self, what: TokenAdmission) -> None:
        entered = self._canvas.paint(what)
        self._short.append(_Frame(what.pts, entered.copy(), self._canvas.features.copy()))
        if len(self._short) <= self.short:
            return
        frame = self._short.popleft()
        rows = self._changed(frame, self._short[0].features)
        self._before = frame.features
        self._middle.append(rows)
        while len(self._middle) > self.middle or (len(self._middle) > 1 and self._over() > len(self._long)):
            self._consolidate(self._middle.popleft())
        if (over := self._over()) > 0:
            self.forgotten += self._long.evict(over)

    def _over(self) -> int:
        """Rows beyond the budget, of which the short tier has its share whether or not it is full."""
        held = sum(len(rows) for rows in self._middle) + len(self._long)
        return held + self.short * self.grid.cells - self.budget

    # -- short to middle ----------------------------------------------------------------------

    def _changed(self, frame: _Frame, following: Floats) -> Rows:
        """The tokens of a frame that differ from those around them, before or after."""
        after = self._neighbours.similarity(frame.features, following)[frame.entered]
        before = after
        if self._before is not None:
            before = self._neighbours.similarity(frame.features, self._before)[frame.entered]
        semantic = self._semantic(frame.features[frame.entered])
        kept = (1 - after >= otsu(1 - after)) | (1 - before >= otsu(1 - before))
        distance = float((1 - before).mean())
        self._seen += 1
        scene = self._seen > 1 and distance > SCENE * self._mean
        self._mean += (distance - self._mean) / self._seen
        if not scene:
            kept &= np.minimum(after, before) <= 0.8 + 0.15 * semantic
        self.forgotten += float(len(kept) - kept.sum())
        return frame.rows(self.grid, semantic)[kept]

    def _semantic(self, features: Floats) -> Floats:
        if self.questions is None or not len(self.questions):
            return np.zeros(len(features), np.float32)
        return np.asarray((unit(features) @ self.questions.T).max(axis=1))

    # -- middle to long -----------------------------------------------------------------------

    def _consolidate(self, rows: Rows) -> None:
        if len(rows) >= MANY:
            kept = self._best(rows)
            self.forgotten += float(rows.weight[~kept].sum(dtype=np.float64))
            rows = rows[kept]
        elif len(rows) > 1:
            cells = self._cells(rows)
            groups = self._neighbours.groups(rows.features, cells)
            if groups.max() + 1 < len(rows):
                rows = rows.merged(groups)
        spare = self._over() + len(rows)
        if spare > 0:
            self.forgotten += self._long.evict(spare)
        self._long.add(rows)

    def _best(self, rows: Rows) -> Mask:
        """The most semantic tokens of each quadrant."""
        kept = np.zeros(len(rows), bool)
        ratio = 0.15 + 0.25 * float(np.clip(rows.score.mean(), 0, 1))
        lower, right = np.divmod(self._cells(rows), self.grid.columns)
        quadrants = 2 * (2 * lower >= self.grid.rows) + (2 * right >= self.grid.columns)
        for quadrant in range(4):
            members = np.flatnonzero(quadrants == quadrant)
            best = np.argsort(-rows.score[members], kind="stable")[: int(np.ceil(ratio * len(members)))]
            kept[members[best]] = True
        return kept

    def _cells(self, rows: Rows) -> npt.NDArray[np.intp]:
        if self.grid.sense != "sight":
            return np.zeros(len(rows), np.intp)
        return rows.place[:, 0].astype(np.intp) * self.grid.columns + rows.place[:, 1]

    # -- reading ------------------------------------------------------------------------------

    def _found(self, query: Cue) -> Rows:
        short = [frame.rows(self.grid, self._semantic(frame.features[frame.entered])) for frame in self._short]
        older = Rows.join((*self._middle, self._long.rows()))
        if query.features is None or not len(query.features) or not len(older):
            return Rows.join((older, *short))
        older = older[np.lexsort((older.place[:, 1], older.place[:, 0], older.first))]
        starts = np.flatnonzero(np.diff(older.first, prepend=older.first[0] - 1))
        moments = np.maximum.reduceat(late(older, query.features), starts, axis=0).mean(axis=1)
        now = float(late(Rows.join(short), query.features).max(axis=0).mean())
        usual = float(moments[0])
        for score in moments[1:]:
            usual += ALPHA * (float(score) - usual)
        if now >= self.ratio * usual:
            return Rows.join(short)
        count = max(self.top, ceil(self.floor * len(moments)))
        if moments.std() < self.even * abs(moments.mean()):
            count = len(moments)
        best = np.sort(np.argsort(-moments, kind="stable")[:count])
        ends = np.append(starts, len(older))
        return Rows.join((*(older[ends[at] : ends[at + 1]] for at in best), *short))

    # -- Stateful -----------------------------------------------------------------------------

    def _dump(self) -> Snapshot:
        arrays = self._canvas.arrays() | self._long.arrays("long.") | Rows.join(self._middle).arrays("middle.")
        arrays["middle.counts"] = np.array([len(rows) for rows in self._middle], np.int64)
        shape = (len(self._short), self.grid.cells)
        features = np.array([one.features for one in self._short], np.float32)
        arrays["short.features"] = features.reshape(*shape, self.grid.size)
        arrays["short.entered"] = np.array([one.entered for one in self._short], bool).reshape(shape)
        arrays["short.pts"] = np.array([one.pts for one in self._short], np.int64)
        if self._before is not None:
            arrays["before"] = self._before.copy()
        return Snapshot(self.kind, {"mean": self._mean, "seen": self._seen}, arrays)

    def _load(self, snapshot: Snapshot) -> None:
        arrays = snapshot.arrays
        self._canvas.load(arrays)
        self._long.load(arrays, "long.")
        middle, ends = Rows.restored(arrays, "middle."), np.cumsum([0, *arrays["middle.counts"]])
        self._middle = deque(middle[start:end] for start, end in pairwise(ends))
        frames = zip(arrays["short.pts"], arrays["short.entered"], arrays["short.features"], strict=True)
        self._short = deque(_Frame(int(pts), entered.copy(), features.copy()) for pts, entered, features in frames)
        self._before = arrays["before"].copy() if "before" in arrays else None
        self._mean, self._seen = snapshot.meta["mean"], snapshot.meta["seen"]

    def restore(self, snapshot: Snapshot) -> None:
        super().restore(snapshot)
        if len(self._short) > self.short or len(self._middle) > self.middle:
            raise StateError(f"snapshot of tiers holds more frames than {self.short} and {self.middle}")

    def _made(self) -> dict[str, Any]:
        return super()._made() | {"short": self.short, "middle": self.middle}

    def nbytes(self) -> int:
        frames = sum(frame.nbytes for frame in self._short) + sum(rows.nbytes for rows in self._middle)
        fixed = self._canvas.nbytes + self._long.nbytes + self._neighbours.nbytes + COUNTERS
        asked = 0 if self.questions is None else self.questions.nbytes
        return fixed + frames + asked + (0 if self._before is None else self._before.nbytes)

    def max_bytes(self) -> int:
        frame = self._canvas.features.nbytes
        short = (self.short * (frame + self.grid.cells + 8)) + frame
        middle = min(self.middle * self.grid.cells, self.budget - self.short * self.grid.cells) * self.grid.row_bytes
        asked = 0 if self.questions is None else self.questions.nbytes
        fixed = self._canvas.nbytes + self._long.nbytes + self._neighbours.nbytes + COUNTERS
        return fixed + short + middle + asked


class _Frame:
    """A frame of the short tier; never changed.

    Attributes:
        pts: ns.
        entered: bool [R·C], the cells that were admitted.
        features: float32 [R·C, D], all cells as far as they are known.
    """

    __slots__ = ("entered", "features", "pts")

    def __init__(self, pts: int, entered: Mask, features: Floats) -> None:
        self.pts, self.entered, self.features = pts, entered, features

    def rows(self, grid: Grid, semantic: Floats) -> Rows:
        """A row for each admitted cell."""
        cells = np.flatnonzero(self.entered)
        place = (
            np.stack(np.divmod(cells, grid.columns), axis=1)
            if grid.sense == SENSES[0]
            else np.full((len(cells), 2), -1)
        )
        rows = Rows.of(self.features[cells], place, self.pts, grid.sense)
        rows.score = semantic.astype(np.float32)
        return rows

    @property
    def nbytes(self) -> int:
        return self.features.nbytes + self.entered.nbytes + 8
