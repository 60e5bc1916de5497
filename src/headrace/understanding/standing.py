"""Standing questions: an alert when a text comes true on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import pairwise, permutations
from sys import getsizeof
from typing import Any, Self

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.core.stateful import Snapshot
from headrace.understanding.matching import FUNCTION_WORDS, STATE_WORDS, Line, Term, bearing, content, stem
from headrace.understanding.observation import Observation
from headrace.understanding.observations import row_bytes
from headrace.understanding.question import Evidence
from headrace.understanding.search import Scores, tokens
from headrace.understanding.trigger import Respond, Trigger

#: Mean certainty of its words from which a standing question fires; every word must be there.
CERTAIN = 0.9
#: Bytes of a standing question besides its text; of the largest line that is kept for one.
QUESTION, LARGEST = 512, 4096

_NEGATIONS = frozenset(("not", "never", "no", "cannot", "none", "isn", "aren", "wasn", "don", "doesn"))


@dataclass(slots=True)
class StandingQuestion:
    """A text to wait for.

    Attributes:
        id: names it in alerts.
        text: what must come true, e.g. "sluice gate 3 is open".
        armed: whether it can fire.
        after: only what begins later than this media time (ns) can fire it.
    """

    id: str
    text: str
    armed: bool = True
    after: int = -(1 << 62)


@dataclass(frozen=True, slots=True)
class Alert(Respond):
    """A standing question came true: `since` is when the last of the evidence appeared, which are lines.

    Attributes:
        when: text of the standing question.
    """

    evidence: tuple[Evidence, ...] = ()
    when: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON-serialisable; times in seconds."""
        return {
            "question": self.question,
            "when": self.when,
            "t_s": self.since / SECOND,
            "latency_s": self.latency / SECOND,
            "evidence": [item.to_json() for item in self.evidence],
        }


class StandingQuestions(Trigger[Sequence[Observation]]):
    """Fires an alert, once, when a line or the lines of one moment say what a question waits for.

    Every content word and number must be there, with a mean certainty of `CERTAIN`: a misread letter is
    forgiven in one of three words. Lines of a moment count only if they hold a word, not numbers alone. A
    line that denies ("gate 3 is not open") does not fire a question without denial, nor the reverse; nor
    does a word with a negating prefix, or a number beside other words than the question's.
    Of past lines only the newest `window` that hold a term are kept for each question, so memory is bounded.
    """

    def __init__(self, texts: Iterable[str] = (), window: int = 32) -> None:
        self._texts, self.window = tuple(texts), window
        self.reset()

    def reset(self) -> None:
        """Forget what was seen and asked since; the texts given at the start are armed again."""
        self._questions: dict[str, StandingQuestion] = {}
        self._recent: dict[str, list[Observation]] = {}
        for text in self._texts:
            self.add(text)

    def __iter__(self) -> Iterator[StandingQuestion]:
        return iter(self._questions.values())

    def add(self, text: str) -> StandingQuestion:
        """Wait for one more text.

        Raises:
            ConfigError: it has no word to wait for, or is already waited for.
        """
        if not tokens(text):
            raise ConfigError(f"the standing question {text!r} has no word; write what should be shown")
        if any(question.text == text for question in self._questions.values()):
            raise ConfigError(f"the standing question {text!r} is given twice; give it once")
        question = StandingQuestion(f"when-{len(self._questions) + 1}", text)
        self._questions[question.id], self._recent[question.id] = question, []
        return question

    def rearm(self, question: str, now: int) -> None:
        """Let the question of that id fire again, on what begins after `now` (media time, ns)."""
        self._questions[question] = replace(self._questions[question], armed=True, after=now)

    def disarm(self, question: str) -> None:
        """The question of that id has fired; what led to it is known elsewhere."""
        self._questions[question].armed = False
        self._recent[question].clear()

    def decide(self, now: int, new: Sequence[Observation]) -> list[Alert]:
        """The alerts that newly written observations cause; a question that fired is disarmed."""
        alerts = []
        for question in self._questions.values():
            for row in new if question.armed else ():
                cause = self._cause(question, row)
                if cause:
                    question.armed = False
                    self._recent[question.id].clear()
                    since = max(item.start for item in cause)
                    alerts.append(Alert(question.id, since, now, tuple(cause), question.text))
                    break
        return alerts

    def _cause(self, question: StandingQuestion, row: Observation) -> list[Evidence]:
        """The lines that make the question true now that `row` was written; empty if it is not."""
        terms = _terms(question.text)
        recent = self._recent[question.id]
        if row.first <= question.after or not any(_matches(terms, question.text, row)):
            return []
        recent[:] = [other for other in recent if other.id != row.id][1 - self.window :]
        lines = [row, *(other for other in reversed(recent) if other.together(row))]
        if row_bytes(row) <= LARGEST:
            recent.append(replace(row))
        table = np.array([_matches(terms, question.text, line) for line in lines])
        table *= bearing(terms, table)
        best = table.max(axis=0)
        if not table[0].any() or not best.all() or best.mean() < CERTAIN:
            return []
        used = sorted(set(table.argmax(axis=0).tolist()), key=lambda k: -table[k].sum())
        said = [lines[k] for k in used]
        if not _one_statement(said, table[used]) or not _numbers_stand(question.text, said):
            return []
        return [Evidence.of(lines[k], float(table[k].mean())) for k in used]

    def nbytes(self) -> int:
        """Bytes of the questions and of the lines kept for them."""
        kept = sum(row_bytes(row) for recent in self._recent.values() for row in recent)
        return kept + sum(QUESTION + getsizeof(question.text) for question in self._questions.values())

    def max_bytes(self) -> int:
        most = QUESTION + self.window * LARGEST
        return sum(most + getsizeof(question.text) for question in self._questions.values())

    def snapshot(self) -> Snapshot:
        questions = [list(astuple(question)) for question in self._questions.values()]
        recent = [[list(astuple(row)) for row in rows] for rows in self._recent.values()]
        return Snapshot("standing-questions", {"window": self.window, "questions": questions, "recent": recent})

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect("standing-questions").meta
        self.window = meta["window"]
        questions = [StandingQuestion(*values) for values in meta["questions"]]
        self._questions = {question.id: question for question in questions}
        self._recent = {
            question.id: [Observation.of(values) for values in rows]
            for question, rows in zip(questions, meta["recent"], strict=True)
        }

    def fork(self) -> Self:
        other = type(self)(self._texts, self.window)
        other.restore(self.snapshot())
        return other


