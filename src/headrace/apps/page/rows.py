"""Rows: what each lane of the timeline draws of one source; HTML, or nothing where there is nothing to draw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from headrace.apps.page.axis import WIDE, Axis, area, bars, stagger
from headrace.apps.page.cards import CARDS
from headrace.apps.page.transcript import SURE
from headrace.apps.result import Result, SourceInfo
from headrace.apps.series import QUIET, Series
from headrace.apps.wording import clean, clock, counted, length, percent, size

#: The most lines of text, and of speech, drawn of one source; the longest are kept.
LINES = 6_000

#: Loudness at the bottom of a lane, dBFS; full scale is at the top.
FLOOR = -70.0


@dataclass(frozen=True, slots=True)
class Part:
    """One source of a result, as its lanes need it.

    Attributes:
        shown: indices of events whose picture is on the page.
    """

    result: Result
    source: SourceInfo
    series: Series
    x: Axis
    shown: set[int]


def _row(label: str, notes: Iterable[str], shapes: str, tall: int, kind: str, pins: str = "") -> str:
    """`notes`, `shapes` and `pins` are HTML already."""
    told = "".join(f"<span>{note}</span>" for note in notes)
    return (
        f'<div class="row {kind}" data-lane="{kind}"><div class="label"><b>{label}</b>{told}</div><div class="plot" '
        f'style="height:{tall}px"><svg viewBox="0 0 {WIDE} {tall}" data-tall="{tall}" '
        f'preserveAspectRatio="none" aria-hidden="true">{shapes}</svg>{pins}</div></div>'
    )


def flags(part: Part) -> str:
    """Pins that link to the alerts (on top) and to the answers, and a bar for each piece of evidence."""
    alone, name = len(part.result.sources) == 1, part.source.name
    alerts = [
        (alert.t_s, f"alert-{i}", f"A{i}", alert.when)
        for i, alert in enumerate(part.result.alerts[:CARDS], 1)
        if alone or any(proof.source == name for proof in alert.evidence[:1])
    ]
    proofs = [(i, a, [p for p in a.evidence if p.source == name]) for i, a in enumerate(part.result.answers[:CARDS], 1)]
    answers = [(held[0].start_s, f"answer-{i}", f"Q{i}", a.question) for i, a, held in proofs if a.seen and held]
    if not alerts and not answers:
        return ""
    spans = [(p.start_s, max(p.start_s, p.end_s), 40) for _, a, held in proofs if a.seen for p in held]
    shapes = bars("proof", part.x, spans)
    notes = [counted(len(alerts), "alert")] if alerts else []
    notes += [counted(len(answers), "answer")] if answers else []
    return _row("Found", notes, shapes, 46, "flags", _pins("alert", alerts, part.x) + _pins("answer", answers, part.x))


def _pins(kind: str, flags: list[tuple[float, str, str, str]], x: Axis) -> str:
    places = stagger([t_s for t_s, *_ in flags], x.span_s)
    out = []
    for (t_s, card, label, hint), place in zip(flags, places, strict=True):
        late = " late" if t_s > 0.96 * x.span_s else ""
        told = escape(f"{label}, {clock(t_s)}: {clean(hint, 80)}", quote=True)
        out.append(
            f'<a class="pin {kind}{late}" href="#{card}" title="{told}" aria-label="{told}" data-t="{t_s:.7g}" '
            f'style="left:{x.share(t_s)};--place:{place}">{f"<b>{label}</b>" if place < 4 else ""}</a>'
        )
    return "".join(out)


def change(part: Part) -> str:
    peak = max(part.series.change + part.series.admitted, default=0.0)
    if not peak:
        return ""
    shapes = area("change", part.x, part.series.t_s, part.series.step_s, part.series.change, peak, 44)
    shapes += area("admitted", part.x, part.series.t_s, part.series.step_s, part.series.admitted, peak, 44)
    keys = " ".join(f'<i class="pair"><i class="key {kind}"></i>{kind}</i>' for kind in ("change", "admitted"))
    return _row("Change", (keys, f"peak {percent(peak)} of blocks"), shapes, 44, "change")


def events(part: Part) -> str:
    marks = [(i, mark) for i, mark in enumerate(part.result.events) if mark.source == part.source.name]
    if not marks:
        return ""
    sticks = "".join(_stick(part.x(m.t_s), m.score, f"#event-{i}" if i in part.shown else "") for i, m in marks)
    return _row("Events", [counted(len(marks), "event")], sticks, 26, "events", '<div class="film"></div>')


def _stick(at: float, score: float, link: str) -> str:
    """One event: the surer, the taller and the darker."""
    score = min(max(score, 0.0), 1.0)
    line = f'<path d="M{at},{26 - 8 - 18 * score:.0f}V26" opacity="{0.45 + 0.55 * score:.2f}"/>'
    return f'<a href="{link}" tabindex="-1">{line}</a>' if link else line


def text(part: Part) -> str:
    """Each line a bar from when to when, at the height where it stood; grouped by score."""
    lines = [line for line in part.result.text if line.source == part.source.name]
    if not lines:
        return _row("Text", ["nothing read"], "", 16, "text") if part.source.width else ""
    tall, total = 64 if len(part.result.sources) > 1 else 112, len(lines)
    lines = sorted(lines, key=lambda line: line.first_s - line.last_s)[:LINES]
    bottom = part.source.height or max(line.box[3] for line in lines) or 1.0
    spans: dict[bool, list[tuple[float, float, float]]] = {True: [], False: []}
    for line in lines:
        y = 3 + (tall - 6) * min(max((line.box[1] + line.box[3]) / 2 / bottom, 0.0), 1.0)
        spans[line.score >= SURE].append((line.first_s, line.last_s, y))
    shapes = bars("sure", part.x, spans[True]) + bars("unsure", part.x, spans[False])
    return _row("Text", [counted(total, "line"), "at their height on the screen"], shapes, tall, "text")


def speech(part: Part) -> str:
    """Stretches of speech as bars below the loudness, or the probability of speech where that is not known."""
    said = [line for line in part.result.speech if line.source == part.source.name]
    loud = any(level > QUIET for level in part.series.level_db)
    if not said and not loud and not any(part.series.voice):
        return ""
    tall = 50
    levels = [max(level - FLOOR, 0.0) for level in part.series.level_db] if loud else part.series.voice
    top = -FLOOR if loud else 1.0
    shapes = area("level" if loud else "voice", part.x, part.series.t_s, part.series.step_s, levels, top, tall)
    kept = sorted(said, key=lambda line: line.first_s - line.last_s)[:LINES]
    for kind, worded in (("unsaid", False), ("said", True)):
        spans = [(line.first_s, line.last_s, tall - 6.0) for line in kept if bool(line.text) is worded]
        shapes += bars(kind, part.x, spans)
    talk = sum(line.last_s - line.first_s for line in said)
    notes = [f"{length(talk)} in all", counted(len(said), "stretch", "stretches")] if said else ["nobody spoke"]
    notes += ["over loudness" if loud else "over its probability"]
    return _row("Speech", notes, shapes, tall, "speech", '<div class="words" aria-hidden="true"></div>')


def sounds(part: Part) -> str:
    marks = [mark for mark in part.result.sounds if mark.source == part.source.name]
    if not marks:
        return ""
    silent = [(m.first_s, m.last_s, 9.0) for m in marks if m.what == "silence"]
    shapes = bars("silence", part.x, silent)
    for what in ("change", "loud"):
        parts = "".join(f"M{part.x(m.first_s)},2V16" for m in marks if m.what == what)
        shapes += f'<path class="mark {what}" d="{parts}"/>' if parts else ""
    held = Counter(mark.what for mark in marks)
    names = {"silence": counted(held["silence"], "silence"), "loud": f"{held['loud']:,} loud"}
    names["change"] = counted(held["change"], "change")
    keys = " ".join(
        f'<i class="pair"><i class="key {what}"></i>{told}</i>' for what, told in names.items() if held[what]
    )
    return _row("Sounds", [keys], shapes, 18, "sounds")


def state(part: Part) -> str:
    most = max(part.series.state_bytes, default=0)
    if not most:
        return ""
    several = len(part.result.sources) > 1
    budget = 0 if several else part.result.run.budget_bytes
    most = most if several else max(most, part.result.run.state_bytes)
    return held(part.x, part.series.t_s, part.series.step_s, part.series.state_bytes, most, budget)


def held(x: Axis, t_s: list[float], step_s: float, values: list[int], most: int, budget: int) -> str:
    """State as an area below the line of its budget."""
    tall, top = 44, 1.12 * max(budget, most, 1)
    shapes = area("state", x, t_s, step_s, values, top, tall)
    notes = [f"{size(most)} at most"]
    if budget:
        shapes += f'<path class="budget" d="M0,{tall * (1 - budget / top):.1f}h{WIDE}"/>'
        notes.append(f'<i class="key budget"></i>{size(budget)} budget')
    return _row("State", notes, shapes, tall, "state")


def backlog(part: Part) -> str:
    paced = part.result.run.speed != "max"  # else the reader holds the file back, and what waits means nothing
    deepest = max(part.series.backlog, default=0) if paced else 0
    if not deepest and not part.source.frames_dropped:
        return ""
    shapes = area("backlog", part.x, part.series.t_s, part.series.step_s, part.series.backlog, max(deepest, 1), 24)
    notes = [f"{counted(deepest, 'item')} at most"]
    notes += [f"{part.source.frames_dropped:,} frames dropped"] if part.source.frames_dropped else []
    return _row("Backlog", notes, shapes, 24, "backlog")
