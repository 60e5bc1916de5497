"""Novelty: where one kind of sound gives way to another."""

from __future__ import annotations

from collections import deque
from functools import cache
from statistics import fmean, pstdev
from typing import Self

import numpy as np
import numpy.typing as npt

from headrace.core.stateful import Snapshot
from headrace.media.heard import RATE
from headrace.media.loudness import BLOCK, Mark, level_db

Samples = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float32]
#: Bands on the mel scale, and the lowest frequency in Hz.
BANDS, LOWEST = 24, 60.0
#: Power of a band, in dB, below which it counts as empty.
EMPTY_DB = -80.0
#: Spread of a spectrum in dB below which it counts as flat: differences of noise must not look large.
FLAT = 3.0


class Novelty:
    """Changes of the kind of sound, by surprise against its own recent statistics; Stateful.

    The shape of the spectrum (dB in 24 mel bands, its mean taken away) is summed up by mean and deviation over the
    last `now` blocks and over the `before` ones before them; the error is (1 - cos)/2 between the two. A peak above
    `mean + sigmas * deviation` of the errors before, and above `floor`, is a change; it is where a cut parts the
    shapes best (least squares). Quiet blocks are not looked at: a pause changes nothing. Another voice is no change.

    Source: Foote, "Automatic audio segmentation using a measure of audio novelty" (2000), with a causal kernel;
    the threshold is that of On-GEBD, as for pictures.

    Args:
        now, before: blocks of 100 ms.
        memory: errors, `now` blocks old and older, that the threshold is made from; what comes again and again becomes
            usual.
        sigmas: deviations above their mean that count as surprise.
        floor: least error that counts as surprise.
        patience: blocks after a peak until it is told.
    """

    def __init__(
        self,
        now: int = 20,
        before: int = 60,
        memory: int = 300,
        sigmas: float = 3.0,
        floor: float = 0.12,
        patience: int = 5,
    ) -> None:
        self.now, self.before, self.memory = now, before, memory
        self.sigmas, self.floor, self.patience = sigmas, floor, patience
        self.reset()

    def reset(self) -> None:
        self._shapes: deque[Vector] = deque(maxlen=self.now + self.before)
        self._levels: deque[float] = deque(maxlen=self.now + self.before)
        self._pts: deque[int] = deque(maxlen=self.now + self.before)
        self._errors: deque[float] = deque(maxlen=self.memory + self.now)
        self._peak = 0.0  # greatest error of the change under way, 0 if there is none
        self._waited = 0  # blocks since

    def see(self, pts: int, block: Samples, quiet: bool) -> Mark | None:
        """The next block, float32 [1600] at `pts`; a change is returned once its peak is past."""
        if quiet:
            return self._wait()
        self._shapes.append(shape(block))
        self._levels.append(level_db(block))
        self._pts.append(pts)
        if len(self._shapes) < 2 * self.now:
            return self._wait()
        seen = np.stack(self._shapes)
        error = surprise(profile(seen[-self.now :]), profile(seen[: -self.now]))
        high = error > self.threshold()
        self._errors.append(min(error, 1.0))
        if high and error > self._peak:
            self._peak, self._waited = error, 0
            return None
        return self._wait()

    def finish(self) -> Mark | None:
        """The change whose peak the end of the stream cut short."""
        return self._tell() if self._peak else None

    def threshold(self) -> float:
        """The error above which a spectrum is a surprise now."""
        usual = list(self._errors)[: -self.now]  # a rise must not hide its own peak
        if len(usual) < self.now:
            return self.floor
        return max(self.floor, fmean(usual) + self.sigmas * pstdev(usual))

    def _wait(self) -> Mark | None:
        if not self._peak:
            return None
        self._waited += 1
        return self._tell() if self._waited >= self.patience else None

    def _tell(self) -> Mark:
        """The change under way; what came before it is no longer compared with."""
        place = parting(np.stack(self._shapes)[-(2 * self.now + self.patience) :])
        for past in (self._shapes, self._levels, self._pts):
            while len(past) > place:
                past.popleft()
        score, self._peak, self._waited = min(1.0, self._peak), 0.0, 0
        return Mark("change", self._pts[0], self._pts[0], fmean(self._levels), score, True)

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        meta = {
            "errors": list(self._errors),
            "levels": list(self._levels),
            "pts": list(self._pts),
            "peak": self._peak,
            "waited": self._waited,
        }
        shapes = np.stack(self._shapes) if self._shapes else np.zeros((0, BANDS), np.float32)
        return Snapshot("novelty", meta, {"shapes": shapes})

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect("novelty").meta
        self.reset()
        self._shapes.extend(vector.copy() for vector in snapshot.arrays["shapes"])
        self._errors.extend(meta["errors"])
        self._levels.extend(meta["levels"])
        self._pts.extend(meta["pts"])
        self._peak, self._waited = meta["peak"], meta["waited"]

    def fork(self) -> Self:
        other = type(self)(self.now, self.before, self.memory, self.sigmas, self.floor, self.patience)
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return 4 * BANDS * len(self._shapes) + 8 * (len(self._errors) + len(self._levels) + len(self._pts) + 4)

    def max_bytes(self) -> int:
        return (4 * BANDS + 16) * (self.now + self.before) + 8 * (self.memory + self.now + 4)


def shape(block: Samples) -> Vector:
    """Shape of the spectrum of 100 ms, float32 [24]: dB in mel bands, the mean taken away."""
    power = np.abs(np.fft.rfft(block * _window())) ** 2
    bands = 10 * np.log10(_filters() @ power + 1e-12)
    bands = np.maximum(bands, EMPTY_DB)
    return np.asarray(bands - bands.mean(), np.float32)


def profile(shapes: Vector) -> Vector:
    """What is usual in shapes [n, 24]: float32 [48], their mean, and their deviation at twice its size."""
    return np.concatenate([shapes.mean(axis=0), 2 * shapes.std(axis=0)])


def parting(shapes: Vector) -> int:
    """How many of the last shapes of [n, 24] belong together: after the cut that leaves the least squares."""
    total = np.cumsum(shapes, axis=0, dtype=np.float64)
    counts = np.arange(1, len(shapes))[:, None]
    rest = len(shapes) - counts
    gap = total[:-1] / counts - (total[-1] - total[:-1]) / rest
    return int(rest[np.argmax((counts * rest)[:, 0] * (gap**2).sum(axis=1)), 0])


def surprise(seen: Vector, anticipated: Vector) -> float:
    """(1 - cos)/2 of two profiles, more if of unequal size; near-flat ones count as of a spread of `FLAT` dB."""
    least = FLAT * np.sqrt(2 * BANDS)
    norms = max(float(np.linalg.norm(seen)), least) * max(float(np.linalg.norm(anticipated)), least)
    gap = seen - anticipated
    return float(0.25 * float(gap @ gap) / norms)


@cache
def _window() -> npt.NDArray[np.float64]:
    return np.hanning(BLOCK) / (BLOCK / 2)


@cache
def _filters() -> npt.NDArray[np.float64]:
    """Triangles on the mel scale of O'Shaughnessy, [24, 801], over the bins of a block."""

    def mel(hertz: float) -> float:
        return float(2595 * np.log10(1 + hertz / 700))

    corners = 700 * (10 ** (np.linspace(mel(LOWEST), mel(RATE / 2), BANDS + 2) / 2595) - 1)
    bins = np.arange(BLOCK // 2 + 1) * RATE / BLOCK
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    return np.maximum(0.0, np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)))
