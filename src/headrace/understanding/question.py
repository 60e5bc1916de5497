"""Questions, evidence and answers without a model.

A question is reduced to its content words. Each is looked for in every line, tolerant of the noise of
recognition: a word may be run together with its neighbours or hold a wrong letter; a number may not.
A question counts as seen if the lines of one *moment* (on screen or said together) cover enough of its
words, each weighted by how rare it is. A question that names nothing but a stretch of time is answered
with what was there in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from headrace.core.item import SECOND
from headrace.understanding.matching import FUNCTION_WORDS, SAYING, Line, Term, bearing, content, names_something
from headrace.understanding.observation import Observation
from headrace.understanding.observations import View
from headrace.understanding.search import Query, Scores, inverse_frequency, tokens

#: Covered share of a question's words, by rarity, from which it counts as seen. Two of three equally
#: rare words never reach it, three of four do. On noisy synthetic recordings 98 % of the questions about
#: shown lines lie above it and 0.6 % of those about things never shown; at 0.6 the figures are 99 % and
#: 0.7 %, at 0.8 they are 93 % and 0.1 %.
SEEN = 0.67
#: Cosine of meaning from which a line counts as evidence when its words do not. MiniLM gives questions
#: about things never shown up to 0.56 with some noisy line, and true paraphrases 0.2 to 0.65: it finds few
#: more than the words do, and invents nothing.
MEANT = 0.6
#: The same for a line that shares words with the question, if another of its words is nowhere in memory:
#: shared words bring any two texts near each other, and the missing one is what was asked.
MEANT_PARTLY = 0.7
#: Weight of words that may stand for what is shown but need not be shown themselves ("the value of …").
SOFT = 0.25
#: Seeds of moments that are looked at, most covering first.
SEEDS = 512
#: Most observations of a stretch of time that are listed.
LISTED = 12
#: Words by which the kinds of sound are asked for; they are remembered as "silence", "loud" and "change".
SOUNDS = {"silence": "silence silent quiet", "loud": "loud noise noisy sound", "change": "change changed sound"}


@dataclass(slots=True)
class Evidence:
    """An observation that supports an answer; times in ns of media time.

    Attributes:
        kind: "text", "speech", "event" or "sound".
        folder: where it was recalled from, or "".
    """

    source: str
    start: int
    end: int
    text: str
    thumbnail: str | None
    score: float
    observation: str
    kind: str = "text"
    folder: str = ""

    @classmethod
    def of(cls, row: Observation, score: float, folder: str = "") -> Self:
        return cls(row.source, row.first, row.last, row.text, row.thumbnail, score, row.id, row.kind, folder)

    def to_json(self) -> dict[str, Any]:
        """JSON-serialisable; times in seconds."""
        return {
            "source": self.source,
            "start_s": self.start / SECOND,
            "end_s": self.end / SECOND,
            "text": self.text,
            "thumbnail": self.thumbnail,
            "score": round(self.score, 4),
            "observation": self.observation,
            "kind": self.kind,
            "folder": self.folder,
        }


@dataclass(frozen=True, slots=True)
class Stretch:
    """The stretch of a stream that a question was asked of, ns of its media time; None is open.

    Attributes:
        source: the stream; "" means all of the folder.
    """

    folder: str
    source: str
    since: int | None
    until: int | None

    def to_json(self) -> dict[str, Any]:
        """JSON-serialisable; times in seconds."""
        since, until = (None if time is None else round(time / SECOND, 3) for time in (self.since, self.until))
        return {"folder": self.folder, "source": self.source, "since_s": since, "until_s": until}


@dataclass(slots=True)
class Answer:
    """What is answered to a question.

    Attributes:
        question: the question's text.
        seen: whether anything in memory supports an answer.
        text: the answer; "not seen" if nothing does.
        evidence: what supports it, best first.
        by: who composed the text: "extractive" or "llm".
        note: why it was composed in another way than was asked for, or "".
        windows: the stretches of time that it was asked of.
    """

    question: str
    seen: bool
    text: str
    evidence: list[Evidence] = field(default_factory=list)
    by: str = "extractive"
    note: str = ""
    windows: list[Stretch] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """JSON-serialisable; times in seconds."""
        return {
            "question": self.question,
            "seen": self.seen,
            "text": self.text,
            "evidence": [item.to_json() for item in self.evidence],
            "by": self.by,
            "note": self.note,
            "windows": [item.to_json() for item in self.windows],
        }


def find(query: Query, view: View, *, threshold: float = SEEN, limit: int = 5) -> list[Evidence]:
    """The observations of `view` that cover the query's content words, best first; none if it was not seen.

    A moment is a seed line and the lines that were there together with it. Its coverage is the sum over
    terms of idf times the surest match in the moment, divided by the sum of idf. A line that brings nothing
    but numbers adds nothing to a moment: the 3 of "Gate 3" is not every 3 on the screen. Where both text
    and speech cover the query, the best of either is among the first. A query of no content words is found
    where it is said word for word; if it is bounded in time, it finds what was there (see `listed`).

    Args:
        threshold: least coverage of a moment.
        limit: most observations returned.
    """
    if not names_something(query.text) and query.bounded:
        return listed(query, view)
    if FUNCTION_WORDS.issuperset(tokens(query.text)):
        return _verbatim(query, view, limit)
    hits = _Hits.of(content(query.text), view)
    if hits is None:
        return _by_meaning(query, view, None, limit)
    whole, own = hits.coverage()
    order = sorted(
        (int(k) for k in np.flatnonzero(whole >= threshold)),
        key=lambda k: (-own[k] - whole[k], -view.relevance[hits.index[k]], -hits.rows[k].last),
    )
    if not order:
        return _by_meaning(query, view, hits, limit)
    kinds = dict.fromkeys(hits.rows[k].kind for k in order)
    leading = [next(k for k in order if hits.rows[k].kind == kind) for kind in kinds]
    if not SAYING.isdisjoint(tokens(query.question)):
        leading.sort(key=lambda k: hits.rows[k].kind != "speech")
    chosen = [leading[0], *hits.partners(leading[0])[: max(1, limit - len(leading))], *leading[1:]]
    chosen = list(dict.fromkeys(chosen + order))[:limit]
    return [_evidence(view, hits.index[k], float(max(whole[k], own[k]))) for k in chosen]


def listed(query: Query, view: View, limit: int = LISTED) -> list[Evidence]:
    """What was there in the query's stretch of time, in the order of time.

    Of more than `limit` observations those are taken that began in it, and of these the longest.
    """
    since, until = query.since or 0, view.now if query.until is None else query.until

    def place(i: int) -> tuple[bool, int, int]:
        row = view.rows[i]
        return row.first < since, max(row.first, since) - min(row.last, until), row.first

    best = sorted(range(len(view.rows)), key=place)[:limit]
    return [_evidence(view, i, 1.0) for i in sorted(best, key=lambda i: view.rows[i].first)]


def _evidence(view: View, i: int, score: float) -> Evidence:
    return Evidence.of(view.rows[i], score, view.folders[i] if view.folders else "")


def _verbatim(query: Query, view: View, limit: int) -> list[Evidence]:
    """The rows that say the query word for word, the newest first."""
    phrase = tokens(query.text)
    held = [tokens(row.text) for row in view.rows] if phrase else []
    found = [i for i, row in enumerate(held) if any(row[k : k + len(phrase)] == phrase for k in range(len(row)))]
    return [_evidence(view, i, 1.0) for i in sorted(found, key=lambda i: -view.rows[i].last)[:limit]]


@dataclass(slots=True)
class _Hits:
    """The rows that hold any of T terms: K rows, how surely each holds each, and the terms' weights."""

    rows: list[Observation]
    index: list[int]
    surety: Scores  # [K, T]
    weight: Scores  # [T], sums to 1
    place: npt.NDArray[np.int64]  # [K, 4]: number of the source, number of the segment, first, last

    @classmethod
    def of(cls, terms: Sequence[Term], view: View) -> _Hits | None:
        index, surety = [], []
        for i, row in enumerate(view.rows):
            line = Line(SOUNDS.get(row.text, row.text) if row.kind == "sound" else row.text)
            matches = [line.match(term) for term in terms]
            if any(matches):
                index.append(i)
                surety.append(matches)
        if not index:
            return None
        table = np.array(surety)
        idf = [
            inverse_frequency(max(1, int(np.count_nonzero(column))), len(view.rows)) * (SOFT if term.soft else 1.0)
            for term, column in zip(terms, table.T, strict=True)
        ]
        weight = np.array(idf) / sum(idf)
        rows = [view.rows[i] for i in index]
        folders = [view.folders[i] if view.folders else "" for i in index]
        names: dict[tuple[str, str], int] = {}
        place = [
            (
                names.setdefault((folder, row.source), len(names)),
                -1 - k if row.segment is None else names.setdefault((folder, row.segment), len(names)),
                row.first,
                row.last,
            )
            for k, (row, folder) in enumerate(zip(rows, folders, strict=True))
        ]
        return cls(rows, index, table * bearing(terms, table), weight, np.array(place, dtype=np.int64))

    def coverage(self) -> tuple[Scores, Scores]:
        """Of each row's moment and of each row alone, [K] both; moments of the best `SEEDS` rows only."""
        own = self.surety @ self.weight
        whole = own.copy()
        for k in np.argsort(-own, kind="stable")[:SEEDS]:
            whole[k] = self.surety[self._together(k)].max(axis=0) @ self.weight
        return whole, own

    def partners(self, k: int) -> list[int]:
        """The rows of k's moment that hold a term more surely than k, the most helpful first."""
        gain = np.clip(self.surety - self.surety[k], 0, None) @ self.weight
        together = self._together(k)
        return [int(j) for j in np.argsort(-gain, kind="stable") if together[j] and gain[j] > 0]

    def _together(self, k: int) -> npt.NDArray[np.bool_]:
        """[K]: which rows were there together with row k, as `Observation.together` has it."""
        source, segment, first, last = self.place.T
        overlapping = (first <= last[k]) & (first[k] <= last)
        together: npt.NDArray[np.bool_] = (source == source[k]) & ((segment == segment[k]) | overlapping)
        return together


def _by_meaning(query: Query, view: View, hits: _Hits | None, limit: int) -> list[Evidence]:
    """The rows whose meaning is near the query's and that hold its numbers, if an encoder was at work."""
    if view.meaning is None:
        return []
    partly = frozenset[int]()
    if hits is not None and any(not column.any() for column in hits.surety.T):
        partly = frozenset(hits.index)
    numbers = {word for word in tokens(query.text) if word[0].isdigit()}
    order = [
        int(i)
        for i in np.argsort(-view.meaning, kind="stable")[: 4 * limit]
        if view.meaning[i] >= (MEANT_PARTLY if i in partly else MEANT) and numbers <= set(tokens(view.rows[i].text))
    ]
    return [_evidence(view, i, float(view.meaning[i])) for i in order[:limit]]
