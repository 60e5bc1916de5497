"""Segmenter: where one event ends and the next begins, coarser the longer a stream goes on."""

from __future__ import annotations

from math import log2, sqrt
from typing import Self

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.core.stateful import Snapshot
from headrace.understanding.admission import Floats

#: Items before which no surprise is judged, and the share of the newest in the running mean and variance.
WARM, FADING = 8, 0.02
#: Share of the newest vector in the prediction of the next.
FOLLOW = 0.5
#: Least standard deviation of a surprise, so that a still picture has no events.
FLOOR = 1e-3


class Segmenter:
    """Prediction-guided segmentation whose granularity adapts to how long the stream has lasted; Stateful.

    The next vector is predicted as the running mean of those of the event. The surprise is half of 1 - cosine to
    what came; a boundary is where it is above the mean of past surprises by `deviations` of their standard
    deviations, and by `growth` more for each doubling of the time since the stream began, counted in `scale`.

    Args:
        size: of the vectors.
        deviations: at the begin of a stream.
        growth: deviations by which the threshold rises with each doubling.
        scale: ns.
        least: ns, the shortest event.

    Raises:
        ConfigError: a number that cannot be used.
    """

    kind = "segmenter"

    def __init__(
        self, size: int, deviations: float = 3.0, growth: float = 0.5, scale: int = 60 * SECOND, least: int = SECOND
    ) -> None:
        if size < 1 or not deviations >= 0 or not growth >= 0 or scale < 1 or least < 0:
            raise ConfigError(
                f"segmenter: size={size}, deviations={deviations}, growth={growth}, scale={scale}, least={least} "
                "cannot be used"
            )
        self.size, self.deviations, self.growth, self.scale, self.least = size, deviations, growth, scale, least
        self.reset()

    def reset(self) -> None:
        self._predicted = np.zeros(self.size, np.float32)
        self._count, self._began, self._event = 0, 0, 0
        self._mean, self._variance = 0.0, 0.0

    def see(self, pts: int, vector: Floats) -> bool:
        """Judge the vector of the next item, float32 [D] at a time in ns; True where it begins an event."""
        if not self._count:
            self._began = self._event = pts
            self._predicted = vector.astype(np.float32)
            self._count = 1
            return False
        surprise = self._surprise(vector)
        spread = max(FLOOR, sqrt(max(0.0, self._variance)))
        bound = self._mean + self.threshold(pts) * spread
        begins = self._count > WARM and surprise > bound and pts - self._event >= self.least
        seen = min(surprise, bound) if self._count > WARM else surprise
        share = max(FADING, 1 / self._count)
        gap = seen - self._mean
        self._mean += share * gap
        self._variance += share * ((1 - share) * gap * gap - self._variance)
        self._count += 1
        if begins:
            self._predicted, self._event = vector.astype(np.float32), pts
        else:
            self._predicted += np.float32(FOLLOW) * (vector - self._predicted)
        return begins

    def threshold(self, pts: int) -> float:
        """Deviations above which an item at that time is a surprise."""
        return self.deviations + self.growth * log2(1 + max(0, pts - self._began) / self.scale)

    def _surprise(self, vector: Floats) -> float:
        lengths = float(self._predicted @ self._predicted) * float(vector @ vector)
        return 0.5 * (1 - float(self._predicted @ vector) / sqrt(max(lengths, 1e-12)))

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        meta = {
            "count": self._count, "began": self._began, "event": self._event, "mean": self._mean,
            "variance": self._variance,
        }  # fmt: skip
        return Snapshot(self.kind, meta, {"predicted": self._predicted.copy()})

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect(self.kind).meta
        self._predicted = snapshot.arrays["predicted"].copy()
        self._count, self._began, self._event = meta["count"], meta["began"], meta["event"]
        self._mean, self._variance = meta["mean"], meta["variance"]

    def fork(self) -> Self:
        other = type(self)(self.size, self.deviations, self.growth, self.scale, self.least)
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return self._predicted.nbytes + 40

    def max_bytes(self) -> int:
        return 4 * self.size + 40
