"""TokenDrop: admit tokens that differ from the picture before."""

from __future__ import annotations

from typing import Self

import numpy as np

from headrace.core.errors import ConfigError
from headrace.understanding.admission import Floats
from headrace.understanding.gates.cosine import Cosine
from headrace.understanding.gates.rules import since_last
from headrace.understanding.gates.tokengate import Judged, TokenGate


class TokenDrop(TokenGate):
    """Drops each token that is like the one at its place in the picture before, see `rules.since_last`.

    Source: TimeChat-Online (arXiv 2504.17343), feature variant: a token is dropped if the cosine exceeds a threshold
    (0.5 in its evaluation scripts); in the relative variant the most similar share of the tokens is. (Its code takes
    indices of tokens for their ranks there, and so drops others; here the most similar ones are dropped.)

    Args:
        similarity: the cosine above which a token is dropped.
        share: the share of a picture's tokens that is dropped, whatever their cosine; None: go by `similarity`.

    Raises:
        ConfigError: a number out of range.
    """

    kind = "token-drop"
    pictures = 1

    def __init__(self, similarity: float = 0.5, share: float | None = None) -> None:
        if not -1 <= similarity <= 1 or not (share is None or 0 <= share <= 1):
            raise ConfigError("token drop: use a similarity from -1 to 1 and a share from 0 to 1, or None")
        self.similarity, self.share = similarity, share
        super().__init__()

    def judge(self, features: Floats) -> Judged:
        measure = Cosine(1 - self.similarity)
        difference = since_last(self.memory, features, measure)
        self.memory["previous"] = features
        if np.isnan(difference).all():
            return Judged(admitted=np.ones(difference.shape, bool))
        admitted = ~(difference < measure.change)
        if self.share is not None:
            dropped = round(self.share * difference.size)
            admitted = np.ones(difference.size, bool)
            admitted[np.argsort(difference, axis=None, kind="stable")[:dropped]] = False
            admitted = admitted.reshape(difference.shape)
        return Judged(admitted=admitted, score=float(difference.mean()))

    def _new(self) -> Self:
        return type(self)(self.similarity, self.share)
