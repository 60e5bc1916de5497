"""figures: means as figures of a report."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from statistics import fmean

from headrace.evaluation.benchmark import Value
from headrace.evaluation.metrics import Score

_NAN = float("nan")


def share(values: Sequence[float]) -> Value:
    """The mean of values from 0 to 1, in %; NaN if there are none."""
    return Value(100 * fmean(values) if values else _NAN, len(values))


def average(values: Sequence[float], unit: str = "") -> Value:
    """The mean of values as they are; NaN if there are none."""
    return Value(fmean(values) if values else _NAN, len(values), unit)


def macro(values: Sequence[Value]) -> Value:
    """The mean of figures of the same unit, each weighing the same; NaN figures are left out."""
    there = [one for one in values if not isnan(one.value)]
    unit = there[0].unit if there else "%"
    return Value(fmean(one.value for one in there) if there else _NAN, sum(one.count for one in there), unit)


def f1(score: Score, none: float = _NAN) -> Value:
    """F1 in %, counted over truths; `none` where nothing was there and nothing was said."""
    truths = score.tp + score.fn
    return Value(100 * score.f1 if truths or score.fp else none, truths)
