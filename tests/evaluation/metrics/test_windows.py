from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND
from headrace.evaluation.baselines import always, speak
from headrace.evaluation.metrics import Score, Window, first_answer, offset, offsets, on_time, reminders
from headrace.evaluation.metrics.windows import GAZE, PROACTIVE, PROACTIVE_CAUSAL
from headrace.evaluation.truth import Event


def at(seconds):
    return speak("test", [round(seconds * SECOND)])[0]


def span(start, end=None):
    return Event(start * SECOND, (start if end is None else end) * SECOND)


def test_proactive_output_and_its_causal_form():
    truth = [span(10)] * 6
    given_at = [at(8), at(9.5), at(10), at(12), at(12.5), None]
    assert on_time(given_at, truth, PROACTIVE) == Score(4, 1, 2)
    assert on_time(given_at, truth, PROACTIVE_CAUSAL) == Score(2, 3, 4)


def test_a_constant_delay_wins_proactive_output_by_luck():
    """Who answers six seconds after every query is right wherever the event comes 4 to 8 s after it."""
    asked = [0, 100, 200, 300]
    truth = [span(asked[0] + 4), span(asked[1] + 7), span(asked[2] + 8), span(asked[3] + 20)]
    blind = [at(q + 6) for q in asked]
    assert on_time(blind, truth, PROACTIVE).recall == 0.75
    assert on_time(blind, truth, PROACTIVE_CAUSAL).recall == 0.25


def test_gaze_runs_to_three_seconds_after_the_end():
    assert on_time([at(9.9), at(10), at(23), at(23.1)], [span(10, 20)] * 4, GAZE) == Score(2, 2, 2)


def test_the_first_answer_counts_and_cancelled_ones_do_not():
    said = speak("test", [3, 5, 9])
    said[1].cancelled = True
    assert first_answer(said, asked=4).t_emit == 9
    assert first_answer(said, asked=10) is None
    assert on_time([said[1]], [Event(5, 5)], PROACTIVE) == Score(0, 0, 1)


def test_reminders_published_are_won_by_talking_all_the_time():
    duration, truth = 600 * SECOND, [span(100), span(300), span(500)]
    outcome = reminders(always(duration), truth)
    assert (outcome.share, outcome.all) == (1, True)
    assert outcome.score == Score(3, 599 - 3, 0)
    quiet = reminders([at(s) for s in (105, 310, 510.1)], truth)
    assert (quiet.reminded, quiet.all, quiet.score) == (2, False, Score(2, 1, 1))


def test_reminders_published_join_what_is_said_in_the_window():
    said = [at(101), at(102)]
    said[0].content, said[1].content = "the kettle", "boils"
    outcome = reminders(said, [span(100)], right=lambda text, event: text == "the kettle boils")
    assert (outcome.reminded, outcome.score) == (1, Score(0, 2, 1))


def test_offset_by_hand():
    assert [offset(t, (10, 20)) for t in (7, 10, 15, 20, 26)] == [-3, 0, 0, 0, 6]


def test_offsets_published_forgive_a_guess_and_silence():
    truth = [span(10, 20)] * 4
    outcome = offsets([at(9), at(15), at(22), None], truth)
    assert outcome.offsets == (-SECOND, 0, 2 * SECOND, None)
    assert outcome.mean == SECOND
    assert outcome.early == 0.25
    assert outcome.score == Score(1, 2, 3)
    assert isnan(offsets([None], [span(1)]).mean)


def test_wrong_arguments():
    with pytest.raises(ConfigError):
        Window(-1, 0)
    with pytest.raises(ConfigError):
        reminders([], [], PROACTIVE)
    with pytest.raises(InputError):
        on_time([None], [], GAZE)
    with pytest.raises(InputError):
        offsets([None], [])


def test_nothing():
    assert on_time([], [], PROACTIVE) == Score()
    assert isnan(reminders([], []).share)
    assert isnan(offsets([], []).early)


@given(st.integers(-50, 50), st.integers(0, 30), st.integers(0, 30))
def test_offset_is_the_least_step_to_the_span(t, start, length):
    off = offset(t, (start, start + length))
    assert start <= t - off <= start + length
    assert abs(off) == min(abs(t - inside) for inside in range(start, start + length + 1))


def test_whoever_waits_longer_than_the_patience_has_not_answered():
    said = speak("test", [15])
    assert [first_answer(said, 5, patience) is None for patience in (9, 10, None)] == [True, False, False]
