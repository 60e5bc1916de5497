"""BoundaryDetector: where one event ends and the next begins, found online."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from headrace.core.frame import Frame
from headrace.core.item import MS, SECOND
from headrace.core.stateful import Snapshot, Stateful
from headrace.understanding.anticipation import AdaptiveTest, Anticipation
from headrace.understanding.tiles import TileTurnover

Vector = npt.NDArray[np.float32]
#: Coarse picture: rows x cols of luma, and of each chroma plane.
LUMA_GRID, CHROMA_GRID = (18, 32), (9, 16)
#: Contrast (in levels) below which a picture counts as empty: differences of noise must not look large.
EMPTY = 3.0
#: Pictures of a burst, at most.
BURST = 1024
#: Share of replaced tiles, and deviations above the mean of its recent values, from which it is a surprise.
REPLACED, REPLACED_SIGMAS = 0.4, 4.0


@dataclass(slots=True, frozen=True)
class Boundary:
    """A boundary between events.

    Attributes:
        pts: media time in ns: the centre of the surprise.
        score: the largest prediction error of the burst, 0 to 1.
        known: media time in ns of the frame at which it was decided.
    """

    pts: int
    score: float
    known: int


class BoundaryDetector:
    """Boundaries by prediction error against its own recent statistics; Stateful.

    The next picture (coarse luma and chroma, each taken to zero mean, so that a lamp's flicker
    cancels) is anticipated from the last `horizon` ones; the error is (1 - cos)/2 between picture and
    anticipation. A burst of errors above `mean + sigmas * deviation` of the recent ones, and above
    `floor`, is one boundary at its centre of mass.

    A second cue sees what a coarse picture does not, such as a change of slides of one template: the
    share of replaced tiles (`TileTurnover`). When it rises above `REPLACED` and its own recent
    values, that is a boundary unless the first cue finds one within `gap` of it; so such a boundary
    is known `gap` later.

    Source: Online Generic Event Boundary Detection (On-GEBD): consistent event anticipator and online
    boundary discriminator; here the learned anticipator is a mean of recent pictures.

    Args:
        horizon: pictures the anticipation is made from.
        memory: recent errors that the threshold is made from.
        sigmas: deviations above their mean that count as surprise.
        floor: least error that counts as surprise, whatever is usual.
        longest: a burst is closed after this many ns.
        gap: least time between two boundaries, ns.
    """

    def __init__(
        self,
        horizon: int = 3,
        memory: int = 48,
        sigmas: float = 6.0,
        floor: float = 0.09,
        longest: int = 1500 * MS,
        gap: int = SECOND,
    ) -> None:
        self.horizon, self.memory, self.sigmas = horizon, memory, sigmas
        self.floor, self.longest, self.gap = floor, longest, gap
        self.reset()

    def reset(self) -> None:
        self._anticipation = Anticipation(self.horizon)
        self._errors = AdaptiveTest(self.memory, self.sigmas, self.floor)
        self._burst: list[tuple[int, float]] = []
        self._last = -(1 << 62)
        self._tiles = TileTurnover()
        self._shares = AdaptiveTest(self.memory, REPLACED_SIGMAS, REPLACED)
        self._rise: int | None = None  # since when the share of replaced tiles is high
        self._waiting: tuple[int, float] | None = None  # boundary of the second cue, and its share
        self._before = 0

    def see(self, pts: int, frame: Frame) -> Boundary | None:
        """Judge one frame; a boundary is returned once its burst is over."""
        found = self._look(pts, frame)
        self._replaced(pts, frame)
        self._before = pts
        if found is not None:
            return found
        due = self._waiting is not None and pts - self._waiting[0] >= self.gap and not self._burst
        return self._take(pts) if due else None

    def _look(self, pts: int, frame: Frame) -> Boundary | None:
        """The first cue: the coarse picture against its anticipation."""
        vector, expected = picture(frame), self._anticipation.expected()
        self._anticipation.push(vector)
        if expected is None:
            return None
        error = surprise(vector, expected)
        high = error > self.threshold()
        found = None
        if high:
            self._burst.append((pts, error))
            if pts - self._burst[0][0] >= self.longest or len(self._burst) >= BURST:
                found = self._close(pts)
        elif self._burst:
            found = self._close(pts)
        if not high:
            self._errors.learn(error)
        return found

    def _replaced(self, pts: int, frame: Frame) -> None:
        """The second cue: the share of replaced tiles; a rise of it waits for the first cue's word."""
        share = self._tiles.see(frame.y)
        if share <= self._shares.threshold() or self._shares.known < AdaptiveTest.WARM or self._tiles.shifted():
            self._shares.learn(share)
            self._rise = None
            return
        if self._rise is None:
            self._rise = pts
            if self._waiting is None and self._before - self._last >= self.gap:
                self._waiting = (self._before, share)
        elif pts - self._rise >= self.longest:  # it has become usual
            self._shares.learn(share)

    def _take(self, pts: int) -> Boundary | None:
        """The boundary of the second cue, unless the first cue has found one near it."""
        assert self._waiting is not None
        (at, share), self._waiting = self._waiting, None
        if abs(at - self._last) < self.gap:
            return None
        self._last = at
        return Boundary(at, min(1.0, share), pts)

    def finish(self, pts: int) -> Boundary | None:
        """The boundary whose burst the end of the stream cut short."""
        found = self._close(pts) if self._burst else None
        return self._take(pts) if found is None and self._waiting is not None else found

    def threshold(self) -> float:
        """The error above which a picture is a surprise now."""
        return float(self._errors.threshold())

    def _close(self, pts: int) -> Boundary | None:
        burst, self._burst = self._burst, []
        if pts - burst[0][0] >= self.longest:  # it has become usual: the threshold must learn it
            for _, error in burst:
                self._errors.learn(error)
        rises = [burst[0][1], *(max(0.0, b - a) for (_, a), (_, b) in pairwise(burst))]
        total = sum(rises)
        centre = sum((at - burst[0][0]) * rise for (at, _), rise in zip(burst, rises, strict=True)) / total
        at = burst[0][0] + round(centre)
        if at - self._last < self.gap:
            return None
        self._last = at
        return Boundary(at, max(error for _, error in burst), pts)

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        meta = {
            "burst": [list(pair) for pair in self._burst],
            "last": self._last,
            "rise": self._rise,
            "waiting": None if self._waiting is None else list(self._waiting),
            "before": self._before,
        }
        return Snapshot.join("boundary-detector", {name: part.snapshot() for name, part in self._parts().items()}, meta)

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect("boundary-detector").meta["own"]
        self._burst = [(pair[0], pair[1]) for pair in meta["burst"]]
        self._last, self._rise, self._before = meta["last"], meta["rise"], meta["before"]
        self._waiting = None if meta["waiting"] is None else (meta["waiting"][0], meta["waiting"][1])
        for name, part in self._parts().items():
            part.restore(snapshot.part(name))

    def _parts(self) -> Mapping[str, Stateful]:
        return {
            "anticipation": self._anticipation,
            "errors": self._errors,
            "shares": self._shares,
            "tiles": self._tiles,
        }

    def fork(self) -> Self:
        other = type(self)(self.horizon, self.memory, self.sigmas, self.floor, self.longest, self.gap)
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return sum(part.nbytes() for part in self._parts().values()) + 16 * len(self._burst) + 128

    def max_bytes(self) -> int:
        size = LUMA_GRID[0] * LUMA_GRID[1] + 2 * CHROMA_GRID[0] * CHROMA_GRID[1]
        parts = self._anticipation.max_bytes(size) + 2 * self._errors.max_bytes(1) + self._tiles.max_bytes()
        return parts + 16 * BURST + 128


