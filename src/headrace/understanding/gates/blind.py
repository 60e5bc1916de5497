"""Thinned and Drawn: gates that do not look, which others must beat."""

from __future__ import annotations

from typing import Self

import numpy as np

from headrace.core.errors import ConfigError
from headrace.understanding.admission import Floats
from headrace.understanding.gates.tokengate import Judged, TokenGate


class Thinned(TokenGate):
    """Lets in whole pictures at even distances, the first one among them.

    Args:
        share: of the pictures.

    Raises:
        ConfigError: a share out of range.
    """

    kind = "thinned"

    def __init__(self, share: float) -> None:
        self.share = _checked(share)
        super().__init__()

    def judge(self, features: Floats) -> Judged:
        due = self.numbers.get("due", 1.0)
        enters = due > 1 - 1e-9
        self.numbers["due"] = due - enters + self.share
        return Judged(admitted=np.full(features.shape[:2], enters))

    def _new(self) -> Self:
        return type(self)(self.share)


class Drawn(TokenGate):
    """Lets in tokens at random, each with the same chance.

    Args:
        share: of the tokens.
        seed: of the draw.

    Raises:
        ConfigError: a share out of range.
    """

    kind = "drawn"

    def __init__(self, share: float, seed: int = 0) -> None:
        self.share, self.seed = _checked(share), seed
        super().__init__()

    def judge(self, features: Floats) -> Judged:
        count = int(self.numbers.get("count", 0))
        self.numbers["count"] = count + 1
        draw = np.random.default_rng([self.seed, count])
        return Judged(admitted=draw.random(features.shape[:2]) < self.share)

    def _new(self) -> Self:
        return type(self)(self.share, self.seed)


def _checked(share: float) -> float:
    if not 0 < share <= 1:
        raise ConfigError("a blind gate: use a share above 0, up to 1")
    return share
