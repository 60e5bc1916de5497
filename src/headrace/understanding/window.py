"""Window: the stretch of a stream's media time that a question's time phrases mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from headrace.core.item import SECOND
from headrace.understanding.observation import Observation, format_time
from headrace.understanding.past import Past
from headrace.understanding.phrase import LEFT, Mark, Phrase
from headrace.understanding.question import Evidence, find
from headrace.understanding.search import Query, tokens

#: The least length of a break.
BREAK = 30 * SECOND
#: How long before a break it may be announced.
ANNOUNCED = 60 * SECOND
#: A line of at most so many words names the break; in a longer one the word is one among others.
BREAK_LINE = 4
#: What is shown or said is new for so long at most; an utterance that is remembered as longer was repeated.
NEW = 15 * SECOND
#: The beginning and the end are a tenth of what was watched, within these bounds.
EDGE, LEAST_EDGE, MOST_EDGE = 0.1, 10 * SECOND, 60 * SECOND

_BREAK_WORDS = frozenset(("break", "pause", "intermission"))
_ENDINGS = (
    ("pped", "p"),
    ("pping", "p"),
    ("tted", "t"),
    ("tting", "t"),
    ("ed", ""),
    ("ed", "e"),
    ("ing", ""),
    ("s", ""),
)


@dataclass(frozen=True, slots=True)
class Window:
    """What is in [since, until], ns of media time; None is open.

    Attributes:
        missing: what it depends on but was not seen, or "".
        anchors: ids of the observations that bound it and are left out.
    """

    since: int | None = None
    until: int | None = None
    missing: str = ""
    anchors: frozenset[str] = field(default=frozenset())

    def narrowed(self, query: Query) -> Window:
        """The part of it that the query's own bounds leave."""
        return self._with(query.since, query.until)

    def _with(self, since: int | None, until: int | None) -> Window:
        return replace(
            self,
            since=max((t for t in (self.since, since) if t is not None), default=None),
            until=min((t for t in (self.until, until) if t is not None), default=None),
        )

    def spoken(self) -> str:
        """In words: "between 0:00 and 1:00", "at 0:33", "after 2:00", "before 10:30"."""
        if self.since is None and self.until is None:
            return ""
        if self.until is None:
            assert self.since is not None
            return f"after {format_time(self.since)}"
        if self.since is None:
            return f"before {format_time(self.until + 1)}"
        first, last = format_time(self.since), format_time(self.until)
        return f"at {first}" if first == last else f"between {first} and {last}"


def window(phrases: Sequence[Phrase], past: Past, query: Query) -> Window:
    """The window in which all phrases hold, on the clock of `past`; its `missing` says why there is none.

    Args:
        query: its sources say which streams may hold the break and what clauses say.
    """
    whole = Window()
    for phrase in phrases:
        marks = [_Found(mark, past, query) if mark is not None else None for mark in (phrase.since, phrase.until)]
        for mark in marks:
            if mark is not None and mark.time is None:
                return Window(missing=mark.missing)
        since, until = (None if mark is None else mark.time for mark in marks)
        if since is not None:
            since = max(0, since) + phrase.since_open
            if since > past.now + 1:
                return Window(missing=f"only 0:00-{format_time(past.now)} was watched")
        if until is not None:
            until -= phrase.until_open
            if until < 0:
                return Window(missing=f"only 0:00-{format_time(past.now)} was watched")
        left_out = (
            mark.anchors
            for mark, bare in zip(marks, (phrase.since_open, phrase.until_open), strict=True)
            if mark and bare
        )
        anchors = whole.anchors.union(*left_out)
        whole = replace(whole._with(since, until), anchors=anchors)
    if whole.since is not None and whole.until is not None and whole.until < whole.since:
        return Window(missing="there is no such time")
    return whole


class _Found:
    """A mark looked up in a past: its time (None if it cannot be found) or what is missing."""

    def __init__(self, mark: Mark, past: Past, query: Query) -> None:
        self.missing, self.anchors = "", frozenset[str]()
        time = self._time(mark, past, query)
        self.time = None if time is None else time + round(mark.offset * SECOND)

    def _time(self, mark: Mark, past: Past, query: Query) -> int | None:
        edge = min(max(round(past.now * EDGE), LEAST_EDGE), MOST_EDGE)
        if mark.kind == "break":
            stretch = find_break(past.read(replace(query, text="")).rows)
            if stretch is None:
                self.missing = f"no break of {BREAK // SECOND} s or more was seen"
                return None
            return stretch[1] if mark.edge else stretch[0]
        if mark.kind == "seen":
            row = find_clause(mark.clause, past, query)
            if row is None:
                self.missing = f'"{mark.clause}" itself was not seen'
                return None
            self.anchors = frozenset((row.observation,))
            return row.end if mark.edge or row.kind == "speech" else row.start
        return {
            "start": 0,
            "now": past.now,
            "opening": edge,
            "closing": past.now - edge,
            "share": round(past.now * mark.value),
        }[mark.kind]


def find_clause(clause: str, past: Past, query: Query) -> Evidence | None:
    """What a clause says, as it was first seen among what covers it best; its verb may be inflected."""
    for text in _bases(clause):
        asked = replace(query, text=text)
        found = find(asked, past.read(asked))
        if found:
            best = max(item.score for item in found)
            return min((item for item in found if item.score >= best), key=lambda item: item.start)
    return None


def _bases(clause: str) -> list[str]:
    """The clause, and the clause with its last word's ending taken off: "gate 3 opened", "gate 3 open"."""
    clause = LEFT.sub("", clause)
    head, _, verb = clause.rpartition(" ")
    stems = [verb[: -len(ending)] + base for ending, base in _ENDINGS if verb.endswith(ending) and len(verb) > 4]
    return [clause, *(f"{head} {stem}" for stem in stems)] if head else [clause]


def find_break(rows: Sequence[Observation]) -> tuple[int, int] | None:
    """The break: begin and end in ns, or None.

    It is the longest stretch of at least `BREAK` in which there was silence, or nothing new was shown or
    said, between things that were; or in which a short line says break, pause or intermission. One that
    is named, by such a line or in an utterance or a line up to `ANNOUNCED` before it, goes before all others.
    """
    told = sorted((row for row in rows if row.kind in ("text", "speech")), key=lambda row: row.first)
    if not told:
        return None
    begin, end = told[0].first, max(row.first for row in told)
    stretches = [(row.first, row.last + 1) for row in rows if row.kind == "sound" and row.text == "silence"]
    quiet = begin
    for row in told:
        stretches.append((quiet, row.first))
        quiet = max(quiet, min(row.last, row.first + NEW))
    stretches = [(first, last) for first, last in stretches if begin <= first and last <= end]
    naming = [row for row in told if _BREAK_WORDS.intersection(tokens(row.text))]
    signs = [row for row in naming if row.kind == "text" and len(re.findall(r"[^\W\d_]+", row.text)) <= BREAK_LINE]
    stretches += [(row.first, row.last + 1) for row in signs]
    stretches = [(first, last) for first, last in stretches if last - first >= BREAK]
    named = [(first, last) for first, last in stretches if any(first - ANNOUNCED <= row.first < last for row in naming)]
    return max(named or stretches, key=lambda stretch: stretch[1] - stretch[0], default=None)
