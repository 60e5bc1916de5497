"""Head: what was watched and what was found, in words, and what to know before trusting it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from headrace.apps.page.markup import plain, when
from headrace.apps.result import Result
from headrace.apps.wording import clock, counted, length, percent, period, size

TIMES = {1: "once", 2: "twice"}


def title(result: Result) -> str:
    """The names of the sources as HTML."""
    names = [plain(source.name, 80) or "unnamed source" for source in result.sources]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "") or "no source"


def head(result: Result) -> str:
    """The top of the page."""
    told = "".join(f"<p class=warn>{line}</p>" for line in _warnings(result))
    return (
        f"<header class=top><p class=brand>headrace <span>watch</span></p><h1>{title(result)}</h1>"
        f"<p class=facts>{' <i>·</i> '.join(_facts(result))}</p><p class=lead>{lead(result)}</p>{told}</header>"
    )


def lead(result: Result) -> str:
    """What was found, as sentences in HTML."""
    found = (result.text, result.speech, result.sounds, result.events, result.alerts)
    if not any(found) and not any(answer.seen for answer in result.answers):
        return "<b>Nothing was found</b>: no text on screen, no speech, no event boundaries, no alerts, no answers."
    return " ".join((*_pictured(result), *_heard(result), *_asked(result), *_waited(result)))


def _pictured(result: Result) -> Iterable[str]:
    lines, scenes = len(result.text), len(result.events)
    if lines or scenes:
        sources = f" in {len(result.sources)} sources" if len(result.sources) > 1 else ""
        yield (
            f'<a href="#transcript"><b>{counted(lines, "line")}</b></a> of text and '
            f'<a href="#scenes"><b>{counted(scenes, "event")}</b></a> were seen{sources}.'
        )
    elif any(source.width for source in result.sources):
        yield "No text and no events were seen."


def _heard(result: Result) -> Iterable[str]:
    """How much was said and heard; nothing of sources without sound."""
    if not any(source.channels for source in result.sources) and not result.speech and not result.sounds:
        return
    if result.speech:
        talk = sum(line.last_s - line.first_s for line in result.speech)
        worded = sum(bool(line.text) for line in result.speech)
        words = "all" if worded == len(result.speech) else f"{worded:,}" if worded else "none"
        yield (
            f"<b>{length(talk)}</b> of speech was heard in "
            f'<a href="#transcript"><b>{counted(len(result.speech), "stretch", "stretches")}</b></a>, '
            f"{words} of them put into words."
        )
    else:
        yield "Nobody was heard to speak."
    sounds = Counter(mark.what for mark in result.sounds)
    told = [counted(sounds["silence"], "silence")] if sounds["silence"] else []
    told += [counted(sounds["loud"], "loud moment")] if sounds["loud"] else []
    told += [f"{counted(sounds['change'], 'change')} of sound"] if sounds["change"] else []
    if told:
        yield f"There were {_list(told)}." if sounds.total() > 1 else f"There was {_list(told)}."


def _asked(result: Result) -> Iterable[str]:
    if result.answers:
        seen = sum(answer.seen for answer in result.answers)
        of = counted(len(result.answers), "question")
        yield f'<a href="#answers"><b>{seen} of {of}</b></a> {"was" if len(result.answers) == 1 else "were"} answered.'


def _waited(result: Result) -> Iterable[str]:
    """What came true, and how often."""
    fired = Counter(alert.when for alert in result.alerts)
    for text, number in list(fired.items())[:3]:
        first = min(alert.t_s for alert in result.alerts if alert.when == text)
        often = TIMES.get(number, f"{number:,} times")
        at = "" if number == 1 else "first "
        yield f'“{plain(text, 120)}” came true <a href="#alerts"><b>{often}</b></a>, {at}at {when(first)}.'
    if len(fired) > 3:
        yield f'<a href="#alerts"><b>{counted(len(fired) - 3, "more condition")}</b></a> came true.'
    never = [text for text in result.standing if text not in fired]
    if len(never) == 1:
        yield f"“{plain(never[0], 120)}” never came true."
    elif never:
        conditions = counted(len(never), "condition")
        yield f"{conditions} never came true." if fired else f"None of {conditions} came true."


def _list(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _facts(result: Result) -> Iterable[str]:
    run = result.run
    yield f"<b>{length(run.media_s)}</b> watched"
    if run.started:
        yield f"started {plain(run.started[:16].replace('T', ' '), 40)}"
    if run.resumed:
        yield f"resumed {TIMES.get(run.resumed, f'{run.resumed:,} times')}"
    if len(result.sources) == 1:
        source = result.sources[0]
        if source.width:
            yield f"{source.width} × {source.height}" + (f" at {source.fps:.4g} fps" if source.fps else "")
        if source.channels or source.width:
            yield {0: "no sound", 1: "mono sound", 2: "stereo sound"}.get(
                source.channels, f"{source.channels} channels of sound"
            )
        if source.url and source.url != source.name:
            yield f"<code>{plain(source.url, 160)}</code>"


def _warnings(result: Result) -> Iterable[str]:
    """What a reader must know before trusting the rest."""
    run = result.run
    if run.interrupted:
        at = clock(run.media_s)
        yield f"<b>Interrupted.</b> The run was stopped at {at}; what came later was not watched."
    for source in result.sources:
        name = plain(source.name, 60)
        if source.gaps:
            lost = sum(end - start for start, end in source.gaps)
            first = ", ".join(period(start, end) for start, end in source.gaps[:3])
            more = f" and {len(source.gaps) - 3} more times" if len(source.gaps) > 3 else ""
            yield f"<b>Not watched:</b> {length(lost)} of {name} ({first}{more})."
        if source.frames_dropped:
            share = source.frames_dropped / max(source.frames_read + source.frames_dropped, 1)
            yield f"<b>{counted(source.frames_dropped, 'frame')} dropped</b> of {name} ({percent(share)})."
        for error in source.errors[-3:]:
            yield f"<b>Source error</b> in {name}: {plain(error, 300)}"
    if 0 < run.budget_bytes < run.state_bytes:
        yield f"<b>Over budget.</b> State took {size(run.state_bytes)} of {size(run.budget_bytes)}."
