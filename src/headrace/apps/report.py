"""report.html: one page, without network, that explains a recording in a minute.

Pictures, style and script are inside the page; a content policy forbids everything else, scripts
other than our own included. Whatever comes from outside (text on screen, names, questions) is
escaped, and cleaned of control and direction characters. Without script the page says the same.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from pathlib import Path

from headrace.apps import thumbnail
from headrace.apps.lanes import PINS, figure
from headrace.apps.result import Alert, Answer, EventMark, Evidence, Result
from headrace.apps.wording import clean, clock, counted, evenly, factor, length, percent, period, size
from headrace.core.files import atomic_write

#: The most pictures inside a page, of which half may go to evidence.
PICTURES = 200

#: The most rows of text, and of answers and of alerts, in a page; the rest is in events.json.
ROWS, CARDS = 5_000, PINS

#: The most pieces of evidence shown with one answer or alert.
PROOFS = 6


def write_report(result: Result, out_dir: str | os.PathLike[str], path: str | os.PathLike[str] | None = None) -> Path:
    """Write the page of `result` and return its path.

    Args:
        result: what was found; thumbnails are files in `out_dir`. A missing one leaves a gap.
        out_dir: the folder of the result.
        path: where the page goes; `out_dir`/report.html if None.
    """
    target = Path(path) if path is not None else Path(out_dir) / "report.html"
    atomic_write(target, page(result, Path(out_dir)))
    return target


def page(result: Result, folder: Path) -> str:
    """The page as HTML; its size is bounded by `PICTURES`, `ROWS` and `CARDS`."""
    templates = Path(__file__).with_name("templates")
    style = (templates / "report.css").read_text(encoding="utf-8")
    script = (templates / "report.js").read_text(encoding="utf-8")
    pictures = Pictures(folder, PICTURES)
    found = _found(result, pictures)
    marks = _pick(result.events, PICTURES - pictures.used)
    strip = _strip(result, marks, pictures)
    title = _title(result)
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{_digest(script)}'"
    body = [_header(result, title), found, _timeline(result, set(marks)), strip]
    body += [_table(result), _run(result)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<title>{title} · headrace watch</title>\n<style>{style}</style></head>\n"
        f"<body><main>{''.join(body)}</main>\n<script>{script}</script></body></html>\n"
    )


class Pictures:
    """The pictures inside a page: at most `most`, counted."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most, self.used = folder, most, 0

    def image(self, name: str | None, hint: str) -> str:
        """An img element, or nothing where there is no such picture or no room left."""
        picture = thumbnail.load(self.folder, name) if self.used < self.most else None
        if picture is None:
            return ""
        self.used += 1
        data, (height, width) = b64encode(thumbnail.jpeg(picture)).decode(), picture.shape[:2]
        return f'<img src="data:image/jpeg;base64,{data}" width="{width}" height="{height}" alt="{_text(hint)}">'


def _digest(script: str) -> str:
    return b64encode(sha256(script.encode()).digest()).decode()


def _text(text: str, limit: int = 600) -> str:
    """Text from outside as HTML, safe in elements and in quoted attributes."""
    return escape(clean(text, limit), quote=True)


def _title(result: Result) -> str:
    names = [_text(source.name, 80) or "unnamed source" for source in result.sources]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "") or "no source"


def _time(start_s: float, end_s: float | None = None, fine: bool = False) -> str:
    """A time that the script turns into a link to the timeline."""
    end = start_s if end_s is None else end_s
    return f'<time data-from="{start_s:g}" data-to="{end:g}">{period(start_s, end, fine)}</time>'


def _section(anchor: str, heading: str, note: str, body: str) -> str:
    return f'<section id="{anchor}"><header><h2>{heading}</h2><p>{note}</p></header>{body}</section>'


