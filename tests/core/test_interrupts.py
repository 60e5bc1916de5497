"""After an interrupt nothing older leaves, no task is left over and no channel is stuck."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress

import pytest

from headrace.core import MS, TIMELESS, Block, Graph, HeadraceError, Item, OnError, Op, ProfileClock, Threads, ZeroClock
from headrace.core.nodes.react import TURNS
from headrace.testing import Recorder
from tests.core.schedules import costs, jittered, seeds


class Fresh(Op):
    """A sink that asserts that what reaches it belongs to the present."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.seen = graph, 0

    def step(self, item: Item) -> tuple[()]:
        assert item.epoch >= self.graph.epoch.value, "an interrupted turn's output left"
        self.seen += 1
        return ()


class Turns:
    """Generators that end in every way, and how many began and ended."""

    def __init__(self, rng: random.Random, clock: ProfileClock) -> None:
        self.rng, self.clock = rng, clock
        self.count: Counter[str] = Counter()

    def make(self, way: str, parts: int):
        async def respond(item, turn):
            self.count["began"] += 1
            try:
                for part in range(parts):
                    try:
                        await self.clock.sleep_until(self.clock.now() + self.rng.randrange(30) * MS)
                    except asyncio.CancelledError:
                        if way != "swallows":
                            raise
                        self.count["swallowed"] += 1
                    yield (item.data, part)
            finally:
                try:
                    if way == "cleans up":
                        await self.clock.sleep_until(self.clock.now() + self.rng.randrange(20) * MS)
                        self.count["cleaned up"] += 1
                finally:
                    self.count["ended"] += 1

        return respond


def schedule(seed: int, total: Counter[str]) -> None:
    rng = random.Random(seed)
    clock = ProfileClock(costs(rng), seed=seed)
    graph, turns = Graph(clock), Turns(rng, clock)
    questions = graph.source(jittered(rng, rng.randint(2, 12), 20 * MS), "questions")
    barge_in = graph.source(jittered(rng, rng.randint(0, 5), 50 * MS, start=10 * MS), "barge-in")
    sinks = []
    for number in range(rng.randint(1, 3)):
        way = rng.choice(["plain", "swallows", "cleans up"])
        stream = graph.react(
            turns.make(way, rng.randint(1, 4)),
            questions,
            interrupt=barge_in if rng.random() < 0.5 else None,
            supersede=rng.random() < 0.7,
            edge=Block(rng.randint(1, 4)),
            name=f"react{number}",
        )
        for name in rng.sample(["a", "b", "c"], rng.randint(0, 2)):
            edge = Block(rng.randint(1, 2)) if rng.random() < 0.7 else None
            stream = graph.map(lambda data: data, stream, on=Threads(), edge=edge, name=name)
        sinks.append(Fresh(graph))
        graph.sink(sinks[-1], stream, edge=Block(1) if rng.random() < 0.5 else None, name=f"sink{number}")
    times = sorted(rng.randrange(400) * MS for _ in range(rng.randint(0, 6)))

    async def main() -> None:
        async def interrupts() -> None:
            for t in times:
                await clock.sleep_until(t)
                graph.interrupt()
                assert all(item.epoch >= graph.epoch.value for channel in graph.channels for item in channel._queue)

        beside = asyncio.create_task(interrupts())
        await graph.main()
        await beside
        assert asyncio.all_tasks() == {asyncio.current_task()}, "a task is left over"

    clock.run(main())
    assert turns.count["began"] == turns.count["ended"], "a generator was left open"
    for channel in graph.channels:
        assert (len(channel), channel.closed, channel.blocked) == (0, True, None)
    total.update(turns.count)
    total["left"] += sum(sink.seen for sink in sinks)
    total["rises"] += graph.epoch.value
    total["stale"] += sum(channel.drops.by_reason["stale"] for channel in graph.channels)


def test_random_interrupts_leave_nothing_behind():
    total: Counter[str] = Counter()
    count = 0
    for seed in seeds(10_000):
        schedule(seed, total)
        count += 1
    for what in ("left", "rises", "swallowed", "cleaned up", "stale"):
        assert total[what] > count / 10, f"the schedules hardly test {what}: {total}"


