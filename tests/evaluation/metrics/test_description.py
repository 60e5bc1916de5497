from math import isnan

import pytest

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.evaluation.baselines import speak
from headrace.evaluation.metrics import description
from headrace.evaluation.metrics.description import stretch


def sentences(*spoken):
    said = speak("test", [start * SECOND for start, _ in spoken])
    for one, (_, end) in zip(said, spoken, strict=True):
        one.end = end * SECOND
    return said


def test_what_a_sentence_is_rated_against():
    first, long, short, last = sentences((1, 2), (10, 14), (20, 20), (60, 70))
    assert stretch(first, 60 * SECOND) == (0, SECOND // 2)
    assert stretch(long, 60 * SECOND) == (8 * SECOND, 12 * SECOND)
    assert stretch(short, 60 * SECOND) == (18 * SECOND, 18 * SECOND + SECOND // 2)
    assert stretch(last, 60 * SECOND) is None


def test_published_ignores_filler_and_all_does_not():
    said = sentences((1, 3), (4, 10), (11, 13), (14, 15))
    said[3].cancelled = True
    outcome = description(said, [(3, True), (0, False), None, (3, True)])
    assert (outcome.relevant, outcome.all, outcome.filler) == (3, 1.5, 0.75)
    assert outcome.covered(20 * SECOND) == 0.1


def test_nothing_and_wrong():
    assert description([], []).relevant == 0
    assert isnan(description([], []).all)
    with pytest.raises(InputError):
        description([], [(1, True)])
