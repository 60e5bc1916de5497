"""timeline.png: the lanes of a result in one picture of 1600 x 700 pixels."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.apps import thumbnail
from headrace.apps.lanes import LINES, stagger
from headrace.apps.result import Result
from headrace.apps.wording import clean, clock, counted, evenly, length, percent, size, ticks
from headrace.core.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, RULE, PAPER = "#16202a", "#55626e", "#dde2e4", "#ffffff"
WATER, WASH, ALERT, ANSWER, STATE = "#0b6a87", "#b9d8e1", "#b83a10", "#4d7a12", "#6d5a9c"

#: Pictures along the top, and the most labels of alerts and of answers.
PICTURES, LABELS = 9, 12

#: Left and right edge of the time axis as shares of the figure, and the height of one lane unit.
LEFT, RIGHT = 0.105, 0.97


def write_timeline(result: Result, path: str | os.PathLike[str]) -> Path:
    """Draw `result` to `path` as a PNG, with thumbnails from the folder of `path` if they are there.

    matplotlib's global settings are left alone and no window system is needed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    target = Path(path)
    figure = Figure(figsize=(16, 7), dpi=100, facecolor=PAPER)
    canvas = FigureCanvasAgg(figure)
    _heading(figure, result)
    pictured = _pictures(figure, result, target.parent)
    lanes = [lane for lane in LANES if lane[0] != "Change" or result.series.t_s]
    total = sum(height for _, height, _ in lanes) + 0.35 * (len(lanes) - 1)
    top, bottom = (0.70 if pictured else 0.855), 0.065
    unit, y = (top - bottom) / total, top
    for name, height, draw in lanes:
        y -= height * unit
        axes = figure.add_axes((LEFT, y, RIGHT - LEFT, height * unit))
        _frame(axes, result.span_s, last=name == lanes[-1][0])
        note = draw(axes, result)
        figure.text(0.018, y + height * unit - 0.002, name, size=12, weight="bold", color=INK, va="top")
        figure.text(0.018, y + height * unit - 0.034, note, size=9.5, color=SOFT, va="top", linespacing=1.35)
        y -= 0.35 * unit
    with warnings.catch_warnings():  # a glyph that the font lacks is drawn as a box
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        with atomic_path(target) as temporary:
            canvas.print_figure(temporary, format="png")
    return target


def _heading(figure: Figure, result: Result) -> None:
    names = ", ".join(clean(source.name, 48) for source in result.sources[:3]) or "no source"
    more = len(result.sources) - 3
    figure.text(
        0.018,
        0.955,
        names + (f" and {more} more" if more > 0 else ""),
        size=19,
        weight="bold",
        color=INK,
        va="center",
        parse_math=False,
    )
    seen = sum(answer.seen for answer in result.answers)
    facts = [length(result.run.media_s) + " watched", counted(len(result.text), "line") + " of text"]
    facts += [counted(len(result.events), "event")]
    if result.answers:
        facts.append(f"{seen} of {counted(len(result.answers), 'question')} answered")
    if result.standing or result.alerts:
        facts.append(counted(len(result.alerts), "alert"))
    if result.run.interrupted:
        facts.append("interrupted")
    figure.text(0.018, 0.905, "   ·   ".join(facts), size=12, color=SOFT, va="center")
    figure.text(RIGHT, 0.955, "headrace watch", size=12, weight="bold", color=WATER, ha="right", va="center")


def _pictures(figure: Figure, result: Result, folder: Path) -> bool:
    """Pictures of events along the top, each near its time; False if there is none."""
    marks = sorted((m for m in result.events if m.thumbnail), key=lambda mark: mark.t_s)
    slot = (RIGHT - LEFT) / PICTURES
    drawn = False
    for i in range(PICTURES):
        low, high = (result.span_s * j / PICTURES for j in (i, i + 1))
        middle = (low + high) / 2
        near = min((m for m in marks if low <= m.t_s < high), key=lambda m: abs(m.t_s - middle), default=None)
        picture = thumbnail.load(folder, near.thumbnail) if near else None
        if near is None or picture is None:
            continue
        axes = figure.add_axes((LEFT + i * slot + 0.003, 0.757, slot - 0.006, 0.115), anchor="C")
        axes.imshow(picture, interpolation="antialiased")
        axes.set_axis_off()
        figure.text(LEFT + (i + 0.5) * slot, 0.738, clock(near.t_s), size=9.5, color=SOFT, ha="center", va="center")
        drawn = True
    return drawn


def _frame(axes: Axes, span_s: float, last: bool) -> None:
    axes.set_xlim(0, span_s)
    axes.set_yticks([])
    axes.patch.set_visible(False)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(RULE)
    marks = ticks(span_s, 12)
    axes.set_xticks(marks, [clock(t) for t in marks] if last else [""] * len(marks))
    axes.tick_params(axis="x", length=0, pad=6, labelsize=10.5, labelcolor=SOFT)
    axes.grid(axis="x", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)


