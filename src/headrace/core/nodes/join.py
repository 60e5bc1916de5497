"""Merge and Join: the nodes with several inputs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from headrace.core.channel import Channel, wait_any
from headrace.core.clock import Clock
from headrace.core.item import Item
from headrace.core.nodes.node import Edge, Node, leaving, runner, upstream

if TYPE_CHECKING:
    from headrace.core.graph import Graph


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
        for above in upstream(node):
            for edge in leaving(above):
                if edge.channel is not None and not self._awaited_by(edge.end, set()):
                    yield edge.channel

    def _awaited_by(self, node: Node, seen: set[Node]) -> bool:
        """Whether a node waits for this join, directly or through others: for room or for an item."""
        if node is self or node in seen:
            return node is self
        seen.add(node)
        ahead = [edge.end for edge in leaving(node) if edge.channel is not None and edge.channel.full]
        behind = [runner(edge.start) for edge in node.inputs if edge.channel is not None and edge.channel.starved]
        return any(self._awaited_by(other, seen) for other in (*ahead, *behind))


async def _first_done(futures: Sequence[asyncio.Future[None]]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
