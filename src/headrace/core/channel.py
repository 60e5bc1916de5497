"""Channel: an edge between operators. Bounded, with an overflow rule, an epoch and a watermark.

Any number of producers, one consumer, one event loop. Order is first in, first out.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Iterable
from dataclasses import dataclass, field
from typing import Any

from headrace.core.barrier import BARRIER
from headrace.core.clock import Clock
from headrace.core.epoch import Epoch
from headrace.core.errors import CapacityError, StateError
from headrace.core.item import Item
from headrace.core.overflow import Block, DropNewest, Fail, Latest, Overflow, payload_bytes

#: The watermark of a closed channel: no more items, ever.
END = 1 << 63
#: The watermark of a channel nothing has entered yet.
START = -(1 << 63)


class Closed(Exception):
    """Raised by `Channel.get` once a closed channel is empty."""


@dataclass(slots=True)
class Drops:
    """What an edge has dropped: how many by reason, the range of pts, and the newest ones.

    Reasons: "full" (the rule), "merged" (into the item that replaced it), "stale" (an older
    epoch), "old" (max_age, when taken), "cut" (max_age, while a worker was at it: some outputs left).
    """

    count: int = 0
    by_reason: Counter[str] = field(default_factory=Counter)
    first_pts: int | None = None
    last_pts: int | None = None
    recent: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=256))

    def add(self, pts: int, reason: str) -> None:
        self.count += 1
        self.by_reason[reason] += 1
        self.first_pts = pts if self.first_pts is None else min(self.first_pts, pts)
        self.last_pts = pts if self.last_pts is None else max(self.last_pts, pts)
        self.recent.append((pts, reason))

    @property
    def lost(self) -> int:
        """Items of which nothing was delivered: all but the merged ones."""
        return self.count - self.by_reason["merged"]

    def to_json(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "by": dict(self.by_reason),
            "first_pts": self.first_pts,
            "last_pts": self.last_pts,
        }


class Channel:
    """A bounded queue of items.

    Args:
        rule: what happens when it is full.
        name: how errors, traces and views call it.
        clock: needed for `max_age` and for the hop ring's times.
        epoch: items of an older epoch are dropped at put and at take.
        hops: a bounded ring that receives `(name, pts, now)` at every take.

    Attributes:
        watermark: lower bound in ns on the pts of future items; `END` once closed.
        passed, late: items accepted; accepted items whose pts was below the watermark.
        freed: clock time in ns at which a producer last stopped waiting for room.
        drops: what was not delivered.
    """

    __slots__ = (
        "_ages", "_bytes", "_clock", "_epoch", "_getter", "_hops", "_items", "_merge", "_now", "_plain", "_putters",
        "_queue",
        "drops", "freed", "late", "name", "passed", "rule", "watermark",
    )  # fmt: skip

    def __init__(
        self,
        rule: Overflow,
        name: str = "channel",
        *,
        clock: Clock | None = None,
        epoch: Epoch | None = None,
        hops: deque[tuple[str, int, int]] | None = None,
    ) -> None:
        if rule.max_age is not None and clock is None:
            raise StateError(f"channel {name!r} drops by age and so needs a clock")
        self.rule, self.name = rule, name
        self.watermark = START
        self.passed = self.late = self.freed = 0
        self.drops = Drops()
        self._queue: deque[Item] = deque()
        self._bytes = 0
        self._items = rule.capacity
        self._plain = rule.nbytes is None and rule.span is None and rule.max_age is None
        self._merge = rule.merge if isinstance(rule, Latest) else None
        self._clock, self._hops = clock, hops
        self._ages = rule.max_age is not None
        self._now = clock.now if clock is not None else lambda: 0
        self._epoch = epoch or Epoch()
        self._getter: asyncio.Future[None] | None = None
        self._putters: deque[asyncio.Future[None]] = deque()
        self._epoch.subscribe(self._purge)

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def closed(self) -> bool:
        return self.watermark >= END

    @property
    def full(self) -> bool:
        """Whether a producer waits for room."""
        return any(not putter.done() for putter in self._putters)

    @property
    def starved(self) -> bool:
        """Whether the consumer waits for an item."""
        return self._getter is not None and not self._getter.done()

    @property
    def blocked(self) -> str | None:
        """Why someone waits here, for the report of a deadlock; None if nobody does."""
        if self.full:
            return f"{self.name} (full, {len(self._queue)} of {self._items})"
        if self.starved:
            return f"{self.name} (empty)"
        return None

    # -- putting ------------------------------------------------------------------------------

    def offer(self, item: Item) -> bool:
        """Put without waiting; False if the rule is to wait. Raises like `put`."""
        if self.watermark >= END:
            raise StateError(f"channel {self.name!r} is closed; nothing can be put into it")
        if item.epoch < self._epoch.value:
            self.drops.add(item.pts, "stale")
            return True
        queue = self._queue
        if item.kind != BARRIER and (len(queue) >= self._items or (not self._plain and self._full(item))):
            if isinstance(self.rule, Block):
                return False
            if not self._make_room(item):
                return True
            if self._merge is not None and queue:
                waiting = queue.pop()
                if not self._plain:
                    self._bytes -= payload_bytes(waiting.data)
                item = self._merge(waiting, item)
        if item.pts >= self.watermark:
            self.watermark = item.pts
        else:
            self.late += 1
        queue.append(item)
        self.passed += 1
        if not self._plain:
            self._bytes += payload_bytes(item.data)
        getter = self._getter
        if getter is not None and not getter.done():
            getter.set_result(None)
        return True

    async def put(self, item: Item) -> None:
        """Put, waiting for room where the rule says so.

        Raises:
            StateError: the channel is closed.
            CapacityError: the rule is `Fail` and the channel is full.
        """
        while not self.offer(item):
            waiter = asyncio.get_running_loop().create_future()
            self._putters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                self._wake_putter()  # the wake-up may have been ours: hand it on
                raise
            finally:
                if waiter in self._putters:
                    self._putters.remove(waiter)
                if self._clock is not None:
                    self.freed = self._clock.now()

    def advance(self, pts: int) -> None:
        """Promise that no future item has a pts below `pts`, without sending one."""
        if pts > self.watermark:
            self.watermark = pts
            self._wake_getter()

    def close(self) -> None:
        """No more items. What is queued can still be taken; waiting producers get StateError."""
        if self.watermark < END:
            self.advance(END)
            while self._putters:
                self._wake_putter()
            if not self._queue:
                self._epoch.unsubscribe(self._purge)

    # -- taking -------------------------------------------------------------------------------

    def take(self) -> Item | None:
        """The next deliverable item, or None if there is none now."""
        queue = self._queue
        while queue:
            item = queue.popleft()
            if not self._plain:
                self._bytes -= payload_bytes(item.data)
            if self._putters:
                self._wake_putter()
            if item.epoch < self._epoch.value:
                self.drops.add(item.pts, "stale")
                continue
            if self._ages and item.kind != BARRIER and self.too_old(item):
                self.drops.add(item.pts, "old")
                continue
            if self._hops is not None:
                self._hops.append((self.name, item.pts, self._now()))
            return item
        return None

    def too_old(self, item: Item) -> bool:
        """Whether `max_age` forbids to process this item any more."""
        limit, clock = self.rule.max_age, self._clock
        return limit is not None and clock is not None and clock.now() - item.arrival > limit

    @property
    def putters(self) -> list[asyncio.Future[None]]:
        """One future for each producer that waits for room; done when it looks again."""
        return [putter for putter in self._putters if not putter.done()]

    def peek(self) -> Item | None:
        """The oldest queued item without taking it."""
        return self._queue[0] if self._queue else None

    async def get(self) -> Item:
        """Take the next item, waiting for one. Raises `Closed` once closed and empty."""
        while True:
            item = self.take()
            if item is not None:
                return item
            if self.watermark >= END:
                raise Closed(self.name)
            await self.ready()

    def ready(self) -> asyncio.Future[None]:
        """A future that is done once there is news: an item, an advance of the watermark, or the end."""
        if self._getter is not None and not self._getter.done():
            raise StateError(f"channel {self.name!r} has a consumer already")
        waiter: asyncio.Future[None] = asyncio.Future()
        self._getter = waiter
        return waiter

    def __aiter__(self) -> AsyncIterator[Item]:
        return self

    async def __anext__(self) -> Item:
        try:
            return await self.get()
        except Closed:
            raise StopAsyncIteration from None

    # -- inside -------------------------------------------------------------------------------

    def _full(self, item: Item) -> bool:
        queue, rule = self._queue, self.rule
        if not queue:
            return False
        if rule.nbytes is not None and self._bytes + payload_bytes(item.data) > rule.nbytes:
            return True
        return rule.span is not None and item.pts - queue[0].pts > rule.span

    def _make_room(self, item: Item) -> bool:
        """Apply a rule that does not wait. True if `item` may now enter."""
        if isinstance(self.rule, Fail):
            raise CapacityError(f"edge {self.name!r} is full ({len(self._queue)} items) and its rule is to fail")
        if isinstance(self.rule, DropNewest):
            self.drops.add(item.pts, "full")
            return False
        if self._merge is not None:
            self.drops.add(self._queue[-1].pts, "merged")
            return True
        while self._queue and (len(self._queue) >= self._items or self._full(item)):
            victim = self._queue.popleft()
            if not self._plain:
                self._bytes -= payload_bytes(victim.data)
            self.drops.add(victim.pts, "full")
        return True

    def _purge(self) -> None:
        """Drop what an interruption has made stale, so that it cannot hold up what is new."""
        epoch = self._epoch.value
        kept = deque(item for item in self._queue if item.epoch >= epoch)
        if len(kept) < len(self._queue):
            for item in self._queue:
                if item.epoch < epoch:
                    self.drops.add(item.pts, "stale")
            self._queue = kept
            if not self._plain:
                self._bytes = sum(payload_bytes(item.data) for item in kept)
        while self._putters:  # all look again: stale ones leave, the others wait anew
            self._wake_putter()
        if self.closed and not self._queue:
            self._epoch.unsubscribe(self._purge)

    def _wake_getter(self) -> None:
        if self._getter is not None and not self._getter.done():
            self._getter.set_result(None)

    def _wake_putter(self) -> None:
        while self._putters:
            putter = self._putters.popleft()
            if not putter.done():
                putter.set_result(None)
                return


async def wait_any(channels: Iterable[Channel], alarm: Awaitable[None] | None = None) -> bool:
    """Wait until one of the channels receives an item, an advance of its watermark, or closes.

    Returns True then; False if `alarm` came first.
    """
    channels = tuple(channels)
    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    bell: asyncio.Future[None] | None = None
    for channel in channels:
        if channel._getter is not None and not channel._getter.done():
            raise StateError(f"channel {channel.name!r} has a consumer already")
        channel._getter = waiter
    try:
        if alarm is None:
            await waiter
        else:
            bell = asyncio.ensure_future(alarm)
            await asyncio.wait((waiter, bell), return_when=asyncio.FIRST_COMPLETED)
        return waiter.done()
    finally:
        waiter.cancel()
        for channel in channels:
            channel._getter = None
        if bell is not None:
            bell.cancel()
            await asyncio.gather(bell, return_exceptions=True)
