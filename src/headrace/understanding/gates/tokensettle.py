"""TokenSettle: admit tokens that have just become stable and differ from what was last admitted."""

from __future__ import annotations

from typing import Self

import numpy as np

from headrace.core.errors import ConfigError
from headrace.understanding.admission import Floats
from headrace.understanding.gates.cosine import CosineStillness, apart
from headrace.understanding.gates.rules import settle
from headrace.understanding.gates.tokengate import Judged, TokenGate

#: Features in a mean, at most.
LONGEST = 8
#: By which share the estimate of the noise may move with each picture, after the first.
STEP = 0.05


class TokenSettle(TokenGate):
    """Admits a token once, when its cell has settled on something new, see `rules.settle`.

    A cell is *stable* when the mean of its last `frames` features is like the mean of the ones before, and *new* when
    it is unlike what was last admitted there. What enters is the mean, which has less noise than any one feature. A
    restless cell that left what was admitted there forgets it, so that a return is admitted again.

    Both thresholds are differences (1 - cosine) and rise with the noise of the stream: a running median of how much
    cells differ from the picture before, which a mean over `frames` divides by their number. So a slow fade is no
    rest in a clear stream, and grain is no news in a dark one.

    Args:
        frames: in either mean.
        still: least band in which the two means count as like each other.
        change: least difference that counts as new.
        noises: the multiples of the noise to which `still` and `change` rise.

    Raises:
        ConfigError: a number out of range.
    """

    kind = "token-settle"

    def __init__(
        self, frames: int = 2, still: float = 0.01, change: float = 0.12, noises: tuple[float, float] = (2.0, 2.0)
    ) -> None:
        if not 1 <= frames <= LONGEST or not (0 < still <= 2 and 0 < change <= 2 and min(noises) >= 0):
            raise ConfigError(
                f"token settle: use 1 to {LONGEST} frames, differences above 0 up to 2, and noises of 0 or more"
            )
        self.frames, self.still, self.change, self.noises = frames, still, change, noises
        self.pictures = 2 * frames
        super().__init__()

    def judge(self, features: Floats) -> Judged:
        score = self._noise(features)
        noise = self.numbers.get("noise", 0.0) / self.frames
        still, change = max(self.still, self.noises[0] * noise), max(self.change, self.noises[1] * noise)
        settled = settle(self.memory, features, CosineStillness(change, self.frames, 1 - still))
        self.memory["previous"] = features
        kept = settled.held if settled.admitted.any() else None
        return Judged(admitted=settled.admitted, score=score, features=kept)

    def _noise(self, features: Floats) -> float:
        """Follow the median difference from the picture before; returns the mean difference."""
        if "previous" not in self.memory:
            return 0.0
        difference = apart(features, self.memory["previous"])
        median = float(np.median(difference))
        noise = self.numbers.get("noise", median)
        self.numbers["noise"] = float(np.clip(noise * (1 + STEP if median > noise else 1 - STEP), 1e-6, 1.0))
        return float(difference.mean())

    def _new(self) -> Self:
        return type(self)(self.frames, self.still, self.change, self.noises)
