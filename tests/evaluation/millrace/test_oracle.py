"""Oracle: from everything that was seen it answers rightly, from nothing it says nothing, and it knows no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from headrace.core.frame import Frame
from headrace.core.item import SECOND
from headrace.evaluation.millrace import AGES, Asked, Identity, World
from headrace.evaluation.millrace.oracle import KNOWN, Oracle, Read
from headrace.evaluation.truth import Question
from headrace.understanding.tokens import Rows
from headrace.understanding.tokens.bursts import BurstEncoder
from headrace.understanding.tokens.patches import PatchEncoder

ENCODER, BURSTS = PatchEncoder(), BurstEncoder()


def everything(world: World) -> Rows:
    """The rows of a memory that keeps all."""
    features, times = [], []
    for item in world.items(sound=False):
        features.append(ENCODER.encode(item.data).reshape(-1, ENCODER.size))
        times.append(item.pts)
    cells = np.argwhere(np.ones(world.grid))
    sight = Rows.of(np.concatenate(features), np.tile(cells, (len(times), 1)), 0)
    for name in ("time", "first", "last"):
        setattr(sight, name, np.repeat(np.array(times, np.int64), len(cells)))
    bursts = [burst for item in world.soundtrack.audible() for burst in BURSTS.step(item)]
    sound = [Rows.of(burst.data.features[0], np.full((1, 2), -1), burst.pts, "sound") for burst in bursts]
    return Rows.join([sight, *sound])


def score(oracle: Oracle, world: World, read: Read) -> float:
    right = [oracle.answer(a, read.until(a.question.t)) == a.question.answer for a in world.questions]
    return float(np.mean(right))


@pytest.fixture(scope="module")
def calm() -> tuple[World, Oracle, Rows]:
    world = World(2, "calm", 900)
    return world, Oracle(world, ENCODER.encode, BURSTS.token), everything(world)


def test_who_has_seen_everything_answers_everything(calm: tuple[World, Oracle, Rows]) -> None:
    world, oracle, rows = calm
    assert score(oracle, world, oracle.read(rows)) == 1.0


@pytest.mark.parametrize("regime", ["noisy", "fade", "pan", "night"])
def test_who_has_seen_everything_answers_nearly_everything_in_hard_regimes(regime: str) -> None:
    world = World(2, regime, 600)
    oracle = Oracle(world, ENCODER.encode, BURSTS.token)
    assert score(oracle, world, oracle.read(everything(world))) > 0.9


def test_who_has_seen_nothing_answers_nothing(calm: tuple[World, Oracle, Rows]) -> None:
    world, oracle, _ = calm
    assert {oracle.answer(asked, Rows.none(ENCODER.size)) for asked in world.questions} == {None}
    assert {oracle.answer(asked, Rows.none()) for asked in world.questions} == {None}


def test_rows_of_noise_are_nobody(calm: tuple[World, Oracle, Rows]) -> None:
    _, oracle, rows = calm
    noise = np.random.default_rng(0).standard_normal((2000, ENCODER.size)).astype(np.float32)
    assert set(oracle.read(replace(rows[:2000], features=noise)).who.tolist()) == {-1}


def test_answers_come_from_rows_and_not_from_the_truth(calm: tuple[World, Oracle, Rows]) -> None:
    world, oracle, rows = calm
    read = oracle.read(rows)
    for asked in world.questions[::5]:
        blank = Question(asked.question.t, asked.question.question, asked.question.options)
        told = oracle.answer(asked, read.until(asked.question.t))
        assert oracle.answer(replace(asked, question=blank, age=None), read.until(asked.question.t)) == told


def test_merging_all_that_one_cell_ever_showed_loses_visits(calm: tuple[World, Oracle, Rows]) -> None:
    world, oracle, rows = calm
    groups = np.unique(rows.place, axis=0, return_inverse=True)[1]
    merged = oracle.read(rows.merged(groups.ravel().astype(np.intp)))
    visits = [asked for asked in world.questions if asked.about == "visits"]
    right = [oracle.answer(asked, merged) == asked.question.answer for asked in visits]
    assert np.mean(right) < 0.6


def test_visits_and_places_are_read_from_spans() -> None:
    world = World(0, "calm", 300)
    oracle = Oracle(world, ENCODER.encode)
    who, other = Identity("disc", "red", 3), Identity("cross", "blue", 8)
    begins = np.array([0, 10, 60, 200]) * SECOND
    features = np.concatenate([oracle.portraits(one) for one in (who, who, who, other)])
    rows = Rows.of(features * 3, np.array([[0, 0], [0, 0], [1, 2], [1, 2]]), 0)
    rows.first, rows.last = begins, begins + 5 * SECOND
    ask = {
        about: Asked(Question(0, ""), "", about, (who,)) for about in ("visits", "first place", "last place", "seen")
    }
    told = {about: oracle.answer(asked, rows) for about, asked in ask.items()}
    assert told == {"visits": "2", "first place": "row 1, column 1", "last place": "row 2, column 3", "seen": "yes"}
    assert oracle.answer(Asked(Question(0, ""), "", "first", (other, who)), rows) == who.name
    assert oracle.answer(Asked(Question(0, ""), "", "who", cell=(1, 2)), rows) == other.name
    assert oracle.answer(Asked(Question(0, ""), "", "who", cell=(1, 2)), rows[:3]) == who.name
    assert oracle.answer(Asked(Question(0, ""), "", "who", cell=(2, 2)), rows) is None
    assert oracle.answer(Asked(Question(0, ""), "", "colour", colour="red"), rows) == "1"
    assert oracle.matches(who, rows).tolist() == [0, 1, 2]
    rows.last[0] = 250 * SECOND
    assert oracle.answer(ask["visits"], rows) == "1"


def test_a_word_belongs_to_the_entrance_it_is_near() -> None:
    world = World(0, "calm", 300)
    oracle = Oracle(world, ENCODER.encode, lambda wave: BURSTS.token(wave))
    who = KNOWN[7]
    sight = Rows.of(oracle.portraits(who), np.array([[0, 0]]), 100 * SECOND)
    asked = Asked(Question(0, ""), "heard", "word", (who,))
    said = next(one for one in world.said if one.word in ("star", "fish") or one.visit is not None)
    stream = [burst for item in world.soundtrack.audible() for burst in BURSTS.step(item)]
    burst = min(stream, key=lambda one: abs(one.pts - said.start))
    for away, told in ((2, said.word), (8, said.word), (12, None)):
        heard = Rows.of(burst.data.features[0], np.full((1, 2), -1), (100 + away) * SECOND, "sound")
        assert oracle.answer(asked, Rows.join([sight, heard])) == told
    assert Oracle(world, ENCODER.encode).answer(asked, Rows.join([sight, heard])) is None


def test_the_threshold_follows_from_the_encoder_alone() -> None:
    one, other = Oracle(World(0, "calm", 300), ENCODER.encode), Oracle(World(2, "noisy", 600), ENCODER.encode)
    assert 0.8 < one.threshold < 0.95
    assert abs(one.threshold - other.threshold) < 0.01

    def blind(frame: Frame) -> np.ndarray:
        return np.full((frame.height // 16, frame.width // 16, 4), 0.5, np.float32)

    assert Oracle(World(0, "calm", 300), blind).threshold == pytest.approx(1.0)


def test_ages_are_those_of_the_tables() -> None:
    assert {asked.age for asked in World(0, "calm", 7200).questions} <= set(AGES)
