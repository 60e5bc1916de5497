"""Nodes: how each kind of operator takes, computes and passes on. `Graph` wires them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Sequence
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

    def promise(self, pts: int, waiting: list[tuple[Channel, Item]]) -> None:
        """Tell whoever is downstream that no item below `pts` will come, where none is still waiting."""
        for edge in self.outputs:
            if edge.channel is None:
                edge.end.promised(pts, waiting)
            elif all(channel is not edge.channel for channel, _ in waiting):
                edge.channel.advance(pts)

    def promised(self, pts: int, waiting: list[tuple[Channel, Item]]) -> None:
        """Its producer's promise; passed on by operators that keep an item's pts (fused nodes)."""

    async def receive(self, channel: Channel) -> Item | None:
        """The next item of an input, None at its end; while there is none, its watermark is passed on."""
        while (item := channel.take()) is None:
            if channel.closed:
                return None
            self.promised(channel.watermark, [])
            await wait_any((channel,))
        return item

    def failed(self, error: Exception, item: Item | None) -> None:
        """Raise the error, or count the item as lost to it, as `on_error` says."""
        if self.on_error is OnError.FAIL:
            if isinstance(error, HeadraceError):
                raise error
            raise HeadraceError(worker_error(self.name, error)) from error
        self.failures += 1
        where = f" at pts {item.pts}" if item is not None else ""
        log.warning("%s%s: %s", self.on_error.value, where, worker_error(self.name, error))

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


class Map(Node):
    """Applies an Op: fused into its producer, in a task of its own, or on an executor."""

    def __init__(self, name: str, op: Op, executor: Executor | None, on_error: OnError) -> None:
        super().__init__(name, on_error)
        self.op, self._executor = op, executor

    @property
    def fused(self) -> bool:
        return self.inputs[0].rule is None

    def accept(self, item: Item, waiting: list[tuple[Channel, Item]]) -> None:
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
        while (item := await self.receive(channel)) is not None:
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
                    channel.drops.add(item.pts, "old")
                    break
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
                self.promise(min(channel.watermark for channel in channels), [])
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
        while (head := await self.receive(first.channel)) is not None:
            partners = [await self._partner(graph.clock, other, head) for other in others]
            joined = head.derive((head.data, *(partner and partner.data for partner in partners)), "join")
            joined.epoch = min([head.epoch, *(partner.epoch for partner in partners if partner)])
            await self.emit((joined,))
        await self.finish()
        await self._drain([other.channel for other in others if other.channel is not None])

    def promised(self, pts: int, waiting: list[tuple[Channel, Item]]) -> None:
        """No head below `pts` will come."""
        for other in self.inputs[1:]:
            self._pass_by(other, pts)
        self.promise(pts, waiting)

    def _pass_by(self, edge: Edge, pts: int) -> None:
        """Take what is older than `pts`: only the newest of it can still be a partner."""
        channel = edge.channel
        assert channel is not None
        while (item := channel.peek()) is not None and item.pts < pts:
            self._silent.discard(edge)
            before = self._before.get(edge)
            if (taken := channel.take()) is not None and (before is None or taken.pts >= before.pts):
                self._before[edge] = taken

    async def _drain(self, channels: list[Channel]) -> None:
        """Nothing can join what is left: let its producers, which may be one, finish."""
        while True:
            for channel in channels:
                while channel.take() is not None:
                    pass
            if all(channel.closed for channel in channels):
                break
            await wait_any(channels)

    async def _partner(self, clock: Clock, edge: Edge, head: Item) -> Item | None:
        """The item of another input nearest to `head`, once no nearer one can come."""
        channel = edge.channel
        assert channel is not None
        since = clock.now()
        while True:
            self._pass_by(edge, head.pts)
            if len(channel):
                self._silent.discard(edge)
                break
            if channel.closed or channel.watermark > head.pts + self._within or edge in self._silent:
                break
            if self._idle is None:
                await wait_any((channel,))
                continue
            above = list(self._above(edge.start))
            held = [putter for other in above for putter in other.putters]
            if await wait_any((channel,), _first_done(held) if held else clock.sleep_until(since + self._idle)):
                since = clock.now()
                continue
            since = max([since, *(other.freed for other in above)])
            if not any(other.full for other in above) and since + self._idle <= clock.now():
                self._silent.add(edge)
        reachable = [
            item
            for item in (self._before.get(edge), channel.peek())
            if item is not None and abs(item.pts - head.pts) <= self._within and item.epoch >= self.epoch.value
        ]
        return min(reachable, key=lambda item: abs(item.pts - head.pts), default=None)

    def _above(self, node: Node) -> Iterator[Channel]:
        """Where this node and those above it put. While one of them waits for room, it is not idle.

        Waiting for this join itself does not count: that would never end.
        """
        for edge in _leaving(node):
            if edge.channel is not None and not self._awaited_by(edge.end, set()):
                yield edge.channel
        for edge in node.inputs:
            yield from self._above(edge.start)

    def _awaited_by(self, node: Node, seen: set[Node]) -> bool:
        """Whether a node waits for this join, directly or through others: for room or for an item."""
        if node is self or node in seen:
            return node is self
        seen.add(node)
        ahead = [edge.end for edge in _leaving(node) if edge.channel is not None and edge.channel.full]
        behind = [_runner(edge.start) for edge in node.inputs if edge.channel is not None and edge.channel.starved]
        return any(self._awaited_by(other, seen) for other in (*ahead, *behind))


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


def _start(op: Op, item: Item) -> Any:
    """Begin a step on a worker: a list of outputs, or the generator that makes them."""
    outputs = op.step(item)
    return outputs if isinstance(outputs, Iterator) else list(outputs)


async def _inline(items: Iterator[Item]) -> AsyncGenerator[Item, None]:
    for item in items:
        yield item


async def _put_all(waiting: list[tuple[Channel, Item]]) -> None:
    for channel, item in waiting:
        await channel.put(item)


def _leaving(node: Node) -> Iterator[Edge]:
    """The edges with a channel into which a node's task puts: its own, and those of what is fused to it."""
    for edge in node.outputs:
        if edge.channel is None:
            yield from _leaving(edge.end)
        else:
            yield edge


async def _first_done(futures: Sequence[asyncio.Future[None]]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


def _runner(node: Node) -> Node:
    """The node in whose task a node runs: its own, or that of what it is fused to."""
    while node.fused:
        node = node.inputs[0].start
    return node
