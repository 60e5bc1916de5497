from math import isnan

import pytest

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.evaluation.baselines import always, speak
from headrace.evaluation.metrics import Score, narration, narration_published, turns
from headrace.evaluation.truth import Event

DURATION = 60 * SECOND


def captions(*seconds):
    return [Event(s * SECOND, s * SECOND, f"caption {s}") for s in seconds]


def say(*seconds):
    return speak("test", [round(s * SECOND) for s in seconds])


TRUTH = captions(4, 11, 12, 30, 51)


def test_published_time_difference_by_hand():
    # Spans in seconds: [4, 4], [5, 11], [12, 12], [13, 30], [31, 51].
    outcome = narration_published(say(4, 7.9, 8, 20), captions(4, 11, 12, 30, 51))
    assert outcome.delays == (0, 2 * SECOND, 0, 7 * SECOND, 20 * SECOND)
    assert outcome.counts == (1, 2, 0, 1, 0)
    assert outcome.time_diff == pytest.approx(29 / 5)
    assert outcome.redundancy == pytest.approx(3 / 5)
    assert outcome.coverage == pytest.approx(3 / 5)


def test_published_speaking_exactly_in_time_is_as_late_as_silence():
    exact = narration_published(say(4, 11, 12, 30, 51), TRUTH)
    silent = narration_published([], TRUTH)
    assert exact.time_diff == silent.time_diff == pytest.approx((0 + 6 + 0 + 17 + 20) / 5)
    assert narration_published(always(DURATION), TRUTH).time_diff == 0


def test_causal_knows_the_three_apart():
    exact, silent, talker = (
        narration(said, TRUTH, DURATION) for said in (say(4, 11, 12, 30, 51), [], always(DURATION))
    )
    assert (exact.time_diff, exact.redundancy, exact.coverage, exact.score.f1) == (0, 0, 1, 1)
    # The whole of every span: 7, 1, 18, 21 and 9 s.
    assert silent.delays == tuple(s * SECOND for s in (7, 1, 18, 21, 9))
    assert silent.time_diff == pytest.approx(56 / 5)
    assert silent.score == Score(0, 0, 5)
    assert talker.time_diff == 0
    assert talker.score == Score(5, 59 - 5, 0)


def test_causal_gives_nothing_for_saying_it_before():
    outcome = narration(say(3.9, 10.9, 11.9, 29.9, 50.9), TRUTH, DURATION)
    assert outcome.stray == 1
    # 10.9 comes 6.9 s after 4, and so on; nothing is said from 51 on.
    assert outcome.delays[:2] == (round(6.9 * SECOND), round(0.9 * SECOND))
    assert outcome.coverage == 0.8


def test_causal_judges_the_first_emission():
    said = say(4, 11)
    said[0].content, said[1].content = "caption 4", "caption 4"
    outcome = narration(said, captions(4, 11), DURATION, right=lambda one, event: one.content == event.content)
    assert outcome.right == (True, False)
    assert outcome.score == Score(1, 1, 1)


def test_equal_times_and_nothing():
    assert narration_published([], captions(5, 5)).delays == (0, -SECOND)
    assert len(narration([], captions(5, 5), DURATION).delays) == 1
    for outcome in (narration_published([], []), narration([], [], DURATION)):
        assert isnan(outcome.time_diff)
        assert outcome.score == Score()
    with pytest.raises(InputError):
        narration([], captions(61), DURATION)


def test_cancelled_captions_were_not_said():
    said = say(4)
    said[0].cancelled = True
    assert narration(said, captions(4), DURATION).coverage == 0
    assert narration_published(said, captions(4)).coverage == 0


FRAME = SECOND // 2


def at_frames(*frames, text="a b c"):
    said = speak("test", [frame * FRAME for frame in frames])
    for one in said:
        one.content = {"text": text}
    return said


def responses(*frames):
    return [Event(frame * FRAME, frame * FRAME, "a b c d") for frame in frames]


def test_turns_in_time_early_and_late():
    # Turns of 10 frames each: 0 to 9, 10 to 19, 20 to 29.
    truth = responses(9, 19, 29)
    outcome = turns(at_frames(9, 16, 29), truth, FRAME)
    assert outcome.frames == (10, 10, 10)
    assert outcome.early == (0, 3, 0)
    assert outcome.time_diff == pytest.approx(3 / 3 * 0.5)
    # In time: 10 frames and 3 of 4 words are right; 3 frames early: 7 frames.
    assert outcome.fluency == pytest.approx((13 / 14 + 7 / 14 + 13 / 14) / 3)


def test_turns_late_are_looked_for_as_far_as_the_turn_is_long():
    truth = responses(3, 19)
    # The first turn has 4 frames: 3 more are looked at, of the 16 that follow.
    assert turns(at_frames(5, 19), truth, FRAME).early == (-2, 14)
    assert turns(at_frames(7, 19), truth, FRAME).early == (-3, 12)
    assert turns(at_frames(5, 19), truth, FRAME).fluency == pytest.approx(((4 - 1) / 8 + (16 - 14) / 20) / 2)


def test_turns_published_silence_is_perfect_in_the_last_one():
    assert turns([], responses(9), FRAME).early == (0,)
    assert turns([], responses(9), FRAME).time_diff == 0
    assert isnan(turns([], [], FRAME).time_diff)
    with pytest.raises(InputError):
        turns([], [], 0)
