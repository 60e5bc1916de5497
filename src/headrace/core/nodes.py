"""Nodes: how each kind of operator takes, computes and passes on. `Graph` wires them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from headrace.core.channel import Channel, Drops, wait_any
from headrace.core.clock import Clock
from headrace.core.epoch import Epoch
from headrace.core.errors import HeadraceError, StateError
from headrace.core.executor import Executor, Threads, worker_error
from headrace.core.item import Item
from headrace.core.op import OnError, Op
from headrace.core.overflow import Overflow
from headrace.core.source import Source
from headrace.core.turn import Turn

if TYPE_CHECKING:
    from headrace.core.graph import Graph

log = logging.getLogger("headrace.core")
#: A source that never has to wait lets others run after this many items.
COURTESY = 16
_END: Any = object()


class Edge:
    """From one node to another. Without a rule the two are fused and there is no channel."""

    __slots__ = ("channel", "end", "rule", "start")

    def __init__(self, start: Node, end: Node, rule: Overflow | None) -> None:
        self.start, self.end, self.rule = start, end, rule
        self.channel: Channel | None = None


class Node:
    """One operator in a graph.

    Attributes:
        epoch: the session's, set by the graph before the run.
        failures: items lost to errors that `OnError` let pass.
        stale: outputs an interruption has voided before they reached an edge.
    """

    def __init__(self, name: str, on_error: OnError = OnError.FAIL) -> None:
        self.name, self.on_error = name, on_error
        self.inputs: list[Edge] = []
        self.outputs: list[Edge] = []
        self.epoch = Epoch()
        self.failures = 0
        self.stale = Drops()

    @property
    def fused(self) -> bool:
        """Whether it runs inside its producer instead of in a task of its own."""
        return False

    async def run(self, graph: Graph) -> None:
        """The node's task."""
        raise NotImplementedError  # abstract

    def close(self) -> None:
        """Free what the node holds; after the run, whatever its end was."""

    # -- passing on -----------------------------------------------------------------------------

    def spread(self, items: Iterable[Item], waiting: list[tuple[Channel, Item]]) -> None:
        """Hand items to all outputs; what a channel cannot take now is added to `waiting`, in order."""
        for item in items:
            if item.epoch < self.epoch.value:
                self.stale.add(item.pts, "stale")
                continue
            for edge in self.outputs:
                if edge.channel is None:
                    edge.end.accept(item, waiting)
                elif waiting or not edge.channel.offer(item):
                    waiting.append((edge.channel, item))

    def accept(self, item: Item, waiting: list[tuple[Channel, Item]]) -> None:
        """Process one item inside the producer (fused nodes)."""
        raise StateError(f"operator {self.name!r} cannot be fused")

    async def emit(self, items: Iterable[Item]) -> None:
        """`spread`, then wait until every channel has taken its share."""
        waiting: list[tuple[Channel, Item]] = []
        self.spread(items, waiting)
        await _put_all(waiting)

    async def finish(self) -> None:
        """Pass on the end of the stream: flush fused operators, close channels."""
        waiting: list[tuple[Channel, Item]] = []
        self.flush(waiting)
        await _put_all(waiting)
        self.shut()

    def flush(self, waiting: list[tuple[Channel, Item]]) -> None:
        """Let fused operators downstream release what they hold back."""
        for edge in self.outputs:
            if edge.channel is None:
                edge.end.last(waiting)

    def last(self, waiting: list[tuple[Channel, Item]]) -> None:
        self.flush(waiting)

    def shut(self) -> None:
        for edge in self.outputs:
            if edge.channel is None:
                edge.end.shut()
            else:
                edge.channel.close()


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
        """End as soon as possible; items already read are passed on."""
        self._stopped = True
        if self._sleeper is not None:
            self._sleeper.cancel()
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
            if not self._stopped:
                raise
            task.uncancel()
        finally:
            self._sleeper = None

    async def _in_thread(self, items: Iterator[Item]) -> AsyncIterator[Item]:
        """Read one item ahead in a thread, so that reading and computing overlap."""
        self._thread = Threads(1, name=f"read-{self.name}")
        coming = asyncio.ensure_future(self._thread.run(next, items, _END))
        try:
            while (item := await coming) is not _END:
                coming = asyncio.ensure_future(self._thread.run(next, items, _END))
                yield item
        finally:
            coming.cancel()


