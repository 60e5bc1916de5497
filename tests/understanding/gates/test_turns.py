"""Curvature and surprise, and what surprise is made of."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.core.errors import ConfigError, StateError
from headrace.understanding.anticipation import AdaptiveTest, Anticipation
from headrace.understanding.gates.curvature import WARM, Curvature
from headrace.understanding.gates.surprise import Surprise
from headrace.understanding.tokens import TokenAdmission
from tests.laws.gates import item, unit

GRID = (3, 4, 16)


def scenes(seed: int, *lengths: int, noise: float = 0.05) -> list[np.ndarray]:
    """Pictures of one scene after another, under noise."""
    draw, made = np.random.default_rng(seed), []
    for length in lengths:
        scene = draw.normal(size=GRID)
        made += [unit(scene + noise * draw.normal(size=GRID)) for _ in range(length)]
    return made


def judged(gate: object, pictures: list[np.ndarray]) -> list[TokenAdmission]:
    return [gate.admit(item(one, k)) for k, one in enumerate(pictures)]  # type: ignore[attr-defined]


def test_clear_pictures_enter_whole_and_fuzzy_ones_as_one_token() -> None:
    said = judged(Curvature(sigmas=3.0), scenes(1, 30, 30, 30))
    assert [k for k, one in enumerate(said) if one.detail == 1] == [0, 30, 60]
    fuzzy = said[10]
    rows = fuzzy.rows()
    assert (len(rows), rows.weight.tolist(), rows.place.tolist()) == (1, [12], [[-1, -1]])
    assert fuzzy.detail == pytest.approx(1 / 12)
    assert np.linalg.norm(rows.features) == pytest.approx(1)
    assert len(said[30].rows()) == 12


def test_curvature_scores_the_step_and_its_turn() -> None:
    straight = [np.full((1, 1, 4), 1.0) * k + np.array([[[0, 0, 0, 1.0]]]) for k in range(3)]
    back = [straight[1], straight[2], straight[1]]
    assert judged(Curvature(turn=0.5), straight)[2].score == pytest.approx(2.0)
    assert judged(Curvature(turn=0.5), back)[2].score == pytest.approx(2.0 + 0.5 * 2)
    assert judged(Curvature(turn=0.0), back)[2].score == pytest.approx(2.0)


def test_curvature_sees_what_only_changes_its_place() -> None:
    two = unit(np.random.default_rng(7).normal(size=(1, 2, 8)))
    said = judged(Curvature(), [two, two[:, ::-1], two])
    assert said[1].score == pytest.approx(np.linalg.norm(two[0, 0] - two[0, 1]), rel=1e-5)


def test_curvature_knows_the_mean_and_deviation_of_all_scores() -> None:
    gate = Curvature()
    scores = [one.score for one in judged(gate, scenes(2, 40, 20))][1:]
    assert gate.numbers["mean"] == pytest.approx(np.mean(scores))
    assert gate.numbers["squares"] / len(scores) == pytest.approx(np.var(scores))


def test_curvature_waits_for_a_deviation_and_goes_by_its_sigmas() -> None:
    turning = scenes(3, *[1] * WARM)
    assert [one.detail == 1 for one in judged(Curvature(sigmas=0.0), turning)] == [True] + [False] * (WARM - 1)
    shares = [np.mean([one.detail == 1 for one in judged(Curvature(sigmas=k), scenes(4, 200))]) for k in (0, 1, 3)]
    assert shares[0] > 0.3 > shares[1] > 0.05 > shares[2]


def shown(noise: float = 0.05, crowd: bool = False) -> list[np.ndarray]:
    """Eighty pictures of a scene; cell (1, 2) is another one from 40 to 59. `crowd`: cell (0, 0) never rests."""
    draw = np.random.default_rng(5)
    scene, guest = draw.normal(size=GRID), draw.normal(size=16)
    pictures = []
    for tick in range(80):
        now = scene.copy()
        if 40 <= tick < 60:
            now[1, 2] = guest
        if crowd:
            now[0, 0] = draw.normal(size=16)
        pictures.append(unit(now + noise * draw.normal(size=GRID)))
    return pictures


def test_surprise_admits_a_change_at_its_begin_and_once_it_is_over() -> None:
    said = judged(Surprise(), shown())
    assert said[0].admitted.all()
    entered = [(k, *cell) for k, one in enumerate(said) if k for cell in np.argwhere(one.admitted).tolist()]
    assert {cell[1:] for cell in entered} == {(1, 2)}
    ticks = [cell[0] for cell in entered]
    assert ticks[0] == 40
    assert 41 <= ticks[1] <= 44
    assert ticks[2] == 60
    assert 61 <= ticks[3] <= 64
    assert len(ticks) == 4


def test_what_never_rests_becomes_usual_and_hides_nothing_else() -> None:
    said = judged(Surprise(), shown(crowd=True))
    crowd = [k for k, one in enumerate(said) if one.admitted[0, 0]]
    assert len([k for k in crowd if k > 15]) <= 3
    assert [k for k, one in enumerate(said) if one.admitted[1, 2]][:2] == [0, 40]


def test_the_test_adapts_to_noise() -> None:
    calm, noisy = (judged(Surprise(floor=0.0), shown(noise)) for noise in (0.02, 0.3))
    for said in (calm, noisy):
        assert sum(one.admitted.sum() for one in said[10:40]) <= 12
        assert said[40].admitted[1, 2]
    fixed = judged(Surprise(sigmas=0.0, floor=0.01), shown(0.3))
    assert sum(one.admitted.sum() for one in fixed[10:40]) > 60


def test_an_adaptive_test_is_mean_and_deviation_of_what_it_learned() -> None:
    values = np.random.default_rng(6).random((40, 2))
    test = AdaptiveTest(8, 2.0, 0.1)
    for k, row in enumerate(values):
        known = values[:k][-8:]
        expected = known.mean(axis=0) + 2 * known.std(axis=0) if k >= AdaptiveTest.WARM else 0.1
        assert np.asarray(test.threshold()) == pytest.approx(np.maximum(0.1, expected))
        test.learn(row)
    assert test.known == 8


def test_cells_learn_apart() -> None:
    test = AdaptiveTest(8, 0.0, 0.0)
    for k in range(8):
        test.learn([1.0, k], np.array([True, k < 4]))
    assert test.threshold().tolist() == [1.0, 1.5]


def test_an_anticipation_is_the_mean_of_the_last_ones() -> None:
    anticipation = Anticipation(2)
    assert anticipation.expected() is None
    for value in (1.0, 2.0, 4.0):
        anticipation.push(np.full((2, 3), value, np.float32))
    assert (anticipation.expected() == 3).all()
    with pytest.raises(StateError, match="anticipates from 2 pictures, this detector from 1"):
        Anticipation(1).restore(anticipation.snapshot())
    learned = AdaptiveTest(8, 1.0, 0.0)
    learned.learn(1.0)
    with pytest.raises(StateError, match="remembers 8 values, this test 4"):
        AdaptiveTest(4, 1.0, 0.0).restore(learned.snapshot())


@pytest.mark.parametrize(
    "make",
    [
        lambda: Curvature(turn=-1),
        lambda: Curvature(sigmas=float("nan")),
        lambda: Surprise(horizon=0),
        lambda: Surprise(memory=5000),
        lambda: Surprise(floor=2),
    ],
)
def test_settings_out_of_range_are_refused(make: object) -> None:
    with pytest.raises(ConfigError):
        make()  # type: ignore[operator]
