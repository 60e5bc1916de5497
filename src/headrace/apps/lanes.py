"""Lanes: the timeline of a result as SVG rows over one time axis.

Every row is an SVG whose horizontal unit is 1/`WIDE` of the span and which stretches to the page;
strokes keep their width and labels are HTML, so that nothing is distorted and a script can zoom by
changing view boxes alone.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from html import escape

from headrace.apps.result import Result, TextLine
from headrace.apps.wording import clean, clock, counted, length, percent, size, ticks

#: Horizontal units of a row.
WIDE = 10_000

#: The most lines of text drawn; the longest on screen are kept.
LINES = 6_000

#: The most pins of alerts, and of answers: as many as there are cards to link to.
PINS = 300


def figure(result: Result, shown: set[int]) -> str:
    """The timeline as an HTML figure; events whose index is in `shown` link to their picture.

    Rows: flags of alerts and answers, change, events and text of each source, state against its
    budget, and the backlog if there ever was one.
    """
    span, series = result.span_s, result.series
    x = Axis(span)
    rows = [_flags(result, x)]
    if series.t_s:
        peak = max(series.change + series.admitted) or 1.0
        shapes = _area("change", x, series.t_s, series.step_s, series.change, peak, 56)
        shapes += _area("admitted", x, series.t_s, series.step_s, series.admitted, peak, 56)
        keys = " ".join(f'<i class="key {kind}"></i>{kind}' for kind in ("change", "admitted"))
        rows.append(_row("Change", (keys, f"peak {percent(peak)} of blocks"), shapes, 56))
    several = len(result.sources) > 1
    for source in result.sources:
        name = [f"<i>{escape(clean(source.name, 40))}</i>"] if several else []
        marks = [(i, mark) for i, mark in enumerate(result.events) if mark.source == source.name]
        sticks = "".join(_stick(x(m.t_s), m.score, f"#event-{i}" if i in shown else "") for i, m in marks)
        rows.append(_row("Events", name or [counted(len(marks), "event")], sticks, 26, "events"))
        lines = [line for line in result.text if line.source == source.name]
        tall = 26 if not lines else 64 if several else 128
        notes = [counted(len(lines), "line"), "drawn at their height on the screen"] if lines else ["nothing read"]
        rows.append(_row("Text", name or notes, _text(lines, x, source.height, tall), tall))
    if series.t_s:
        budget, most = result.run.budget_bytes, max(result.run.state_bytes, *series.state_bytes)
        top = 1.12 * max(budget, most, 1)
        shapes = _area("state", x, series.t_s, series.step_s, series.state_bytes, top, 48)
        notes = [f"{size(most)} at most"]
        if budget:
            shapes += f'<path class="budget" d="M0,{48 * (1 - budget / top):.1f}h{WIDE}"/>'
            notes.append(f"{size(budget)} budget")
        rows.append(_row("State", notes, shapes, 48))
        if deepest := max(series.backlog):
            shapes = _area("backlog", x, series.t_s, series.step_s, series.backlog, deepest, 30)
            rows.append(_row("Backlog", [f"{counted(deepest, 'item')} at most"], shapes, 30))
    marks_at = "".join(f'<span data-t="{t:g}" style="left:{x.share(t)}">{clock(t)}</span>' for t in ticks(span, 8))
    return (
        f'<figure id="timeline" class="lanes" data-span="{span:.3f}" tabindex="0" role="group" '
        f'aria-label="Timeline of {length(span)}; the tables below hold the same data">'
        f'<div class="row"><div class="label"></div><div class="axis">{marks_at}</div></div>'
        f"{''.join(rows)}</figure>"
    )


class Axis:
    """Media seconds to horizontal units."""

    def __init__(self, span_s: float) -> None:
        self.span_s = span_s

    def __call__(self, t_s: float) -> float:
        return round(WIDE * min(max(t_s / self.span_s, 0.0), 1.0), 1)

    def share(self, t_s: float) -> str:
        """The same as a CSS percentage."""
        return f"{self(t_s) / WIDE:.3%}"


def stagger(times: list[float], span_s: float, near: float = 0.026) -> list[int]:
    """For each of `times`, how many labels stand in its way: those before it within `near` of the span.

    A label moves aside by that many places; from 4 on it is better left out.
    """
    places, last, n = [0] * len(times), -math.inf, 0
    for i in sorted(range(len(times)), key=times.__getitem__):
        n = n + 1 if times[i] - last < near * span_s * (n + 1) else 0
        last = last if n else times[i]
        places[i] = n
    return places


def _row(label: str, notes: Iterable[str], shapes: str, tall: int, kind: str = "", pins: str = "") -> str:
    """`notes`, `shapes` and `pins` are HTML already."""
    told = "".join(f"<span>{note}</span>" for note in notes)
    return (
        f'<div class="row {kind}"><div class="label"><b>{label}</b>{told}</div><div class="plot" '
        f'style="height:{tall}px"><svg viewBox="0 0 {WIDE} {tall}" data-tall="{tall}" '
        f'preserveAspectRatio="none" aria-hidden="true">{shapes}</svg>{pins}</div></div>'
    )


def _flags(result: Result, x: Axis) -> str:
    """Pins that link to the alerts (on top) and to the answers, and a bar for each piece of evidence."""
    alerts = [(alert.t_s, f"alert-{i}", f"A{i}", alert.when) for i, alert in enumerate(result.alerts[:PINS], 1)]
    answers = [
        (answer.evidence[0].start_s, f"answer-{i}", f"Q{i}", answer.question)
        for i, answer in enumerate(result.answers[:PINS], 1)
        if answer.seen and answer.evidence
    ]
    bars = [
        f"M{x(proof.start_s)},40H{x(max(proof.start_s, proof.end_s))}"
        for answer in result.answers
        for proof in answer.evidence
    ]
    shapes = f'<path class="proof" d="{"".join(bars)}"/>' if bars else ""
    seen = sum(answer.seen for answer in result.answers)
    notes = (counted(len(result.alerts), "alert"), counted(seen, "answer"))
    return _row("Found", notes, shapes, 46, "flags", _pins("alert", alerts, x) + _pins("answer", answers, x))


def _pins(kind: str, flags: list[tuple[float, str, str, str]], x: Axis) -> str:
    places = stagger([t_s for t_s, *_ in flags], x.span_s)
    out = []
    for (t_s, card, label, hint), place in zip(flags, places, strict=True):
        late = " late" if t_s > 0.96 * x.span_s else ""
        told = escape(f"{label}, {clock(t_s)}: {clean(hint, 80)}", quote=True)
        out.append(
            f'<a class="pin {kind}{late}" href="#{card}" title="{told}" aria-label="{told}" data-t="{t_s:g}" '
            f'style="left:{x.share(t_s)};--place:{place}">{f"<b>{label}</b>" if place < 4 else ""}</a>'
        )
    return "".join(out)


def _stick(at: float, score: float, link: str) -> str:
    """One event: the surer, the taller and the darker."""
    score = min(max(score, 0.0), 1.0)
    line = f'<path d="M{at},{26 - 8 - 18 * score:.0f}V26" opacity="{0.45 + 0.55 * score:.2f}"/>'
    return f'<a href="{link}" tabindex="-1">{line}</a>' if link else line


def _area(kind: str, x: Axis, t_s: list[float], step_s: float, values: Iterable[float], top: float, tall: int) -> str:
    """A filled step line; where nothing was sampled there is nothing."""
    parts: list[str] = []
    until = -math.inf
    for t, value in zip(t_s, values, strict=True):
        y = round(tall * (1 - min(value / top, 1.0)), 1)
        if t > until + 1.5 * step_s:
            parts.append(f"{f'V{tall}' if parts else ''}M{x(t)},{tall}")
        parts.append(f"V{y}H{x(t + step_s)}")
        until = t + step_s
    return f'<path class="area {kind}" d="{"".join(parts)}V{tall}"/>' if parts else ""


def _text(lines: list[TextLine], x: Axis, height: int, tall: int) -> str:
    """Each line a bar from when to when, at the height where it stood; grouped by score."""
    lines = sorted(lines, key=lambda line: line.first_s - line.last_s)[:LINES]
    bottom = height or max((line.box[3] for line in lines), default=1.0) or 1.0
    groups: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        y = 3 + (tall - 6) * min(max((line.box[1] + line.box[3]) / 2 / bottom, 0.0), 1.0)
        groups["sure" if line.score >= 0.8 else "unsure"].append(f"M{x(line.first_s)},{y:.1f}H{x(line.last_s)}")
    return "".join(f'<path class="line {kind}" d="{"".join(bars)}"/>' for kind, bars in groups.items())
