"""Streams that recipes try gates on: what is kept is read, and nothing that came after the question."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from headrace.core.item import SECOND
from headrace.evaluation.millrace import World
from headrace.recipes.encoded import Encoded, Trial, pooled, streams
from headrace.understanding.gates.blind import Thinned
from headrace.understanding.gates.everything import AdmitAll
from headrace.understanding.tokens.patches import PatchEncoder


@cache
def stream() -> Encoded:
    return Encoded.of(World(2, "calm", 300.0), PatchEncoder())


def test_all_of_a_clear_stream_answers_nearly_everything() -> None:
    trial = Trial.of(stream(), AdmitAll())
    assert (trial.admitted, trial.computed) == (1.0, 1.0)
    assert len(trial.right) == sum(one.track != "heard" for one in stream().world.questions)
    assert np.mean(trial.right) >= 0.95


def test_one_picture_in_a_thousand_answers_half_by_refusing() -> None:
    trial = Trial.of(stream(), Thinned(0.001))
    assert trial.admitted == pytest.approx(1 / len(stream().items))
    assert 0.4 <= np.mean(trial.right) <= 0.6


def test_nothing_that_comes_after_a_question_is_read() -> None:
    """With every question put to the begin, whoever comes later is unknown."""
    early = [replace(one, question=replace(one.question, t=SECOND)) for one in stream().world.questions]

    class Impatient(World):
        questions = tuple(early)  # type: ignore[assignment]

    world = stream().world
    hurried = Encoded(Impatient(world.seed, world.regime, world.seconds), stream().items, stream().oracle)
    asked = [one for one in early if one.track != "heard"]
    refused = [one.question.answer is None for one in asked]
    assert Trial.of(hurried, AdmitAll()).right == refused


def test_figures_are_pooled_over_questions_and_meant_over_streams() -> None:
    trials = [Trial([True, True, True], 0.5, 1.0), Trial([False], 0.1, 0.5)]
    assert pooled(trials) == pytest.approx({"accuracy": 0.75, "admitted": 0.3, "computed": 0.75})


def test_reported_streams_are_odd_and_each_has_its_own() -> None:
    seeds = [one.world.seed for seed in (0, 1) for one in streams(("calm", "cut"), seed, 2, 120.0)]
    assert len(set(seeds)) == 8
    assert all(seed % 2 for seed in seeds)
