"""Primed: a source that has proved that it can be read, and that comes to rest when its session asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

from headrace.core.barrier import BARRIER, Barrier
from headrace.core.item import Item
from headrace.media.source import MediaSource


class Primed:
    """A source whose first item has been read already, so that what cannot be read is known early.

    Attributes:
        due: asked in the reading thread after each item: is it time to rest?
        rested: called on the event loop's thread with the source's position (see `MediaSource.position`)
            once everything before it has been worked off; reading goes on when it has returned.

    Raises:
        InputError: nothing can be read from it.
    """

    blocking = True

    def __init__(self, source: MediaSource) -> None:
        self.source, self.name, self.can_wait = source, source.name, source.can_wait
        self.due: Callable[[], bool] = lambda: False
        self.rested: Callable[[dict[str, Any]], None] = lambda _: None
        self._items = source.items()
        self._first: Item | None = next(self._items, None)
        self._go: Event | None = None
        self._closed = False

    def items(self) -> Iterator[Item]:
        item, self._first = self._first, None
        while item is not None:
            arrival = item.arrival
            yield item
            if self.due():
                yield self._barrier(item.pts, arrival)
                assert self._go is not None
                self._go.wait()
            item = next(self._items, None)

    def close(self) -> None:
        self._closed = True
        if self._go is not None:
            self._go.set()
        self.source.close()

    def _barrier(self, pts: int, arrival: int) -> Item:
        position, go = self.source.position(), Event()
        self._go = go
        if self._closed:
            go.set()

        def reached() -> None:
            try:
                self.rested(position)
            finally:
                go.set()

        return Item(pts, BARRIER, Barrier(reached), arrival, source=self.name)
