"""Strokes: how each lane of timeline.png is drawn; every function returns the note beside its lane."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace.apps.chapter import reach
from headrace.apps.page.axis import stagger
from headrace.apps.page.rows import FLOOR, LINES
from headrace.apps.page.transcript import SURE
from headrace.apps.result import Alert, Answer, EventMark, Result, SoundMark, SourceInfo, SpeechLine, TextLine
from headrace.apps.series import QUIET, Series
from headrace.apps.wording import clock, counted, evenly, length, percent, size, ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, SOFT, RULE, PAPER, FAINT = "#16202a", "#55626e", "#dde2e4", "#ffffff", "#edf0f0"
WATER, WASH, ALERT, ANSWER, STATE = "#0b6a87", "#b9d8e1", "#b83a10", "#4d7a12", "#6d5a9c"
VOICE, LEVEL = "#a8540a", "#ecd9c0"

#: Left and right edge of the time axis as shares of the figure.
LEFT, RIGHT = 0.105, 0.97

#: The most labels of alerts and of answers.
LABELS = 12


@dataclass
class Drawn:
    """One source of a result, and what of the result is its own."""

    result: Result
    source: SourceInfo
    series: Series = field(init=False)
    text: list[TextLine] = field(init=False)
    speech: list[SpeechLine] = field(init=False)
    sounds: list[SoundMark] = field(init=False)
    events: list[EventMark] = field(init=False)
    alerts: list[tuple[int, Alert]] = field(init=False)
    answers: list[tuple[int, Answer]] = field(init=False)

    def __post_init__(self) -> None:
        result, name = self.result, self.source.name
        alone = len(result.sources) < 2
        self.series = result.series.get(name) or Series()
        self.text = [line for line in result.text if line.source == name]
        self.speech = [line for line in result.speech if line.source == name]
        self.sounds = [mark for mark in result.sounds if mark.source == name]
        self.events = [mark for mark in result.events if mark.source == name]
        alerts = enumerate(result.alerts, 1)
        self.alerts = [(i, a) for i, a in alerts if alone or any(proof.source == name for proof in a.evidence[:1])]
        answers = enumerate(result.answers, 1)
        self.answers = [(i, a) for i, a in answers if a.seen and any(proof.source == name for proof in a.evidence)]

    def has(self, lane: str) -> bool:
        """Whether there is something to draw; events, text and state are always told of one source."""
        alone = len(self.result.sources) < 2
        return {
            "Found": alone or bool(self.alerts or self.answers),
            "Change": any(self.series.change) or any(self.series.admitted),
            "Events": bool(self.events) or alone,
            "Text": bool(self.text) or (alone and (bool(self.source.width) or not self.speech)),
            "Speech": bool(self.speech) or any(self.series.voice) or self.loud,
            "Sounds": bool(self.sounds),
            "State": any(self.series.state_bytes) or alone,
        }[lane]

    @property
    def loud(self) -> bool:
        """Whether anything was heard."""
        return any(level > QUIET for level in self.series.level_db)


def frame(axes: Axes, part: Drawn, last: bool) -> None:
    """The axis, and what was not watched."""
    span_s = part.result.span_s
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
    for start, end in part.source.gaps[:200]:
        axes.axvspan(start, end, facecolor=FAINT, edgecolor=SOFT, hatch="////", linewidth=0, alpha=0.6, zorder=3)
    end = reach(part.result, part.source.name)
    if 0 < end < 0.995 * span_s:
        axes.axvspan(end, span_s, color=FAINT, linewidth=0)


def found(axes: Axes, part: Drawn) -> str:
    """Alerts as flags in the upper half, evidence as bars with the number of its question below."""
    from matplotlib.transforms import blended_transform_factory

    axes.set_ylim(0, 1)
    name, span_s = part.source.name, part.result.span_s
    for i in evenly(len(part.alerts), LINES):
        axes.vlines(part.alerts[i][1].t_s, 0.5, 1, color=ALERT, linewidth=1.8)
    starts = []
    for number, answer in part.answers:
        proofs = [proof for proof in answer.evidence if proof.source == name]
        starts.append((proofs[0].start_s, f"Q{number}"))
        for proof in proofs:
            bar = ([proof.start_s, proof.end_s], [0.1, 0.1])
            axes.plot(*bar, color=ANSWER, linewidth=4.5, solid_capstyle="round", clip_on=False)
    alerts = [(part.alerts[i][1].t_s, f"A{part.alerts[i][0]}") for i in evenly(len(part.alerts), LABELS)]
    answers = [starts[i] for i in evenly(len(starts), LABELS)]
    at = blended_transform_factory(axes.transData, axes.transAxes)
    for pins, y, colour in ((alerts, 0.8, ALERT), (answers, 0.36, ANSWER)):
        places = stagger([t for t, _ in pins], span_s)
        for (t, label), place in zip(pins, places, strict=True):
            late, aside = t > 0.97 * span_s, 5 + 20 * place
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
    return f"{counted(len(part.alerts), 'alert')}\n{counted(len(part.answers), 'answer')}"


def change(axes: Axes, part: Drawn) -> str:
    series = part.series
    peak = max(series.change + series.admitted) or 1.0
    axes.set_ylim(0, peak * 1.04)
    _area(axes, series, series.change, WASH)
    _area(axes, series, series.admitted, WATER)
    return f"dark: admitted\npeak {percent(peak)}"


def events(axes: Axes, part: Drawn) -> str:
    axes.set_ylim(0, 1)
    marks = [part.events[i] for i in evenly(len(part.events), LINES)]
    tops = [0.35 + 0.65 * min(max(mark.score, 0), 1) for mark in marks]
    width = 1.1 if len(marks) < 400 else 0.5
    axes.vlines([mark.t_s for mark in marks], 0, tops, color=INK, linewidth=width, alpha=0.85)
    return counted(len(part.events), "event")


def text(axes: Axes, part: Drawn) -> str:
    """Each line a bar from when to when at the height where it stood on its screen."""
    axes.set_ylim(1.02, -0.02)
    lines = sorted(part.text, key=lambda line: line.first_s - line.last_s)[:LINES]
    tall = part.source.height or max((line.box[3] for line in lines), default=1.0) or 1.0
    axes.hlines(
        [(line.box[1] + line.box[3]) / 2 / tall for line in lines],
        [line.first_s for line in lines],
        [line.last_s for line in lines],
        color=[WATER if line.score >= SURE else SOFT for line in lines],
        linewidth=2.2,
        alpha=0.7,
        capstyle="round",
    )
    if not lines:
        middle = {"transform": axes.transAxes, "ha": "center", "va": "center"}
        axes.text(0.5, 0.5, "no text was read", size=12, color=SOFT, **middle)
    return f"{counted(len(part.text), 'line')}, at\ntheir height"


def speech(axes: Axes, part: Drawn) -> str:
    """Stretches of speech as bars below the loudness, or the probability of speech."""
    series = part.series
    axes.set_ylim(0, 1)
    levels = [max(level - FLOOR, 0.0) / -FLOOR for level in series.level_db] if part.loud else series.voice
    _area(axes, series, levels, LEVEL)
    said = sorted(part.speech, key=lambda line: line.first_s - line.last_s)[:LINES]
    for lines, alpha in (([s for s in said if not s.text], 0.4), ([s for s in said if s.text], 0.9)):
        spans = [line.first_s for line in lines], [line.last_s for line in lines]
        axes.hlines([0.12] * len(lines), *spans, color=VOICE, linewidth=5, alpha=alpha)
    talk = sum(line.last_s - line.first_s for line in part.speech)
    return f"{length(talk)}\nover loudness" if part.loud else length(talk)


def sounds(axes: Axes, part: Drawn) -> str:
    """Silence as bars, loud moments and changes as strokes."""
    axes.set_ylim(0, 1)
    silent = [mark for mark in part.sounds if mark.what == "silence"][:LINES]
    spans = [mark.first_s for mark in silent], [mark.last_s for mark in silent]
    axes.hlines([0.5] * len(silent), *spans, color=RULE, linewidth=7)
    for what, colour in (("change", VOICE), ("loud", ALERT)):
        times = [mark.first_s for mark in part.sounds if mark.what == what][:LINES]
        axes.vlines(times, 0.1, 1, color=colour, linewidth=1.6)
    return ""


def state(axes: Axes, part: Drawn) -> str:
    series, alone = part.series, len(part.result.sources) < 2
    budget = part.result.run.budget_bytes if alone else 0
    most = max([part.result.run.state_bytes if alone else 0, *series.state_bytes])
    axes.set_ylim(0, 1.12 * max(budget, most, 1))
    _area(axes, series, series.state_bytes, STATE, 0.55)
    if not budget:
        return f"{size(most)} at most"
    axes.axhline(budget, color=ALERT, linewidth=1.2, dashes=(5, 4))
    return f"{size(most)} at most\n{size(budget)} budget"


def _area(axes: Axes, series: Series, values: list[float] | list[int], colour: str, alpha: float = 1.0) -> None:
    """A filled step line that falls to zero where nothing was sampled."""
    x: list[float] = []
    y: list[float] = []
    for t, value in zip(series.t_s, values, strict=True):
        if x and t > x[-1] + 0.5 * series.step_s:
            x += [x[-1], t]
            y += [0.0, 0.0]
        x += [t, t + series.step_s]
        y += [value, value]
    axes.fill_between(x, y, color=colour, linewidth=0, alpha=alpha)
