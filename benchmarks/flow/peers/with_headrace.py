"""headrace: a Graph of operators, with a channel before every stage and with the stages fused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial

from harness import CAPACITY, PAYLOAD, Stopwatch, measure

from headrace import __version__
from headrace.core import Block, Graph, Item, Op, Overflow, WallClock


class Pass(Op):
    """Hands the item on as it is, as the stages of the other peers do."""

    def step(self, item: Item) -> Iterable[Item]:
        return (item,)


class OneInFlight(WallClock):
    """Releases the next item of a source when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.free = asyncio.Event()
        self.free.set()

    async def release(self, arrival: int) -> None:
        await self.free.wait()
        self.free.clear()


def run(edge: Overflow | None, items: int, stages: int, ping: bool) -> int:
    clock = OneInFlight() if ping else WallClock()
    graph = Graph(clock)
    stream = graph.source([Item(0, "audio", PAYLOAD) for _ in range(items)])
    for number in range(stages):
        stream = graph.map(Pass(), stream, edge=edge, name=f"stage{number}")
    seen = 0

    def sink(_: bytes) -> None:
        nonlocal seen
        seen += 1
        if isinstance(clock, OneInFlight):
            clock.free.set()

    graph.sink(sink, stream, edge=edge)
    watch = Stopwatch()
    graph.run()
    spent = watch.stop()
    assert seen == items
    return spent


if __name__ == "__main__":
    variants = {"channel before every stage": partial(run, Block(CAPACITY)), "fused": partial(run, None)}
    measure("headrace", __version__, variants)