def test_a_second_interrupt_does_not_break_into_the_clean_up(zero_clock):
    graph, done = Graph(zero_clock), []

    async def respond(item, turn):
        try:
            await zero_clock.sleep_until(100 * MS)
            yield item.data
        finally:
            await zero_clock.sleep_until(zero_clock.now() + 10 * MS)
            done.append(zero_clock.now())

    interrupts = graph.source([Item(t, "stop", t, arrival=t) for t in (20 * MS, 25 * MS)])
    graph.sink(print, graph.react(respond, graph.source([Item(0, "q", 0)]), interrupt=interrupts))
    graph.run()
    assert done == [30 * MS]


def test_a_generator_that_swallows_cancellation_cannot_hold_the_graph(zero_clock):
    graph = Graph(zero_clock)

    async def stubborn(item, turn):
        while True:
            with suppress(asyncio.CancelledError):
                await zero_clock.sleep_until(zero_clock.now() + MS)
            yield item.data

    def fail(data: int) -> None:
        if zero_clock.now() > 50 * MS:
            raise ValueError("enough")

    graph.sink(fail, graph.react(stubborn, graph.source([Item(0, "q", 0)])))
    with pytest.raises(HeadraceError, match="enough"):
        graph.run()


def test_outputs_of_a_worker_are_voided_with_its_item(zero_clock):
    """A worker's own items carry no epoch; those of a voided item are counted, not delivered."""
    graph = Graph(zero_clock)

    class Twice(Op):
        def step(self, item):
            yield Item(item.pts, "t", "before")
            graph.interrupt()
            yield Item(item.pts, "t", "after")

    async def respond(item, turn):
        yield item.data
        await zero_clock.sleep_until(1)

    seen = Recorder(zero_clock)
    worker = graph.map(Twice(), graph.react(respond, graph.source([Item(7, "q", 0)])), on=Threads(), name="worker")
    graph.sink(seen, worker)
    graph.run()
    assert seen.data == ["before"]
    assert list(worker.node.stale.recent) == [(7, "stale")]


def test_a_turn_that_fails(zero_clock):
    def build(on_error: OnError) -> Recorder:
        clock = ZeroClock()
        graph, seen = Graph(clock), Recorder(clock)

        async def respond(item, turn):
            if item.data == 1:
                raise ValueError("odd")
            yield item.data

        items = [Item(n, "q", n, arrival=n) for n in range(3)]
        react = graph.react(respond, graph.source(items), on_error=on_error, name="bot")
        graph.sink(seen, react)
        graph.run()
        assert graph.errors() == {"bot": 1}
        return seen

    assert build(OnError.SKIP).data == [0, 2]
    with pytest.raises(HeadraceError, match="operator 'bot' failed: ValueError: odd"):
        build(OnError.FAIL)


def test_what_comes_from_a_source_is_never_voided(zero_clock):
    graph, seen = Graph(zero_clock), Recorder(zero_clock)
    stream = graph.map(lambda data: data, graph.source([Item(n, "n", n, arrival=n) for n in range(20)]), edge=Block(2))
    graph.sink(lambda _: graph.interrupt(), stream)
    graph.sink(seen, stream, edge=Block(2))
    graph.run()
    assert seen.data == list(range(20))
    assert {item.epoch for item in seen.items} == {TIMELESS}


def test_turns_that_clean_up_slowly_are_bounded(zero_clock):
    graph, seen, under_way, most = Graph(zero_clock), Recorder(zero_clock), [0], [0]

    async def respond(item, turn):
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        try:
            await zero_clock.sleep_until(zero_clock.now() + 100 * MS)
            yield item.data
        finally:
            await zero_clock.sleep_until(zero_clock.now() + 2000 * MS)
            under_way[0] -= 1

    items = [Item(n, "q", n, arrival=10 * n * MS) for n in range(50)]
    graph.sink(seen, graph.react(respond, graph.source(items)))
    graph.run()
    assert under_way == [0]
    assert most == [TURNS]
    assert seen.data[-1] == 49
