"""A standing question does not fire on the opposite of what it waits for."""

import pytest

from headrace.core import SECOND
from headrace.understanding.observation import Observation
from headrace.understanding.standing import StandingQuestions


def line(text: str, name: str = "a", top: int = 100) -> Observation:
    return Observation(name, "text", "s", text, SECOND, 2 * SECOND, box=(100, top, 600, top + 30), segment="e")


def fires(question: str, *lines: Observation) -> bool:
    standing = StandingQuestions([question])
    return any(standing.decide(SECOND, [one]) for one in lines)


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("alarm is on", "alarm is off"),
        ("power is off", "Power on"),
        ("temperature above 100", "temperature below 100"),
        ("door is locked", "Door is unlocked"),
        ("valve is safe", "Valve is unsafe"),
        ("pump is active", "Pump is inactive"),
        ("pump 3 is connected", "Pump 3 disconnected"),
        ("gate 3 is open", "Gate 3 unopened"),
        ("gate 3 is open", "Open gate 13 before 3 pm"),
    ],
)
def test_the_opposite_is_silent(question: str, shown: str) -> None:
    assert not fires(question, line(shown))
    assert fires(question, line(question.capitalize()))


def test_two_statements_are_not_one() -> None:
    assert not fires("gate 3 is open", line("Gate 3 is closed"), line("Gate 4 is open", "b", 140))
    assert not fires("market closed", line("MARKET STREET"), line("ROAD CLOSED", "b", 500))


def test_a_wrapped_line_is_one() -> None:
    assert fires("sluice gate 3 is open", line("The sluice gate 3"), line("is open since noon", "b", 140))
