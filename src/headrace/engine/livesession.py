"""LiveSession: one session of a pool; implements `headrace.engine.face.Live`."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headrace.core.errors import HeadraceError, StateError
from headrace.engine.event import Event
from headrace.engine.opening import Ask, Said
from headrace.engine.request import Slo

log = logging.getLogger("headrace.engine")
#: How often in a row a worker that dies is started again without having done anything.
TRIES = 3


if TYPE_CHECKING:
    from headrace.engine.pool import WorkerPool
    from headrace.engine.remote import Remote


class _Reply:
    """One reply that somebody reads; as many outputs wait in it as the reply has tokens at most."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Said | Exception | None] = asyncio.Queue()
        self.over = False


class LiveSession:
    """One session of a pool; see `headrace.engine.face.Live`."""

    def __init__(self, pool: WorkerPool, remote: Remote, name: str, durable: bool) -> None:
        self.pool, self.remote, self.durable = pool, remote, durable
        self._id = name
        self._replies: deque[_Reply] = deque()
        self._reading: list[asyncio.Future[None]] = []
        self._lost: HeadraceError | None = None
        self._failed: str = ""

    @property
    def id(self) -> str:
        return self._id

    @property
    def talking(self) -> bool:
        """Somebody reads a reply."""
        return bool(self._replies)

    async def push(
        self,
        data: str | Sequence[int],
        *,
        role: str | None = None,
        stream: str = "main",
        kind: str | None = None,
        pts: int = 0,
    ) -> int:
        data = data if isinstance(data, str) else list(data)
        return int(await self._call("push", data, role, stream, kind, pts))

    async def update(self, data: str | Sequence[int]) -> int:
        return int(await self._call("update", data if isinstance(data, str) else list(data)))

    async def say(self, ask: Ask, *, role: str | None = None) -> AsyncIterator[Said]:
        reply, last = _Reply(), 0
        made = 0
        self._replies.append(reply)
        try:
            await self._call("say", ask, role)
            while True:
                said = await reply.queue.get()
                if isinstance(said, Exception):
                    raise said
                if said is None:  # its worker died and the session was taken up: what was said, then the rest
                    missed = await self._call("missed", last)
                    for one in missed:
                        last, made = one.number, made + (one.token is not None)
                        yield one
                    if (missed and missed[-1].ended) or made >= ask.max_tokens:
                        return
                    rest = replace(ask, max_tokens=ask.max_tokens - made, min_tokens=max(ask.min_tokens - made, 0))
                    await self._call("say", rest, None)
                    continue
                last, made = said.number, made + (said.token is not None)
                reply.over = bool(said.ended)
                yield said
                if said.ended:
                    return
        finally:
            if reply in self._replies:
                self._replies.remove(reply)
                if not reply.over and self._lost is None:
                    self.remote.tell("interrupt", self._id, None)

    async def settle(self) -> None:
        read: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reading.append(read)
        try:
            figures = await self.figures()
            if not figures["waiting"]:
                if self._failed:
                    told, self._failed = self._failed, ""
                    raise StateError(told)
                return
            await read
        finally:
            if read in self._reading:
                self._reading.remove(read)

    async def interrupt(self, said: int | None = None) -> int:
        return int(await self._call("interrupt", said))

    async def fork(
        self, *, seed: int | None = None, slo: Slo | None = None, durable: bool | None = None
    ) -> LiveSession:
        self.pool.check_open()
        new = secrets.token_hex(16)
        other = LiveSession(self.pool, self.remote, new, self.durable if durable is None else durable)
        self.remote.sessions[new] = other
        try:
            await self._call("fork", new, seed, slo, other.durable)
        except BaseException:
            self.remote.sessions.pop(new, None)
            raise
        return other

    async def snapshot(self) -> bytes:
        return bytes(await self._call("snapshot"))

    async def missed(self, after: int) -> list[Said]:
        return list(await self._call("missed", after))

    async def figures(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._call("figures")
        return found

    async def close(self) -> None:
        if self._lost is not None:
            return
        await self._call("close")
        self.remote.sessions.pop(self._id, None)
        self.lost(StateError(f"session {self._id} is closed"))

    # ── what the worker tells ────────────────────────────────────────────────────────────────────────────────────

    def happened(self, event: Event) -> None:
        """Something happened to it."""
        if event.said is not None:
            if self._replies:
                self._replies[0].queue.put_nowait(event.said)
                if event.said.ended:
                    self._replies.popleft().over = True
            return
        if event.kind == "failed":
            self._failed = event.error
        for read in self._reading:
            if not read.done():
                if event.error:
                    read.set_exception(StateError(event.error))
                    self._failed = ""
                else:
                    read.set_result(None)

    def lost(self, error: HeadraceError) -> None:
        """There will be nothing more."""
        self._lost = error
        for reply in self._replies:
            reply.over = True
            reply.queue.put_nowait(error)
        for read in self._reading:
            if not read.done():
                read.set_exception(error)

    def recovered(self) -> None:
        """Another worker has taken it up."""
        for reply in self._replies:
            reply.queue.put_nowait(None)

    async def _call(self, name: str, *arguments: Any) -> Any:
        if self._lost is not None:
            raise self._lost
        return await self.remote.call(name, self._id, *arguments)
