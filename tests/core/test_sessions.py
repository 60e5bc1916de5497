"""Sessions beside each other, cancelled from outside, and interrupted from the keyboard."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from headrace.core import MS, Block, Graph, HeadraceError, Item, MeasuredClock, ProfileClock, Threads, run_sessions
from tests.core.schedules import costs, random_graph, seeds

SRC = Path(__file__).parents[2] / "src"


def alone(seed: int) -> list:
    clock = ProfileClock(costs(random.Random(seed)))
    graph, leaves = random_graph(seed, clock)
    clock.run(graph.main())
    return [[(now, item.data) for now, item in leaf.records] for leaf in leaves]


def test_a_failing_session_never_touches_another():
    for seed in seeds(300):
        clock = ProfileClock(costs(random.Random(seed)))
        graph, leaves = random_graph(seed, clock)
        failing = Graph(clock, name="failing")
        bad_pts = random.Random(seed).randrange(20) * MS

        def fail(pts: int, bad: int = bad_pts) -> None:
            if pts >= bad:
                raise ValueError("bad frame")

        failing.sink(
            fail, failing.source([Item(n * MS, "n", n * MS, arrival=n * MS) for n in range(40)]), edge=Block(2)
        )
        errors = clock.run(run_sessions([failing, graph]))
        assert isinstance(errors[0], HeadraceError)
        assert errors[1] is None
        assert [[(now, item.data) for now, item in leaf.records] for leaf in leaves] == alone(seed)


def test_cancellation_from_outside_leaves_nothing():
    for seed in seeds(300):
        clock = ProfileClock(costs(random.Random(seed)))
        graph, _ = random_graph(seed, clock)
        after = random.Random(seed).randrange(300) * MS

        async def main(graph=graph, clock=clock, after=after) -> None:
            session = asyncio.create_task(graph.main())
            await clock.sleep_until(after)
            session.cancel()
            await asyncio.wait([session])
            assert session.cancelled() or session.exception() is None
            assert asyncio.all_tasks() == {asyncio.current_task()}, "a task is left over"

        clock.run(main())


def test_cancellation_frees_the_thread_of_a_blocking_source_and_of_a_worker():
    closed = threading.Event()

    class Live:
        name, can_wait, blocking = "live", False, True

        def items(self):
            yield Item(0, "n", 0)
            closed.wait(20)

        def close(self) -> None:
            closed.set()

    threads, computing, clock = Threads(1, name="worker-of-test"), threading.Event(), MeasuredClock()

    def compute(data: int) -> int:
        computing.set()
        closed.wait(20)
        return data

    async def main() -> None:
        graph = Graph(clock)
        graph.sink(compute, graph.source(Live()), on=threads)
        session = asyncio.create_task(graph.main())
        await asyncio.to_thread(computing.wait, 20)
        session.cancel()
        with pytest.raises(asyncio.CancelledError):
            await session
        assert asyncio.all_tasks() == {asyncio.current_task()}

    clock.run(main())
    threads.close()
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith(("read-live", "worker-of-test"))]
    assert left == []


def test_run_sessions_cancelled_cancels_all(zero_clock):
    ended = []

    async def respond(item, turn):
        try:
            await asyncio.get_running_loop().create_future()
            yield item
        finally:
            ended.append(item.data)

    def graph(number: int) -> Graph:
        made = Graph(zero_clock, name=str(number))
        made.sink(print, made.react(respond, made.source([Item(0, "n", number)])))
        return made

    async def main() -> None:
        running = asyncio.create_task(run_sessions([graph(n) for n in range(3)]))
        await zero_clock.sleep_until(MS)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert asyncio.all_tasks() == {asyncio.current_task()}

    zero_clock.run(main())
    assert sorted(ended) == [0, 1, 2]


PROGRAM = """
import threading, sys
from headrace.core import *
stop = threading.Event()
class Live:
    name, can_wait, blocking = "live", False, True
    def items(self):
        n = 0
        while not stop.wait(0.01):
            yield Item(n, "n", n)
            n += 1
    def close(self): stop.set()
async def respond(item, turn):
    try:
        print("ready", flush=True)
        await CLOCK.sleep_until(1 << 60)
        yield 1
    finally:
        print("cleaned up", flush=True)
graph = Graph(CLOCK := CLOCKCLASS())
live = graph.source(Live())
graph.sink(print, graph.react(respond, live, supersede=False))
graph.sink(lambda n: None, live, on=Threads())
try:
    graph.run()
except KeyboardInterrupt:
    print("interrupted", [t.name for t in threading.enumerate() if t.name.startswith("read-")], flush=True)
"""


@pytest.mark.parametrize("clock", ["WallClock", "MeasuredClock"])
def test_sigint_ends_a_run_cleanly(clock):
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.replace("CLOCKCLASS", clock)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(SRC)},
    )
    assert program.stdout.readline() == "ready\n"
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=20)
    assert (out, err, program.returncode) == ("cleaned up\ninterrupted []\n", "", 0)
