"""pareto: the first panel of pareto.png, loss late in the stream over the bytes that it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.apps.compare.looks import Look, Looks
from headrace.apps.compare.methods import REFERENCE
from headrace.apps.compare.panels import empty, frame, reach
from headrace.apps.compare.result import Comparison, Figure, MethodResult
from headrace.apps.compare.words import furthest, multiple, number, span
from headrace.apps.fonts import families, writable
from headrace.apps.strokes import INK, PAPER, SOFT
from headrace.apps.wording import clean, size

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Points between the middles of two labels.
LABEL = 15

#: Between two methods of equal bytes, and between the last of them and their names, in octaves of bytes.
BESIDE, ASIDE = 0.16, 0.2


@dataclass(frozen=True, slots=True)
class Head:
    """A method's place: what it is placed by, and where, in units of the axes."""

    method: MethodResult
    found: Figure
    x: float
    y: float


def words(comparison: Comparison) -> tuple[str, str]:
    """Title and the line under it."""
    last = list(comparison.buckets)[-1]
    where = f"at {span(comparison, last, brief=True)} ({multiple(comparison, last)})"
    if not _paired(comparison):
        return "Loss late in the stream, for its memory", f"nats a token {where}; lower is better"
    title = f"Loss late in the stream, less that of {REFERENCE}"
    return title, f"nats a token on the same tokens, {where}; lower is better"


def draw(axes: Axes, comparison: Comparison, styles: Looks) -> None:
    """Loss past the window over resident bytes; a method that grows has an arrow."""
    dots = [dot for method in comparison.methods if (dot := _dot(comparison, method)) is not None]
    frame(axes)
    axes.set_xscale("log", base=2)
    if not dots:
        empty(axes)
        return
    low, high = reach([found for method, found in dots if method.bounded] or [found for _, found in dots], 0.12)
    axes.set_ylim(low, high)
    sizes = [method.resident_bytes for method, _ in dots]
    axes.set_xlim(min(sizes) / 1.9, max(sizes) * 3.2)
    _bytes(axes)
    if _paired(comparison):
        axes.axhline(0, color=INK, linewidth=1, zorder=1)
    heads = [Head(m, found, m.resident_bytes * 2**shift, min(found.mean, high)) for m, found, shift in _apart(dots)]
    for head in heads:
        look, found = styles[head.method.name], head.found
        if math.isfinite(found.low) and found.low < high:
            bar = [found.low, min(found.high, high)]
            axes.plot([head.x] * 2, bar, color=look.colour, linewidth=1.8, solid_capstyle="butt", zorder=3)
        axes.plot([head.x], [head.y], look.marker, color=look.colour, markersize=9, clip_on=False, zorder=4)
        if not head.method.bounded:
            arrow = {"arrowstyle": "-|>", "color": look.colour, "linewidth": 1.6, "shrinkA": 7}
            axes.annotate("", (axes.get_xlim()[1], head.y), (head.x, head.y), arrowprops=arrow, annotation_clip=False)
    _labels(axes, comparison, heads, styles)


def _dot(comparison: Comparison, method: MethodResult) -> tuple[MethodResult, Figure] | None:
    """A method with the figure by which it is placed; None if it has none, or holds nothing."""
    where = furthest(comparison, method)
    if where is None or method.resident_bytes <= 0 or method.kind == "blind":
        return None
    if not _paired(comparison):
        return method, method.loss[where]
    if method.name == REFERENCE:
        return method, Figure(0.0, math.nan, math.nan)
    return (method, method.against[where]) if where in method.against else None


def _paired(comparison: Comparison) -> bool:
    return any(method.against for method in comparison.methods)


def _apart(dots: Sequence[tuple[MethodResult, Figure]]) -> list[tuple[MethodResult, Figure, float]]:
    """Methods of nearly equal bytes side by side, with their shift in octaves; the best leftmost."""
    groups: dict[int, list[tuple[MethodResult, Figure]]] = {}
    for dot in sorted(dots, key=lambda dot: dot[1].mean):
        groups.setdefault(round(4 * math.log2(dot[0].resident_bytes)), []).append(dot)
    return [(m, f, BESIDE * (i - (len(g) - 1) / 2)) for g in groups.values() for i, (m, f) in enumerate(g)]


def _labels(axes: Axes, comparison: Comparison, heads: Sequence[Head], styles: Looks) -> None:
    """A name and a figure for each dot: in a column beside those of bounded methods, under the arrow of others."""
    tall = axes.get_window_extent().height * 72 / axes.figure.dpi
    low, high = axes.get_ylim()
    held = sorted((head for head in heads if head.method.bounded), key=lambda head: head.y)
    places = _spread([(head.y - low) / (high - low) * tall for head in held], LABEL, tall)
    right = max((head.x for head in held), default=1.0)
    for head, at in zip(held, places, strict=True):
        place = (right * 2**ASIDE, low + at / tall * (high - low))
        _label(axes, _told(comparison, head), place, styles[head.method.name])
    edge = axes.get_xlim()[1]
    for head in heads:
        if not head.method.bounded:
            look = styles[head.method.name]
            told = [_told(comparison, head), f"grows {size(max(head.method.slope, 0))} per 1,000 tokens"]
            told += [f"ended after {head.method.tokens:,} tokens"] if head.method.ended else []
            for row, line in enumerate(told, 1):
                _label(axes, line, (edge, head.y - (row * LABEL + 4) / tall * (high - low)), look, "right")


def _label(axes: Axes, told: str, at: tuple[float, float], look: Look, side: str = "left") -> None:
    told = writable(told)
    bold = "bold" if look.width > 2 else "normal"
    style = {"size": 10.5, "color": look.colour, "weight": bold, "ha": side, "va": "center", "zorder": 2}
    style["bbox"] = {"facecolor": PAPER, "linewidth": 0, "pad": 1}
    axes.text(*at, told, family=families(told), parse_math=False, **style)


def _told(comparison: Comparison, head: Head) -> str:
    """Name and figure, and where it was measured if not in the last bucket; an arrow where the dot is off the scale."""
    method, where = head.method, furthest(comparison, head.method)
    told = clean(method.name, 24) + (" (≈)" if method.approximate else "")
    if method.name == REFERENCE and _paired(comparison):
        return told
    told += f" {number(head.found.mean, signed=_paired(comparison))}"
    told += f" at {multiple(comparison, where)}" if where and where != list(comparison.buckets)[-1] else ""
    return told + (" ↑" if head.y < head.found.mean else "")


def _spread(wanted: Sequence[float], gap: float, tall: float) -> list[float]:
    """Ascending places at least `gap` apart and within `tall`, each as near to the wanted one as that allows."""
    placed: list[float] = []
    for at in wanted:
        placed.append(max(at, placed[-1] + gap) if placed else max(at, gap / 2))
    top = tall - gap / 2
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], top)
        top = placed[i] - gap
    return placed


def _bytes(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.xaxis.set_major_locator(LogLocator(base=4 if axes.get_xlim()[1] / axes.get_xlim()[0] > 64 else 2))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: size(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    told = "resident bytes of one session at its peak; equal ones stand side by side"
    axes.set_xlabel(told, size=10.5, color=SOFT, labelpad=8)
