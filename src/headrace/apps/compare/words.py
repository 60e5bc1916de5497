"""words: how a comparison's figures, positions and methods are written in tables and in the picture."""

from __future__ import annotations

import math

from headrace.apps.compare.result import Comparison, Figure, MethodResult

#: Stands where nothing was measured.
NOTHING = "–"


def number(value: float, digits: int = 3, signed: bool = False) -> str:
    """`2.840`, `−0.103` (a true minus), with a plus if `signed`; `NOTHING` for NaN."""
    if math.isnan(value):
        return NOTHING
    text = f"{value:{'+' if signed else ''}.{digits}f}".replace("-", "−")
    return text if text.strip("+−0.") else text.lstrip("+−")


def figure(found: Figure | None, digits: int = 3, signed: bool = False) -> str:
    """`2.840 [2.801, 2.879]`; the mean alone where there is no interval, `NOTHING` where nothing was measured."""
    if found is None:
        return NOTHING
    mean = number(found.mean, digits, signed)
    if math.isnan(found.mean) or math.isnan(found.low):
        return mean
    return f"{mean} [{number(found.low, digits, signed)}, {number(found.high, digits, signed)}]"


def multiple(comparison: Comparison, bucket: str) -> str:
    """Where a bucket lies in trained lengths: `in length`, `1–2×`, `from 0.5×` where it ends between."""
    low, high = (edge / max(comparison.trained, 1) for edge in comparison.buckets[bucket])
    return "in length" if high <= 1 else f"{_times(low)}–{_times(high)}×"


def span(comparison: Comparison, bucket: str, brief: bool = False) -> str:
    """Positions of a bucket: `512–1,024`; where `brief`, `5.1k–51k` in place of `5,120–51,200`."""
    low, high = comparison.buckets[bucket]
    if not brief or high < 10_000:
        return f"{low:,}–{high:,}"
    return f"{_brief(low)}–{_brief(high)}"


def furthest(comparison: Comparison, method: MethodResult) -> str | None:
    """The last bucket in which a method was measured, with a paired difference where it has any."""
    known = method.against or method.loss
    reached = [name for name in comparison.buckets if name in known and not math.isnan(known[name].mean)]
    return reached[-1] if reached else None


def marks(method: MethodResult) -> list[str]:
    """What a reader must know of a method at its name: recipe or baseline, `grows`, `approximate`."""
    found = [method.kind]
    if not method.bounded:
        found.append("grows without bound")
    if method.approximate:
        found.append("approximate")
    return found


def inside(comparison: Comparison, method: MethodResult) -> float:
    """Mean recall over ages within the window; NaN if none was measured."""
    return _mean([found.mean for age, found in method.recall.items() if age <= comparison.budget])


def outside(comparison: Comparison, method: MethodResult) -> float:
    """Mean recall over ages beyond the window; NaN if none was measured."""
    return _mean([found.mean for age, found in method.recall.items() if age > comparison.budget])


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _times(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


def _brief(count: int) -> str:
    for scale, unit in ((10**6, "M"), (10**3, "k")):
        if count >= scale:
            return f"{count / scale:.{0 if count >= 10 * scale else 1}f}{unit}"
    return str(count)
