"""What operators do with items, errors and the end of their source."""

from __future__ import annotations

import asyncio
import threading

import pytest

from headrace.core import (
    MS,
    SECOND,
    Block,
    CapacityError,
    ConfigError,
    Fail,
    Graph,
    HeadraceError,
    InputError,
    Item,
    Latest,
    MeasuredClock,
    OnError,
    Op,
    Processes,
    ProfileClock,
    Threads,
    WallClock,
    ZeroClock,
)
from headrace.testing import Recorder, run_graph


def numbers(count: int, period: int = MS) -> list[Item]:
    return [Item(n * period, "n", n, arrival=n * period) for n in range(count)]


class Endless:
    """A live source that waits in its own thread until it is closed."""

    name, can_wait, blocking = "endless", False, True

    def __init__(self) -> None:
        self.closed = threading.Event()

    def items(self):
        yield Item(0, "n", 0)
        self.closed.wait(20)

    def close(self) -> None:
        self.closed.set()


class Broken(Endless):
    def items(self):
        yield Item(0, "n", 0)
        raise InputError("the cable is out")


def test_fused_chains_run_depth_first():
    order = []

    class Pair(Op):
        def step(self, item):
            order.append(f"pair {item.data}")
            return [item.derive(f"{item.data}a"), item.derive(f"{item.data}b")]

    def build(graph: Graph) -> None:
        pairs = graph.map(Pair(), graph.map(lambda n: order.append(f"in {n}") or str(n), graph.source(numbers(2))))
        graph.sink(
            lambda name: order.append(f"one {name}"), graph.map(lambda name: order.append(f"mid {name}") or name, pairs)
        )
        graph.sink(lambda name: order.append(f"two {name}"), pairs)

    run_graph(build)
    one = ["in {0}", "pair {0}", "mid {0}a", "one {0}a", "two {0}a", "mid {0}b", "one {0}b", "two {0}b"]
    assert order == [step.format(n) for n in range(2) for step in one]


def test_an_operator_may_hold_items_back_to_the_end():
    class Pairs(Op):
        def __init__(self):
            self.held = None

        def step(self, item):
            held, self.held = self.held, None if self.held else item
            return [item.derive((held.data, item.data))] if held else []

        def finish(self):
            return [self.held] if self.held else []

    def build(graph: Graph) -> Recorder:
        seen = Recorder(graph.clock)
        graph.sink(seen, graph.map(lambda data: data, graph.map(Pairs(), graph.source(numbers(5)), edge=Block(1))))
        return seen

    assert run_graph(build).data == [(0, 1), (2, 3), 4]


@pytest.mark.parametrize("clock", [MeasuredClock, ZeroClock, WallClock])
def test_outputs_on_an_executor_leave_one_by_one(clock):
    """The second output is computed only after the first was delivered."""
    order = []

    class Slowly(Op):
        def step(self, item):
            for part in range(3):
                order.append(f"made {part}")
                yield item.derive(part)

    graph, threads = Graph(clock()), Threads(1)
    graph.sink(lambda part: order.append(f"left {part}"), graph.map(Slowly(), graph.source(numbers(1)), on=threads))
    graph.run()
    threads.close()
    assert order == [f"{what} {part}" for part in range(3) for what in ("made", "left")]


@pytest.mark.parametrize("where", ["fused", "edge", "worker"])
def test_what_a_failing_operator_does_to_its_session(where):
    class Odd(Op):
        def __init__(self):
            self.sum = 0

        def step(self, item):
            if item.data == 3:
                raise ValueError("three")
            self.sum += item.data
            return [item.derive(self.sum)]

        def reset(self):
            self.sum = 0

    def run(on_error: OnError) -> list[int]:
        clock = ZeroClock()
        graph, seen = Graph(clock), Recorder(clock)
        edge, on = (Block(2) if where != "fused" else None), (Threads() if where == "worker" else None)
        graph.sink(seen, graph.map(Odd(), graph.source(numbers(6)), edge=edge, on=on, name="odd", on_error=on_error))
        try:
            graph.run()
        finally:
            failed.append(graph.errors())
        return seen.data

    failed = []
    assert run(OnError.SKIP) == [0, 1, 3, 7, 12]
    assert run(OnError.RESTART) == [0, 1, 3, 4, 9]
    with pytest.raises(HeadraceError, match=r"^operator 'odd' failed: ValueError: three$"):
        run(OnError.FAIL)
    assert failed == [{"odd": 1}, {"odd": 1}, {}]


@pytest.mark.parametrize("where", ["worker", "react", "fused"])
def test_an_operator_that_skips_its_errors_does_not_hide_those_behind_it(where):
    def fail(data: int) -> None:
        raise InputError("the sink is full")

    async def respond(item, turn):
        yield item.data

    graph = Graph(ZeroClock())
    source = graph.source(numbers(3))
    if where == "react":
        stream = graph.react(respond, source, on_error=OnError.SKIP)
    else:
        on = Threads() if where == "worker" else None
        stream = graph.map(lambda n: n, source, on=on, on_error=OnError.SKIP)
    graph.sink(fail, stream)
    with pytest.raises(InputError, match="the sink is full"):
        graph.run()


