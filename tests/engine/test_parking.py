"""Sessions that make room for others say what they would have said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.core.errors import CapacityError, StateError
from headrace.core.stateful import Snapshot
from headrace.engine.admission import Admission
from headrace.engine.cost import Cost
from headrace.engine.engine import Engine
from headrace.engine.hosted import Hosted
from headrace.engine.job import Job
from headrace.engine.lane import Lane
from headrace.engine.limits import Limits
from headrace.engine.opening import Opening
from headrace.engine.parking import Lodger, Room, Storage, make_room
from headrace.engine.plan import Parking, Share
from headrace.engine.request import Slo
from headrace.engine.schedulers.registry import scheduler_of
from headrace.engine.simulator.synthetic import Synthetic
from tests.engine.live import COST, SMALL, Driver, after, alone, close, ids, model, real

NAMES = "abcdef"
#: A swap costs next to nothing, or more than reading anything again.
SWAPS, READS = COST, Cost(1e-6, per_unit=1e-7, swap_base=10.0, disk_base=10.0)


def most(policy: Any) -> int:
    host = Hosted(model())
    return host.max_bytes(host.open(Opening(policy=policy)))


def crowded(room: int, tier: str, folder: Path | None = None, policy: Any = SMALL) -> Any:
    """An engine with room for so many sessions on the device."""
    one = most(policy)
    storage = Storage(Room(0 if tier == "disk" else 10 * one, 10 * one if tier == "disk" else 0), folder)
    cost = READS if tier == "recompute" else SWAPS
    return real(cost=cost, limits=Limits(bytes=room * one), storage=storage)


def talk(driver: Any, policy: Any = SMALL, rounds: int = 3) -> None:
    """Sessions that read and speak in turns, one after the other and side by side."""
    for name in NAMES:
        driver.open(name, policy=policy, sampling={"repetition_penalty": 1.2, "window": 32})
    for turn in range(rounds):
        for number, name in enumerate(NAMES):
            driver.push(name, ids(11 + number, 10 * turn + number))
            if number % 2:
                driver.rest()
            driver.say(name, 3)
        driver.rest()


@pytest.mark.parametrize("tier", ["host", "disk", "recompute"])
def test_two_of_six_fit_and_all_say_what_they_would_have(tier: str, tmp_path: Path) -> None:
    free, driver = crowded(10, tier, tmp_path), crowded(2, tier, tmp_path)
    talk(free)
    talk(driver)
    parked = [driver.engine.figures(name)["parked"] for name in NAMES]
    assert min(parked) > 0
    assert sum(free.engine.figures(name)["parked"] for name in NAMES) == 0
    assert {one["labels"]["tier"] for one in driver.engine.meter.figures()["counters"]["parked"]} == {tier}
    for name in NAMES:
        assert driver.tokens(name) == free.tokens(name)
        assert not driver.errors(name)
    tiers = [driver.engine.figures(name)["resident"] for name in NAMES]
    assert tiers.count("device") <= 2
    held = [driver.engine.seat(name) for name in NAMES if driver.engine.seat(name).tier in ("host", "disk")]
    assert all(seat.session.container.nbytes() < most(SMALL) / 2 for seat in held)
    for name in NAMES:
        driver.engine.close(name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("tier", ["host", "recompute"])
def test_whatever_is_asked_of_a_parked_session(tier: str) -> None:
    history = [ids(30), 3]
    for what in ("say", "fork", "save", "update", "unsay", "close"):
        driver = crowded(1, tier)
        driver.open("a", policy=SMALL)
        driver.push("a", ids(30))
        driver.say("a", 3)
        driver.rest()
        driver.open("b", policy=SMALL)
        driver.push("b", ids(5))
        driver.rest()
        assert driver.engine.figures("a")["resident"] == tier
        assert driver.engine.figures("a")["waiting"] == 0
        expected = alone(history, policy=SMALL)
        match what:
            case "say":
                driver.say("a", 2)
                driver.rest()
                assert driver.tokens("a") == alone([ids(30), 5], policy=SMALL).said
            case "fork":
                driver.engine.admission = Admission(9)
                driver.engine.fork("a", "c", driver.now)
                driver.push("c", [17])
                driver.rest()
                assert close(driver.logits("c"), after(alone([*history, [17]], policy=SMALL)))
            case "save":
                saved = driver.engine.save("a")
                driver.engine.restore("c", Snapshot.unpack(saved.pack()), driver.engine.seat("a").opening, driver.now)
                driver.push("c", [17])
                driver.rest()
                assert close(driver.logits("c"), after(alone([*history, [17]], policy=SMALL)))
            case "update":
                driver.engine.update("a", [*ids(30), *expected.said, 17], driver.now)
                driver.rest()
                assert close(driver.logits("a"), after(alone([*history, [17]], policy=SMALL)))
            case "unsay":
                assert driver.engine.interrupt("a", driver.now, 1) == 1
                driver.rest()
                assert close(driver.logits("a"), after(alone([ids(30), 1], policy=SMALL)))
            case "close":
                driver.engine.close("a")
                with pytest.raises(StateError, match="closed"):
                    driver.say("a")
        driver.say("b", 2)
        driver.rest()
        assert driver.tokens("b") == alone([ids(5), 2], policy=SMALL).said


def test_a_parked_state_that_is_damaged_is_its_own_sessions_loss(tmp_path: Path) -> None:
    driver = crowded(2, "disk", tmp_path)
    for number, name in enumerate("abc"):
        driver.open(name, policy=SMALL)
        driver.push(name, ids(20, number))
        driver.rest()
    [path] = tmp_path.glob("*.parked")
    path.write_bytes(path.read_bytes()[:-100])
    assert path.stem == "a"
    for name in "abc":
        driver.say(name, 3)
    driver.rest()
    [told] = driver.errors("a")
    assert "session a was parked and cannot be read" in told
    assert "\n" not in told
    assert driver.said("a")[-1].ended == "failed"
    for number, name in enumerate("bc", 1):
        assert driver.tokens(name) == alone([ids(20, number), 3], policy=SMALL).said
    driver.push("a", ids(3))
    driver.rest()
    assert len(driver.errors("a")) == 2
    driver.engine.close("a")
    driver.say("b", 1)
    driver.rest()


@pytest.mark.parametrize("remember", [0, 8192])
def test_a_disk_that_is_full_costs_nobody_anything(remember: int, tmp_path: Path, monkeypatch: Any) -> None:
    def full(self: Snapshot, path: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Snapshot, "save", full)
    driver = crowded(2, "disk", tmp_path)
    for number, name in enumerate("abcd"):
        driver.open(name, policy=SMALL, remember=remember)
        driver.push(name, ids(20, number))
        driver.rest()
    for name in "abcd":
        driver.say(name, 3)
    driver.rest()
    for number, name in enumerate("abcd"):
        assert driver.tokens(name) == alone([ids(20, number), 3], policy=SMALL).said
    assert driver.engine.meter.figures()["counters"]["parking_failures"]


# ── who makes room ───────────────────────────────────────────────────────────────────────────────────────────────────


def share(name: str, *, resides: bool = False, nbytes: int = 10) -> Share:
    return Share(Job(name, 0, 0, Slo(), 5, 0, resides=resides, bytes=nbytes), 5)


def lodgers(**since: int) -> list[Lodger]:
    return [Lodger(name, 10, 4, 100, when) for name, when in since.items()]


def test_the_idle_go_first_and_the_longest_idle_before_others() -> None:
    shares, parked = make_room(
        [share("new")],
        [share("new").job, share("busy", resides=True).job],
        lodgers(busy=1, late=9, early=3),
        Room(100),
        COST,
        30,
    )
    assert [one.session for one in parked] == ["early"]
    shares, parked = make_room(
        [share("new", nbytes=30)],
        [share("new").job, share("busy").job],
        lodgers(busy=1, late=9, early=3),
        Room(100),
        COST,
        30,
    )
    assert [one.session for one in parked] == ["early", "late", "busy"]
    assert [one.job.session for one in shares] == ["new"]


def test_those_that_run_stay_and_what_fits_nowhere_waits() -> None:
    shares, parked = make_room(
        [share("a", resides=True), share("new")], [share("a").job, share("new").job], lodgers(a=1), Room(100), COST, 10
    )
    assert [one.job.session for one in shares] == ["a"]
    assert not parked


def test_a_victim_is_priced_by_its_own_tokens() -> None:
    cost = Cost(1e-3, per_unit=1e-3, swap_base=0.05, disk_base=0.05)
    held = [Lodger("short", 10, 4, 8, 0), Lodger("long", 10, 4, 8000, 1), Lodger("forgotten", 10, 4, None, 2)]
    _, parked = make_room([share("new", nbytes=30)], [share("new").job], held, Room(100), cost, 30)
    assert parked == (Parking("short", "recompute"), Parking("long", "host"), Parking("forgotten", "host"))
    _, parked = make_room([share("new", nbytes=30)], [share("new").job], held, Room(0, 8), cost, 30)
    assert [one.tier for one in parked] == ["recompute", "disk", "disk"]
    shares, _ = make_room([share("new", nbytes=30)], [share("new").job], held, Room(0, 3), cost, 30)
    assert not shares


def test_a_session_for_which_no_room_can_be_made_does_not_stop_the_others() -> None:
    """Two on the device, one parked in memory that holds no other: those on the device go on."""
    most = 100
    host = Synthetic(most=most, entry_bytes=1)
    lane = Lane(scheduler_of("fcfs"), COST, Limits(bytes=2 * most))
    free = Admission(sessions=10, utilisation=10.0)
    engine: Engine[Any] = Engine(host, lane, admission=free, storage=Storage(Room(most)))
    driver = Driver(engine)
    for name in ("a", "b"):
        driver.open(name, remember=0)
        driver.push(name, 80)
    driver.rest()
    with pytest.raises(CapacityError, match="find a place"):
        driver.open("c", remember=0)
    engine.storage = Storage(Room(10 * most))
    driver.open("c", remember=0)
    driver.push("c", 80)
    driver.rest()
    engine.storage = Storage(Room(0))
    for name in ("a", "b", "c"):
        driver.say(name, 5)
    driver.rest()
    assert sorted(len(driver.tokens(name)) for name in ("a", "b", "c")) == [0, 5, 5]
    assert driver.engine.waiting == 1
    engine.storage = Storage(Room(10 * most))
    driver.rest()
    assert [len(driver.tokens(name)) for name in ("a", "b", "c")] == [5, 5, 5]


def test_forks_and_snapshots_stay_within_the_bytes_of_the_device() -> None:
    host = Synthetic(most=100, entry_bytes=1)
    engine: Engine[Any] = Engine(
        host, Lane(scheduler_of("fcfs"), COST, Limits(bytes=250)), storage=Storage(Room(10_000))
    )
    driver = Driver(engine)
    driver.open("a")
    driver.push("a", 50)
    driver.rest()
    for number in range(8):
        engine.fork("a", f"f{number}", driver.now)
        assert sum(100 for seat in engine if seat.tier == "device") <= 250
