import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND
from headrace.evaluation.metrics import Score, average_f1, best_annotator, boundary_score, pool
from headrace.evaluation.truth import Event


def at(*seconds: float) -> list[Event]:
    return [Event(int(s * SECOND), int(s * SECOND)) for s in seconds]


def ns(*seconds: float) -> list[int]:
    return [int(s * SECOND) for s in seconds]


def test_clip_scale_by_hand():
    # 10 s clip, rel .05: 0.5 s. 2.4 finds 2; 5.6 is 0.6 off; 8 has none.
    score = boundary_score(ns(2.4, 5.6), at(2, 5, 8), 10 * SECOND, scale="clip")
    assert score == Score(tp=1, fp=1, fn=2)
    assert score.f1 == pytest.approx(2 / 5)
    assert (score.precision, score.recall) == (pytest.approx(1 / 2), pytest.approx(1 / 3))


def test_segment_scale_by_hand():
    # Segments 0-2, 2-3, 3-10: widths 1 and 1, so rel .05 allows 50 ms and not the 0.5 s of the clip.
    truth, predicted = at(2, 3), ns(2.04, 3.06)
    assert boundary_score(predicted, truth, 10 * SECOND) == Score(1, 1, 1)
    assert boundary_score(predicted, truth, 10 * SECOND, rel=0.06) == Score(2, 0, 0)
    assert boundary_score(predicted, truth, 10 * SECOND, scale="clip") == Score(2, 0, 0)


def test_one_prediction_finds_one_boundary_and_the_nearest_is_taken():
    assert boundary_score(ns(5), at(4.9, 5.1), 10 * SECOND, scale="clip") == Score(1, 0, 1)
    assert boundary_score(ns(4.6, 5.1), at(5), 10 * SECOND, scale="clip") == Score(1, 1, 0)


def test_a_gradual_boundary_counts_by_its_midpoint():
    fade = [Event(4 * SECOND, 6 * SECOND)]
    assert boundary_score(ns(5), fade, 10 * SECOND, rel=0.01).tp == 1
    assert boundary_score(ns(4), fade, 10 * SECOND, rel=0.01).tp == 0


def test_average_by_hand():
    # 10 s, one boundary at 5, segments of 5 s; 1.1 s off: found from rel .25 on (6 of 10).
    assert average_f1(ns(6.1), at(5), 10 * SECOND) == pytest.approx(0.6)


def test_nothing_there():
    assert boundary_score([], [], SECOND).f1 == 1
    assert boundary_score([1], [], SECOND).f1 == 0
    assert boundary_score([], at(0.5), SECOND).f1 == 0


def test_best_annotator_and_pool():
    score = best_annotator(ns(5), [at(1, 5), at(5), at(9)], 10 * SECOND)
    assert score == Score(1, 0, 0)
    assert pool([score, Score(0, 1, 2)]) == Score(1, 1, 2)


def test_wrong_arguments():
    with pytest.raises(ConfigError):
        boundary_score([], [], SECOND, scale="video")
    with pytest.raises(InputError):
        boundary_score([], at(2), SECOND)
    with pytest.raises(InputError):
        best_annotator([], [], SECOND)


TIMES = st.lists(st.integers(1, 999), max_size=12, unique=True)


@given(TIMES, st.sampled_from(["segment", "clip"]))
def test_a_perfect_prediction_scores_one(times, scale):
    truth = [Event(t, t) for t in times]
    assert boundary_score(times, truth, 1000, rel=0.05, scale=scale).f1 == 1
    assert average_f1(times, truth, 1000, scale) == 1


@given(TIMES, TIMES, st.randoms(use_true_random=False), st.sampled_from(["segment", "clip"]))
def test_order_does_not_matter_and_counts_add_up(predicted, times, shuffle, scale):
    truth = [Event(t, t) for t in times]
    score = boundary_score(predicted, truth, 1000, 0.2, scale)
    assert (score.tp + score.fp, score.tp + score.fn) == (len(predicted), len(truth))
    shuffle.shuffle(predicted)
    shuffle.shuffle(truth)
    assert boundary_score(predicted, truth, 1000, 0.2, scale) == score
