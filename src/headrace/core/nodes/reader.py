"""Reader: the node of a source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from headrace.core.barrier import BARRIER
from headrace.core.clock import Clock
from headrace.core.executor import Threads
from headrace.core.item import Item
from headrace.core.nodes.node import Node
from headrace.core.source import Source

if TYPE_CHECKING:
    from headrace.core.graph import Graph

#: A source that never has to wait lets others run after this many items.
COURTESY = 16
_END: Any = object()


class Reader(Node):
    """Reads a source."""

    def __init__(self, name: str, source: Source | Sequence[Item]) -> None:
        super().__init__(name)
        self._source = source
        self.can_wait: bool = getattr(source, "can_wait", True)
        self._blocking: bool = getattr(source, "blocking", False)
        self._stopped = False
        self._thread: Threads | None = None
        self._sleeper: asyncio.Task[Any] | None = None

    def stop(self) -> None:
        """End as soon as possible. An item held back until its arrival, or read ahead, is given up."""
        if self._stopped:
            return
        self._stopped = True
        if self._sleeper is not None:
            self._sleeper.cancel()
            self._sleeper = None
        if isinstance(self._source, Source):
            self._source.close()

    def close(self) -> None:
        self.stop()
        if self._thread is not None:
            self._thread.close()

    async def run(self, graph: Graph) -> None:
        clock = graph.clock
        items = self._source.items() if isinstance(self._source, Source) else iter(self._source)
        read = self._in_thread(items) if self._blocking and not clock.inline else _inline(items)
        count = 0
        async with aclosing(read):
            async for item in read:
                if self._stopped:
                    break
                item.source = item.source or self.name
                if self.can_wait or item.arrival:
                    await self._release(clock, item.arrival)
                    if self._stopped:
                        break
                else:
                    item.arrival = clock.now()
                if item.kind == BARRIER:
                    item.data.expect(graph.ends)
                count += 1
                if count % COURTESY == 0:
                    await asyncio.sleep(0)
                await self.emit((item,))
        await self.finish()

    async def _release(self, clock: Clock, arrival: int) -> None:
        """Wait for an arrival, or for `stop`."""
        task = asyncio.current_task()
        assert task is not None
        self._sleeper = task
        try:
            await clock.release(arrival)
        except asyncio.CancelledError:
            if not self._stopped or task.uncancel():  # the second: cancelled from outside as well
                raise
        finally:
            self._sleeper = None

    async def _in_thread(self, items: Iterator[Item]) -> AsyncGenerator[Item, None]:
        """Read one item ahead in a thread, so that reading and computing overlap."""
        self._thread = Threads(1, name=f"read-{self.name}")
        coming = asyncio.ensure_future(self._thread.run(next, items, _END))
        try:
            while (item := await coming) is not _END:
                coming = asyncio.ensure_future(self._thread.run(next, items, _END))
                yield item
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


async def _inline(items: Iterator[Item]) -> AsyncGenerator[Item, None]:
    for item in items:
        yield item