def picture(frame: Frame) -> Vector:
    """Coarse picture, float32: luma 18 x 32 and chroma 2 x 9 x 16, each with its mean taken away."""
    luma = _coarse(frame.y, LUMA_GRID)
    if frame.u is None or frame.v is None:
        chroma = np.zeros(2 * CHROMA_GRID[0] * CHROMA_GRID[1], np.float32)
    else:
        chroma = np.concatenate([_coarse(frame.u, CHROMA_GRID), _coarse(frame.v, CHROMA_GRID)])
    return np.concatenate([luma, chroma])


def surprise(seen: Vector, anticipated: Vector) -> float:
    """(1 - cos)/2 of two coarse pictures; near-empty ones are compared as if of contrast `EMPTY`."""
    least = EMPTY * np.sqrt(LUMA_GRID[0] * LUMA_GRID[1])
    norms = max(float(np.linalg.norm(seen)), least) * max(float(np.linalg.norm(anticipated)), least)
    gap = seen - anticipated
    # 1 - cos, written so that two equal pictures of little contrast do not differ
    return float(min(1.0, 0.25 * (float(gap @ gap) / norms)))


def _coarse(plane: npt.NDArray[np.uint8], grid: tuple[int, int]) -> Vector:
    small = cv2.resize(plane, grid[::-1], interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    return np.asarray(small - small.mean(), np.float32)