def test_an_edge_whose_rule_is_to_fail_ends_the_session():
    graph = Graph(ProfileClock({"slow": SECOND}))
    graph.sink(print, graph.source(numbers(9)), on=Threads(), edge=Fail(2), name="slow")
    with pytest.raises(CapacityError, match="source0->slow"):
        graph.run()


def test_at_full_speed_a_file_loses_nothing_and_a_camera_does():
    for can_wait in (True, False):
        source = Endless()
        source.can_wait, source.blocking = can_wait, False
        source.items = lambda: iter(numbers(50))
        threads, clock = Threads(1), MeasuredClock()
        graph, seen = Graph(clock), Recorder(clock)
        graph.sink(seen, graph.map(lambda n: n, graph.source(source), on=threads, edge=Latest()))
        graph.run()
        threads.close()
        assert (seen.data == list(range(50))) is can_wait


def test_a_source_that_fails_ends_its_session_with_that_error():
    for clock in (MeasuredClock(), ZeroClock(), WallClock()):
        graph, seen = Graph(clock), Recorder(clock)
        graph.sink(seen, graph.source(Broken()), edge=Block(4))
        with pytest.raises(InputError, match="the cable is out"):
            graph.run()


def test_stop_ends_a_sleeping_source_and_drains():
    clock = ProfileClock({"slow": 30 * MS})
    graph, seen = Graph(clock), Recorder(clock)
    items = [*numbers(3), Item(0, "n", "never", arrival=3600 * SECOND)]
    graph.sink(seen, graph.map(lambda n: n, graph.source(items), on=Threads(), edge=Block(4), name="slow"))

    async def main() -> None:
        asyncio.get_running_loop().call_at(0.05, graph.stop)
        await graph.main()

    clock.run(main())
    assert seen.data == [0, 1, 2]
    assert clock.now() == 90 * MS


def test_stop_ends_a_blocking_source_and_its_thread():
    clock = WallClock()
    graph, seen, source = Graph(clock), Recorder(clock), Endless()
    graph.sink(seen, graph.source(source))

    async def stop() -> None:
        while not seen.data:
            await asyncio.sleep(0.001)
        graph.stop()

    async def main() -> None:
        await asyncio.gather(graph.main(), stop())

    clock.run(main())
    assert seen.data == [0]
    assert clock.now() < 5 * SECOND
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-")]


def test_stop_and_cancellation_at_once(zero_clock):
    """The reader that `stop` wakes must not swallow a cancellation that comes with it."""

    class Flush(Op):
        def step(self, item):
            return ()

        def finish(self):
            return numbers(5)

    async def never(item, turn):
        await asyncio.get_running_loop().create_future()
        yield item

    graph = Graph(zero_clock)
    sleeping = graph.source([Item(0, "n", 0), Item(1, "n", 1, arrival=SECOND)], "sleeping")
    graph.sink(print, graph.react(never, graph.map(Flush(), sleeping), supersede=False, edge=Block(1)))

    async def main() -> None:
        session = asyncio.create_task(graph.main())
        await zero_clock.sleep_until(MS)
        graph.stop()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.wait([session])
        assert session.cancelled()
        assert zero_clock.now() == MS

    zero_clock.run(main())


def test_wiring_that_cannot_be(zero_clock):
    graph = Graph(zero_clock)
    numbers_ = graph.source(numbers(1))
    with pytest.raises(ConfigError, match="Threads"):
        graph.map(Op(), numbers_, on=Processes.__new__(Processes))
    with pytest.raises(ConfigError, match="needs a stream"):
        graph.merge()
    graph.sink(print, numbers_)
    graph.run()
    with pytest.raises(ConfigError, match="has run already"):
        graph.run()


def test_a_second_stop_changes_nothing(zero_clock):
    graph, seen = Graph(zero_clock), Recorder(zero_clock)
    graph.sink(seen, graph.source([Item(0, "n", 0), Item(1, "n", 1, arrival=SECOND)]), edge=Block(1))

    async def main() -> None:
        session = asyncio.create_task(graph.main())
        await zero_clock.sleep_until(MS)
        graph.stop()
        graph.stop()
        await session

    zero_clock.run(main())
    assert seen.data == [0]


@pytest.mark.parametrize("clock", [ZeroClock, MeasuredClock])
def test_many_diamonds_are_wired_and_waited_for_in_no_time(clock):
    """Each operator is looked at once, however many paths lead to it."""
    graph = Graph(clock())
    seen = Recorder(graph.clock)
    stream = graph.source([Item(n, "n", n, arrival=SECOND + n) for n in range(3)])
    for number in range(30):
        sides = [graph.map(lambda data: data, stream, name=f"{side}{number}") for side in "ab"]
        joined = graph.join(*sides, within=0, name=f"join{number}")
        stream = graph.map(lambda pair: pair[0], joined, name=f"first{number}")
    early = graph.source([Item(n, "n", n) for n in range(3)], "early")
    graph.sink(seen, graph.join(early, stream, within=0, idle=2 * SECOND))
    graph.run()
    assert seen.data == [(0, 0), (1, 1), (2, 2)]
