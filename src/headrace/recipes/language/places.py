"""Places: losses by position in the stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

#: Multiples of the trained length where buckets end.
MULTIPLES = (1, 2, 4, 10, 30, 100, 300, 1000)

#: Positions of the last bucket at least; fewer are joined to the bucket before.
LEAST = 64

Losses = npt.NDArray[np.float64]


def places(tokens: int, trained: int, budget: int) -> dict[str, tuple[int, int]]:
    """Buckets [lo, hi) of positions, named "lo-hi", in order: up to the budget, to the trained length, and beyond.

    Args:
        tokens: of the stream; the last bucket ends there.
        trained: the trained length.
        budget: where methods begin to drop.
    """
    edges = {0, budget, *(trained * m for m in MULTIPLES)}
    inside = sorted(edge for edge in edges if edge < tokens)
    if len(inside) > 1 and tokens - inside[-1] < LEAST:
        inside.pop()
    return {f"{lo}-{hi}": (lo, hi) for lo, hi in zip(inside, [*inside[1:], tokens], strict=True)}


def by_place(losses: Losses, buckets: Mapping[str, tuple[int, int]]) -> dict[str, float]:
    """Mean of each bucket; NaN where a position of it has no loss, the first of all (which nothing predicts) aside."""
    found = {}
    for name, (lo, hi) in buckets.items():
        part = losses[max(lo, 1) : hi]
        found[name] = float(part.mean()) if len(part) else float("nan")
    return found


def unigram(ids: Sequence[int], vocabulary: int) -> Losses:
    """Loss in nats of the blind baseline: how often each token came before, plus one; float64 [n].

    It looks at no order, and at nothing that was not read yet.
    """
    counts = np.ones(vocabulary)
    losses = np.full(len(ids), np.nan)
    for place, token in enumerate(ids):
        if place:
            losses[place] = np.log(place + vocabulary) - np.log(counts[token])
        counts[token] += 1
    return losses
