"""Outbox: what waits to be sent to one client, bounded, and what of a response has really been sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from headrace.server.answer import encode


@dataclass(slots=True)
class Heard:
    """How much of a response was sent.

    Attributes:
        number: of the last token that was.
        text: that was.
    """

    number: int
    text: str = ""


@dataclass(slots=True)
class Waiting:
    """An event that waits; with `heard`, a piece of a response, up to the token `number`."""

    event: dict[str, Any]
    heard: Heard | None = None
    number: int = 0


class Outbox:
    """Events in order, sent by one task as fast as the client takes them.

    Args:
        most: events that may wait.
        overflow: called once when more would; nothing is taken any more then.
    """

    def __init__(self, most: int, overflow: Callable[[], None]) -> None:
        self._most, self._overflow = most, overflow
        self._waiting: deque[Waiting] = deque()
        self._news = asyncio.Event()
        self._over = False

    def put(self, event: dict[str, Any], heard: Heard | None = None, number: int = 0) -> None:
        """Let an event wait."""
        if self._over:
            return
        if len(self._waiting) >= self._most:
            self._over = True
            self._waiting.clear()
            self._overflow()
            return
        self._waiting.append(Waiting(event, heard, number))
        self._news.set()

    def withdraw(self, heard: Heard) -> None:
        """Take back the pieces of a response that still wait."""
        self._waiting = deque(one for one in self._waiting if one.heard is not heard)

    async def run(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send what waits, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                one = self._waiting.popleft()
                if one.heard is not None:
                    one.heard.number = one.number
                    one.heard.text += one.event["delta"]
                await send(encode(one.event).decode())

    async def drained(self) -> None:
        """Return when nothing waits."""
        while self._waiting and not self._over:
            await asyncio.sleep(0.005)
