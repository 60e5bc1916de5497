"""anyio: a task a stage, joined by bounded memory object streams, on the asyncio backend."""

from __future__ import annotations

from importlib.metadata import version

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from harness import CAPACITY, PAYLOAD, Stopwatch, measure


async def stage(source: MemoryObjectReceiveStream[bytes], target: MemoryObjectSendStream[bytes]) -> None:
    async with source, target:
        async for item in source:
            await target.send(item)


async def chain(items: int, stages: int, ping: bool) -> int:
    streams = [anyio.create_memory_object_stream[bytes](CAPACITY) for _ in range(stages + 1)]
    # Like asyncio.Event, but it can be cleared: anyio's own events are used once.
    arrived, arrival = anyio.create_memory_object_stream[None](1)
    seen = 0

    async def produce() -> None:
        async with streams[0][0] as target:
            for _ in range(items):
                await target.send(PAYLOAD)
                if ping:
                    await arrival.receive()

    async def consume() -> None:
        nonlocal seen
        async with streams[-1][1] as source:
            async for _ in source:
                seen += 1
                if ping:
                    arrived.send_nowait(None)

    watch = Stopwatch()
    async with anyio.create_task_group() as group:
        group.start_soon(produce)
        for number in range(stages):
            group.start_soon(stage, streams[number][1], streams[number + 1][0])
        group.start_soon(consume)
    spent = watch.stop()
    arrived.close()
    arrival.close()
    assert seen == items
    return spent


def run(items: int, stages: int, ping: bool) -> int:
    return anyio.run(chain, items, stages, ping)


if __name__ == "__main__":
    measure("anyio", version("anyio"), {"memory stream (8)": run})
