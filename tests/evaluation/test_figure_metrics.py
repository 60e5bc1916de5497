"""Answers, latency, bootstrap."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core import Emission
from headrace.core.errors import ConfigError, InputError
from headrace.evaluation.metrics import (
    REFUSAL,
    Quantiles,
    Score,
    accuracy,
    bootstrap,
    latency,
    pool,
    staleness,
)
from headrace.evaluation.truth import Question

QUESTIONS = [
    Question(1, "colour?", ("red", "blue"), "red"),
    Question(2, "name?", answer="Ada"),
    Question(3, "age?"),
    Question(4, "weight?"),
]


def test_a_missing_answer_is_wrong():
    outcome = accuracy(QUESTIONS, [None, " ada", None, REFUSAL])
    assert (outcome.answered, outcome.refused, outcome.overall) == (0.5, 0.5, 0.5)
    assert accuracy(QUESTIONS, [None] * 4).overall == 0


def test_always_refusing_shows():
    outcome = accuracy(QUESTIONS, [REFUSAL] * 4)
    assert (outcome.answered, outcome.refused) == (0, 1)


def test_an_answer_for_each_question():
    with pytest.raises(InputError):
        accuracy(QUESTIONS, ["red"])


def emission(end: int, t_emit: int, t_input: int, cancelled: bool = False) -> Emission:
    return Emission(str(t_emit), "event", None, 0, end, t_emit, t_input, cancelled=cancelled)


def test_latency_is_not_staleness():
    emitted = [emission(10, 15, 2), emission(10, 17, 16), emission(0, 999, 0, cancelled=True)]
    assert latency(emitted) == Quantiles(2, 5, 7, 7)
    assert staleness(emitted) == Quantiles(2, 1, 13, 13)
    assert latency(emitted, lambda e: e.t_input).p99 == 13
    assert latency([]) == Quantiles(0, None, None, None)


def test_nearest_rank_by_hand():
    assert Quantiles.of(range(1, 101)) == Quantiles(100, 50, 95, 99)
    assert Quantiles.of([7]) == Quantiles(1, 7, 7, 7)


@given(st.lists(st.integers(-(10**18), 10**18), min_size=1))
def test_quantiles_are_values_in_order(values):
    figures = Quantiles.of(values)
    assert {figures.p50, figures.p95, figures.p99} <= set(values)
    assert min(values) <= figures.p50 <= figures.p95 <= figures.p99 <= max(values)


def test_bootstrap_covers_and_repeats():
    values = [0.2, 0.4, 0.4, 0.6, 0.9]
    interval = bootstrap(values, seed=3)
    assert interval == bootstrap(values, seed=3)
    assert interval.estimate == pytest.approx(statistics.mean(values))
    assert 0.2 <= interval.low < interval.estimate < interval.high <= 0.9


def test_bootstrap_of_two_streams_by_hand():
    # Draws of two from {0, 1}: means 0, ½, 1 with probability ¼, ½, ¼: the 95 % interval is everything.
    interval = bootstrap([0.0, 1.0])
    assert (interval.low, interval.estimate, interval.high) == (0, 0.5, 1)


def test_bootstrap_pools_scores():
    scores = [Score(9, 1, 0), Score(0, 0, 1)]
    interval = bootstrap(scores, lambda drawn: pool(list(drawn)).f1, resamples=200)
    assert interval.estimate == pytest.approx(18 / 20)
    assert (interval.low, interval.high) == (0, pytest.approx(18 / 19))


def test_bootstrap_refuses():
    with pytest.raises(InputError):
        bootstrap([])
    with pytest.raises(ConfigError):
        bootstrap([1.0], level=1)
