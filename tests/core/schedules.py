"""Random graphs and schedules, and how many of them a run of the tests draws."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncGenerator, Iterator

from headrace.core import (
    MS,
    Block,
    DropNewest,
    DropOldest,
    Graph,
    Item,
    Latest,
    Overflow,
    ProfileClock,
    Stream,
    Threads,
    Trace,
    Turn,
)
from headrace.testing import Recorder

WORKERS = ("a", "b", "c", "d", "e", "f")


def seeds(whole: int) -> Iterator[int]:
    """`whole` seeds under HEADRACE_SUITE=whole, else the first tenth of them."""
    return iter(range(whole if os.environ.get("HEADRACE_SUITE") == "whole" else max(1, whole // 10)))


def jittered(rng: random.Random, count: int, period: int = 10 * MS, start: int = 0) -> list[Item]:
    """Items every `period` ns of media time that arrive up to two periods late, in order."""
    arrival, items = 0, []
    for index in range(count):
        pts = start + index * period
        arrival = max(arrival, pts + rng.randrange(2 * period))
        items.append(Item(pts, "n", index, arrival))
    return items


def rule(rng: random.Random) -> Overflow:
    count = rng.randint(1, 4)
    return rng.choice([Block(count), DropOldest(count), DropNewest(count), Latest(), Block(8, span=30 * MS)])


def costs(rng: random.Random) -> dict[str, tuple[int, ...]]:
    return {name: tuple(rng.randrange(1, 40) * MS for _ in range(8)) for name in WORKERS}


def random_graph(seed: int, clock: ProfileClock, trace: Trace | None = None) -> tuple[Graph, list[Recorder]]:
    """One to three sources and up to eight operators of every kind, all leaves recorded."""
    rng = random.Random(seed)
    graph = Graph(clock, trace=trace)
    streams = [
        graph.source(jittered(rng, rng.randint(5, 40), rng.choice((5, 10, 33)) * MS), f"s{i}")
        for i in range(rng.randint(1, 3))
    ]
    read: set[int] = set()
    workers = list(WORKERS)

    def pick() -> Stream:
        place = rng.randrange(len(streams))
        read.add(place)
        return streams[place]

    def turn(pause: int, yields: int):
        async def respond(item: Item, turn: Turn) -> AsyncGenerator[object, None]:
            for part in range(yields):
                await clock.sleep_until(clock.now() + pause)
                yield [item.data, part]

        return respond

    for index in range(rng.randint(2, 8)):
        kind = rng.choice(["map", "filter", "edge", "worker", "worker", "join", "merge", "react"])
        if kind == "map":
            made = graph.map(lambda data: [data, "m"], pick(), name=f"map{index}")
        elif kind == "filter":
            keep = rng.randint(2, 5)
            made = graph.map(lambda data, n=keep: data if len(str(data)) % n else None, pick(), name=f"filter{index}")
        elif kind == "edge":
            made = graph.map(lambda data: data, pick(), edge=rule(rng), name=f"edge{index}")
        elif kind == "worker" and workers:
            made = graph.map(lambda data: [data, "w"], pick(), edge=rule(rng), on=Threads(), name=workers.pop())
        elif kind == "join":
            made = graph.join(
                *(pick() for _ in range(rng.randint(2, 3))),
                within=rng.randrange(50) * MS,
                idle=200 * MS,
                name=f"j{index}",
            )
        elif kind == "merge":
            made = graph.merge(pick(), pick(), name=f"merge{index}")
        else:
            interrupt = pick() if rng.random() < 0.3 else None
            made = graph.react(
                turn(rng.randrange(20) * MS, rng.randint(1, 3)),
                pick(),
                interrupt=interrupt,
                supersede=rng.random() < 0.5,
                name=f"react{index}",
            )
        streams.append(made)
    recorders = []
    for place, stream in enumerate(streams):
        if place not in read:
            recorders.append(Recorder(clock))
            graph.sink(recorders[-1], stream, name=f"leaf{place}")
    return graph, recorders
