"""asyncio: a task a stage, joined by bounded `asyncio.Queue`s."""

from __future__ import annotations

import asyncio
import platform

from harness import CAPACITY, PAYLOAD, Stopwatch, measure


async def stage(source: asyncio.Queue[bytes | None], target: asyncio.Queue[bytes | None]) -> None:
    while (item := await source.get()) is not None:
        await target.put(item)
    await target.put(None)


async def chain(items: int, stages: int, ping: bool) -> int:
    queues: list[asyncio.Queue[bytes | None]] = [asyncio.Queue(CAPACITY) for _ in range(stages + 1)]
    free = asyncio.Event()
    seen = 0

    async def produce() -> None:
        for _ in range(items):
            await queues[0].put(PAYLOAD)
            if ping:
                await free.wait()
                free.clear()
        await queues[0].put(None)

    async def consume() -> None:
        nonlocal seen
        while await queues[-1].get() is not None:
            seen += 1
            free.set()

    watch = Stopwatch()
    async with asyncio.TaskGroup() as group:
        group.create_task(produce())
        for number in range(stages):
            group.create_task(stage(queues[number], queues[number + 1]))
        group.create_task(consume())
    spent = watch.stop()
    assert seen == items
    return spent


def run(items: int, stages: int, ping: bool) -> int:
    return asyncio.run(chain(items, stages, ping))


if __name__ == "__main__":
    measure("asyncio", platform.python_version(), {"Queue(8)": run})
