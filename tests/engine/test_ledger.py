"""What a durable session keeps: whatever moment it is cut at, it goes on as if nothing had happened."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from headrace.core.errors import CapacityError, StateError
from headrace.engine.ledger import FORMAT, Ledger, kept
from headrace.engine.opening import Ask, Opening
from headrace.engine.worker import Worker
from tests.engine.live import SMALL, TICK, after, alone, close, ids, real

NAME = "0" * 32


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += TICK
        return self.now


def worker(folder: Path, **options: Any) -> Worker[Any]:
    return Worker(real(**options).engine, Clock(), folder)


def run(one: Worker[Any], most: int = 1000) -> list[Any]:
    """Ticks until nothing is to be done; all that was said."""
    said = [event.said for event in one.events() if event.said is not None]
    for _ in range(most):
        if not one.busy:
            break
        one.tick()
        said += [event.said for event in one.events() if event.said is not None]
    return said


def push(one: Worker[Any], data: Any, role: str | None = None, name: str = NAME) -> None:
    one.do_push(name, data, role, "main", None, 0)


def logits(one: Worker[Any], name: str = NAME) -> Any:
    return one.engine.seat(name).session.parts["logits"].value


def session(folder: Path, policy: Any = SMALL) -> tuple[Worker[Any], list[Any]]:
    """A worker whose session has read, spoken, read and spoken."""
    one = worker(folder)
    one.do_open(NAME, Opening(policy=policy, durable=True))
    push(one, ids(20))
    one.do_say(NAME, Ask(5, ignore_end=True), None)
    said = run(one)
    push(one, ids(30, 1))
    one.do_say(NAME, Ask(5, ignore_end=True), None)
    return one, said + run(one)


HISTORY = [0, *ids(20)], 5, ids(30, 1), 5


def states(known: list[int]) -> Any:
    """What follows these tokens."""
    return after(alone([known[1:]], policy=SMALL)) if len(known) > 1 else None


@pytest.mark.parametrize("seed", range(6))
def test_cut_anywhere_what_is_there_is_a_beginning_and_goes_on(seed: int, tmp_path: Path) -> None:
    _, said = session(tmp_path)
    whole = (tmp_path / f"{NAME}.ledger").read_bytes()
    tokens = [*HISTORY[0], *(s.token for s in said[:5]), *HISTORY[2], *(s.token for s in said[5:])]
    first = whole.index(b"\n") + 1
    cut = random.Random(seed).randrange(first, len(whole) + 1)
    folder = tmp_path / "cut"
    folder.mkdir()
    (folder / f"{NAME}.ledger").write_bytes(whole[:cut])
    found = Ledger(folder, NAME).load()
    known = [token for run_ in found.known for token in run_.ids]
    waiting = [token for run_ in found.waiting for token in run_.ids]
    assert known == tokens[: len(known)]
    assert [*known, *waiting][: len(tokens)] == tokens[: len(known) + len(waiting)]
    assert [s.number for s in found.said] == [s.number for s in said][: len(found.said)]
    two = worker(folder)
    two.do_recover(NAME)
    run(two)
    expected = [*known, *waiting]
    if len(expected) > 1:
        assert close(logits(two), states(expected), 1e-4)
        two.do_say(NAME, Ask(2, ignore_end=True), None)
        more = run(two)
        assert [s.number for s in more] == [found.number + 1, found.number + 2]
        assert [s.token for s in more] == alone([expected[1:], 2], policy=SMALL).said


def test_it_survives_one_crash_after_the_other(tmp_path: Path) -> None:
    one = worker(tmp_path)
    one.do_open(NAME, Opening(policy=SMALL, durable=True))
    history: list[Any] = []
    number = 0
    for turn in range(4):
        push(one, ids(15, turn))
        one.do_say(NAME, Ask(3, ignore_end=True), None)
        said = run(one)
        history += [ids(15, turn), 3]
        assert [s.number for s in said] == [number + 1, number + 2, number + 3]
        number += 3
        one = worker(tmp_path)
        one.do_recover(NAME)
        assert one.do_missed(NAME, number - 1)[0].number == number
        run(one)
        expected = alone(history, policy=SMALL)
        assert close(logits(one), after(expected))
        assert [s.token for s in said] == expected.said[-3:]


def test_a_ledger_begins_again_and_nothing_is_lost(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("headrace.engine.worker.LONG", 8)
    one, said = session(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    push(one, ids(4, 2))
    two = worker(tmp_path)
    two.do_recover(NAME)
    assert [s.number for s in two.do_missed(NAME, 0)] == [s.number for s in said]
    run(two)
    assert close(logits(two), after(alone([ids(20), 5, ids(30, 1), 5, ids(4, 2)], policy=SMALL)))


@pytest.mark.parametrize("what", ["parked", "copied", "queued", "asked", "failed", "unsaid", "updated"])
def test_whatever_happened_before_the_crash(what: str, tmp_path: Path) -> None:
    one = worker(tmp_path)
    meanwhile: Any = "queue" if what == "queued" else "merge"
    one.do_open(NAME, Opening(policy=None if what == "copied" else SMALL, durable=True, meanwhile=meanwhile))
    expected: list[Any] = [ids(40), 4]
    if what == "copied":
        one.do_open("lender", Opening())
        push(one, ids(40), name="lender")
        run(one)
    push(one, ids(40))
    one.do_say(NAME, Ask(4, ignore_end=True), None)
    match what:
        case "parked":
            run(one)
            seat = one.engine.seat(NAME)
            one.engine.host.reread(seat.session, seat.past.first(seat.past.count))
            seat.past.cut(0)
            push(one, ids(9, 1))
            one.tick()
            expected = [ids(40), 4, ids(9, 1)]
        case "queued":
            for _ in range(8):
                one.tick()
                one.events()
            push(one, ids(9, 1))
            run(one)
            expected = [ids(40), 4, ids(9, 1)]
        case "asked":
            one.do_say(NAME, Ask(3, ignore_end=True), None)
            run(one)
            expected = [ids(40), 7]
        case "failed":
            run(one)
            push(one, ids(9, 1))
            host, ran = one.engine.host, one.engine.host.run
            host.run = lambda work: [StateError("it broke") for _ in work]
            one.tick()
            host.run = ran
        case "unsaid":
            run(one)
            one.do_interrupt(NAME, 2)
            expected = [ids(40), 2]
        case "updated":
            run(one)
            one.do_update(NAME, ids(11, 5))
            expected = [ids(11, 5)]
        case _:
            run(one)
    if what not in ("parked", "unsaid", "updated"):
        run(one)
    else:
        one.events()
    number = one.engine.seat(NAME).said
    two = worker(tmp_path)
    two.do_recover(NAME)
    assert two.engine.seat(NAME).said == number
    run(two)
    policy = None if what == "copied" else SMALL
    assert close(logits(two), after(alone(expected, policy=policy)))
    two.do_say(NAME, Ask(1, ignore_end=True), None)
    assert [s.number for s in run(two)] == [number + 1]


def test_turns_go_on(tmp_path: Path) -> None:
    one = worker(tmp_path)
    one.do_open(NAME, Opening(durable=True))
    push(one, "Where is the river?", "user")
    one.do_say(NAME, Ask(5, ignore_end=True), "assistant")
    run(one)
    two = worker(tmp_path)
    two.do_recover(NAME)
    push(two, "And the boat?", "user")
    run(two)
    expected = alone([("user", "Where is the river?"), ("assistant", ""), 5, ("user", "And the boat?")])
    assert close(logits(two), after(expected))


def test_draws_go_on(tmp_path: Path) -> None:
    one = worker(tmp_path)
    one.do_open(NAME, Opening(policy=SMALL, durable=True, sampling={"temperature": 1.0}, seed=3))
    push(one, ids(20))
    one.do_say(NAME, Ask(5, ignore_end=True), None)
    run(one)
    two = worker(tmp_path)
    two.do_recover(NAME)
    two.do_say(NAME, Ask(5, ignore_end=True), None)
    assert len(run(two)) == 5


def test_a_newer_format_and_a_damaged_state_are_refused_and_others_recover(tmp_path: Path) -> None:
    one, _ = session(tmp_path)
    one._checkpoint(NAME)
    for name in ("newer", "damaged", "cut"):
        for path in list(tmp_path.glob(f"{NAME}.*")):
            shutil.copy(path, path.with_name(path.name.replace(NAME, name)))
    lines = (tmp_path / "newer.ledger").read_text().splitlines(keepends=True)
    (tmp_path / "newer.ledger").write_text(
        json.dumps(json.loads(lines[0]) | {"format": FORMAT + 1}) + "\n" + "".join(lines[1:])
    )
    [state] = tmp_path.glob("damaged.*.state")
    state.write_bytes(state.read_bytes()[:-9])
    (tmp_path / "cut.ledger").write_text(lines[0][:30])
    assert sorted(kept(tmp_path)) == sorted([NAME, "newer", "damaged", "cut"])
    two = worker(tmp_path)
    for name, told in (
        ("newer", "reads up to"),
        ("damaged", "damaged|truncated|cannot"),
        ("cut", "damaged"),
        ("none", "not kept"),
    ):
        with pytest.raises(StateError, match=told) as error:
            two.do_recover(name)
        assert "\n" not in str(error.value)
    two.do_recover(NAME)
    run(two)
    assert close(logits(two), after(alone([ids(20), 5, ids(30, 1), 5], policy=SMALL)))
    two.do_close(NAME)
    assert NAME not in kept(tmp_path)
    assert not list(tmp_path.glob(f"{NAME}*"))


def test_input_that_waits_for_the_end_of_a_reply_survives_a_crash(tmp_path: Path) -> None:
    one = worker(tmp_path)
    one.do_open(NAME, Opening(policy=SMALL, durable=True, meanwhile="queue"))
    push(one, ids(15))
    one.do_say(NAME, Ask(6, ignore_end=True), None)
    while one.engine.seat(NAME).said < 3:
        one.tick()
        one.events()
    push(one, ids(9, 1))
    two = worker(tmp_path)
    two.do_recover(NAME)
    assert two.do_figures(NAME)["waiting"] >= 1
    two.do_say(NAME, Ask(3, ignore_end=True), None)
    said = run(two)
    assert [s.number for s in said] == [4, 5, 6]
    expected = alone([ids(15), 6, ids(9, 1)], policy=SMALL)
    assert [s.token for s in said] == expected.said[3:6]
    assert close(logits(two), after(expected), 1e-4)
    assert Ledger(tmp_path, NAME).load().held == []


def test_what_was_taken_back_is_not_missed_after_a_crash(tmp_path: Path) -> None:
    one, _ = session(tmp_path)
    assert one.do_interrupt(NAME, 7) == 7
    push(one, ids(4, 2))
    run(one)
    two = worker(tmp_path)
    two.do_recover(NAME)
    assert [s.number for s in two.do_missed(NAME, 0)] == [1, 2, 3, 4, 5, 6, 7]
    two.do_say(NAME, Ask(1, ignore_end=True), None)
    assert [s.number for s in run(two)] == [11]


def test_a_disk_that_refuses_costs_one_session_its_durability(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = worker(tmp_path)
    for name in ("a" * 32, "b" * 32):
        one.do_open(name, Opening(policy=SMALL, durable=True))
        push(one, ids(12), name=name)
        one.do_say(name, Ask(4, ignore_end=True), None)
    sync = Ledger.sync

    def refuse(ledger: Ledger) -> None:
        if ledger.name.startswith("a"):
            raise CapacityError("session a cannot be kept: No space left on device")
        sync(ledger)

    monkeypatch.setattr(Ledger, "sync", refuse)
    said = run(one)
    assert len(said) == 8
    assert one.engine.meter.figures()["counters"]["ledger_failures"][0]["value"] == 1
    two = worker(tmp_path)
    two.do_recover("b" * 32)
    assert len(two.do_missed("b" * 32, 0)) == 4
