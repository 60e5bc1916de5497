"""Pruner: keep the tokens least like the picture and least like the past."""

from __future__ import annotations

from typing import Self

import numpy as np

from headrace.core.errors import ConfigError
from headrace.understanding.admission import Floats
from headrace.understanding.gates.tokengate import FIXED, LARGEST, Judged, TokenGate

#: Widths of the kernels are the powers of 2 with these exponents.
WIDTHS = range(-3, 2)


class Pruner(TokenGate):
    """Keeps the tokens of each picture that are least alike to its mean and to the mean of all pictures before.

    Only the half of the channels that varies least over the picture is compared. Likeness to a mean is
    sum_k exp(-d^2 / (2 * 2^k)), k = -3 … 1, where d is the distance; the two likenesses add up.

    Source: STC-Pruner of "Accelerating Streaming Video Large Language Models via Hierarchical Token Compression".
    Its code keeps every picture's mean in a list that only grows and goes on from one video to the next; a running
    mean gives the same numbers in constant memory, and it ends with the stream.

    Args:
        share: of the tokens that is kept, at least one; 60 of 196 in the paper.

    Raises:
        ConfigError: a share out of range.
    """

    kind = "pruner"

    def __init__(self, share: float = 60 / 196) -> None:
        if not 0 < share <= 1:
            raise ConfigError("pruner: use a share above 0, up to 1")
        self.share = share
        super().__init__()

    def judge(self, features: Floats) -> Judged:
        tokens = features.reshape(-1, features.shape[2])
        mean = tokens.mean(axis=0, dtype=np.float64)
        calm = np.argsort(tokens.var(axis=0), kind="stable")[: max(1, tokens.shape[1] // 2)]
        means = [mean] + ([self.memory["history"]] if "history" in self.memory else [])
        likeness = sum(_likeness(tokens[:, calm], one[calm].astype(np.float32)) for one in means)
        kept = np.argsort(likeness, kind="stable")[: max(1, round(self.share * len(tokens)))]
        admitted = np.zeros(len(tokens), bool)
        admitted[kept] = True
        count = self.numbers["count"] = self.numbers.get("count", 0) + 1
        history = self.memory.get("history", mean)
        self.memory["history"] = history + (mean - history) / count
        return Judged(admitted=admitted.reshape(features.shape[:2]), score=float(-np.mean(likeness) / len(means)))

    def _new(self) -> Self:
        return type(self)(self.share)

    def max_bytes(self, shape: tuple[int, int, int] | None = None) -> int:
        return 8 * (shape[2] if shape else LARGEST) + FIXED


def _likeness(tokens: Floats, mean: Floats) -> Floats:
    """Likeness of tokens [N, D] to a mean [D]: [N], 0 to 5."""
    squared = ((tokens - mean) ** 2).sum(axis=1)
    return np.asarray(sum(np.exp(-squared / (2 * 2.0**k)) for k in WIDTHS), np.float32)
