"""Map: the node of an Op: fused into its producer, in a task of its own, or on an executor."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from headrace.core.barrier import BARRIER
from headrace.core.channel import Channel
from headrace.core.executor import Executor
from headrace.core.item import Item
from headrace.core.nodes.node import Node, put_all
from headrace.core.op import OnError, Op

if TYPE_CHECKING:
    from headrace.core.graph import Graph

_END: Any = object()


class Map(Node):
    """Applies an Op: fused into its producer, in a task of its own, or on an executor."""

    def __init__(self, name: str, op: Op, executor: Executor | None, on_error: OnError, awaited: bool = True) -> None:
        super().__init__(name, on_error)
        self.op, self._executor, self.awaited = op, executor, awaited

    @property
    def fused(self) -> bool:
        return self.inputs[0].rule is None

    def accept(self, item: Item, waiting: list[tuple[Channel, Item]]) -> None:
        if item.kind == BARRIER:
            if self.awaited:
                self.spread((item,), waiting)
            if not self.awaited or not self.outputs:
                item.data.arrive()
            return
        try:
            outputs = tuple(self.op.step(item))
        except Exception as error:
            outputs = ()
            self.failed(error, item)
        if outputs:
            self.spread(outputs, waiting)
        else:
            self.promised(item.pts, waiting)

    def last(self, waiting: list[tuple[Channel, Item]]) -> None:
        try:
            outputs = tuple(self.op.finish())
        except Exception as error:
            outputs = ()
            self.failed(error, None)
        self.spread(outputs, waiting)
        self.flush(waiting)

    def promised(self, pts: int, waiting: list[tuple[Channel, Item]]) -> None:
        if not self.op.holds_back:
            self.promise(pts, waiting)

    def failed(self, error: Exception, item: Item | None) -> None:
        super().failed(error, item)
        if self.on_error is OnError.RESTART:
            self.op.reset()

    async def run(self, graph: Graph) -> None:
        channel = self.inputs[0].channel
        assert channel is not None
        waiting: list[tuple[Channel, Item]] = []
        while True:
            item = channel.take()
            if item is None:
                if channel.closed:
                    break
                self.promised(channel.watermark, waiting)
                await channel.ready()
            elif self._executor is None or item.kind == BARRIER:
                self.accept(item, waiting)
                if waiting:
                    await put_all(waiting)
                    waiting.clear()
            else:
                await self._work(graph, item)
        self.last(waiting)
        await put_all(waiting)
        self.shut()

    async def _work(self, graph: Graph, item: Item) -> None:
        """One item on the executor: outputs leave one by one, as a generator makes them."""
        clock, began, made = graph.clock, graph.clock.now(), 0
        self.working = item
        channel = self.inputs[0].channel
        assert channel is not None
        async with aclosing(self._outputs(graph, item)) as outputs:
            async for output in outputs:
                made += 1
                if item.epoch >= graph.epoch.value:
                    await self.emit((output,))
                else:
                    self.stale.add(output.pts, "stale")
                if channel.too_old(item):  # leave the rest: the generator sees GeneratorExit
                    channel.drops.add(item.pts, "cut")
                    break
        self.working = None
        if graph.trace is not None:
            graph.trace.step(self.name, began, clock.now(), item, made)

    async def _outputs(self, graph: Graph, item: Item) -> AsyncGenerator[Item, None]:
        """What the operator makes of one item; its errors are dealt with here."""
        try:
            outputs = await self._compute(graph, _start, self.op, item)
            while True:
                if isinstance(outputs, list):
                    output = outputs.pop(0) if outputs else _END
                else:
                    output = await self._compute(graph, next, outputs, _END)
                if output is _END:
                    return
                yield output
        except GeneratorExit:
            if isinstance(outputs, Generator):
                outputs.close()
            raise
        except Exception as error:
            self.failed(error, item)

    async def _compute(self, graph: Graph, function: Callable[..., Any], *args: Any) -> Any:
        clock = graph.clock
        assert self._executor is not None
        if not clock.inline:
            return await self._executor.run(function, *args)
        result = function(*args)
        if function is _start and (cost := clock.cost(self.name)):
            await clock.sleep_until(clock.now() + cost)
        return result


def _start(op: Op, item: Item) -> Any:
    """Begin a step on a worker: a list of outputs, or the generator that makes them."""
    outputs = op.step(item)
    return outputs if isinstance(outputs, Iterator) else list(outputs)
