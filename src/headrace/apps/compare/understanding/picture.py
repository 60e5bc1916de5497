"""picture: pareto.png, gates and memories in four panels, 1500 by 1180 pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

from headrace.apps.compare.looks import MARKERS, RECIPES, Look
from headrace.apps.compare.panels import empty, frame
from headrace.apps.compare.result import Figure
from headrace.apps.compare.sheet import Box, Sheet
from headrace.apps.compare.understanding.result import KeeperResult, Understanding
from headrace.apps.fonts import families, writable
from headrace.apps.strokes import ALERT, INK, PAPER, SOFT, STATE, WATER
from headrace.apps.wording import clean, counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 1500, 1180
#: Left, top, width and height of each panel's axes in pixels.
ENTERED, MOVING, AGES, REGIMES = (
    (80, 180, 560, 380),
    (800, 180, 560, 380),
    (80, 690, 560, 380),
    (930, 690, 480, 380),
)
BASELINE_MARKERS = ("s", "D", "v", "P", "<", ">")


def png(comparison: Understanding) -> bytes:
    """The picture."""
    sheet = Sheet(WIDTH, HEIGHT)
    styles = looks(comparison)
    sheet.write(30, 34, "Gates and memories on millrace", size=19, weight="bold", color=INK)
    facts = [
        f"{counted(comparison.streams, 'stream')} of {comparison.minutes:g} min a regime",
        f"{comparison.budget:,} rows, {comparison.budget / comparison.tokens:.1%} of the tokens",
        f"seed {comparison.seed}",
        "one encoder, an oracle reads what was kept",
        comparison.date[:10],
    ]
    sheet.write(30, 70, "   ·   ".join(facts), size=11, color=SOFT)
    sheet.write(WIDTH - 30, 34, "headrace compare", size=12, weight="bold", color=WATER, ha="right")
    hint = "of all questions, at equal bytes in all; by the share of tokens that enter"
    _titled(sheet, ENTERED, "Accuracy for what enters", hint)
    _scatter(sheet.axes(ENTERED), comparison, styles, lambda method: 100 * method.admitted.mean, log=True)
    hint = "accuracy, by the share of time at which it is known where the courier is"
    _titled(sheet, MOVING, "What is remembered, and what moves", hint)
    _scatter(sheet.axes(MOVING), comparison, styles, lambda method: method.courier.mean, log=False)
    _titled(
        sheet, AGES, "Accuracy by age of the evidence", "at equal bytes on the device; dotted: the best blind policy"
    )
    _ages(sheet.axes(AGES), comparison, styles)
    hint = f"at equal bytes on the device; {comparison.unseen} was never tuned on"
    _titled(sheet, REGIMES, "Accuracy by regime", hint, -130)
    _regimes(sheet.axes(REGIMES), comparison)
    return sheet.png()


def looks(comparison: Understanding) -> Mapping[str, Look]:
    """By name: recipes in colours, ours thick, baselines grey, what grows in the colour of alerts."""
    methods = [method for method in comparison.at("resident") if method.kind != "blind"]
    recipes = [method.name for method in methods if method.kind == "recipe"]
    plain = [method.name for method in methods if method.kind == "baseline" and method.bounded]
    found = {
        name: Look(RECIPES[i % len(RECIPES)], MARKERS[i // len(RECIPES) % len(MARKERS)], (), 1.6)
        for i, name in enumerate(recipes)
    }
    shapes = cycle(BASELINE_MARKERS)
    found |= {name: Look(STATE, shape, (3, 1.5), 1.2) for name, shape in zip(plain, shapes, strict=False)}
    found |= {method.name: Look(INK, "o", (), 3.0) for method in methods if method.kind == "ours"}
    return found | {method.name: Look(ALERT, "^", (6, 3), 1.6) for method in methods if not method.bounded}


def _scatter(
    axes: Axes, comparison: Understanding, styles: Mapping[str, Look], of: Callable[[KeeperResult], float], log: bool
) -> None:
    """Accuracy at equal bytes in all over a figure of each method, in percent on a scale of powers where `log`."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    frame(axes)
    held = [m for m in comparison.at("total") if m.kind != "blind" and math.isfinite(m.accuracy.mean)]
    held = [m for m in held if math.isfinite(of(m)) and (of(m) > 0 or not log)]
    if not held:
        empty(axes)
        return
    places = [of(m) for m in held]
    if log:
        axes.set_xscale("log")
        axes.set_xlim(min(places) / 1.5, max(places) * 1.5)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.set_xlim(min(places) - 0.05, max(places) + 0.05)
    axes.set_ylim(*_reach([*(m.accuracy for m in held), _blind(comparison, "total")]))
    axes.axhline(_blind(comparison, "total").mean, color=SOFT, linewidth=1.2, dashes=(1, 2), zorder=1)
    for method, x in zip(held, places, strict=True):
        look = styles[method.name]
        if math.isfinite(method.accuracy.low):
            axes.plot([x, x], [method.accuracy.low, method.accuracy.high], color=look.colour, linewidth=1.2, alpha=0.6)
        axes.plot([x], [method.accuracy.mean], look.marker, color=look.colour, markersize=8, zorder=4)
    _names(axes, [(m, m.accuracy.mean) for m in held], styles)


