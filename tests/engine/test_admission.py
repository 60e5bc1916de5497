"""Who is let in: each reason, and the arithmetic of promises."""

from __future__ import annotations

import pytest

from headrace.core.errors import CapacityError
from headrace.engine.admission import Admission, Demand
from headrace.engine.cost import Cost
from headrace.engine.limits import Limits
from headrace.engine.parking import Room
from headrace.engine.request import Slo
from tests.engine.live import figures

MS = 10**6
COST = Cost(2e-3, per_row=1e-3)
FREE = Demand(10, 100, Slo())


def paced(ms: float, nbytes: int = 10) -> Demand:
    return Demand(nbytes, 100, Slo(first=1000 * MS, every=round(ms * MS)))


def why(
    new: Demand,
    held: list[Demand],
    admission: Admission | None = None,
    limits: Limits | None = None,
    room: Room | None = None,
) -> str:
    return (admission or Admission()).refusal(new, held, COST, limits or Limits(bytes=100), room or Room())


def test_each_reason_is_told() -> None:
    assert why(FREE, []) == ""
    assert "2 sessions are open" in why(FREE, [FREE, FREE], Admission(sessions=2))
    assert "up to 101 bytes of 100" in why(Demand(101, 1, Slo()), [], room=Room(1000))
    assert "would take 110 bytes of 100" in why(FREE, [FREE] * 10)
    assert why(FREE, [FREE] * 10, room=Room(20)) == ""
    assert "9 such states find a place" in why(FREE, [FREE] * 10, room=Room(6, 4))  # no state is split between two
    assert "10 such states find a place" in why(FREE, [FREE] * 10, room=Room(10))  # one place stays free to change
    assert "would take 110 bytes of 109" in why(FREE, [FREE] * 10, room=Room(5, 4))


@pytest.mark.parametrize(("pace", "most"), [(10.0, 6), (5.0, 2), (3.75, 1), (3.7, 0)])
def test_promises_are_kept_below_their_share_of_the_time(pace: float, most: int) -> None:
    """n sessions: one tick takes 2 + n ms, and may take 0.8 of the pace."""
    held: list[Demand] = []
    limits = Limits(bytes=10_000)
    while not (told := why(paced(pace), held, limits=limits)):
        held.append(paced(pace))
    assert len(held) == most
    assert "80% may be promised" in told
    assert why(FREE, held, limits=limits) == ""


def test_a_fast_one_among_slow_ones() -> None:
    """Ticks of 2 + 4 ms, a quarter of each for each: 1.5 / 4 + 3 x 1.5 / 20 of the time."""
    held = [paced(20)] * 3
    assert why(paced(4), held, Admission(utilisation=0.61)) == ""
    assert "needs 60% of the time" in why(paced(4), held, Admission(utilisation=0.59))


def test_rows_that_do_not_fit_into_one_tick_take_two() -> None:
    """Two ticks of 2 + 1 ms instead of one of 2 + 2 ms."""
    assert why(paced(5), [paced(5)]) == ""
    assert "needs 120%" in why(paced(5), [paced(5)], limits=Limits(rows=1, bytes=100))


def test_the_engine_refuses_and_nothing_is_left_behind() -> None:
    driver = figures(admission=Admission(sessions=1))
    driver.open("a")
    with pytest.raises(CapacityError, match="not admitted: 1 sessions are open"):
        driver.open("b")
    with pytest.raises(CapacityError, match="not admitted"):
        driver.engine.fork("a", "b", 0)
    assert len(driver.engine) == 1
    driver.engine.close("a")
    driver.open("b")
