"""Node: how an operator takes and passes on; `Graph` wires them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from headrace.core.channel import Channel, Drops
from headrace.core.epoch import Epoch
from headrace.core.errors import HeadraceError, StateError
from headrace.core.executor import worker_error
from headrace.core.item import Item
from headrace.core.op import OnError
from headrace.core.overflow import Overflow

if TYPE_CHECKING:
    from headrace.core.graph import Graph

log = logging.getLogger("headrace.core")


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
        awaited: a `Barrier` waits for this operator and for those behind it.
        working: the item that a worker is at.
    """

    def __init__(self, name: str, on_error: OnError = OnError.FAIL) -> None:
        self.name, self.on_error = name, on_error
        self.inputs: list[Edge] = []
        self.outputs: list[Edge] = []
        self.epoch = Epoch()
        self.failures = 0
        self.stale = Drops()
        self.working: Item | None = None
        self.awaited = True

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
                channel = edge.channel
                if channel is None:
                    edge.end.accept(item, waiting)
                elif waiting or not channel.offer(item):
                    waiting.append((channel, item))

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
            await channel.ready()
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
        if waiting:
            await put_all(waiting)

    async def finish(self) -> None:
        """Pass on the end of the stream: flush fused operators, close channels."""
        waiting: list[tuple[Channel, Item]] = []
        self.flush(waiting)
        await put_all(waiting)
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


async def put_all(waiting: list[tuple[Channel, Item]]) -> None:
    for channel, item in waiting:
        await channel.put(item)


def leaving(node: Node) -> Iterator[Edge]:
    """The edges with a channel into which a node's task puts: its own, and those of what is fused to it."""
    for edge in node.outputs:
        if edge.channel is None:
            yield from leaving(edge.end)
        else:
            yield edge


def upstream(node: Node) -> Iterator[Node]:
    """A node and all those above it, each once."""
    found = [node]
    seen = {node}
    for reached in found:
        yield reached
        for edge in reached.inputs:
            if edge.start not in seen:
                seen.add(edge.start)
                found.append(edge.start)


def runner(node: Node) -> Node:
    """The node in whose task a node runs: its own, or that of what it is fused to."""
    while node.fused:
        node = node.inputs[0].start
    return node
