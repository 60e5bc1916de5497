"""Settle: exponential smoothing of a stream of numbers that arrive at any times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from headrace import SECOND, Check, Item, Recipe, Snapshot

KIND = "settle"


class Smoother:
    """A mean in which a reading's weight halves with every half-life of media time.

    Stateful: three numbers, whatever the length of the stream.
    """

    def __init__(self, half_life: int) -> None:
        self.half_life = half_life
        self._sum, self._weight, self._pts = 0.0, 0.0, 0

    def push(self, item: Item) -> float:
        """Take an item whose data is a number; return the smoothed value at its pts."""
        kept: float = 0.5 ** ((item.pts - self._pts) / self.half_life)
        self._sum = kept * self._sum + float(item.data)
        self._weight = kept * self._weight + 1.0
        self._pts = item.pts
        return self._sum / self._weight

    def reset(self) -> None:
        self._sum, self._weight, self._pts = 0.0, 0.0, 0

    def snapshot(self) -> Snapshot:
        return Snapshot(KIND, {"sum": self._sum, "weight": self._weight, "pts": self._pts})

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect(KIND).meta
        self._sum, self._weight, self._pts = meta["sum"], meta["weight"], meta["pts"]

    def fork(self) -> Self:
        twin = type(self)(self.half_life)
        twin.restore(self.snapshot())
        return twin

    def nbytes(self) -> int:
        return 3 * 8

    def max_bytes(self) -> int:
        return 3 * 8


@dataclass(frozen=True)
class Settle(Recipe):
    """Exponential smoothing of a noisy level (R. G. Brown, Statistical Forecasting, 1959).

    The value is a weighted mean of all readings; a reading's weight halves with each half-life.
    It follows a level that drifts, which a mean over everything cannot, and is far less noisy
    than the last reading.

    Attributes:
        half_life: ns of media time in which a reading's weight halves.
    """

    half_life: int = 20 * SECOND

    name: ClassVar[str] = "settle"
    claim: ClassVar[str] = "on a noisy, drifting level: at most half the error of the last reading and of the mean"

    def build(self) -> Smoother:
        return Smoother(self.half_life)

    def check(self, seed: int = 0, full: bool = False) -> Check:
        """Root mean square error over 2,000 readings (20,000 if `full`), one a second."""
        count = 20_000 if full else 2_000
        random = np.random.default_rng(seed)
        level = np.cumsum(random.normal(0.0, 0.05, count))
        readings = level + random.normal(0.0, 1.0, count)
        smoother = self.build()
        smoothed = np.array([smoother.push(Item(i * SECOND, "level", x)) for i, x in enumerate(readings)])
        mean = np.cumsum(readings) / np.arange(1, count + 1)
        error, last, everything = (
            float(np.sqrt(np.mean((estimate - level) ** 2))) for estimate in (smoothed, readings, mean)
        )
        return Check(
            measured={"rmse": error},
            baselines={"last reading": {"rmse": last}, "mean of everything": {"rmse": everything}},
            holds=error <= 0.5 * min(last, everything),
            seed=seed,
            note=f"{count} readings of a random walk (0.05 a step) in noise of 1.0",
        )
