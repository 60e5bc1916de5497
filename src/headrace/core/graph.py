"""Graph: operators joined by channels, run on a clock. One graph is one session's flow.

Consecutive synchronous operators are fused: an item goes all the way through them, depth first,
before the next one enters. A channel stands wherever an edge is asked for, before a worker, and
before an operator that waits (join, merge, react). The graph never batches.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Generic, TypeVar

from headrace.core.channel import Channel
from headrace.core.clock import Clock, WallClock
from headrace.core.epoch import Epoch
from headrace.core.errors import ConfigError
from headrace.core.executor import Executor
from headrace.core.item import Item
from headrace.core.nodes import Edge, Join, Map, Merge, Node, React, Reader, upstream
from headrace.core.op import OnError, Op, as_op
from headrace.core.overflow import Block, Latest, Overflow, lossless
from headrace.core.source import Source
from headrace.core.trace import Trace
from headrace.core.turn import Turn

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
#: Hops remembered for inspection: (edge, pts, now).
HOPS = 4096


class Stream(Generic[T]):
    """The output of an operator, for others to read."""

    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node = node


class Graph:
    """Wiring and lifetime.

    Args:
        clock: `WallClock()` if None.
        trace: receives `step` records of workers; other records are the sinks' own business.
        name: of the session, for errors and tasks.

    Example:
        >>> from headrace.core import Graph, Item, ZeroClock
        >>> g = Graph(ZeroClock())
        >>> numbers = g.source([Item(pts=i, kind="n", data=i) for i in range(3)])
        >>> seen = []
        >>> g.sink(seen.append, g.map(lambda n: n * n, numbers))
        >>> g.run(); seen
        [0, 1, 4]
    """

    def __init__(self, clock: Clock | None = None, *, trace: Trace | None = None, name: str = "session") -> None:
        self.clock = clock or WallClock()
        self.trace, self.name = trace, name
        self.epoch = Epoch()
        self.hops: deque[tuple[str, int, int]] = deque(maxlen=HOPS)
        self._nodes: list[Node] = []
        self._started = False

    # -- wiring -------------------------------------------------------------------------------

    def source(self, source: Source | Sequence[Item], name: str | None = None) -> Stream[Any]:
        """Read a Source, or a list of items sorted by arrival (it can wait and does not block)."""
        return self._add(Reader(name or str(getattr(source, "name", f"source{len(self._nodes)}")), source))

    def map(
        self,
        op: Op | Callable[[A], B | None],
        stream: Stream[A],
        *,
        edge: Overflow | None = None,
        on: Executor | None = None,
        name: str | None = None,
        on_error: OnError = OnError.FAIL,
        awaited: bool = True,
    ) -> Stream[B]:
        """Apply a function of the payload, or an `Op`, to each item.

        Args:
            edge: the rule before this operator. None: fused if it runs inline, `Latest()` if it
                runs on an executor (at most one item is in flight there).
            on: an executor; None runs it inline on the event loop.
            on_error: see `OnError`.
            awaited: whether a `Barrier` waits for this operator and for those behind it.

        Raises:
            ConfigError: an Op (which remembers) on an executor that does not share memory.
        """
        made, name = as_op(op), name or _name(op, len(self._nodes))
        if on is not None and not on.shares_memory and isinstance(op, Op):
            raise ConfigError(
                f"operator {name!r} remembers, and a process would remember for itself: run it in Threads"
            )
        node = Map(name, made, on, on_error, awaited)
        if edge is None and on is not None:
            edge = Latest()
        return self._connect(node, stream, edge)

    def join(
        self,
        *streams: Stream[Any],
        within: int,
        idle: int | None = None,
        edge: Overflow | None = None,
        name: str = "join",
    ) -> Stream[tuple[Any, ...]]:
        """For each item of the first stream, the nearest of each other within `within` ns, or None.

        It fires on watermarks: when each other stream has an item at or after this pts, or promises
        that none within reach will come. A stream silent for `idle` ns of clock time (while the join
        waits for it and it is not held up by a full edge) is left out until it speaks again.
        """
        if len(streams) < 2 or within < 0:
            raise ConfigError(f"join {name!r} needs two streams or more and within >= 0")
        node = Join(name, within, idle)
        for stream in streams:
            self._connect(node, stream, edge or Block(8))
        return Stream(node)

    def merge(self, *streams: Stream[T], edge: Overflow | None = None, name: str = "merge") -> Stream[T]:
        """All items of all streams, in the order in which they come."""
        if not streams:
            raise ConfigError(f"merge {name!r} needs a stream")
        node = Merge(name)
        for stream in streams:
            self._connect(node, stream, edge or Block(8))
        return Stream(node)

    def react(
        self,
        decide: Callable[[Item, Turn], AsyncGenerator[Any, None]],
        stream: Stream[Any],
        *,
        interrupt: Stream[Any] | None = None,
        supersede: bool = True,
        edge: Overflow | None = None,
        name: str | None = None,
        on_error: OnError = OnError.FAIL,
    ) -> Stream[Any]:
        """A Turn for each item: an async generator whose yields leave as they are made.

        A new item interrupts the turn under way (`supersede`) or waits for its end. Each item of
        `interrupt` interrupts the session.
        """
        node = React(name or _name(decide, len(self._nodes)), decide, supersede, on_error)
        self._connect(node, stream, edge or Block(8))
        if interrupt is not None:
            self.map(_Interrupt(self), interrupt, name=f"{node.name}.interrupt")
        return Stream(node)

    def sink(
        self,
        op: Op | Callable[[Any], Any],
        stream: Stream[Any],
        *,
        edge: Overflow | None = None,
        on: Executor | None = None,
        name: str | None = None,
        on_error: OnError = OnError.FAIL,
    ) -> None:
        """Consume a stream. Like `map`, but what it returns is ignored; its edge defaults to `Block`."""
        if on is not None and edge is None:
            edge = Block(8)
        self.map(op, stream, edge=edge, on=on, name=name, on_error=on_error)

    # -- running ------------------------------------------------------------------------------

    def run(self) -> None:
        """Run to the end of all sources. Raises what a failing operator or source raised."""
        self.clock.run(self.main())

    async def main(self) -> None:
        """The graph as a coroutine, for a loop that runs several on one clock."""
        if self._started:
            raise ConfigError(f"graph {self.name!r} has run already; build a new one")
        self._started = True
        self.clock.attach()
        self._lay_channels()
        self.clock.explain(self._blocked)
        try:
            async with asyncio.TaskGroup() as group:
                for node in self._nodes:
                    if not node.fused:
                        group.create_task(node.run(self), name=f"{self.name}.{node.name}")
        except BaseExceptionGroup as errors:
            raise _first(errors) from None
        finally:
            self.clock.forget(self._blocked)
            for node in self._nodes:
                node.close()

    def stop(self) -> None:
        """End the sources; what is under way drains. For use from inside the running loop."""
        for node in self._nodes:
            if isinstance(node, Reader):
                node.stop()

    def interrupt(self) -> int:
        """Raise the epoch: nothing older leaves any more. Returns the new epoch."""
        epoch = self.epoch.rise()
        for node in self._nodes:
            if isinstance(node, React):
                node.interrupted()
        return epoch

    # -- looking ------------------------------------------------------------------------------

    @property
    def channels(self) -> list[Channel]:
        """The channels, in the order of wiring; empty before the run."""
        return [edge.channel for node in self._nodes for edge in node.inputs if edge.channel is not None]

    def reached(self, pts: int) -> int:
        """Media time in ns up to which everything has been worked off, `pts` if nothing is queued or under way."""
        queued = [item.pts for channel in self.channels if (item := channel.peek()) is not None]
        return min([pts, *queued, *(node.working.pts for node in self._nodes if node.working is not None)])

    @property
    def ends(self) -> int:
        """Operators that nothing reads, or that are not waited for: where a `Barrier` arrives.

        Raises:
            ConfigError: the graph holds a join, a merge or a react, which no barrier can pass.
        """
        for node in self._nodes:
            if isinstance(node, Join | Merge | React):
                raise ConfigError(f"graph {self.name!r} cannot be brought to rest: a barrier cannot pass {node.name!r}")
        reached = [node for node in self._nodes if all(above.awaited for above in upstream(node) if above is not node)]
        return sum(not node.outputs or not node.awaited for node in reached)

    def errors(self) -> dict[str, int]:
        """Items lost to errors, by operator."""
        return {node.name: node.failures for node in self._nodes if node.failures}

    # -- inside -------------------------------------------------------------------------------

    def _add(self, node: Node) -> Stream[Any]:
        if any(other.name == node.name for other in self._nodes):
            node.name = f"{node.name}#{len(self._nodes)}"
        self._nodes.append(node)
        return Stream(node)

    def _connect(self, node: Node, stream: Stream[Any], rule: Overflow | None) -> Stream[Any]:
        if stream.node not in self._nodes:
            raise ConfigError(f"operator {node.name!r} reads a stream of another graph")
        if node not in self._nodes:
            self._add(node)
        edge = Edge(stream.node, node, rule)
        node.inputs.append(edge)
        stream.node.outputs.append(edge)
        return Stream(node)

    def _lay_channels(self) -> None:
        """Make the channels. At full speed, what comes from sources that can all wait loses nothing."""
        for node in self._nodes:
            node.epoch = self.epoch
            for edge in node.inputs:
                if edge.rule is None:
                    continue
                rule = edge.rule
                if not self.clock.paced and all(reader.can_wait for reader in _readers(edge.start)):
                    rule = lossless(rule)
                name = f"{edge.start.name}->{node.name}"
                edge.channel = Channel(rule, name, clock=self.clock, epoch=self.epoch, hops=self.hops)

    def _blocked(self) -> list[str]:
        return [reason for channel in self.channels if (reason := channel.blocked)]


class _Interrupt(Op):
    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def step(self, item: Item) -> tuple[()]:
        self._graph.interrupt()
        return ()


async def run_sessions(graphs: Sequence[Graph]) -> list[BaseException | None]:
    """Run several graphs on the running loop, each to its own end: one's error is its own.

    Returns, for each graph, the error that ended it or None.
    """
    results = await asyncio.gather(*(graph.main() for graph in graphs), return_exceptions=True)
    return [result if isinstance(result, BaseException) else None for result in results]


def _readers(node: Node) -> list[Reader]:
    return [above for above in upstream(node) if isinstance(above, Reader)]


def _first(errors: BaseExceptionGroup[Any]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _name(op: Any, index: int) -> str:
    name = getattr(op, "__name__", None) or type(op).__name__.lower()
    return f"op{index}" if name in ("<lambda>", "function") else str(name)
