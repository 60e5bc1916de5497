"""Beginnings that are copied: the outputs are those of sessions that read everything themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from headrace.engine.engine import Engine
from headrace.engine.hosted import Hosted
from headrace.engine.lane import Lane
from headrace.engine.limits import Limits
from headrace.engine.prefixes import Prefixes
from headrace.engine.schedulers.registry import scheduler_of
from headrace.engine.simulator.synthetic import Input, Synthetic
from headrace.state import Policy, Work, attention, cache, pin, recent, to_data, top
from headrace.state.laws import digest
from tests.engine.live import COST, SMALL, Driver, after, alone, close, ids, model, real

PREFIX = ids(48, 7)


class Failing(Hosted):
    """Fails whatever sessions it is told to."""

    def __init__(self) -> None:
        super().__init__(model())
        self.broken: list[Any] = []

    def run(self, work: Sequence[Work[Any]]) -> list[Any]:
        outs = super().run(work)
        bad = [any(one.session is broken for broken in self.broken) for one in work]
        return [ValueError("it broke") if broke else out for broke, out in zip(bad, outs, strict=True)]


def begun(driver: Any, names: str, at_once: bool, **options: Any) -> None:
    for number, name in enumerate(names):
        driver.open(name, **options)
        driver.push(name, [*PREFIX, *ids(9, number)])
        driver.say(name, 4)
        if not at_once:
            driver.rest()
    driver.rest()


@pytest.mark.parametrize("scheduler", ["fcfs", "grouped"])
def test_what_is_copied_is_what_would_have_been_read(scheduler: str) -> None:
    driver = real(scheduler)
    begun(driver, "abc", at_once=scheduler == "grouped")
    copied = len([0, *PREFIX]) // 16 * 16
    for number, name in enumerate("abc"):
        expected = alone([[*PREFIX, *ids(9, number)], 4])
        assert driver.tokens(name) == expected.said
        assert close(driver.logits(name), after(expected), 1e-5)
        assert driver.engine.seat(name).session.container.count == expected.container.count
        last = driver.said(name)[-1]
        assert (last.prompt, last.reused) == (58, copied if number else 0)
    assert driver.engine.meter.figures()["counters"]["prefix_cache_hits"][0]["value"] == 2 * copied
    assert driver.engine.seat("b").read == 58 - copied


def test_who_does_not_share_neither_copies_nor_lends() -> None:
    driver = real()
    begun(driver, "ab", at_once=False, share=False)
    begun(driver, "c", at_once=False)
    assert [driver.said(name)[-1].reused for name in "abc"] == [0, 0, 0]


def test_another_policy_or_beginning_is_another_state() -> None:
    driver = real()
    begun(driver, "a", at_once=False)
    begun(driver, "b", at_once=False, policy=SMALL)
    driver.open("c")
    driver.push("c", [*PREFIX[1:], *ids(9)])
    driver.say("c", 1)
    driver.rest()
    assert [driver.said(name)[-1].reused for name in "abc"] == [0, 0, 0]


def test_the_closed_lend_until_others_need_the_room() -> None:
    driver = real()
    begun(driver, "a", at_once=False)
    one = driver.engine.host.nbytes(driver.engine.seat("a").session)
    for room, lends in ((0, False), (one - 1, False), (one, True)):
        driver = real(prefixes=room)
        begun(driver, "a", at_once=False)
        driver.engine.close("a")
        assert driver.engine.prefixes.nbytes == (one if lends else 0)
        begun(driver, "b", at_once=False)
        assert driver.said("b")[-1].reused == (48 if lends else 0)
        assert driver.tokens("b") == driver.tokens("a")


def test_the_least_recently_used_goes_first() -> None:
    prefixes: Prefixes[str] = Prefixes(30)
    for name in "abc":
        prefixes.announce(name, name.upper(), (ord(name), ord(name) + 100))
        prefixes.read(name, 2)
        assert prefixes.retire(name, 10) == []
    prefixes.lender("a")
    prefixes.announce("d", "D", (1,))
    prefixes.read("d", 1)
    assert prefixes.retire("d", 15) == ["B", "C"]
    assert prefixes.nbytes == 25
    assert prefixes.longest([ord("b")]) is None
    assert prefixes.longest([ord("a"), ord("a") + 100, 5]) == ("a", 2)
    prefixes.announce("e", "E", (9,))
    assert prefixes.retire("e", 1) == ["E"]
    assert sorted(prefixes.clear()) == ["A", "D"]


def test_a_name_that_is_used_again_lends_what_it_holds_now() -> None:
    prefixes: Prefixes[str] = Prefixes(30)
    prefixes.announce("a", "old", (1, 2))
    prefixes.read("a", 2)
    assert prefixes.retire("a", 10) == []
    prefixes.announce("a", "new", (3, 4))
    assert prefixes.longest([1, 2]) is None


SCORED = to_data(Policy(pin(tokens=4) + top(tokens=64, score=attention(queries=4)) + recent(tokens=64), place=cache()))


@pytest.mark.parametrize("policy", [SMALL, SCORED])
def test_who_has_lost_some_of_it_lends_nothing(policy: Any) -> None:
    driver = real()
    begun(driver, "ab", at_once=False, policy=policy)
    assert driver.said("b")[-1].reused == 0
    assert driver.tokens("b") == alone([[*PREFIX, *ids(9, 1)], 4], policy=policy).said


def test_input_that_was_replaced_is_not_what_was_read() -> None:
    driver = real()
    driver.open("a", meanwhile="latest")
    driver.push("a", [*PREFIX, 20])
    driver.push("a", ids(60, 3))
    driver.rest()
    begun(driver, "b", at_once=False)
    assert driver.said("b")[-1].reused == 0
    assert driver.tokens("b") == alone([[*PREFIX, *ids(9)], 4]).said


def test_input_that_failed_is_not_what_was_read() -> None:
    host = Failing()
    driver = real(host=host)
    begun(driver, "a", at_once=False)
    driver.open("b")
    host.broken.append(driver.engine.seat("b").session)
    driver.push("b", ids(60, 3))
    driver.rest()
    assert driver.errors("b") == ["ValueError: it broke"]
    host.broken.clear()
    driver.push("b", [*PREFIX, *ids(9)])
    driver.rest()
    assert driver.engine.seat("b").session.container.count in (57, 58)
    driver.open("c")
    driver.push("c", [*ids(60, 3), 5])
    driver.rest()
    assert close(driver.logits("c"), after(alone([[*ids(60, 3), 5]])))


@pytest.mark.parametrize("happens", ["closed", "failed", "updated", "replaced", "interrupted"])
def test_followers_go_on_whatever_happens_to_who_they_follow(happens: str) -> None:
    host = Failing()
    driver = real("grouped", host=host)
    for number, name in enumerate("abc"):
        driver.open(name, meanwhile="latest" if happens == "replaced" else "merge")
        driver.push(name, [*PREFIX, *ids(9, number)])
        driver.say(name, 4)
    assert [driver.engine.seat(name).follows for name in "abc"] == [None, "a", "a"]
    match happens:
        case "closed":
            driver.engine.close("a")
        case "failed":
            host.broken.append(driver.engine.seat("a").session)
        case "updated":
            driver.engine.update("a", ids(5), driver.now)
        case "replaced":
            driver.push("a", ids(5))
        case "interrupted":
            driver.engine.interrupt("a", driver.now)
    driver.rest()
    for number, name in enumerate("bc", 1):
        assert driver.tokens(name) == alone([[*PREFIX, *ids(9, number)], 4]).said


def test_a_lender_is_as_it_was() -> None:
    driver = real()
    begun(driver, "a", at_once=False)
    before = digest(driver.engine.seat("a").session.container)
    begun(driver, "b", at_once=False)
    assert digest(driver.engine.seat("a").session.container) == before


def test_a_penalty_looks_back_on_what_was_copied() -> None:
    sampling = {"repetition_penalty": 1.3, "window": 64}
    driver = real()
    begun(driver, "ab", at_once=False, sampling=sampling)
    assert driver.said("b")[-1].reused == 48
    assert driver.tokens("b") == alone([[*PREFIX, *ids(9, 1)], 4], sampling=sampling).said


def test_what_a_borrowed_beginning_makes_room_for_borrows_too() -> None:
    engine: Engine[Any] = Engine(Synthetic(), Lane(scheduler_of("fcfs"), COST, Limits(units=170)), prefixes=1 << 20)
    driver = Driver(engine)
    beginning = tuple(range(1, 11))
    driver.open("a")
    driver.push("a", Input(165, beginning))
    driver.rest()
    for name in ("b", "c", "d"):
        driver.open(name)
        driver.push(name, Input(170, beginning))
    assert driver.tick()
    assert [engine.seat(name).reused for name in ("b", "c", "d")] == [160, 160, 160]
    assert sorted(driver.ticks[-1]) == [("b", 10), ("c", 10), ("d", 10)]
