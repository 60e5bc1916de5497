"""Aged: accuracy by how long ago the evidence was."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND
from headrace.evaluation.metrics import choice
from headrace.evaluation.metrics.answers import REFUSAL, Accuracy
from headrace.evaluation.metrics.text import normalise
from headrace.evaluation.truth import Question

#: Ages, ns, at which a bucket begins: now, 10 s, 1 min, 10 min, 1 h, 10 h.
AGES = (0, 10 * SECOND, 60 * SECOND, 600 * SECOND, 3600 * SECOND, 36_000 * SECOND)
#: What a response says that refuses, in letters and digits alone; lenient reading takes it anywhere in a response.
REFUSALS = (
    "unabletoanswer", "cannotbeanswered", "cannotanswer", "cantanswer", "unanswerable", "cannotbedetermined",
    "notenoughinformation", "idontknow", "idonotknow",
)  # fmt: skip
#: Is an open answer (the second) right, given the reference (the first)?
Same = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Bucket:
    """The questions whose evidence is at least `low` and less than `high` ns old.

    Attributes:
        high: None for the oldest bucket.
        strict: accuracy where nothing but the answer may be said.
        lenient: accuracy where the answer may be wrapped in words.
    """

    low: int
    high: int | None
    strict: Accuracy
    lenient: Accuracy


@dataclass(frozen=True, slots=True)
class Aged:
    """Accuracy of one set of answers.

    Attributes:
        buckets: of the answerable questions that have evidence, from young to old; empty ones too.
        timeless: answerable questions without evidence, as a bucket of every age.
        unanswerable: the questions that have no answer, likewise: right is who refuses.
        strict, lenient: of all questions together.
        published: share of right letters among the multiple-choice questions that were answered, by `choice.substring`,
            missing answers left out of the count; NaN if there are none.
        missing: questions without any response.
        parser: the version of the reading rules.
    """

    buckets: tuple[Bucket, ...]
    timeless: Bucket
    unanswerable: Bucket
    strict: Accuracy
    lenient: Accuracy
    published: float
    missing: int
    parser: str = choice.PARSER


def age(question: Question) -> int | None:
    """ns from the end of the youngest evidence that was there by then to the question; 0 within it; None without any.

    Evidence that begins after the question does not count: it cannot have been seen.
    """
    seen = [max(0, question.t - end) for start, end in question.evidence if start <= question.t]
    return min(seen, default=None)


def aged(
    questions: Sequence[Question],
    given: Sequence[str | None],
    *,
    ages: Sequence[int] = AGES,
    same: Same | None = None,
) -> Aged:
    """Answers to questions, by age of the evidence, with answerable and unanswerable ones apart.

    An answer to a multiple-choice question is read by `choice.strict` and `choice.lenient`, or is the text of an
    option; to an open one it must equal the reference, ignoring case, space and punctuation (strict), or agree by
    `same` (lenient). `REFUSAL` refuses, and in lenient reading each of `REFUSALS`. A missing answer is wrong, for an
    unanswerable question too, while benchmarks that publish leave it out.

    Args:
        given: one for each question; None if nothing came.
        ages: where buckets begin, ns, rising from 0.
        same: for open answers; None: as in strict reading.

    Raises:
        InputError: there are not as many answers as questions.
        ConfigError: the ages do not rise from 0.
    """
    if len(questions) != len(given):
        raise InputError(f"aged: {len(questions)} questions, but {len(given)} answers")
    if not ages or ages[0] != 0 or any(b <= a for a, b in pairwise(ages)):
        raise ConfigError("aged: ages must begin at 0 and rise")
    strict = [_strict(question, said) for question, said in zip(questions, given, strict=True)]
    lenient = [
        right or _lenient(question, said, same or _equal)
        for right, question, said in zip(strict, questions, given, strict=True)
    ]

    def bucket(members: Sequence[int], low: int = 0, high: int | None = None) -> Bucket:
        return Bucket(low, high, _accuracy(questions, strict, members), _accuracy(questions, lenient, members))

    sorts: list[list[int]] = [[] for _ in ages]
    timeless: list[int] = []
    unanswerable: list[int] = []
    for index, question in enumerate(questions):
        old = age(question)
        if question.answer is None:
            unanswerable.append(index)
        else:
            (timeless if old is None else sorts[bisect_right(ages, old) - 1]).append(index)
    return Aged(
        tuple(bucket(members, low, high) for members, low, high in zip(sorts, ages, [*ages[1:], None], strict=True)),
        bucket(timeless),
        bucket(unanswerable),
        _accuracy(questions, strict, range(len(questions))),
        _accuracy(questions, lenient, range(len(questions))),
        _published(questions, given),
        sum(said is None for said in given),
    )


def _strict(question: Question, said: str | None) -> bool:
    if said is None:
        return False
    if question.answer is None:
        return said == REFUSAL
    if question.options is not None:
        index = choice.strict(said, len(question.options))
        return question.options[index] == question.answer if index is not None else _equal(question.answer, said)
    return _equal(question.answer, said)


def _lenient(question: Question, said: str | None, same: Same) -> bool:
    if said is None:
        return False
    if question.answer is None:
        return any(phrase in normalise(said) for phrase in REFUSALS)
    if question.options is not None:
        index = choice.lenient(said, question.options)
        return index is not None and question.options[index] == question.answer
    return same(question.answer, said)


def _published(questions: Sequence[Question], given: Sequence[str | None]) -> float:
    right = [
        choice.substring(said, choice.letters(len(question.options))[question.options.index(question.answer)])
        for question, said in zip(questions, given, strict=True)
        if said is not None and question.options is not None and question.answer is not None
    ]
    return sum(right) / len(right) if right else float("nan")


def _accuracy(questions: Sequence[Question], right: Sequence[bool], members: Sequence[int]) -> Accuracy:
    none = [index for index in members if questions[index].answer is None]
    some = [index for index in members if questions[index].answer is not None]
    return Accuracy(sum(right[i] for i in some), len(some), sum(right[i] for i in none), len(none))


def _equal(reference: str, said: str) -> bool:
    return normalise(reference) == normalise(said)
