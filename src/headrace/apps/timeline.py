"""timeline.png: the lanes of a result in one picture, 1600 pixels wide, 700 high and more with more sources."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.apps import strokes, thumbnail
from headrace.apps.fonts import families, writable
from headrace.apps.result import Result, SourceInfo
from headrace.apps.strokes import ALERT, INK, LEFT, PAPER, RIGHT, SOFT, WATER, Drawn
from headrace.apps.wording import clean, clock, counted, length
from headrace.core.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Pictures along the top, and the most sources that get lanes.
PICTURES, SOURCES = 9, 6

#: Pixels of the head without and with pictures, of the axis at the foot, and of a source beside its lanes.
HEAD, PICTURED, FOOT, NAME = 102, 210, 45, 30

#: Between two lanes, pixels.
GAP = 12

Draw = Callable[["Axes", Drawn], str]

#: Lanes with their height in pixels, for one source and for each of several.
LANES: tuple[tuple[str, int, int, Draw], ...] = (
    ("Found", 62, 52, strokes.found),
    ("Change", 52, 34, strokes.change),
    ("Events", 30, 22, strokes.events),
    ("Text", 105, 62, strokes.text),
    ("Speech", 48, 40, strokes.speech),
    ("Sounds", 20, 18, strokes.sounds),
    ("State", 52, 34, strokes.state),
)


def write_timeline(result: Result, path: str | os.PathLike[str]) -> Path:
    """Draw `result` to `path` as a PNG, with thumbnails from the folder of `path` if they are there.

    matplotlib's global settings are left alone and no window system is needed. Names are written in any
    script for which a font is installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    target = Path(path)
    drawn = [Drawn(result, source) for source in result.sources[:SOURCES]] or [Drawn(result, SourceInfo(""))]
    head = PICTURED if any(mark.thumbnail for mark in result.events) else HEAD
    several = len(drawn) > 1
    lanes = [
        [(name, many if several else one, draw) for name, one, many, draw in LANES if part.has(name)] for part in drawn
    ]
    tall = [sum(height + GAP for _, height, _ in held) + (NAME if several else 0) for held in lanes]
    high = head + sum(tall) + FOOT if several else 700
    stretch = (high - head - FOOT) / max(sum(tall), 1)
    figure = Figure(figsize=(16, high / 100), dpi=100, facecolor=PAPER)
    canvas = FigureCanvasAgg(figure)
    _heading(figure, result, high)
    if head == PICTURED:
        _pictures(figure, result, target.parent, high)
    y = float(head)
    for part, held in zip(drawn, lanes, strict=True):
        if several:
            _name(figure, part.source, y, high)
            y += NAME
        for name, height, draw in held:
            size = height * stretch
            box = (LEFT, 1 - (y + size) / high, RIGHT - LEFT, size / high)
            axes = figure.add_axes(box)
            last = part is drawn[-1] and name == held[-1][0]
            strokes.frame(axes, part, last)
            note = draw(axes, part).partition("\n" if several else "\0")[0]
            figure.text(0.018, 1 - y / high, name, size=11.5, weight="bold", color=INK, va="top")
            figure.text(0.018, 1 - (y + 18) / high, note, size=9, color=SOFT, va="top", linespacing=1.25)
            y += (height + GAP) * stretch
    with atomic_path(target) as temporary:
        canvas.print_figure(temporary, format="png")
    return target


def _write(figure: Figure, x: float, y: float, text: str, **style: object) -> None:
    """Text from outside, at shares of the figure; not bold where the first font does not suffice."""
    text = writable(text)
    names = families(text)
    if len(names) > 1:
        style["weight"] = "normal"
    figure.text(x, y, text, family=names, parse_math=False, **style)


def _heading(figure: Figure, result: Result, high: int) -> None:
    names = ", ".join(clean(source.name, 48) for source in result.sources[:3]) or "no source"
    more = len(result.sources) - 3
    names += f" and {more} more" if more > 0 else ""
    _write(figure, 0.018, 1 - 32 / high, names, size=19, weight="bold", color=INK, va="center")
    seen = sum(answer.seen for answer in result.answers)
    facts = [length(result.run.media_s) + " watched", counted(len(result.text), "line") + " of text"]
    facts += [counted(len(result.events), "event")]
    if result.speech:
        facts.append(length(sum(line.last_s - line.first_s for line in result.speech)) + " of speech")
    if result.answers:
        facts.append(f"{seen} of {counted(len(result.answers), 'question')} answered")
    if result.standing or result.alerts:
        facts.append(counted(len(result.alerts), "alert"))
    if result.run.interrupted:
        facts.append("interrupted")
    if len(result.sources) > SOURCES:
        facts.append(f"the first {SOURCES} of {len(result.sources):,} sources")
    figure.text(0.018, 1 - 67 / high, "   ·   ".join(facts), size=12, color=SOFT, va="center")
    brand = {"size": 12, "weight": "bold", "color": WATER, "ha": "right", "va": "center"}
    figure.text(RIGHT, 1 - 32 / high, "headrace watch", **brand)


def _name(figure: Figure, source: SourceInfo, y: float, high: int) -> None:
    told = clean(source.name, 60)
    if source.gaps:
        lost = length(sum(end - start for start, end in source.gaps))
        figure.text(RIGHT, 1 - (y + 10) / high, f"{lost} not watched", size=10, color=ALERT, ha="right", va="center")
    _write(figure, LEFT, 1 - (y + 10) / high, told, size=12.5, weight="bold", color=INK, va="center")


def _pictures(figure: Figure, result: Result, folder: Path, high: int) -> None:
    """Pictures of events along the top, each near its time."""
    marks = sorted((m for m in result.events if m.thumbnail), key=lambda mark: mark.t_s)
    slot, several = (RIGHT - LEFT) / PICTURES, len(result.sources) > 1
    for i in range(PICTURES):
        low, end = (result.span_s * j / PICTURES for j in (i, i + 1))
        middle = (low + end) / 2
        near = min((m for m in marks if low <= m.t_s < end), key=lambda m: abs(m.t_s - middle), default=None)
        picture = thumbnail.load(folder, near.thumbnail) if near else None
        if near is None or picture is None:
            continue
        axes = figure.add_axes((LEFT + i * slot + 0.003, 1 - 170 / high, slot - 0.006, 80 / high), anchor="C")
        axes.imshow(picture, interpolation="antialiased")
        axes.set_axis_off()
        told = clock(near.t_s) + (f"  {clean(near.source, 14)}" if several else "")
        _write(figure, LEFT + (i + 0.5) * slot, 1 - 184 / high, told, size=9.5, color=SOFT, ha="center", va="center")