def _found(axes: Axes, result: Result) -> str:
    """Alerts as flags in the upper half, evidence as bars with the number of its question below."""
    from matplotlib.transforms import blended_transform_factory

    axes.set_ylim(0, 1)
    for i in evenly(len(result.alerts), LINES):
        axes.vlines(result.alerts[i].t_s, 0.5, 1, color=ALERT, linewidth=1.8)
    for answer in result.answers:
        for proof in answer.evidence:
            axes.plot(
                [proof.start_s, proof.end_s],
                [0.1, 0.1],
                color=ANSWER,
                linewidth=4.5,
                solid_capstyle="round",
                clip_on=False,
            )
    alerts = [(result.alerts[i].t_s, f"A{i + 1}") for i in evenly(len(result.alerts), LABELS)]
    answers = [(a.evidence[0].start_s, f"Q{i}") for i, a in enumerate(result.answers, 1) if a.evidence and a.seen]
    answers = [answers[i] for i in evenly(len(answers), LABELS)]
    at = blended_transform_factory(axes.transData, axes.transAxes)
    for pins, y, colour in ((alerts, 0.8, ALERT), (answers, 0.36, ANSWER)):
        places = stagger([t for t, _ in pins], result.span_s)
        for (t, label), place in zip(pins, places, strict=True):
            late, aside = t > 0.97 * result.span_s, 5 + 20 * place
            if place < 4:
                axes.annotate(
                    label,
                    (t, y),
                    xycoords=at,
                    xytext=(-aside if late else aside, 0),
                    textcoords="offset points",
                    size=10,
                    weight="bold",
                    color=colour,
                    ha="right" if late else "left",
                    va="center",
                )
    seen = sum(answer.seen for answer in result.answers)
    return f"{counted(len(result.alerts), 'alert')}\n{counted(seen, 'answer')}"


def _change(axes: Axes, result: Result) -> str:
    series = result.series
    peak = max(series.change + series.admitted) or 1.0
    axes.set_ylim(0, peak * 1.04)
    _area(axes, series.t_s, series.step_s, series.change, WASH)
    _area(axes, series.t_s, series.step_s, series.admitted, WATER)
    return f"light: changed\ndark: admitted\npeak {percent(peak)}"


def _events(axes: Axes, result: Result) -> str:
    axes.set_ylim(0, 1)
    marks = [result.events[i] for i in evenly(len(result.events), LINES)]
    axes.vlines(
        [m.t_s for m in marks],
        0,
        [0.35 + 0.65 * min(max(m.score, 0), 1) for m in marks],
        color=INK,
        linewidth=1.1 if len(marks) < 400 else 0.5,
        alpha=0.85,
    )
    return counted(len(result.events), "event")


def _text(axes: Axes, result: Result) -> str:
    """Each line a bar from when to when at the height where it stood on its screen."""
    axes.set_ylim(1.02, -0.02)
    heights = {source.name: source.height for source in result.sources}
    lines = sorted(result.text, key=lambda line: line.first_s - line.last_s)[:LINES]
    tall = max((line.box[3] for line in lines), default=1.0) or 1.0
    y = [(line.box[1] + line.box[3]) / 2 / (heights.get(line.source) or tall) for line in lines]
    axes.hlines(
        y,
        [line.first_s for line in lines],
        [line.last_s for line in lines],
        color=[WATER if line.score >= 0.8 else SOFT for line in lines],
        linewidth=2.2,
        alpha=0.7,
        capstyle="round",
    )
    if not lines:
        axes.text(
            0.5,
            0.5,
            "no text was read",
            transform=axes.transAxes,
            size=12,
            color=SOFT,
            ha="center",
            va="center",
        )
    return f"{counted(len(result.text), 'line')}, at\ntheir height on\nthe screen"


def _state(axes: Axes, result: Result) -> str:
    series, budget = result.series, result.run.budget_bytes
    most = max([result.run.state_bytes, *series.state_bytes])
    axes.set_ylim(0, 1.12 * max(budget, most, 1))
    _area(axes, series.t_s, series.step_s, series.state_bytes, STATE)
    if not budget:
        return f"{size(most)} at most"
    axes.axhline(budget, color=ALERT, linewidth=1.2, dashes=(5, 4))
    return f"{size(most)} at most\n{size(budget)} budget"


def _area(axes: Axes, t_s: list[float], step_s: float, values: list[float] | list[int], colour: str) -> None:
    """A filled step line that falls to zero where nothing was sampled."""
    x: list[float] = []
    y: list[float] = []
    for t, value in zip(t_s, values, strict=True):
        if x and t > x[-1] + 0.5 * step_s:
            x += [x[-1], t]
            y += [0.0, 0.0]
        x += [t, t + step_s]
        y += [value, value]
    axes.fill_between(x, y, color=colour, linewidth=0, alpha=0.55 if colour == STATE else 1.0)


LANES = (
    ("Found", 1.5, _found),
    ("Change", 1.7, _change),
    ("Events", 0.8, _events),
    ("Text", 3.6, _text),
    ("State", 1.5, _state),
)
