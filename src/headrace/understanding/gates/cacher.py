"""Cacher: compute a picture anew only where it changed."""

from __future__ import annotations

from typing import Self

import numpy as np

from headrace.core.errors import ConfigError
from headrace.understanding.admission import Floats
from headrace.understanding.gates.cosine import apart
from headrace.understanding.gates.tokengate import Judged, TokenGate

#: Share of a layer's linear work that makes the keys: 1 of 4 + 8 squares of its width, its hidden layer being 4 wide.
KEYS = 1 / 12


class Cacher(TokenGate):
    """Lets everything in, but most of it as it was in the last picture that was computed whole.

    Every `interval`-th picture is computed whole and becomes the reference. Of the others, only the `share` of the
    tokens that is least like the reference is computed; the rest are the reference's. `computed` is what an encoder
    would have done: the keys of all tokens, and all else of the share.

    Source: STC-Cacher of "Accelerating Streaming Video Large Language Models via Hierarchical Token Compression".
    It works inside every layer of the encoder and chooses by the layer's keys, which nobody sees outside it; here the
    features themselves choose, so that what is saved is counted and what it costs in truth is seen, but no time is
    saved. (The text of its code's page names a cosine of 0.85; its code chooses by share.)

    Args:
        interval: pictures from one that is computed whole to the next.
        share: of the tokens that is computed in between.

    Raises:
        ConfigError: a number out of range.
    """

    kind = "cacher"
    pictures = 1

    def __init__(self, interval: int = 2, share: float = 0.25) -> None:
        if interval < 1 or not 0 <= share <= 1:
            raise ConfigError("cacher: use an interval of at least 1, and a share from 0 to 1")
        self.interval, self.share = interval, share
        super().__init__()

    def judge(self, features: Floats) -> Judged:
        everything = np.ones(features.shape[:2], bool)
        since = self.numbers.get("since", self.interval - 1) + 1
        reference = self.memory.get("reference")
        if reference is None or since >= self.interval:
            self.memory["reference"], self.numbers["since"] = features, 0
            return Judged(admitted=everything)
        self.numbers["since"] = since
        difference = apart(features, reference)
        anew = np.argsort(-difference, axis=None, kind="stable")[: round(self.share * difference.size)]
        made = reference.copy()
        made.reshape(-1, made.shape[2])[anew] = features.reshape(-1, made.shape[2])[anew]
        computed = KEYS + (1 - KEYS) * len(anew) / difference.size
        return Judged(admitted=everything, score=float(difference.mean()), features=made, computed=computed)

    def _new(self) -> Self:
        return type(self)(self.interval, self.share)
