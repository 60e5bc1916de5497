"""Questions, evidence and answers without a model.

A question is reduced to its content words. Each is looked for in every line, tolerant of the noise of
recognition: a word may be run together with its neighbours or hold a wrong letter; a number may not.
A question counts as seen if the lines of one *moment* (on screen together) cover enough of its words,
each weighted by how rare it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from headrace.core.item import SECOND
from headrace.understanding.matching import Line, Term, bearing, content
from headrace.understanding.memory import View
from headrace.understanding.observation import Observation
from headrace.understanding.search import Query, Scores, inverse_frequency

#: Covered share of a question's words, by rarity, from which it counts as seen. Two of three equally
#: rare words never reach it, three of four do. On noisy synthetic recordings 98 % of the questions about
#: shown lines lie above it and 0.6 % of those about things never shown; at 0.6 the figures are 99 % and
#: 0.7 %, at 0.8 they are 93 % and 0.1 %.
SEEN = 0.67
#: Cosine of meaning from which a line counts as evidence when its words do not. MiniLM gives questions
#: about things never shown up to 0.56 with some noisy line, and true paraphrases 0.2 to 0.65: it finds few
#: more than the words do, and invents nothing.
MEANT = 0.6
#: Weight of words that may stand for what is shown but need not be shown themselves ("the value of …").
SOFT = 0.25
#: Seeds of moments that are looked at, most covering first.
SEEDS = 512


@dataclass(slots=True)
class Evidence:
    """An observation that supports an answer; times in ns of media time."""

    source: str
    start: int
    end: int
    text: str
    thumbnail: str | None
    score: float
    observation: str

    @classmethod
    def of(cls, row: Observation, score: float) -> Self:
        return cls(row.source, row.first, row.last, row.text, row.thumbnail, score, row.id)

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
        }


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
    """

    question: str
    seen: bool
    text: str
    evidence: list[Evidence] = field(default_factory=list)
    by: str = "extractive"
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON-serialisable; times in seconds."""
        return {
            "question": self.question,
            "seen": self.seen,
            "text": self.text,
            "evidence": [item.to_json() for item in self.evidence],
            "by": self.by,
            "note": self.note,
        }


def find(query: Query, view: View, *, threshold: float = SEEN, limit: int = 5) -> list[Evidence]:
    """The observations of `view` that cover the query's content words, best first; none if it was not seen.

    A moment is a seed line and the lines that were on screen together with it. Its coverage is the sum over
    terms of idf times the surest match in the moment, divided by the sum of idf. A line that brings nothing
    but numbers adds nothing to a moment: the 3 of "Gate 3" is not every 3 on the screen.

    Args:
        threshold: least coverage of a moment.
        limit: most observations returned.
    """
    terms = content(query.text)
    hits = _Hits.of(terms, view)
    if hits is None:
        return _by_meaning(view, limit)
    whole, own = hits.coverage()
    order = sorted(
        (int(k) for k in np.flatnonzero(whole >= threshold)),
        key=lambda k: (-own[k] - whole[k], -view.relevance[hits.index[k]], -hits.rows[k].last),
    )
    if not order:
        return _by_meaning(view, limit)
    chosen = [order[0], *hits.partners(order[0])]
    chosen = list(dict.fromkeys(chosen + order))[:limit]
    return [Evidence.of(hits.rows[k], float(max(whole[k], own[k]))) for k in chosen]


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
            line = Line(row.text)
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
        names: dict[str, int] = {}
        place = [
            (
                names.setdefault(row.source, len(names)),
                -1 - k if row.segment is None else names.setdefault(row.segment, len(names)),
                row.first,
                row.last,
            )
            for k, row in enumerate(rows)
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


def _by_meaning(view: View, limit: int) -> list[Evidence]:
    """The rows whose meaning is near the query's, if an encoder was at work."""
    if view.meaning is None:
        return []
    order = np.argsort(-view.meaning, kind="stable")[:limit]
    return [Evidence.of(view.rows[i], float(view.meaning[i])) for i in order if view.meaning[i] >= MEANT]
