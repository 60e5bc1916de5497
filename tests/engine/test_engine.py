"""One engine, many sessions: nobody's fault or time is another's, and nothing is left to chance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import pytest
import torch

from headrace.core.errors import StateError
from headrace.engine.admission import Admission
from headrace.engine.cost import Cost
from headrace.engine.hosted import Hosted
from headrace.engine.ladder import Rung
from headrace.engine.limits import Limits
from headrace.engine.opening import Ask, Opening
from headrace.engine.request import Slo
from headrace.engine.schedulers.edf import Edf
from headrace.engine.schedulers.fair import Fair
from headrace.engine.simulator.synthetic import Figure, Synthetic
from headrace.state import Work
from tests.engine.live import SMALL, Driver, alone, figures, ids, model, real

SECOND = 10**9


class Breaking(Hosted):
    """Breaks when it is told to: a row of a session gives an error, or the launch as a whole."""

    def __init__(self) -> None:
        super().__init__(model())
        self.row: Any = None
        self.launch: Exception | None = None

    def run(self, work: Sequence[Work[Any]]) -> list[Any]:
        if self.launch is not None:
            error, self.launch = self.launch, None
            raise error
        outs = super().run(work)
        return [StateError("NaN") if one.session is self.row else out for one, out in zip(work, outs, strict=True)]


def crowd(driver: Driver, broken: bool) -> dict[str, Any]:
    """Three sessions speak; the second one breaks at its fourth token."""
    for number, name in enumerate("abc"):
        driver.open(name, share=False)
        driver.push(name, ids(15, number))
        driver.say(name, 10)
    while len(driver.tokens("b")) < 3:
        driver.tick()
    driver.engine.host.row = driver.engine.seat("b").session if broken else None
    driver.say("b", 2)
    driver.tick()
    driver.engine.host.row = None
    driver.rest()
    return {name: (driver.tokens(name), driver.logits(name)) for name in "abc"}


def test_a_session_that_breaks_is_alone_in_it() -> None:
    driver = real(host=Breaking())
    whole, hurt = crowd(real(host=Breaking()), False), crowd(driver, True)
    for name in "ac":
        assert whole[name][0] == hurt[name][0]
    expected = alone([ids(15, 1), 3])
    assert hurt["b"][0] == expected.said
    ended = [(one.ended, one.error) for one in driver.said("b") if one.ended]
    assert ended == [("failed", "NaN")] * 2
    assert not driver.errors("a") + driver.errors("c")
    driver.push("b", ids(4, 9))
    driver.say("b", 4)
    driver.rest()
    assert driver.tokens("b")[3:] == alone([ids(15, 1), 3, ids(4, 9), 4]).said[3:]


def test_others_are_the_same_to_the_bit_beside_one_that_breaks() -> None:
    found = []
    for broken in (False, True):
        driver = real(host=Breaking())
        for number, name in enumerate("abc"):
            driver.open(name, share=False)
            driver.push(name, ids(15, number))
        driver.engine.host.row = driver.engine.seat("b").session if broken else None
        driver.tick()
        driver.tick()
        found.append([driver.logits(name) for name in "ac"])
        assert bool(driver.errors("b")) == broken
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


@pytest.mark.parametrize("error", [StateError("the device is gone"), RuntimeError("out of memory")])
def test_a_launch_that_breaks_fails_its_rows_and_the_engine_goes_on(error: Exception) -> None:
    driver = real(host=Breaking())
    for number, name in enumerate("ab"):
        driver.open(name, share=False)
        driver.push(name, ids(15, number))
        driver.say(name, 4)
    driver.engine.host.launch = error
    driver.rest()
    assert all(str(error) in driver.errors(name)[0] for name in "ab")
    for number, name in enumerate("ab"):
        driver.push(name, ids(15, number))
        driver.say(name, 4)
    driver.rest()
    assert all(len(driver.tokens(name)) == 4 for name in "ab")


def story(driver: Driver) -> bytes:
    """All that came of some calls, as bytes."""
    for number, name in enumerate("abcd"):
        slo = Slo(first=SECOND // 100, every=SECOND // 500) if number % 2 else Slo()
        driver.open(name, policy=SMALL, slo=slo, sampling={"temperature": 1.0}, seed=number)
        driver.push(name, ids(20 + 7 * number, number % 2))
        driver.say(name, 6)
        driver.tick()
    driver.engine.interrupt("b", driver.now)
    driver.push("c", ids(5))
    driver.rest()
    driver.engine.update("a", ids(9), driver.now)
    driver.rest()
    told = [json.dumps(asdict(one), sort_keys=True) for one in driver.engine.events]
    return json.dumps([told, driver.ticks, driver.engine.meter.figures()], sort_keys=True).encode()


def test_the_same_calls_at_the_same_times_come_to_the_same() -> None:
    first = story(real("least-slack"))
    assert story(real("least-slack")) == first
    assert story(real("fcfs")) != first


def test_hits_and_misses_are_those_of_the_promise() -> None:
    driver = figures(cost=Cost(1e-3), admission=Admission(utilisation=10.0))
    driver.open("a", slo=Slo(first=3_000_000, every=500_000))
    driver.push("a", 10)
    driver.say("a", 4)
    driver.rest()
    assert [one.time for one in driver.said("a")] == [2_000_000, 3_000_000, 4_000_000, 5_000_000]
    assert [one.due for one in driver.said("a")] == [3_000_000, 3_500_000, 4_000_000, 4_500_000]
    seat = driver.engine.seat("a")
    assert (seat.hits, seat.steps) == (3, 4)


# ── fairness ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lag", [0.02, 0.2])
def test_ten_times_the_sessions_get_no_more_of_the_time(lag: float) -> None:
    driver = figures(Fair(Edf(), lag), cost=Cost(1e-3, per_unit=1e-3), limits=Limits(rows=4, units=64))
    for program, count in (("many", 20), ("few", 2)):
        for number in range(count):
            driver.open(f"{program}{number}", program=program)
            driver.push(f"{program}{number}", 40)
            driver.say(f"{program}{number}", 3000)
    for _ in range(400):
        driver.tick()
        served = driver.engine.served
        assert abs(served["many"] - served["few"]) <= lag + 0.07
    assert min(served["many"], served["few"]) > 0.3 * sum(served.values()) > 0


def test_who_comes_back_is_not_owed_the_time_of_others() -> None:
    driver = figures(Fair(Edf(), 0.02), cost=Cost(1e-3, per_unit=1e-3), limits=Limits(rows=2, units=64))
    for name in ("a0", "a1", "b0", "b1"):
        driver.open(name, program=name[0])
    for name in ("a0", "a1"):
        driver.push(name, 4)
        driver.say(name, 1000)
    for _ in range(300):
        driver.tick()
    for name in ("b0", "b1"):
        driver.push(name, 4)
        driver.say(name, 1000)
    before = len(driver.ticks)
    for _ in range(200):
        driver.tick()
    rows = [name[0] for tick in driver.ticks[before:] for name, _ in tick]
    assert 0.4 < rows.count("a") / len(rows) < 0.6


# ── ladders ──────────────────────────────────────────────────────────────────────────────────────────────────────────

RUNGS = (Rung("30 fps", 1.0), Rung("15 fps", 0.5, 0.8), Rung("8 fps", 0.25, 0.5))


class Climbing(Synthetic):
    """Figures that may give something up."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[int, int] = {}

    def rungs(self, session: Figure) -> tuple[Rung, ...]:
        return RUNGS

    def degrade(self, session: Figure, rung: int) -> None:
        self.at[id(session)] = rung