def _ages(axes: Axes, comparison: Understanding, styles: Mapping[str, Look]) -> None:
    frame(axes)
    held = [m for m in comparison.at("resident") if m.kind != "blind" and m.ages]
    if not held or not comparison.ages:
        empty(axes)
        return
    axes.set_xlim(-0.3, len(comparison.ages) - 0.7)
    axes.set_xticks(range(len(comparison.ages)), comparison.ages)
    axes.set_ylim(-0.03, 1.03)
    blind = [m for m in comparison.at("resident") if m.kind == "blind"]
    top = [max((m.ages[a].mean for m in blind if a in m.ages), default=math.nan) for a in comparison.ages]
    axes.plot(range(len(top)), top, color=SOFT, linewidth=1.2, dashes=(1, 2))
    ends = []
    for method in held:
        look = styles[method.name]
        points = [(i, method.ages[a].mean) for i, a in enumerate(comparison.ages) if a in method.ages]
        known = [(x, y) for x, y in points if math.isfinite(y)]
        if not known:
            continue
        style = {"dashes": look.dashes} if look.dashes else {}
        axes.plot(*zip(*known, strict=True), color=look.colour, linewidth=look.width, marker=look.marker,
                  markersize=4.5, **style)  # fmt: skip
        ends.append((method, known[-1][1]))
    _names(axes, ends, styles)


def _regimes(axes: Axes, comparison: Understanding) -> None:
    held = [m for m in comparison.at("resident") if m.regimes]
    if not held:
        frame(axes)
        empty(axes)
        return
    table = [[_mean(m.regimes.get(name)) for name in comparison.regimes] for m in held]
    axes.imshow(table, cmap="YlGnBu", vmin=0.2, vmax=1.0, aspect="auto")
    axes.set_xticks(range(len(comparison.regimes)), comparison.regimes)
    names = [writable(clean(m.name, 22)) for m in held]
    axes.set_yticks(range(len(held)), names, parse_math=False)
    axes.tick_params(length=0, pad=4, labelsize=9.5, labelcolor=SOFT)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for row, values in enumerate(table):
        for column, value in enumerate(values):
            if math.isfinite(value):
                shade = PAPER if value > 0.7 else INK
                axes.text(column, row, f"{value:.2f}".lstrip("0"), ha="center", va="center", size=8.5, color=shade)


def _names(axes: Axes, heads: Sequence[tuple[KeeperResult, float]], styles: Mapping[str, Look]) -> None:
    """A name beside the right edge for each method, apart from each other and as near to its height as that allows."""
    low, high = axes.get_ylim()
    tall = axes.get_window_extent().height * 72 / axes.figure.dpi
    ordered = sorted(((m, y) for m, y in heads if math.isfinite(y)), key=lambda head: head[1])
    gap = min(13.0, tall / max(len(ordered), 1))
    places: list[float] = []
    for _, y in ordered:
        at = (min(max(y, low), high) - low) / (high - low) * tall
        places.append(max(at, places[-1] + gap) if places else max(at, gap / 2))
    top = tall
    for i in reversed(range(len(places))):
        places[i] = min(places[i], top)
        top = places[i] - gap
    for (method, y), at in zip(ordered, places, strict=True):
        look = styles[method.name]
        told = writable(f"{clean(method.name, 22)} {y:.2f}")
        weight = "bold" if method.kind == "ours" else "normal"
        axes.annotate(
            told, (1.01, at / tall), xycoords="axes fraction", size=9.5, color=look.colour, weight=weight,
            family=families(told), va="center", annotation_clip=False, parse_math=False,
        )  # fmt: skip


def _blind(comparison: Understanding, setting: str) -> Figure:
    held = [m.accuracy for m in comparison.at(setting) if m.kind == "blind" and math.isfinite(m.accuracy.mean)]
    return max(held, key=lambda one: one.mean, default=Figure(0.5, math.nan, math.nan))


def _reach(figures: Sequence[Figure]) -> tuple[float, float]:
    edges = [edge for one in figures for edge in (one.mean, one.low, one.high) if math.isfinite(edge)]
    return min(edges) - 0.03, max(edges) + 0.03


def _mean(found: Figure | None) -> float:
    return math.nan if found is None else found.mean


def _titled(sheet: Sheet, box: Box, title: str, hint: str, shift: int = 0) -> None:
    sheet.write(box[0] + shift, box[1] - 46, title, size=13.5, weight="bold", color=INK)
    sheet.write(box[0] + shift, box[1] - 24, hint, size=10.5, color=SOFT)
