"""Series: a value that is defined all the time, against the latest one that had left."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan
from statistics import fmean
from typing import Any

from headrace.core.errors import ConfigError
from headrace.core.item import Emission
from headrace.evaluation.metrics.heard import heard
from headrace.evaluation.truth import Series

#: How well a value fits the true one, 0 to 1.
Fit = Callable[[Any, Any], float]
#: Permitted latencies as shares of a frame: 0, 0.02, … 1.
ETAS = tuple(step / 50 for step in range(51))


@dataclass(frozen=True, slots=True)
class Timely:
    """A value at every time that it was asked for.

    Attributes:
        fits: 0 to 1, of each time; 0 where nothing had left.
        behind: of each time, the times after the newest evidence of the value used, up to this one; None where
            nothing had left.
        stale: ns from that evidence to the time, likewise.
    """

    fits: tuple[float, ...]
    behind: tuple[int | None, ...]
    stale: tuple[int | None, ...]

    @property
    def value(self) -> float:
        """Mean fit; a time at which nothing had left counts 0. NaN without times."""
        return fmean(self.fits) if self.fits else float("nan")

    @property
    def missing(self) -> int:
        """Times at which nothing had left."""
        return self.behind.count(None)

    @property
    def in_time(self) -> float:
        """Share of all times whose value rests on what was seen at that very time; NaN without times."""
        return self.behind.count(0) / len(self.behind) if self.behind else float("nan")

    @property
    def mismatch(self) -> float:
        """Mean of `behind`, in times (frames), where something had left; NaN if it never had."""
        given = [one for one in self.behind if one is not None]
        return fmean(given) if given else float("nan")


def timely(
    emitted: Sequence[Emission],
    truth: Series,
    times: Sequence[int],
    fit: Fit,
    *,
    slack: int = 0,
    read: Callable[[Emission], Any] | None = None,
    initial: Any = None,
) -> Timely:
    """At each time t, the latest emission with t_emit <= t + slack against `truth.at(t)`.

    Causal with a slack of 0, which is how sAP is published for detection (its eta is -slack in frames); a slack above
    0 waits for late answers. Ordinary sAP then takes COCO's AP over the pairs; here every time has a `fit`, such as
    the IoU of a box, and a time without an answer has 0. TP, FP and FN are the fit's own. Times before the truth begins
    are left out, as are cancelled emissions; a NaN fit is 0.

    Source: M. Li, Y.-X. Wang, D. Ramanan, "Towards Streaming Perception", ECCV 2020 (streaming accuracy; in-time and
    mismatch counts of its code).

    Args:
        times: ns, rising; those of the frames.
        fit: of a value and the true one.
        slack: ns.
        read: the value of an emission; its content if None.
        initial: the value until something has left, as trackers are given the first box. None: there is none.
    """
    fits: list[float] = []
    behind: list[int | None] = []
    stale: list[int | None] = []
    asked = [t for t in times if truth.at(t) is not None]
    for t, emission in zip(asked, latest(emitted, [t + slack for t in asked]), strict=True):
        if emission is None:
            found = initial
            behind.append(None)
            stale.append(None)
        else:
            found = emission.content if read is None else read(emission)
            seen = min(emission.t_input, t)
            behind.append(bisect_right(asked, t) - bisect_right(asked, seen))
            stale.append(t - seen)
        value = 0.0 if found is None else float(fit(found, truth.at(t)))
        fits.append(0.0 if isnan(value) else value)
    return Timely(tuple(fits), tuple(behind), tuple(stale))


def latest(emitted: Sequence[Emission], times: Sequence[int]) -> list[Emission | None]:
    """For each time (ns), the emission that left last, at that time or before; None if none had. Cancelled ones never
    left."""
    said = heard(emitted)
    left = [one.t_emit for one in said]
    places = [bisect_right(left, t) for t in times]
    return [said[place - 1] if place else None for place in places]


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure by the latency that is permitted.

    Attributes:
        etas: permitted latencies, as shares of a frame, rising.
        values: one for each.
    """

    etas: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def auc(self) -> float:
        """Area below the curve by trapezia, divided by its width: the mean over eta."""
        area = sum(
            (b - a) * (u + v) / 2 for (a, b), (u, v) in zip(pairwise(self.etas), pairwise(self.values), strict=True)
        )
        return area / (self.etas[-1] - self.etas[0])


def latency_curve(
    emitted: Sequence[Emission],
    truth: Series,
    times: Sequence[int],
    fit: Fit,
    period: int,
    *,
    etas: Sequence[float] = ETAS,
    read: Callable[[Emission], Any] | None = None,
    initial: Any = None,
) -> Curve:
    """LAE(eta): the mean fit where an answer may be up to eta frames late, eta = 0, 0.02, … 1.

    At eta = 0 it is causal. Published with the first box given (`initial`), so that the first frames count without
    any work; without it they are missing and count 0. The integral over eta is `Curve.auc`. At eta = 1, as published,
    an answer to the next frame that takes no time is taken for one to this frame.

    Source: B. Li et al., "PVT++: A Simple End-to-End Latency-Aware Visual Tracking Framework", ICCV 2023,
    arXiv 2211.11629 (extended latency-aware evaluation); after "Predictive Visual Tracking" (LAE).

    Args:
        period: ns between two frames.

    Raises:
        ConfigError: a period that is not above 0, or fewer than two etas, or etas that do not rise.
    """
    if period <= 0 or len(etas) < 2 or any(b <= a for a, b in pairwise(etas)):
        raise ConfigError(f"latency curve: period {period} ns, {len(etas)} etas: use > 0, and two or more that rise")
    values = [
        timely(emitted, truth, times, fit, slack=round(eta * period), read=read, initial=initial).value for eta in etas
    ]
    return Curve(tuple(etas), tuple(values))
