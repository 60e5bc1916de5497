"""panels: loss by position and recall by age in pareto.png; a panel sets the limits of the axes that it draws on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from headrace.apps.compare.looks import Look, Looks
from headrace.apps.compare.result import Comparison, Figure, MethodResult
from headrace.apps.compare.words import multiple, number, span
from headrace.apps.strokes import FAINT, RULE, SOFT
from headrace.apps.wording import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def loss_words(comparison: Comparison) -> tuple[str, str]:
    """Title and the line under it."""
    where = f"by tokens, and by multiples of the trained {comparison.trained:,}"
    return "Loss by position in the stream", f"nats a token, {where}; lower is better"


def recall_words(comparison: Comparison) -> tuple[str, str]:
    """Title and the line under it."""
    chance = f"; dotted: chance {comparison.chance:.3f}" if comparison.ages else ""
    return "Recall of planted facts by age", f"share recalled, by tokens since the fact{chance}"


def loss(axes: Axes, comparison: Comparison, styles: Looks) -> None:
    """A column a bucket, methods side by side in it; lines lead from bucket to bucket."""
    buckets = list(comparison.buckets)
    frame(axes)
    seen = [f for method in comparison.methods if method.kind != "blind" for f in method.loss.values()]
    if not buckets or not any(math.isfinite(found.mean) for found in seen):
        empty(axes)
        return
    low, high = reach(seen, 0.06)
    low -= 0.1 * (high - low)
    axes.set_ylim(low, high)
    axes.set_xlim(-0.5, len(buckets) - 0.5)
    named = [f"{span(comparison, bucket, brief=True)}\n{multiple(comparison, bucket)}" for bucket in buckets]
    axes.set_xticks(range(len(buckets)), named, linespacing=1.5)
    for i in range(1, len(buckets)):
        axes.axvline(i - 0.5, color=RULE, linewidth=0.7, zorder=0)
    _edge(axes, _place(comparison, comparison.trained), f"trained length {comparison.trained:,}")
    _edge(axes, _place(comparison, comparison.budget), f"budget {comparison.budget:,}")
    for method, x0 in _beside(comparison.methods):
        points = [(i + x0, method.loss[b]) for i, b in enumerate(buckets) if b in method.loss]
        _curve(axes, points, styles[method.name])
    above = [
        f"{clean(method.name, 24)} {number(list(method.loss.values())[-1].mean, 2)}"
        for method in comparison.methods
        if method.kind == "blind" and method.loss and all(found.mean > high for found in method.loss.values())
    ]
    if above:
        told = f"{', '.join(above)} at the end, above ↑"
        axes.text(0.995, 0.03, told, transform=axes.transAxes, ha="right", va="bottom", size=9.5, color=SOFT)


def recall(axes: Axes, comparison: Comparison, styles: Looks) -> None:
    """A column an age; those beyond the window are shaded."""
    ages = comparison.ages
    frame(axes)
    if not ages:
        empty(axes)
        return
    axes.set_xlim(-0.5, len(ages) - 0.5)
    axes.set_ylim(-0.02, 1.22)
    axes.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
    axes.set_xticks(range(len(ages)), [f"{age:,}" for age in ages])
    left = sum(age <= comparison.budget for age in ages) - 0.5
    axes.axvspan(left, len(ages) - 0.5, color=FAINT, linewidth=0, zorder=0)
    if left > 0:
        axes.text(left - 0.08, 1.2, "in the window", ha="right", va="top", size=9.5, color=SOFT)
    if left < len(ages) - 1:
        axes.text(left + 0.08, 1.2, "has left the window", ha="left", va="top", size=9.5, color=SOFT)
    axes.axhline(comparison.chance, color=SOFT, linewidth=1, dashes=(1, 2), zorder=1)
    for method, x0 in _beside([method for method in comparison.methods if method.recall]):
        points = [(i + x0, method.recall[age]) for i, age in enumerate(ages) if age in method.recall]
        _curve(axes, points, styles[method.name])


def reach(figures: Sequence[Figure], margin: float) -> tuple[float, float]:
    """Limits that hold all means and intervals, with a margin of that share."""
    edges = [edge for f in figures for edge in (f.mean, f.low, f.high) if math.isfinite(edge)]
    low, high = min(edges), max(edges)
    room = max(margin * (high - low), 0.01)
    return low - room, high + room


def _beside(methods: Sequence[MethodResult]) -> list[tuple[MethodResult, float]]:
    """Methods with their place in a column one wide, so that intervals do not hide each other."""
    step = min(0.09, 0.6 / max(len(methods), 1))
    return [(method, step * (i - (len(methods) - 1) / 2)) for i, method in enumerate(methods)]


def _curve(axes: Axes, points: Sequence[tuple[float, Figure]], look: Look) -> None:
    """Means joined by a line, with their intervals."""
    known = [(x, found) for x, found in points if math.isfinite(found.mean)]
    x, y = [x for x, _ in known], [found.mean for _, found in known]
    style = {"dashes": look.dashes} if look.dashes else {}
    axes.plot(x, y, color=look.colour, linewidth=look.width, marker=look.marker, markersize=5, zorder=3, **style)
    for at, found in known:
        if math.isfinite(found.low):
            axes.plot([at, at], [found.low, found.high], color=look.colour, linewidth=1, alpha=0.5, zorder=2)


def _place(comparison: Comparison, position: int) -> float | None:
    """Where a position lies among the columns; None beyond the last bucket."""
    for i, (low, high) in enumerate(comparison.buckets.values()):
        if low <= position < high:
            share = math.log(position / low) / math.log(high / low) if low else position / high
            return i - 0.5 + share
    return None


def _edge(axes: Axes, x: float | None, told: str) -> None:
    """A line across all methods, with what it marks."""
    if x is None:
        return
    axes.axvline(x, color=SOFT, linewidth=1.2, dashes=(4, 3), zorder=1)
    at = axes.get_xaxis_transform()
    axes.text(x + 0.05, 0.03, told, transform=at, ha="left", va="bottom", size=9.5, color=SOFT)


def frame(axes: Axes) -> None:
    """Spines, ticks and the grid that panels have in common."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(RULE)
    axes.tick_params(length=0, pad=6, labelsize=10, labelcolor=SOFT)
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)


def empty(axes: Axes) -> None:
    """What is drawn where there are no figures."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, "nothing was measured", transform=axes.transAxes, ha="center", va="center", color=SOFT, size=12)
