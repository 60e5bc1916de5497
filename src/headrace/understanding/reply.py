"""reply: from a question, time words and all, and what is remembered of several streams to an answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from headrace.understanding.extractive import NOT_SEEN, Answers, answer, asks_when
from headrace.understanding.matching import SAYING, names_something
from headrace.understanding.observations import View, joined
from headrace.understanding.past import Past
from headrace.understanding.phrase import Phrase
from headrace.understanding.question import Answer, Stretch, find
from headrace.understanding.search import Query, tokens
from headrace.understanding.timewords import TimeWords
from headrace.understanding.window import Window, window

_SHOWN = frozenset(
    ("display", "displayed", "displays", "read", "screen", "show", "shown", "shows", "visible", "write", "written")
)
_HEARD = frozenset(("audio", "hear", "heard", "hears", "sound", "sounds"))
_EVENTS = frozenset(("event", "events", "scene", "scenes"))


def reply(question: Query, pasts: Iterable[Past], responder: Answers | None = None) -> Answer:
    """Answer a question from what is remembered of one or several streams, ranked together.

    The question's time words bound what is looked at, each stream on its own clock; the answer's `windows`
    say how. A question that is nothing but time words is answered with what was there. Where a line says
    the time words themselves ("Closed after 10:30"), and what else is asked for, they are words like any
    other. What was not seen is told with the time it was looked for in, or with what the time words name
    and was not seen itself.

    Args:
        question: bounds of its own hold besides its time words.
        responder: composes the text; None quotes the evidence.
    """
    pasts = [past for past in pasts if not (past.name and question.sources) or past.name in question.sources]
    words = TimeWords.of(question.text)
    whole = not names_something(words.rest)
    if not words.phrases or (whole and asks_when(words.rest)):
        return answer(question, _all(pasts, question), responder)
    if not whole and _verbatim(question, words.phrases, pasts):
        return answer(question, _all(pasts, question), responder)
    kinds = question.kinds or (asked_kinds(words.rest) if whole else ())
    asked = replace(question, text=words.rest, asked=question.question, kinds=kinds)
    found = [(past, window(words.phrases, past, question).narrowed(question)) for past in pasts]
    there = [(past, limits) for past, limits in found if not limits.missing]
    if not there:
        if whole and not asked_kinds(words.rest) and _verbatim(question, words.phrases, pasts):
            return answer(question, _all(pasts, question), responder)
        reasons = dict.fromkeys(limits.missing for _, limits in found) or [""]
        return Answer(question.question, False, f"{NOT_SEEN}: {'; '.join(reasons)}".removesuffix(": "))
    views = [past.read(replace(asked, since=limits.since, until=limits.until)) for past, limits in there]
    if whole:
        views = [_without(view, limits.anchors) for view, (_, limits) in zip(views, there, strict=True)]
    starts = [limits.since for _, limits in there if limits.since is not None]
    ends = [limits.until for _, limits in there if limits.until is not None]
    hull = replace(asked, since=min(starts, default=None), until=max(ends, default=None))
    made = answer(hull, joined(hull, views), responder)
    made.windows = [Stretch(past.folder, past.name, limits.since, limits.until) for past, limits in there]
    if not made.seen:
        made.text = f"{NOT_SEEN} {_told(there)}".strip()
    return made


def asked_kinds(question: str) -> tuple[str, ...]:
    """The kinds of observation that a question asks for by words like "said" and "on screen"; empty means any."""
    words = frozenset(tokens(question))
    kinds = []
    if words & SAYING and "it" not in words:
        kinds.append("speech")
    if words & _HEARD:
        kinds += ["speech", "sound"]
    if words & _SHOWN:
        kinds.append("text")
    if words & _EVENTS:
        kinds.append("event")
    return tuple(dict.fromkeys(kinds))


def _all(pasts: Iterable[Past], query: Query) -> View:
    return joined(query, [past.read(query) for past in pasts])


def _verbatim(question: Query, phrases: Sequence[Phrase], pasts: Iterable[Past]) -> bool:
    """Whether the question is seen when its time words are words to look for, and lines say those very words."""
    evidence = find(question, _all(pasts, question))
    return all(any(phrase.verbatim(item.text) for item in evidence) for phrase in phrases)


def _without(view: View, names: Collection[str]) -> View:
    """The view without the observations of those ids, which need not be told again."""
    kept = [i for i, row in enumerate(view.rows) if row.id not in names]
    meaning = None if view.meaning is None else view.meaning[kept]
    return replace(view, rows=[view.rows[i] for i in kept], folders=[view.folders[i] for i in kept], meaning=meaning)


def _told(windows: Sequence[tuple[Past, Window]]) -> str:
    """The windows in words; streams are named where theirs differ."""
    spoken = list(dict.fromkeys(limits.spoken() for _, limits in windows))
    if len(spoken) == 1:
        return spoken[0]
    return " or ".join(
        f"{text} ({', '.join(' in '.join(filter(None, (p.name, p.folder))) for p, w in windows if w.spoken() == text)})"
        for text in spoken
    )