def _header(result: Result, title: str) -> str:
    run, seen = result.run, sum(answer.seen for answer in result.answers)
    facts = [f"<b>{length(run.media_s)}</b> watched"]
    if run.started:
        facts.append(f"started {_text(run.started[:16].replace('T', ' '), 40)}")
    if len(result.sources) == 1:
        source = result.sources[0]
        if source.width:
            facts.append(f"{source.width} × {source.height}" + (f" at {source.fps:.4g} fps" if source.fps else ""))
        if source.url and source.url != source.name:
            facts.append(f"<code>{_text(source.url, 160)}</code>")
    parts = [
        f"<b>{counted(len(result.text), 'line')}</b> of text",
        f"<b>{counted(len(result.events), 'event')}</b>",
    ]
    if result.answers:
        parts.append(f"<b>{seen} of {counted(len(result.answers), 'question')}</b> answered")
    if result.standing or result.alerts:
        parts.append(f"<b>{counted(len(result.alerts), 'alert')}</b>")
    told = "".join(f"<p class=warn>{line}</p>" for line in _warnings(result))
    lead = f"{', '.join(parts)}."
    if not (result.text or result.events or result.alerts or seen):
        lead = "<b>Nothing was found</b>: no text on screen, no event boundaries, no alerts, no answers."
    return (
        f"<header class=top><p class=brand>headrace <span>watch</span></p><h1>{title}</h1>"
        f"<p class=facts>{' <i>·</i> '.join(facts)}</p><p class=lead>{lead}</p>{told}</header>"
    )


def _warnings(result: Result) -> Iterable[str]:
    """What a reader must know before trusting the rest."""
    run = result.run
    if run.interrupted:
        at = clock(run.media_s)
        yield f"<b>Interrupted.</b> The run was stopped at {at}; what came later was not watched."
    for source in result.sources:
        name = _text(source.name, 60)
        if source.frames_dropped:
            share = source.frames_dropped / max(source.frames_read + source.frames_dropped, 1)
            yield f"<b>{counted(source.frames_dropped, 'frame')} dropped</b> of {name} ({percent(share)})."
        for error in source.errors[-3:]:
            yield f"<b>Source error</b> in {name}: {_text(error, 300)}"
    if 0 < run.budget_bytes < run.state_bytes:
        yield f"<b>Over budget.</b> State took {size(run.state_bytes)} of {size(run.budget_bytes)}."


