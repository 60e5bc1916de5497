from math import isnan

import pytest

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.evaluation.baselines import always, never, speak
from headrace.evaluation.metrics import silence
from headrace.evaluation.truth import Event

HOUR = 3600 * SECOND


def test_by_hand():
    events = [Event(100 * SECOND, 100 * SECOND), Event(200 * SECOND, 200 * SECOND)]
    said = speak("test", [s * SECOND for s in (101, 103, 104, 250, 300)])
    outcome = silence(said, events, 2 * HOUR, 5 * SECOND)
    assert (outcome.alerts.score.tp, outcome.alerts.repeats, outcome.alerts.false) == (1, 2, 2)
    assert outcome.false_per_hour == 1
    assert outcome.repeats_per_event == 1
    assert (outcome.spoken, outcome.seconds) == (5, 7200)


def test_speech_lasts():
    said = speak("test", [SECOND // 2, 8 * SECOND])
    said[0].end, said[1].end = 3 * SECOND, 100 * SECOND
    # Spoken in seconds 0, 1 and 2, and from 8 on; at 3 s it is over.
    assert silence(said, [], 10 * SECOND, 0).spoken == 5
    assert silence(said, [], 10 * SECOND, 0).share == 0.5


def test_blind_rows():
    quiet, loud = (silence(policy(HOUR), [], HOUR, SECOND) for policy in (never, always))
    assert (quiet.share, quiet.false_per_hour) == (1, 0)
    assert loud.share == pytest.approx(1 / 3600)
    assert loud.false_per_hour == 3599
    assert isnan(quiet.repeats_per_event)


def test_cancelled_and_wrong():
    said = speak("test", [SECOND])
    said[0].cancelled = True
    assert silence(said, [], HOUR, SECOND).share == 1
    with pytest.raises(InputError):
        silence([], [], 0, SECOND)
