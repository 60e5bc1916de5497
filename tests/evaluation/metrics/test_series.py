from math import isnan, nan

import pytest

from headrace.core.errors import ConfigError
from headrace.evaluation.baselines import speak
from headrace.evaluation.metrics import latency_curve, latest, timely
from headrace.evaluation.truth import Series

PERIOD = 100
TIMES = tuple(range(0, 1000, PERIOD))
TRUTH = Series(TIMES, tuple(range(10)))


def same(a, b):
    return float(a == b)


def near(a, b):
    return max(0.0, 1 - abs(a - b) / 10)


def outputs(latency, frames=range(10)):
    """What was seen at each frame, said `latency` ns later."""
    said = speak("test", [TIMES[frame] + latency for frame in frames])
    for one, frame in zip(said, frames, strict=True):
        one.content, one.t_input = frame, TIMES[frame]
    return said


def test_without_latency_it_is_plain_accuracy():
    outcome = timely(outputs(0), TRUTH, TIMES, same)
    assert (outcome.value, outcome.in_time, outcome.mismatch, outcome.missing) == (1, 1, 0, 0)


def test_a_perfect_answer_that_is_late_is_wrong():
    outcome = timely(outputs(1), TRUTH, TIMES, same)
    assert (outcome.value, outcome.in_time, outcome.missing) == (0, 0, 1)
    assert outcome.behind == (None, *[1] * 9)
    assert outcome.stale == (None, *[PERIOD] * 9)


def test_skipped_frames_by_hand():
    # Frames 0, 3 and 6 are worked on, each for 250 ns: from 300, 600 and 900 ns on their outputs are the latest.
    outcome = timely(outputs(250, (0, 3, 6)), TRUTH, TIMES, same)
    assert outcome.behind == (None, None, None, 3, 4, 5, 3, 4, 5, 3)
    assert outcome.mismatch == pytest.approx(27 / 7)
    assert timely(outputs(250, (0, 3, 6)), TRUTH, TIMES, near).value == pytest.approx((7 * 10 - 27) / 100)


def test_waiting_for_late_answers_makes_none_of_them_older_than_now():
    outcome = timely(outputs(0), TRUTH, TIMES, near, slack=2 * PERIOD)
    assert set(outcome.behind) == {0}
    assert set(outcome.stale) == {0}
    assert outcome.value == pytest.approx((8 * 0.8 + 0.9 + 1) / 10)


def test_an_answer_counts_from_the_moment_it_left():
    said = outputs(0, (5,))
    assert latest(said, [499, 500, 501]) == [None, said[0], said[0]]
    said[0].cancelled = True
    assert latest(said, [500]) == [None]


def test_the_first_value_may_be_given():
    assert timely([], TRUTH, TIMES, same).value == 0
    assert timely([], TRUTH, TIMES, same, initial=0).value == 0.1


def test_times_before_the_truth_and_fits_of_nothing_do_not_count():
    late = Series((500,), (5,))
    assert timely(outputs(0), late, TIMES, same).fits == (1, 0, 0, 0, 0)
    assert timely(outputs(0), TRUTH, TIMES, lambda a, b: nan).value == 0
    assert isnan(timely([], TRUTH, [], same).value)


def test_the_latency_curve_steps_up_where_the_answer_comes():
    """Half a frame late: wrong until that much is permitted, and right from then on."""
    curve = latency_curve(outputs(50), TRUTH, TIMES, same, PERIOD, etas=(0, 0.25, 0.5, 1))
    assert curve.values == (0, 0, 1, 1)
    assert curve.auc == pytest.approx(0.25 * 0.5 + 0.5)
    full = latency_curve(outputs(50), TRUTH, TIMES, same, PERIOD)
    assert (len(full.etas), full.etas[-1]) == (51, 1)
    assert full.auc == pytest.approx(0.51)
    # At eta = 1 whoever takes no time is asked after the next frame's answer has left.
    assert latency_curve(outputs(0), TRUTH, TIMES, same, PERIOD).values == (*[1] * 50, 0.1)


def test_wrong_arguments():
    with pytest.raises(ConfigError):
        latency_curve([], TRUTH, TIMES, same, 0)
    with pytest.raises(ConfigError):
        latency_curve([], TRUTH, TIMES, same, 10, etas=(0,))
