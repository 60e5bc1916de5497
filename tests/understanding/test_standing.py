"""Opposites, numbers that belong to other words, and noise that must not hide a text waited for."""

from __future__ import annotations

import pytest

from headrace.core.item import SECOND
from headrace.understanding.matching import NOISY, Line, Term
from headrace.understanding.observation import Observation
from headrace.understanding.standing import StandingQuestions


def fires(question: str, *lines: str) -> bool:
    rows = [
        Observation(f"{i}", "text", "camera", text, SECOND, 2 * SECOND, segment="s") for i, text in enumerate(lines)
    ]
    return bool(StandingQuestions([question]).decide(SECOND, rows))


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("pump 3 is authorised", "Pump 3 unauthorised"),
        ("pump 3 is unauthorised", "Pump 3 authorised"),
        ("job 3 is incomplete", "Job 3 complete"),
        ("pump 3 pressure increasing", "Pump 3 pressure decreasing"),
        ("pump 3 is active", "Pump 3isinactive"),
        ("door 3 is locked", "Door 3isunlocked"),
        ("pump is active", "Pump 1nactive"),
    ],
)
def test_a_negating_prefix_is_not_noise_nor_a_word_run_together(question: str, shown: str) -> None:
    assert not fires(question, shown)
    assert fires(question, question.capitalize())


@pytest.mark.parametrize("shown", ["Gate 4 is open, 3 is closed", "Open gate 13, is 3 ready?"])
def test_a_number_belongs_to_its_word(shown: str) -> None:
    assert fires("gate 3 is open", "Gate 3 is open")
    assert fires("gate 3 is open", "Open: gate no. 3")
    assert not fires("gate 3 is open", shown)


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("temperature above 100", ["Temperatureabove 100"]),
        ("temperature above 100", ["Temperature", "above the 100"]),
        ("the level is 100", ["Level: 100"]),
        ("alarm is on", ["Alarm: ON"]),
        ("sluice gate 3 is open", ["SluiceGate3 is open"]),
        ("sluice gate 3 is open", ["Sluicc gate 3isopen"]),
        ("pump 3 is connected", ["Pump 3 connectcd"]),
        ("job 3 is incomplete", ["Job 3 incomplctc"]),
    ],
)
def test_noise_does_not_hide_it(question: str, shown: list[str]) -> None:
    assert fires(question, *shown)


def test_a_misread_prefix_is_still_noise() -> None:
    assert Line("Job lncomplete").match(Term("incomplete")) == NOISY
    assert Line("Job incomplete").match(Term("complete")) == 0
