"""A barrier: when it has reached every end, all that came before it is worked off, and nothing else has begun."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from threading import Event

import pytest

from headrace.core import (
    MS,
    Block,
    CapacityError,
    Clock,
    ConfigError,
    DropNewest,
    DropOldest,
    Fail,
    Graph,
    HeadraceError,
    Item,
    Latest,
    MeasuredClock,
    OnError,
    Op,
    Overflow,
    Stream,
    Threads,
    WallClock,
)
from headrace.core.barrier import BARRIER, Barrier
from headrace.core.op import Only
from tests.core.schedules import rule, seeds


class Resting:
    """Gives runs of numbers, and after each run a barrier; goes on when that has been reached, as a source must."""

    name, blocking = "resting", True

    def __init__(self, runs: list[int], reached: Callable[[], None] = lambda: None, can_wait: bool = True) -> None:
        self.can_wait, self.given, self.rests = can_wait, 0, 0
        self._runs, self._reached, self._go, self._closed = runs, reached, Event(), False

    def items(self) -> Iterator[Item]:
        for count in self._runs:
            for _ in range(count):
                if self._closed:
                    return
                self.given += 1
                yield Item(self.given * MS, "n", self.given, self.given * MS if self.can_wait else 0)
            if self._closed:
                return
            self._go.clear()
            yield Item(self.given * MS, BARRIER, Barrier(self._rest), self.given * MS if self.can_wait else 0)
            assert self._go.wait(20), "the barrier was lost"

    def _rest(self) -> None:
        self.rests += 1
        try:
            self._reached()
        finally:
            self._go.set()

    def close(self) -> None:
        self._closed = True
        self._go.set()


class Work(Op):
    """Makes `out` items of one, each after a while, and knows whether it is at it."""

    def __init__(self, out: int, lasts: float) -> None:
        self.out, self.lasts, self.begun, self.done, self.seen = out, lasts, 0, 0, list[int]()

    def step(self, item: Item) -> Iterator[Item]:
        assert isinstance(item.data, int), "an operator was given a barrier"
        self.begun += 1
        self.seen.append(item.data)
        for _ in range(self.out):
            time.sleep(self.lasts)
            yield item.derive(item.data)
        self.done += 1


def newest(old: Item, new: Item) -> Item:
    assert BARRIER not in (old.kind, new.kind), "a barrier was merged"
    return new


def edge(rng: random.Random, lossless: bool) -> Overflow:
    """An overflow rule: any, or one that loses nothing."""
    if lossless:
        return rng.choice([Block(rng.randint(1, 4)), Block(8, span=30 * MS), Fail(10_000)])
    aged = [Latest(merge=newest, max_age=1), DropOldest(1, max_age=1), DropNewest(1), Latest(merge=newest)]
    return rng.choice([*aged, rule(rng)])


def grown(rng: random.Random, graph: Graph, source: Resting, lossless: bool) -> tuple[list[Work], list[Threads]]:
    """Up to eight operators behind the source, fused, in tasks of their own and on threads; every end is one too."""
    streams: list[Stream] = [graph.source(source)]
    works, threads = list[Work](), list[Threads]()
    for index in range(rng.randint(1, 8)):
        on = Threads() if rng.random() < 0.4 else None
        threads += [on] if on is not None else []
        work = Work(1 if lossless else rng.choice((0, 1, 1, 2)), rng.choice((0.0, 0.0, 0.0002)))
        waits = edge(rng, lossless) if on is not None or rng.random() < 0.6 else None
        made = graph.map(work, rng.choice(streams), edge=waits, on=on, name=f"work{index}")
        works.append(work)
        streams.append(made)
    return works, threads


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("clock", [MeasuredClock, lambda: WallClock(50.0)], ids=["measured", "wall"])
def test_at_rest_nothing_is_queued_or_under_way(clock: Callable[[], Clock], lossless: bool) -> None:
    for seed in seeds(200):
        brought_to_rest(random.Random(seed), clock(), lossless)


def brought_to_rest(rng: random.Random, clock: Clock, lossless: bool) -> None:
    """One random graph."""
    graph, states = Graph(clock), list[list[list[int]]]()

    def rest() -> None:
        assert [len(channel) for channel in graph.channels] == [0] * len(graph.channels)
        assert [work.begun for work in works] == [work.done for work in works]
        states.append([list(work.seen) for work in works])
        if lossless:
            assert states[-1] == [list(range(1, source.given + 1))] * len(works)

    runs = [rng.randint(0, 12) for _ in range(rng.randint(1, 4))]
    source = Resting(runs, rest, rng.random() < 0.5)
    works, threads = grown(rng, graph, source, lossless)
    graph.run()
    for pool in threads:
        pool.close()
    assert source.rests == len(states) == len(runs), "a barrier was lost"
    assert states[-1] == [work.seen for work in works], "something was done after the last rest"


@pytest.mark.parametrize(
    "full",
    [Latest(merge=newest), DropOldest(1), DropNewest(1), Fail(3), Latest(max_age=1)],
    ids=lambda r: type(r).__name__,
)
def test_no_rule_drops_merges_or_ages_a_barrier(full: Overflow) -> None:
    """It enters an edge that is full, behind what waits there."""
    at_rest: list[int] = []
    source = Resting([3, 3], lambda: at_rest.append(work.done), can_wait=False)
    graph, pool, work = Graph(WallClock(1000.0)), Threads(), Work(1, 0.002)
    graph.map(work, graph.source(source), edge=full, on=pool, name="slow")
    graph.run()
    pool.close()
    (channel,) = graph.channels
    assert source.rests == 2
    assert at_rest[-1] == work.done == work.begun
    assert channel.drops.count + work.begun == source.given
    if isinstance(full, DropNewest):
        assert 3 not in work.seen


def test_a_barrier_arrives_once_at_each_end() -> None:
    said = []
    barrier = Barrier(lambda: said.append("reached"))
    barrier.expect(3)
    for _ in range(2):
        barrier.arrive()
        assert said == []
    barrier.arrive()
    assert said == ["reached"]


def test_ends_are_the_operators_that_nothing_reads() -> None:
    graph = Graph(MeasuredClock())
    numbers = graph.source(Resting([1]))
    once = graph.map(lambda n: n, numbers)
    graph.sink(lambda _: None, once)
    graph.sink(lambda _: None, numbers)
    assert graph.ends == 2
    graph.map(lambda _: None, once)
    assert graph.ends == 3


async def turn(item: Item, _: object) -> object:
    yield item.data


@pytest.mark.parametrize(
    "wired",
    [
        lambda graph, numbers: graph.join(numbers, graph.source([Item(0, "n", 0)], "other"), within=MS, name="both"),
        lambda graph, numbers: graph.merge(numbers, graph.source([Item(0, "n", 0)], "other"), name="both"),
        lambda graph, numbers: graph.react(turn, numbers, name="both"),
    ],
    ids=["join", "merge", "react"],
)
def test_a_graph_that_cannot_come_to_rest_says_so(wired: Callable[[Graph, Stream], Stream]) -> None:
    graph = Graph(MeasuredClock(), name="house")
    graph.sink(lambda _: None, wired(graph, graph.source(Resting([2]))))
    with pytest.raises(ConfigError, match="graph 'house' cannot be brought to rest: a barrier cannot pass 'both'"):
        graph.run()


def test_what_fails_at_rest_fails_the_run() -> None:
    def refuse() -> None:
        raise CapacityError("the disk is full")

    source = Resting([2, 2], refuse)
    graph = Graph(MeasuredClock())
    graph.sink(lambda _: None, graph.source(source))
    with pytest.raises(HeadraceError, match="the disk is full"):
        graph.run()
    assert (source.rests, source.given) == (1, 2)


def test_an_operator_that_loses_items_to_errors_lets_barriers_pass() -> None:
    def odd(number: int) -> int:
        return 1 // (number % 2)

    source, seen = Resting([4, 4]), list[int]()
    graph, pool = Graph(MeasuredClock()), Threads()
    made = graph.map(odd, graph.source(source), edge=DropNewest(9), on=pool, on_error=OnError.SKIP, name="odd")
    graph.sink(seen.append, made)
    graph.run()
    pool.close()
    assert (source.rests, seen, graph.errors()) == (2, [1] * 4, {"odd": 4})


@pytest.mark.parametrize("before", [1, 3, 4])
def test_a_graph_may_be_stopped_on_its_way_to_rest(before: int) -> None:
    graph, pool, work = Graph(MeasuredClock()), Threads(), Work(1, 0.001)
    source = Resting([4, 10_000])
    made = graph.map(work, graph.source(source), edge=Block(3), on=pool, name="slow")
    graph.sink(lambda number: graph.stop() if number == before else None, made)
    graph.run()
    pool.close()
    assert work.begun == work.done
    assert source.given < 10_000


def test_only_lets_its_kinds_pass() -> None:
    seen: dict[str, list[str]] = {"video": [], "sounds": []}
    items = [Item(number * MS, kind, kind) for number, kind in enumerate(("video", "audio", "heard", "video", "audio"))]
    graph = Graph(MeasuredClock())
    source = graph.source(items)
    graph.sink(seen["video"].append, graph.map(Only("video"), source, name="pictures"))
    graph.sink(seen["sounds"].append, graph.map(Only("audio", "heard"), source, name="sound"))
    graph.run()
    assert seen == {"video": ["video"] * 2, "sounds": ["audio", "heard", "audio"]}
    assert not Only("video").holds_back
    (passed,) = Only("video").step(items[0])
    assert passed is items[0]