def _found(result: Result, pictures: Pictures) -> str:
    """Answers and alerts, first because they are what was asked for."""
    answers, alerts = result.answers[:CARDS], result.alerts[:CARDS]
    evidence = Pictures(pictures.folder, pictures.most // 2)
    out = ""
    if answers:
        cards = "".join(_answer(i, answer, evidence, result) for i, answer in enumerate(answers, 1))
        out += _section("answers", "Answers", _of(len(answers), len(result.answers)), f"<ol class=cards>{cards}</ol>")
    fired = {alert.when for alert in result.alerts}
    silent = [when for when in result.standing if when not in fired]
    if alerts or silent:
        cards = "".join(_alert(i, alert, evidence, result) for i, alert in enumerate(alerts, 1))
        never = "".join(f"<li><span class=tag>never</span> {_text(when)}</li>" for when in silent)
        body = (f"<ol class=cards>{cards}</ol>" if cards else "") + (f"<ul class=never>{never}</ul>" if never else "")
        out += _section("alerts", "Alerts", _of(len(alerts), len(result.alerts)), body)
    pictures.used += evidence.used
    return out


def _of(shown: int, total: int) -> str:
    return f"the first {shown:,} of {total:,}; events.json has all" if shown < total else ""


def _answer(i: int, answer: Answer, pictures: Pictures, result: Result) -> str:
    note = (
        [{"extractive": "quoted from the screen", "llm": "worded by a language model"}[answer.by]]
        if answer.seen
        else []
    )
    if answer.asked_at_s is not None:
        note.append(f"asked at {clock(answer.asked_at_s)}")
    if answer.note:
        note.append(_text(answer.note, 300))
    said = _text(answer.text) if answer.seen else "Not seen"
    return (
        f'<li id="answer-{i}" class="card {"seen" if answer.seen else "unseen"}"><div class=what>'
        f"<p class=ask><span class=tag>Q{i}</span>{_text(answer.question)}</p><p class=say>{said}</p>"
        f"<p class=note>{' · '.join(note)}</p></div>{_evidence(answer.evidence, pictures, result)}</li>"
    )


def _alert(i: int, alert: Alert, pictures: Pictures, result: Result) -> str:
    said = f"<p class=say>{_text(alert.text)}</p>" if alert.text else ""
    told = f" · told {length(alert.latency_s)} later" if alert.latency_s is not None else ""
    return (
        f'<li id="alert-{i}" class="card alert"><div class=what>'
        f"<p class=ask><span class=tag>A{i}</span>{_text(alert.when)}</p>{said}"
        f"<p class=note>became true at {_time(alert.t_s, fine=True)}{told}</p></div>"
        f"{_evidence(alert.evidence, pictures, result)}</li>"
    )


def _evidence(evidence: list[Evidence], pictures: Pictures, result: Result) -> str:
    if not evidence:
        return ""
    items = []
    for proof in evidence[:PROOFS]:
        where = f" · {_text(proof.source, 40)}" if len(result.sources) > 1 else ""
        image = pictures.image(proof.thumbnail, f"{proof.source} at {clock(proof.start_s)}")
        quote = f"<blockquote>{_text(proof.text, 400)}</blockquote>" if proof.text else ""
        items.append(f"<li>{image}<div>{quote}<p class=note>{_time(proof.start_s, proof.end_s)}{where}</p></div></li>")
    more = len(evidence) - PROOFS
    rest = f"<li class=note>and {counted(more, 'more place')} in events.json</li>" if more > 0 else ""
    return f"<ul class=evidence>{''.join(items)}{rest}</ul>"


def _timeline(result: Result, shown: set[int]) -> str:
    tools = (
        '<span class="tools" hidden><button type="button" data-zoom="in" aria-label="Zoom in">+</button>'
        '<button type="button" data-zoom="out" aria-label="Zoom out">−</button>'
        '<button type="button" data-zoom="all">Whole recording</button></span>'
    )
    note = f"<span class=hint>{length(result.span_s)} of media time</span>{tools}"
    return _section("time", "Timeline", note, figure(result, shown) + "<div id=tip hidden></div>")


def _pick(marks: list[EventMark], most: int) -> list[int]:
    """Indices of at most `most` events with a picture, evenly picked in time."""
    pictured = sorted((i for i, mark in enumerate(marks) if mark.thumbnail), key=lambda i: marks[i].t_s)
    return [pictured[i] for i in evenly(len(pictured), most)]


def _strip(result: Result, marks: list[int], pictures: Pictures) -> str:
    total = len(result.events)
    if not total:
        return _section("events", "Events", "", "<p class=empty>No event boundaries were found.</p>")
    shots, several = [], len(result.sources) > 1
    for i, mark in ((i, result.events[i]) for i in marks):
        image = pictures.image(mark.thumbnail, f"{mark.source} at {clock(mark.t_s)}")
        where = f" {_text(mark.source, 24)}" if several else ""
        if image:
            shots.append(
                f'<figure id="event-{i}" data-t="{mark.t_s:g}">{image}<figcaption>{_time(mark.t_s)}{where}'
                f"<i title='score'>{mark.score:.2f}</i></figcaption></figure>"
            )
    note = counted(total, "event") if len(shots) == total else f"{len(shots):,} of {total:,}, evenly picked in time"
    note += "; beside the time, how sure the boundary is (0 to 1)"
    if not shots:
        note = f"{counted(total, 'event')}, no pictures"
    body = f'<div class=strip tabindex=0 role=region aria-label="Pictures of events">{"".join(shots)}</div>'
    return _section("events", "Events", f"<span data-count=shots>{note}</span>", body if shots else "")


def _table(result: Result) -> str:
    total = len(result.text)
    if not total:
        return _section("text", "Text", "", "<p class=empty>No text was read on the screen.</p>")
    kept = sorted(result.text, key=lambda line: line.first_s - line.last_s)[:ROWS]
    several, fine = len(result.sources) > 1, result.span_s < 120
    rows = []
    for line in sorted(kept, key=lambda line: (line.first_s, line.box[1])):
        where = f"<td>{_text(line.source, 40)}</td>" if several else ""
        sure = " class=unsure" if line.score < 0.8 else ""
        rows.append(
            f"<tr{sure}><td>{_time(line.first_s, line.last_s, fine).replace('–', '<s>–</s>')}</td>"
            f"<td>{length(line.last_s - line.first_s)}</td><td>{_text(line.text)}</td>{where}"
            f"<td>{line.score:.2f}</td></tr>"
        )
    note = f"the {len(rows):,} longest on screen of {total:,}" if len(rows) < total else counted(total, "line")
    search = '<input type="search" id="search" placeholder="Search the text" aria-label="Search the text" hidden>'
    names = ["When", "How long", "Text", *(["Source"] if several else []), "Score"]
    heads = "".join(f"<th scope=col>{name}</th>" for name in names)
    body = (
        '<div class=scroll tabindex=0 role=region aria-label="Text on screen"><table>'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
    return _section("text", "Text on screen", f"<span data-count=rows>{note}</span>{search}", body)


def _run(result: Result) -> str:
    run = result.run
    speed = {"max": "as fast as possible", "realtime": "real time"}.get(run.speed, f"{_text(run.speed, 12)}× real time")
    drops = {edge: n for edge, n in run.drops.items() if n}
    facts = [
        (
            "Real-time factor",
            factor(run.realtime_factor),
            f"{length(run.media_s)} in {length(run.wall_s)}, {speed}",
        ),
        (
            "CPU",
            f"{run.cpu_s / run.media_s if run.media_s else 0:.2f} s",
            f"a second of media; {length(run.cpu_s)} in all",
        ),
        ("Admitted", percent(run.admitted_share), f"of {counted(run.blocks_total, 'block')} of picture"),
        (
            "Read",
            f"{run.reads:,} times",
            f"{counted(run.lines_read, 'line')} read, {len(result.text):,} kept",
        ),
        ("State", size(run.state_bytes), _meter(run.state_bytes, run.budget_bytes)),
        ("Dropped", f"{sum(drops.values()):,}", _drops(drops)),
        ("Oldest processed", length(run.oldest_processed_s), "the greatest age of an item when processed"),
        ("Gate", _text(run.gate, 40) or "–", ""),
    ]
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}<span>{note}</span></dd></div>" for name, value, note in facts)
    streams = "".join(
        f"<tr><td>{_text(s.name, 60)}</td><td>{s.width} × {s.height}</td><td>{s.fps:.4g}</td>"
        f"<td>{length(s.duration_s) if s.duration_s is not None else 'live'}</td><td>{s.frames_read:,}</td>"
        f"<td>{s.frames_dropped:,}</td><td>{len(s.errors)}</td></tr>"
        for s in result.sources
    )
    heads = "".join(
        f"<th scope=col>{h}</th>" for h in ("Source", "Picture", "fps", "Length", "Read", "Dropped", "Errors")
    )
    body = (
        f"<dl>{cells}</dl><div class=wide><table class=plain><thead><tr>{heads}</tr></thead>"
        f"<tbody>{streams}</tbody></table></div>"
    )
    return _section("run", "Run", f"headrace {_text(result.headrace, 40)}, result format {result.format}", body)


def _meter(used: int, budget: int) -> str:
    if not budget:
        return "no budget set"
    share = used / budget
    over = " class=over" if share > 1 else ""
    return f"<meter{over} value={min(share, 1):.4f}>{percent(share)}</meter>{percent(share)} of {size(budget)}"


def _drops(drops: dict[str, int]) -> str:
    if not drops:
        return "nothing, on any edge"
    return "<br>".join(f"{_text(edge, 60)}: {n:,}" for edge, n in sorted(drops.items(), key=lambda pair: -pair[1])[:12])
