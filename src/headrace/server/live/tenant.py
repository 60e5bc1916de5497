"""Tenant: one live session as the server holds it: the engine's, its log, its speaker and its standing questions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

from headrace.core.errors import HeadraceError
from headrace.engine.face import Live
from headrace.engine.opening import Ask
from headrace.server.keys import Key
from headrace.server.live.log import Log
from headrace.server.live.speaker import Reply, Speaker
from headrace.server.live.standing import Standing, Watcher

#: Standing questions of one session that are asked at a time.
CHECKS = 1


class Tenant:
    """One live session.

    Args:
        live: the engine's.
        key: whose it is.
        log: of its emissions.
        standing: questions that are asked after every push.
        durable: it outlives the server.
        room: entered for the time that a copy of it lives; raises where its key has as many sessions as it may.

    Attributes:
        used: when somebody last asked something of it, in seconds of the loop.
    """

    def __init__(
        self,
        live: Live,
        key: Key,
        log: Log,
        standing: Sequence[Standing] = (),
        durable: bool = False,
        used: float = 0.0,
        room: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.live, self.key, self.log, self.durable, self.used = live, key, log, durable, used
        self.speaker = Speaker(live, log)
        turn = asyncio.Semaphore(CHECKS)
        self.watchers = [Watcher(one, live, self.speaker, log, turn=turn, room=room) for one in standing]

    @property
    def id(self) -> str:
        """Its name."""
        return self.live.id

    @property
    def standing(self) -> list[Standing]:
        """Its questions."""
        return [watcher.standing for watcher in self.watchers]

    @property
    def busy(self) -> bool:
        """Somebody listens, or it has something to say."""
        return bool(self.log.listeners or self.speaker.waiting)

    async def push(
        self,
        data: str | Sequence[int],
        *,
        role: str | None,
        stream: str,
        kind: str | None,
        pts: int,
        ask: Ask | None,
        reply_role: str | None,
    ) -> tuple[int, Reply | None]:
        """Queue input, and a reply to it if one is asked for; tokens that it is, and the reply."""
        if ask is not None:
            self.speaker.check_room()
        tokens = await self.live.push(data, role=role, stream=stream, kind=kind, pts=pts)
        reply = self.speaker.ask(ask, reply_role) if ask is not None else None
        self.wake()
        if reply is not None:
            await self.log.flush()
        return tokens, reply

    async def update(self, data: str | Sequence[int]) -> int:
        """See `Live.update`; the standing questions are asked anew."""
        kept = await self.live.update(data)
        self.wake()
        return kept

    def wake(self) -> None:
        """There is something new to read."""
        for watcher in self.watchers:
            watcher.wake()

    async def figures(self) -> dict[str, Any]:
        """Those of the engine, and the server's own."""
        return {
            **await self.live.figures(),
            "id": self.id,
            "emissions": self.log.number,
            "listeners": len(self.log.listeners),
            "replies_waiting": self.speaker.waiting,
            "durable": self.durable,
            "journal_error": self.log.failed,
            "standing": [watcher.figures() for watcher in self.watchers],
        }

    async def stop(self) -> None:
        """End what is under way here; the engine keeps the session."""
        await asyncio.gather(self.speaker.close(), *(watcher.close() for watcher in self.watchers))
        await self.log.flush()

    async def close(self, reason: str) -> None:
        """Let go of it for good; its listeners are told why."""
        await self.stop()
        with suppress(HeadraceError):
            await self.live.close()
        self.log.close(reason)
        await self.log.flush()
