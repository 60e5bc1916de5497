"""A run that was recorded is played again without the model: the same plans, the same times, to the bit."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from headrace.core.clock import machine_now
from headrace.core.errors import InputError
from headrace.engine.hosted import Hosted
from headrace.engine.lane import Lane
from headrace.engine.limits import Limits
from headrace.engine.opening import Ask, Opening
from headrace.engine.record import Line, Recorder, load, replay
from headrace.engine.request import Slo
from headrace.engine.schedulers.registry import scheduler_of
from headrace.engine.simulator.synthetic import sinks_and_window
from tests.engine.live import COST, SMALL, ids, model

SECOND = 10**9
LIMITS = Limits(rows=3, units=40, seconds=0.05)


class Run:
    """A recorded engine on the machine's clock."""

    def __init__(self, scheduler: str) -> None:
        self.told: list[str] = []
        lane = Lane(scheduler_of(scheduler), COST, LIMITS)
        self.engine: Recorder[Any] = Recorder(Hosted(model()), lane, lambda line: self.told.append(json.dumps(line)))

    def ticks(self, most: int) -> None:
        for _ in range(most):
            now = machine_now()
            step = self.engine.plan(now)
            if step is None:
                return
            self.engine.run(step)
            end = machine_now()
            self.engine.finish(step, end, (end - now) / SECOND)

    def lines(self) -> list[Line]:
        return load("\n".join(self.told))


def mixed(run: Run, policy: Any) -> None:
    """Sessions of different lengths and promises, that read and speak side by side."""
    draw = random.Random(1)
    for number in range(7):
        slo = [Slo(), Slo(first=SECOND // 10, every=SECOND // 100), Slo(whole=SECOND)][number % 3]
        meanwhile = ("merge", "queue", "interrupt", "latest")[number % 4]
        opening = Opening(policy=policy, slo=slo, meanwhile=meanwhile, program=str(number % 2), share=False)  # type: ignore[arg-type]
        run.engine.open(str(number), opening, machine_now())
    for turn in range(3):
        for number in range(7):
            run.engine.push(str(number), ids(draw.randint(3, 90), turn), machine_now())
            if draw.random() < 0.7:
                run.engine.say(str(number), Ask(draw.randint(1, 9), foreseen=draw.choice([None, 4])), machine_now())
            run.ticks(draw.randint(0, 3))
    run.engine.close("3")
    run.ticks(1000)


def lively(run: Run, policy: Any) -> None:
    """Sessions that begin alike, take turns, are interrupted and change their input."""
    prefix = "The river is wide and the boat is slow, and everybody waits for the evening to come. "
    for number in range(4):
        name, now = str(number), machine_now()
        run.engine.open(name, Opening(policy=policy, meanwhile="queue" if number == 3 else "merge"), now)
        run.engine.push(name, prefix + "abcd"[number], now, role="user")
        run.engine.say(name, Ask(12, stop=(" ",)), machine_now(), "assistant")
        run.ticks(2)
    run.ticks(3)
    run.engine.push("3", "And you?", machine_now(), role="user")
    run.engine.say("3", Ask(5), machine_now(), "assistant")
    run.engine.interrupt("1", machine_now(), 1)
    run.ticks(2)
    run.engine.update("2", prefix + "No, wait.", machine_now())
    run.engine.say("2", Ask(30), machine_now())
    run.engine.say("2", Ask(4), machine_now())
    run.ticks(6)
    run.engine.interrupt("2", machine_now())
    run.engine.say("1", Ask(6), machine_now())
    run.ticks(1000)


@pytest.mark.parametrize("what", [mixed, lively])
@pytest.mark.parametrize("scheduler", ["fcfs", "split-fuse", "least-slack", "fair", "grouped"])
def test_a_recorded_run_is_played_again_to_the_bit(what: Any, scheduler: str) -> None:
    policy, (sinks, newest, block) = (SMALL, (4, 16, 8)) if what is mixed else (None, (4, 2000, 64))
    run = Run(scheduler)
    what(run, policy)
    lines = run.lines()
    recorded = [line for line in lines if line["what"] == "tick"]
    assert len(recorded) > 20
    lane = Lane(scheduler_of(scheduler), COST, LIMITS)
    played = replay(lines, lane, sinks_and_window(sinks, newest, block), block=block)
    for number, (one, other) in enumerate(zip(played, recorded, strict=True)):
        assert one == other, f"tick {number} of {len(recorded)}"


def test_another_model_of_the_machine_comes_to_another_run() -> None:
    run = Run("fcfs")
    mixed(run, SMALL)
    lines = run.lines()
    recorded = [line for line in lines if line["what"] == "tick"]
    lane = Lane(scheduler_of("fcfs"), COST, Limits(rows=2, units=40, seconds=0.05))
    try:
        assert replay(lines, lane, sinks_and_window(4, 16, 8), block=8) != recorded
    except InputError as error:
        assert "nothing is ready" in str(error) or "cannot be played" in str(error)  # noqa: PT017


def test_lines_that_are_no_recording_are_refused() -> None:
    with pytest.raises(InputError, match="no recording"):
        load("{")
    lane = Lane(scheduler_of("fcfs"), COST, LIMITS)
    with pytest.raises(InputError, match="line 1"):
        replay([{"what": "push", "name": "a", "now": 0}], lane, sinks_and_window(4, 16, 8), block=8)
