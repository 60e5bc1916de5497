"""Extractive: from a question and what is in memory to an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from headrace.core.errors import InputError
from headrace.understanding.matching import names_something
from headrace.understanding.observation import format_span
from headrace.understanding.observations import View
from headrace.understanding.question import Answer, Evidence, find
from headrace.understanding.responder import Responder
from headrace.understanding.search import Query, tokens

NOT_SEEN = "not seen"

_SOUNDS = {"loud": "a loud sound", "change": "a change of sound"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


#: Composes an answer from what a view holds that fits `question.text`; `question.question` is what was asked, time
#: words and all.
Answers: TypeAlias = Responder[Query, View]


@dataclass(frozen=True)
class Extractive(Responder[Query, View]):
    """Quotes its evidence; never says anything that was not read.

    "Sluice gate 3 is open" — on screen 0:41-0:49 (camera1). A question that asks when leads with the time. One
    that asks for all of a stretch of time is answered with all that `find` lists, and the number of the rest.

    Args:
        quotes: most lines quoted of what was looked for.
    """

    quotes: int = 3
    name = "extractive"

    def respond(self, question: Query, view: View) -> Iterator[str]:
        evidence, whole = find(question, view), not names_something(question.text) and question.bounded
        if not evidence:
            yield NOT_SEEN
            return
        timed = asks_when(question.question)
        for i, item in enumerate(evidence if whole else evidence[: self.quotes]):
            yield ("; " if i else "") + quote(item, timed)
        if whole and len(view.rows) > len(evidence):
            yield f"; and {len(view.rows) - len(evidence)} more"


def asks_when(question: str) -> bool:
    """Whether a question asks for a time."""
    words = tokens(question)
    return "when" in words or "how long" in " ".join(words) or "what time" in " ".join(words)


def quote(item: Evidence, timed: bool = False) -> str:
    """One piece of evidence in words, led by its time if `timed`."""
    span, text = format_span(item.start, item.end), f'"{item.text}"' if item.text else ""
    place = " in ".join(part for part in (item.source, item.folder) if part)
    where = f" ({place})" if place else ""
    if item.kind == "event":
        what = f"{text}, an event" if text else "an event"
        return f"{span}: {what}{where}" if timed else f"{what} at {span}{where}"
    if item.kind == "sound":
        what = _SOUNDS.get(item.text, item.text)
        return f"{span}: {what}{where}" if timed else f"{what} {span}{where}"
    if item.kind == "speech":
        text = text or "speech without words"
        return f"{span}: {text} was said{where}" if timed else f"{text} — said {span}{where}"
    return f"{span}: {text}{where}" if timed else f"{text} — on screen {span}{where}"


def clean(text: str) -> str:
    """The text without control characters but tabs and line ends, and without halves of surrogate pairs."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROL.sub("", whole).strip()


def answer(question: Query, view: View, responder: Answers | None = None) -> Answer:
    """Answer a question from a view, with its evidence.

    If `responder` fails, the answer quotes the evidence instead and its note says why; if it says "not seen",
    nothing was.
    """
    evidence = find(question, view)
    if not evidence:
        return Answer(question.question, False, NOT_SEEN)
    note = ""
    if responder is not None:
        try:
            text = clean("".join(responder.respond(question, view)))
            if text.lower().strip(" .!\"'") == NOT_SEEN:
                return Answer(question.question, False, NOT_SEEN, [], responder.name)
            if text:
                return Answer(question.question, True, text, evidence, responder.name)
            note = f"{responder.name} gave an empty answer"
        except InputError as error:
            note = str(error)
    text = "".join(Extractive().respond(question, view))
    return Answer(question.question, True, text, evidence, Extractive.name, note)