def _terms(question: str) -> list[Term]:
    """The content words of a question; denial is compared apart from them."""
    terms = content(question, STATE_WORDS)
    return [term for term in terms if term.text not in _NEGATIONS] or terms


def _matches(terms: Sequence[Term], question: str, row: Observation) -> list[float]:
    """How surely the row holds each term; none if one of row and question denies and the other does not."""
    line = Line(row.text)
    matches = [line.match(term) for term in terms]
    return [0.0] * len(terms) if any(matches) and _denies(row.text) != _denies(question) else matches


def _one_statement(lines: Sequence[Observation], table: Scores) -> bool:
    """Whether lines read together may be one text, wrapped: neighbours that share none of the words."""
    if len(lines) > 1 and (table > 0).sum(axis=0).max() > 1:
        return False
    boxes = sorted((line.box for line in lines if line.box is not None), key=lambda box: box[1])
    for (x0, y0, x1, y1), (left, top, right, bottom) in pairwise(boxes):
        apart = top - y1 > 1.5 * min(y1 - y0, bottom - top)
        if apart or right <= x0 or left >= x1:
            return False
    return True


def _numbers_stand(question: str, lines: Sequence[Observation]) -> bool:
    """Whether each number stands beside a word that it stands beside in the question: gate 3, not 3 pm.

    Function words between the two do not part them, nor does a line that is wrapped there.
    """
    asked, shown = tokens(question), [_telling(line.text) for line in lines]
    wrapped = shown + [[*a, *b] for a, b in permutations(shown, 2)]
    for at, number in enumerate(asked):
        if number[0].isdigit():
            direct = _telling(" ".join(asked[max(0, at - 1) : at + 2]))
            beside = _neighbours(number, direct) or _neighbours(number, _telling(question))
            near = Line(" ".join(word for words in wrapped for word in _neighbours(number, words)))
            if beside and not any(near.match(Term(word)) for word in beside):
                return False
    return True


def _telling(text: str) -> list[str]:
    """The words and numbers of a text without function words and denial."""
    return [word for word in tokens(text) if word in STATE_WORDS or word not in FUNCTION_WORDS | _NEGATIONS]


def _neighbours(number: str, words: Sequence[str]) -> set[str]:
    """What stands next to a number, without plural endings."""
    places = [at for at, word in enumerate(words) if word == number]
    return {stem(word) for at in places for word in words[max(0, at - 1) : at + 2]} - {number}


def _denies(text: str) -> bool:
    """Whether the text holds a word of denial; "No. 3" is not one."""
    words = tokens(text)
    return any(
        word in _NEGATIONS and not (word == "no" and following[:1].isdigit())
        for word, following in zip(words, [*words[1:], ""], strict=True)
    )