class Map(Node):
    """Applies an Op: fused into its producer, in a task of its own, or on an executor."""

    def __init__(self, name: str, op: Op, executor: Executor | None, on_error: OnError) -> None:
        super().__init__(name, on_error)
        self.op, self._executor = op, executor

    @property
    def fused(self) -> bool:
        return self.inputs[0].rule is None

    def accept(self, item: Item, waiting: list[tuple[Channel, Item]]) -> None:
        if not self.outputs:
            self._attempt(lambda: _drain(self.op.step(item)), ())
            return
        self.spread(self._attempt(lambda: tuple(self.op.step(item)), ()), waiting)

    def last(self, waiting: list[tuple[Channel, Item]]) -> None:
        self.spread(self._attempt(lambda: tuple(self.op.finish()), ()), waiting)
        self.flush(waiting)

    async def run(self, graph: Graph) -> None:
        channel = self.inputs[0].channel
        assert channel is not None
        async for item in channel:
            if self._executor is None:
                waiting: list[tuple[Channel, Item]] = []
                self.accept(item, waiting)
                await _put_all(waiting)
            else:
                await self._work(graph, item)
        waiting = []
        self.last(waiting)
        await _put_all(waiting)
        self.shut()

    async def _work(self, graph: Graph, item: Item) -> None:
        """One item on the executor: outputs leave one by one, as a generator makes them."""
        clock, began, made = graph.clock, graph.clock.now(), 0
        try:
            outputs = await self._compute(graph, _start, self.op, item)
            while True:
                output = outputs.pop(0) if isinstance(outputs, list) and outputs else _END
                if output is _END and not isinstance(outputs, list):
                    output = await self._compute(graph, next, outputs, _END)
                if output is _END:
                    break
                made += 1
                if item.epoch >= graph.epoch.value:
                    await self.emit((output,))
        except Exception as error:
            self._failed(error, item)
        if graph.trace is not None:
            graph.trace.step(self.name, began, clock.now(), item, made)

    async def _compute(self, graph: Graph, function: Callable[..., Any], *args: Any) -> Any:
        clock = graph.clock
        assert self._executor is not None
        if not clock.inline:
            return await self._executor.run(function, *args)
        result = function(*args)
        if function is _start and (cost := clock.cost(self.name)):
            await clock.sleep_until(clock.now() + cost)
        return result

    def _attempt(self, compute: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return compute()
        except Exception as error:
            self._failed(error, None)
            return otherwise

    def _failed(self, error: Exception, item: Item | None) -> None:
        if self.on_error is OnError.FAIL:
            if isinstance(error, HeadraceError):
                raise error
            raise HeadraceError(worker_error(self.name, error)) from error
        self.failures += 1
        where = f" at pts {item.pts}" if item is not None else ""
        log.warning("%s%s: %s", self.on_error.value, where, worker_error(self.name, error))
        if self.on_error is OnError.RESTART:
            self.op.reset()


class Merge(Node):
    """Passes on the items of all inputs as they come."""

    async def run(self, graph: Graph) -> None:
        channels = [edge.channel for edge in self.inputs if edge.channel is not None]
        while True:
            items = [item for channel in channels if (item := channel.take()) is not None]
            await self.emit(items)
            if not items:
                if all(channel.closed for channel in channels):
                    break
                await wait_any(channels)
        await self.finish()


class Join(Node):
    """Fires on watermarks; see `Graph.join`."""

    def __init__(self, name: str, within: int, idle: int | None) -> None:
        super().__init__(name)
        self._within, self._idle = within, idle
        self._before: dict[Edge, Item] = {}
        self._silent: set[Edge] = set()

    async def run(self, graph: Graph) -> None:
        first, *others = self.inputs
        assert first.channel is not None
        async for head in first.channel:
            partners = [await self._partner(graph.clock, other, head) for other in others]
            joined = head.derive((head.data, *(partner and partner.data for partner in partners)), "join")
            joined.epoch = min([head.epoch, *(partner.epoch for partner in partners if partner)])
            await self.emit((joined,))
        for other in others:  # nothing can join what is left: let its producers finish
            assert other.channel is not None
            async for _ in other.channel:
                pass
        await self.finish()

    async def _partner(self, clock: Clock, edge: Edge, head: Item) -> Item | None:
        """The item of another input nearest to `head`, once no nearer one can come."""
        channel = edge.channel
        assert channel is not None
        deadline = clock.now() + self._idle if self._idle is not None else None
        while True:
            while (item := channel.peek()) is not None and item.pts < head.pts:
                if (taken := channel.take()) is not None:
                    self._before[edge] = taken
            if len(channel):
                self._silent.discard(edge)
                break
            if channel.closed or channel.watermark > head.pts + self._within or edge in self._silent:
                break
            if not await _changed(clock, channel, deadline):
                if _held_up(edge.start):
                    deadline = clock.now() + (self._idle or 0)
                else:
                    self._silent.add(edge)
        reachable = [
            item
            for item in (self._before.get(edge), channel.peek())
            if item is not None and abs(item.pts - head.pts) <= self._within
        ]
        return min(reachable, key=lambda item: abs(item.pts - head.pts), default=None)


class React(Node):
    """Runs a Turn for each item."""

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
            async for item in channel:
                if task is not None and not task.done():
                    if self._supersede:
                        graph.interrupt()
                    else:
                        await asyncio.wait([task])
                turn = self._turn = Turn(graph.epoch)
                task = turns.create_task(self._respond(item, turn), name=f"{graph.name}.{self.name}.turn")
                turn.bind(task)
        await self.finish()

    async def _respond(self, item: Item, turn: Turn) -> None:
        try:
            async with aclosing(self._decide(item, turn)) as values:
                async for value in values:
                    if not turn.live:
                        break
                    output = item.derive(value)
                    output.epoch = turn.epoch
                    await self.emit((output,))
        except asyncio.CancelledError:
            if turn.live:  # not an interruption: the graph is being cancelled
                raise
        except Exception as error:
            if self.on_error is OnError.FAIL:
                raise HeadraceError(worker_error(self.name, error)) from error
            self.failures += 1
            log.warning("%s: %s", self.on_error.value, worker_error(self.name, error))


def _start(op: Op, item: Item) -> Any:
    """Begin a step on a worker: a list of outputs, or the generator that makes them."""
    outputs = op.step(item)
    return outputs if isinstance(outputs, Iterator) else list(outputs)


def _drain(outputs: Iterable[Item]) -> tuple[()]:
    for _ in outputs:
        pass
    return ()


async def _inline(items: Iterator[Item]) -> AsyncIterator[Item]:
    for item in items:
        yield item


async def _put_all(waiting: list[tuple[Channel, Item]]) -> None:
    for channel, item in waiting:
        await channel.put(item)


def _held_up(node: Node) -> bool:
    """Whether a producer waits for room in some edge at or above this node: silent, but not idle."""
    if any(edge.channel is not None and edge.channel.full for edge in node.outputs):
        return True
    return any(_held_up(edge.start) for edge in node.inputs)


async def _changed(clock: Clock, channel: Channel, deadline: int | None) -> bool:
    """Wait for news on a channel; False once the clock has passed `deadline` without any."""
    if deadline is None:
        await wait_any((channel,))
        return True
    waiting = asyncio.ensure_future(wait_any((channel,)))
    timer = asyncio.ensure_future(clock.sleep_until(deadline))
    try:
        done, _ = await asyncio.wait((waiting, timer), return_when=asyncio.FIRST_COMPLETED)
        return waiting in done
    finally:
        for task in (waiting, timer):
            task.cancel()
        await asyncio.gather(waiting, timer, return_exceptions=True)
