from math import isnan

import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND
from headrace.evaluation.metrics import Accuracy, aged
from headrace.evaluation.metrics.aged import age
from headrace.evaluation.metrics.choice import PARSER
from headrace.evaluation.truth import Question

OPTIONS = ("red", "blue", "green")


def ask(t, *evidence, answer="blue", options=OPTIONS):
    spans = tuple((start * SECOND, end * SECOND) for start, end in evidence)
    return Question(t * SECOND, "which?", options, answer, spans)


def test_age_is_that_of_the_youngest_evidence_seen():
    assert age(ask(100, (10, 20), (60, 70))) == 30 * SECOND
    assert age(ask(100, (90, 110))) == 0
    assert age(ask(100, (10, 20), (101, 102))) == 80 * SECOND
    assert age(ask(100, (200, 300))) is None
    assert age(ask(100)) is None


def test_buckets_by_hand():
    questions = [ask(100, (95, 99)), ask(100, (80, 90)), ask(100, (10, 20)), ask(4000, (10, 20)), ask(100)]
    outcome = aged(questions, ["B", "The answer is B", "C", "blue", None])
    assert [(bucket.strict.right, bucket.lenient.right, bucket.strict.questions) for bucket in outcome.buckets] == [
        (1, 1, 1), (0, 1, 1), (0, 0, 1), (0, 0, 0), (1, 1, 1), (0, 0, 0),
    ]  # fmt: skip
    assert outcome.buckets[1].low == 10 * SECOND
    assert outcome.buckets[1].high == 60 * SECOND
    assert outcome.buckets[-1].high is None
    assert outcome.timeless.strict == Accuracy(0, 1, 0, 0)
    assert (outcome.strict, outcome.lenient) == (Accuracy(2, 5, 0, 0), Accuracy(3, 5, 0, 0))
    assert (outcome.missing, outcome.parser) == (1, PARSER)


def test_unanswerable_questions_stand_apart():
    questions = [ask(10, answer=None), ask(10, answer=None), ask(10, answer=None), ask(10, (1, 2))]
    outcome = aged(questions, ["", "I am unable to answer.", None, ""])
    assert outcome.unanswerable.strict == Accuracy(0, 0, 1, 3)
    assert outcome.unanswerable.lenient == Accuracy(0, 0, 2, 3)
    assert outcome.lenient.answered == 0


def test_open_answers():
    questions = [ask(10, (1, 2), answer="The Cat", options=None)] * 2
    assert aged(questions, ["the cat!", "a cat"]).lenient.right == 1
    assert aged(questions, ["the cat!", "a cat"], same=lambda right, said: "cat" in said).lenient.right == 2


def test_published_leaves_missing_answers_out_and_takes_any_letter():
    questions = [ask(10, (1, 2))] * 4
    outcome = aged(questions, ["A B C", None, None, None])
    assert outcome.published == 1
    assert (outcome.strict.overall, outcome.lenient.overall) == (0, 0)
    assert isnan(aged(questions, [None] * 4).published)


def test_blind_rows():
    questions = [ask(10, (1, 2), answer=answer) for answer in ("blue", "blue", "red", "green")]
    questions += [ask(10, answer=None)] * 4
    assert aged(questions, [None] * 8).strict.overall == 0
    refusing = aged(questions, [""] * 8).strict
    assert (refusing.refused, refusing.answered) == (1, 0)
    assert aged(questions, ["B"] * 8).strict.answered == 0.5


def test_wrong_arguments():
    with pytest.raises(InputError):
        aged([ask(1)], [])
    with pytest.raises(ConfigError):
        aged([], [], ages=(1, 2))
    assert aged([], []).strict == Accuracy(0, 0, 0, 0)
