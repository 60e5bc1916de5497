"""Confidence intervals by the bootstrap over streams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from headrace.core.errors import ConfigError, InputError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the bounds of its confidence interval."""

    estimate: float
    low: float
    high: float


def mean(values: Sequence[Any]) -> float:
    return float(sum(values) / len(values))


def bootstrap(
    streams: Sequence[T],
    statistic: Callable[[Sequence[T]], float] = mean,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap: the quantiles (1 -+ level) / 2 of the statistic over streams drawn with replacement.

    The unit drawn is the stream: questions or events of one stream are not independent, and drawing them singly
    gives intervals that are too narrow.

    Source: B. Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 7 (1979).

    Args:
        streams: one entry a stream: its figure, or what `statistic` takes (such as a `Score` to be pooled).
        seed: equal seeds give equal intervals.

    Raises:
        InputError: no stream.
        ConfigError: the level is not between 0 and 1, or there are no resamples.
    """
    if not streams:
        raise InputError("bootstrap: no stream to draw from")
    if not 0 < level < 1 or resamples < 1:
        raise ConfigError(f"bootstrap: level {level}, resamples {resamples}: use 0 < level < 1 and 1 or more")
    draw = np.random.default_rng(seed)
    picks = draw.integers(len(streams), size=(resamples, len(streams)))
    drawn = [statistic([streams[index] for index in pick]) for pick in picks.tolist()]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(statistic(streams), float(low), float(high))
