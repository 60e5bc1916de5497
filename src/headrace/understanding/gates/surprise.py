"""Surprise: admit tokens that were not anticipated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.stateful import Stateful
from headrace.understanding.admission import Floats
from headrace.understanding.anticipation import AdaptiveTest, Anticipation
from headrace.understanding.gates.cosine import apart
from headrace.understanding.gates.tokengate import LARGEST_GRID, Judged, TokenGate


class Surprise(TokenGate):
    """Admits what a cell shows when a burst of surprise begins, and what it shows when the burst is over.

    A cell is anticipated as the mean of its last `horizon` features; its error is (1 - cos)/2, and a surprise if it
    exceeds the mean of the cell's own recent errors by `sigmas` deviations. Errors of surprise are not learned,
    unless a burst lasts: then they have become usual. The first picture enters whole.

    Source: the test of On-GEBD (Online Generic Event Boundary Detection) in every cell, see `AdaptiveTest`.

    Args:
        horizon: pictures that the anticipation is made from.
        memory: recent errors of a cell that the test is made from.
        sigmas: deviations above their mean that count as surprise.
        floor: least error that counts as surprise.
        longest: pictures after which a burst has become usual.

    Raises:
        ConfigError: a number out of range.
    """

    kind = "surprise"
    planes = 1

    def __init__(
        self, horizon: int = 3, memory: int = 48, sigmas: float = 6.0, floor: float = 0.09, longest: int = 9
    ) -> None:
        if min(horizon, memory, longest) < 1 or max(horizon, memory) > 1024 or not 0 <= floor <= 1:
            raise ConfigError("surprise: use a horizon and a memory of 1 to 1,024, and a floor from 0 to 1")
        self.horizon, self.span, self.sigmas, self.floor, self.longest = horizon, memory, sigmas, floor, longest
        self.pictures = horizon
        self._anticipation, self._test = Anticipation(horizon), AdaptiveTest(memory, sigmas, floor)
        super().__init__()

    def parts(self) -> Mapping[str, Stateful]:
        return {"anticipation": self._anticipation, "test": self._test}

    def judge(self, features: Floats) -> Judged:
        expected = self._anticipation.expected()
        self._anticipation.push(features)
        if expected is None:
            return Judged(admitted=np.ones(features.shape[:2], bool))
        error = apart(features, expected) / 2
        high = error > self._test.threshold()
        before = self.memory.get("burst", np.zeros(high.shape, np.int32))
        burst = np.where(high, np.minimum(before + 1, self.longest), 0).astype(np.int32)
        self.memory["burst"] = burst
        self._test.learn(error, ~high | (burst == self.longest))
        return Judged(admitted=(burst == 1) | (~high & (before > 0)), score=float(error.max()))

    def _new(self) -> Self:
        return type(self)(self.horizon, self.span, self.sigmas, self.floor, self.longest)

    def max_bytes(self, shape: tuple[int, int, int] | None = None) -> int:
        cells = shape[0] * shape[1] if shape else LARGEST_GRID
        return super().max_bytes(shape) + self._test.max_bytes(cells)
