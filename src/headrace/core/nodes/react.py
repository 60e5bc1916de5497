"""React: the node that runs a Turn for each item."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from headrace.core.item import Item
from headrace.core.nodes.node import Node
from headrace.core.op import OnError
from headrace.core.turn import Turn

if TYPE_CHECKING:
    from headrace.core.graph import Graph

#: Turns that may be under way at once: the live one and those that still clean up.
TURNS = 8


class React(Node):
    """Runs a Turn for each item. While `TURNS` of them still clean up, the next one waits."""

    def __init__(
        self,
        name: str,
        decide: Callable[[Item, Turn], AsyncGenerator[Any, None]],
        supersede: bool,
        on_error: OnError,
    ) -> None:
        super().__init__(name, on_error)
        self._decide, self._supersede = decide, supersede
        self._turn: Turn | None = None

    def interrupted(self) -> None:
        """The session's epoch has risen."""
        if self._turn is not None and not self._turn.live:
            self._turn.cancel()

    async def run(self, graph: Graph) -> None:
        channel = self.inputs[0].channel
        assert channel is not None
        async with asyncio.TaskGroup() as turns:
            task: asyncio.Task[None] | None = None
            under_way: set[asyncio.Task[None]] = set()
            async for item in channel:
                if task is not None and not task.done():
                    if self._supersede:
                        graph.interrupt()
                    else:
                        await asyncio.wait([task])
                while len(under_way) >= TURNS:
                    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                turn = self._turn = Turn(graph.epoch)
                task = turns.create_task(self._respond(item, turn), name=f"{graph.name}.{self.name}.turn")
                turn.bind(task)
                under_way.add(task)
                task.add_done_callback(under_way.discard)
        await self.finish()

    async def _respond(self, item: Item, turn: Turn) -> None:
        """The turn's task. An interruption ends it quietly, wherever it is cancelled."""
        try:
            async with aclosing(self._values(item, turn)) as values:
                async for value in values:
                    output = item.derive(value)
                    output.epoch = turn.epoch
                    await self.emit((output,))
        except asyncio.CancelledError:
            if turn.live:  # not an interruption: the graph is being cancelled
                raise

    async def _values(self, item: Item, turn: Turn) -> AsyncGenerator[Any, None]:
        """What the generator yields while the turn lives; its errors are dealt with here."""
        try:
            async with aclosing(self._decide(item, turn)) as values:
                async for value in values:
                    if not turn.live or turn.cancelled:
                        break
                    yield value
        except Exception as error:
            self.failed(error, item)
