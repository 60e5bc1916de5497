"""BoundaryDetector: where one event ends and the next begins, found online."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, pstdev
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from headrace.core.errors import StateError
from headrace.core.frame import Frame
from headrace.core.item import MS, SECOND
from headrace.core.stateful import Snapshot

Vector = npt.NDArray[np.float32]
#: Coarse picture: rows x cols of luma, and of each chroma plane.
LUMA_GRID, CHROMA_GRID = (18, 32), (9, 16)
#: Contrast (in levels) below which a picture counts as empty: differences of noise must not look large.
EMPTY = 3.0
#: Pictures of a burst, at most.
BURST = 1024


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
        self._recent: deque[Vector] = deque(maxlen=self.horizon)
        self._errors: deque[float] = deque(maxlen=self.memory)
        self._burst: list[tuple[int, float]] = []
        self._last = -(1 << 62)

    def see(self, pts: int, frame: Frame) -> Boundary | None:
        """Judge one frame; a boundary is returned once its burst is over."""
        vector = picture(frame)
        if not self._recent:
            self._recent.append(vector)
            return None
        error = surprise(vector, np.mean(self._recent, axis=0))
        self._recent.append(vector)
        high = error > self.threshold()
        found = None
        if high:
            self._burst.append((pts, error))
            if pts - self._burst[0][0] >= self.longest or len(self._burst) >= BURST:
                found = self._close(pts)
        elif self._burst:
            found = self._close(pts)
        if not high:
            self._errors.append(error)
        return found

    def finish(self, pts: int) -> Boundary | None:
        """The boundary whose burst the end of the stream cut short."""
        return self._close(pts) if self._burst else None

    def threshold(self) -> float:
        """The error above which a picture is a surprise now."""
        if len(self._errors) < 4:
            return self.floor
        return max(self.floor, fmean(self._errors) + self.sigmas * pstdev(self._errors))

    def _close(self, pts: int) -> Boundary | None:
        burst, self._burst = self._burst, []
        if pts - burst[0][0] >= self.longest:  # it has become usual: the threshold must learn it
            self._errors.extend(error for _, error in burst)
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
            "errors": list(self._errors),
            "burst": [list(pair) for pair in self._burst],
            "last": self._last,
        }
        arrays = {"recent": np.stack(self._recent)} if self._recent else {}
        return Snapshot("boundary-detector", meta, arrays)

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect("boundary-detector").meta
        recent = list(snapshot.arrays["recent"]) if "recent" in snapshot.arrays else []
        if len(recent) > self.horizon:
            raise StateError(f"the snapshot anticipates from {len(recent)} pictures, this detector from {self.horizon}")
        self._recent = deque((vector.copy() for vector in recent), maxlen=self.horizon)
        self._errors = deque(meta["errors"], maxlen=self.memory)
        self._burst = [(pair[0], pair[1]) for pair in meta["burst"]]
        self._last = meta["last"]

    def fork(self) -> Self:
        other = type(self)(self.horizon, self.memory, self.sigmas, self.floor, self.longest, self.gap)
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return sum(v.nbytes for v in self._recent) + 8 * (len(self._errors) + 2 * len(self._burst)) + 64

    def max_bytes(self) -> int:
        size = LUMA_GRID[0] * LUMA_GRID[1] + 2 * CHROMA_GRID[0] * CHROMA_GRID[1]
        return 4 * size * self.horizon + 8 * (self.memory + 2 * BURST) + 64


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