def steps(driver: Driver, n: int, load: float) -> list[str]:
    """So many ticks, each of `load` seconds on the first rung; where the session stands after each."""
    found = []
    for _ in range(n):
        step = driver.engine.plan(driver.now)
        assert step is not None
        driver.engine.run(step)
        seconds = load * RUNGS[driver.engine.host.at.get(id(driver.engine.seat("a").session), 0)].cost
        driver.now += round(seconds * SECOND)
        driver.engine.finish(step, driver.now, seconds)
        found.append(driver.engine.figures("a")["rung"])
    return found


def test_a_session_steps_down_at_once_and_up_with_patience() -> None:
    driver = figures(host=Climbing())
    driver.open("a", slo=Slo(first=SECOND, every=SECOND // 10))
    driver.push("a", 4)
    driver.say("a", 10_000)
    assert set(steps(driver, 20, 0.05)) == {"30 fps"}
    assert steps(driver, 3, 0.2) == ["8 fps", "8 fps", "8 fps"]
    assert set(steps(driver, 20, 0.12)) == {"8 fps", "15 fps"}
    assert driver.engine.meter.figures()["gauges"]["rung"][0]["value"] == 1
    up = steps(driver, 20, 0.05)
    assert up[0] == "15 fps"
    assert up[-1] == "30 fps"
    assert driver.engine.host.at[id(driver.engine.seat("a").session)] == 0


def test_a_load_at_the_edge_does_not_swing() -> None:
    driver = figures(host=Climbing())
    driver.open("a", slo=Slo(first=SECOND, every=SECOND // 10))
    driver.push("a", 4)
    driver.say("a", 10_000)
    edge = 0.1 / 1.3
    found = [steps(driver, 1, edge * (1.02 if number % 2 else 0.98))[0] for number in range(200)]
    assert sum(a != b for a, b in pairwise(found)) <= 1
    assert found[-1] == "15 fps"


def test_who_was_promised_nothing_gives_nothing_up() -> None:
    driver = figures(host=Climbing())
    driver.open("a")
    driver.push("a", 4)
    driver.say("a", 100)
    assert set(steps(driver, 20, 10.0)) == {"30 fps"}


def test_an_ask_may_wait_for_another() -> None:
    driver = figures()
    driver.open("a")
    driver.push("a", 4)
    driver.say("a", 3)
    driver.engine.say("a", Ask(2), driver.now)
    driver.rest()
    assert [one.ended for one in driver.said("a") if one.ended] == ["length", "length"]
    assert len(driver.tokens("a")) == 5
    assert isinstance(driver.engine.seat("a").opening, Opening)
