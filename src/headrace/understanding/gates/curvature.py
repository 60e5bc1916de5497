"""Curvature: whole pictures where the stream turns, one pooled token where it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.item import Item
from headrace.understanding.admission import Floats
from headrace.understanding.gates.cosine import apart, unit
from headrace.understanding.gates.tokengate import Judged, TokenGate
from headrace.understanding.tokens import Rows, TokenAdmission, Tokens

#: Scores before which no deviation is known.
WARM = 8


@dataclass(slots=True, kw_only=True)
class PooledAdmission(TokenAdmission):
    """One token for a whole picture: a grid of one cell, which stands for `weight` tokens and has no place."""

    weight: int

    def rows(self) -> Rows:
        row = Rows.of(self.tokens.features[0], np.full((1, 2), -1), self.pts, score=self.score)
        row.weight[:] = self.weight
        return row


class Curvature(TokenGate):
    """Routes pictures by how sharply their features turn; a clear one enters whole, a fuzzy one as its mean.

    With f_t the features of a picture, all tokens one after another and divided by the root of their number, and
    v_t = f_t - f_{t-1}, its score is |v_t| + turn * (1 - cos(v_t, v_{t-1})). It is clear if the score exceeds the mean
    of all scores so far by `sigmas` deviations (Welford's sums). The first picture is clear.

    Source: CurveStream, "Boosting Streaming Video Understanding in MLLMs via Curvature-Aware Hierarchical Visual
    Memory Management", of which the abstract is known: the formula of the score and both numbers are ours.

    Args:
        turn: weight of the change of direction.
        sigmas: K, deviations above the mean.

    Raises:
        ConfigError: a negative weight, or numbers that are not finite.
    """

    kind = "curvature"
    pictures = 2

    def __init__(self, turn: float = 0.02, sigmas: float = 1.0) -> None:
        if not (0 <= turn < np.inf and np.isfinite(sigmas)):
            raise ConfigError("curvature: use a turn of 0 or more, and finite sigmas")
        self.turn, self.sigmas = turn, sigmas
        super().__init__()

    def judge(self, features: Floats) -> Judged:
        """Clear or fuzzy; `admit` makes one token of what is fuzzy."""
        everything = np.ones(features.shape[:2], bool)
        frame = features.ravel() / np.float32(everything.size**0.5)
        before, self.memory["frame"] = self.memory.get("frame"), frame
        if before is None:
            return Judged(admitted=everything)
        step = frame - before
        last, self.memory["step"] = self.memory.get("step"), step
        score = float(np.sqrt(step @ step))
        if last is not None:
            score += self.turn * float(apart(step, last))
        clear = self._stands_out(score)
        return Judged(admitted=everything, score=score, detail=1.0 if clear else 1 / everything.size)

    def admit(self, item: Item) -> TokenAdmission:
        made = super().admit(item)
        if made.detail == 1:
            return made
        pooled = unit(made.tokens.features.mean(axis=(0, 1), keepdims=True))
        return PooledAdmission(
            admitted=np.ones((1, 1), bool), tick=made.tick, score=made.score, pts=made.pts, tokens=Tokens(pooled),
            computed=made.computed, detail=made.detail, weight=made.admitted.size,
        )  # fmt: skip

    def _stands_out(self, score: float) -> bool:
        """Whether a score lies K deviations above those before it; it is one of them from now on."""
        count, mean, squares = (self.numbers.get(name, 0.0) for name in ("count", "mean", "squares"))
        clear = count >= WARM and score > mean + self.sigmas * np.sqrt(squares / count)
        count += 1
        off = score - mean
        mean += off / count
        self.numbers |= {"count": count, "mean": mean, "squares": squares + off * (score - mean)}
        return bool(clear)

    def _new(self) -> Self:
        return type(self)(self.turn, self.sigmas)
