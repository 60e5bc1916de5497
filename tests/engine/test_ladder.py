"""When a session steps down, and when up again."""

from __future__ import annotations

import pytest

from headrace.core.errors import ConfigError
from headrace.engine.ladder import Ladder, Rung

RUNGS = (Rung("whole", 1.0), Rung("half", 0.5, 0.8), Rung("quarter", 0.25, 0.6))


def walk(ladder: Ladder, loads: list[float], target: float = 1.0) -> list[int]:
    found = []
    for load in loads:
        ladder = ladder.step(load, target)
        found.append(ladder.at)
    return found


def test_the_best_that_fits() -> None:
    for load, at in ((0.76, 0), (0.78, 1), (1.53, 1), (1.55, 2), (9.0, 2)):
        assert Ladder(RUNGS).step(load, 1.0).at == at


def test_down_at_once_up_after_patience_one_at_a_time() -> None:
    ladder = Ladder(RUNGS, patience=4)
    assert walk(ladder, [9.0, *[0.1] * 9]) == [2, 2, 2, 2, 1, 1, 1, 1, 0, 0]


def test_one_bad_step_begins_the_patience_again() -> None:
    ladder = Ladder(RUNGS, patience=4)
    assert walk(ladder, [1.0, 0.1, 0.1, 0.1, 0.7, 0.1, 0.1, 0.1, 0.1]) == [1, 1, 1, 1, 1, 1, 1, 1, 0]


def test_what_fits_but_is_not_comfortable_stays() -> None:
    assert walk(Ladder(RUNGS, patience=2), [1.0, *[0.7] * 50]) == [1] * 51


@pytest.mark.parametrize(
    "make",
    [
        lambda: Ladder(()),
        lambda: Ladder((RUNGS[1], RUNGS[0])),
        lambda: Ladder((RUNGS[0], RUNGS[0])),
        lambda: Ladder((Rung("none", 0.0),)),
        lambda: Ladder(RUNGS, margin=0.9),
        lambda: Ladder(RUNGS, patience=0),
    ],
)
def test_ladders_that_are_none(make: object) -> None:
    with pytest.raises(ConfigError, match="Ladder"):
        make()  # type: ignore[operator]
