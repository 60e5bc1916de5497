"""Counting: a count that is asked for again and again, against the true one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, inf, isfinite, nan
from statistics import fmean
from typing import Any

from headrace.core.errors import InputError
from headrace.core.item import Emission
from headrace.evaluation.metrics.series import latest

#: Standard deviation of the Gaussian, as a share of the true count, as published.
SPREAD = 0.05


@dataclass(frozen=True, slots=True)
class Counting:
    """The counts of one question at its times; shares are NaN where there is nothing to take them from.

    A missing count (None, NaN, or one that no float holds) is wrong everywhere: it has no exactness, agrees with no
    change and breaks the order.

    Attributes:
        given: counts, in order of time; None where nothing came.
        truth: as many.
    """

    given: tuple[float | None, ...]
    truth: tuple[float, ...]

    @property
    def gpa(self) -> float:
        """Published, Gaussian precision accuracy: mean of exp(-(p - g)^2 / (2 s^2)), s = 0.05 max(g, 1).

        Off by one scores 2e-10 at a count of 3 and 0.61 at 20: below ten it is exactness.
        """
        return _mean([_near(p, g) for p, g in zip(self.given, self.truth, strict=True)])

    @property
    def moc(self) -> float:
        """Published, monotonicity consistency: i / (n - 1) of the first i (from 0) with p[i+1] < p[i]; 1 without one.

        For counts that never fall. It does not look at the truth: a constant scores 1.
        """
        falls = [fall for fall, _ in self._steps()]
        if not falls:
            return float("nan")
        return falls.index(True) / len(falls) if True in falls else 1.0

    @property
    def uda(self) -> float:
        """Published, update direction accuracy: share of steps with sign(p[i+1] - p[i]) = sign(g[i+1] - g[i]).

        Where the count rises at every time, "one more each time" scores 1.
        """
        return _mean([float(agrees) for _, agrees in self._steps()])

    @property
    def exact(self) -> float:
        """Share of the times at which the count is the true one."""
        return self._within(0)

    @property
    def off_by_one(self) -> float:
        """Share of the times at which the count differs from the true one by 1 at most."""
        return self._within(1)

    @property
    def mae(self) -> float:
        """Mean |p - g| of the counts that came; `missing` tells how many did not."""
        return _mean([abs(float(p) - g) for p, g in zip(self.given, self.truth, strict=True) if p is not None])

    @property
    def falls(self) -> float:
        """Share of the n - 1 steps at which the count falls, or one of the two is missing, where the truth does not."""
        return _mean([float(fall) for fall, (a, b) in zip(self._falls(), pairwise(self.truth), strict=True) if b >= a])

    @property
    def missing(self) -> int:
        return self.given.count(None)

    def _within(self, most: float) -> float:
        return _mean([float(p is not None and abs(p - g) <= most) for p, g in zip(self.given, self.truth, strict=True)])

    def _falls(self) -> list[bool]:
        return [fall for fall, _ in self._steps()]

    def _steps(self) -> list[tuple[bool, bool]]:
        """Of each step: the count falls (or is missing), and its direction is that of the truth."""
        steps = []
        for (a, b), (c, d) in zip(pairwise(self.given), pairwise(self.truth), strict=True):
            if a is None or b is None:
                steps.append((True, False))
            else:
                steps.append((b < a, _sign(b - a) == _sign(d - c)))
        return steps


def counting(given: Sequence[float | None], truth: Sequence[float]) -> Counting:
    """Counts against true ones, one of each at every time at which the question was asked.

    The published figures are `gpa`, `moc` and `uda`; beside them `exact`, `off_by_one`, `mae` and `falls`, which
    look at every time. There is no TP, FP or FN here. Pooling as published: the mean over questions.

    Source: P. Liu et al., "VCBench: A Streaming Counting Benchmark for Spatial-Temporal State Maintenance in Long
    Videos", arXiv 2603.12703 (GPA, MoC, UDA). Published code needs a number everywhere; a missing one is ours.

    Raises:
        InputError: there are not as many counts as true ones, or a true one is no finite number.
    """
    if len(given) != len(truth):
        raise InputError(f"counting: {len(truth)} true counts, but {len(given)} were given")
    if not all(_held(g) for g in truth):
        raise InputError("counting: a true count is no finite number; leave its time out")
    return Counting(tuple(p if _held(p) else None for p in given), tuple(truth))


def counts_at(
    emitted: Sequence[Emission], times: Sequence[int], read: Callable[[Emission], float | None]
) -> list[float | None]:
    """What a system that counts by itself would have answered: the latest count that had left at each time (ns).

    Args:
        read: the count in an emission, or None.
    """
    return [None if emission is None else read(emission) for emission in latest(emitted, times)]


def _near(p: float | None, g: float) -> float:
    if p is None:
        return 0.0
    far = (float(p) - g) / (SPREAD * max(g, 1))
    return exp(-far * far / 2)


def _held(count: float | None) -> bool:
    """Whether it is a number that a float holds."""
    try:
        return count is not None and isfinite(count)
    except OverflowError:
        return False


def _sign(x: float) -> int:
    return (x > 0) - (x < 0)


def _mean(values: Sequence[Any]) -> float:
    try:
        return fmean(values) if values else nan
    except OverflowError:
        return inf
