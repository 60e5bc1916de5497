"""LiveSession: one session of a pool; implements `headrace.engine.face.Live`."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headrace.core.errors import HeadraceError, StateError
from headrace.engine.event import Event
from headrace.engine.links import Died
from headrace.engine.opening import Ask, Said
from headrace.engine.request import Slo

if TYPE_CHECKING:
    from headrace.engine.pool import WorkerPool
    from headrace.engine.remote import Remote


class _Reply:
    """One reply that somebody reads; as many outputs wait in it as the reply has tokens at most.

    Attributes:
        queue: its outputs; an error; or, if its worker died and the session was taken up, whether it was under way.
        last: number of the last output that came, its own or one before.
        left: nobody reads it any more, and its end has not come yet.
    """

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Said | Exception | bool] = asyncio.Queue()
        self.last = 0
        self.left = False


class LiveSession:
    """One session of a pool; see `headrace.engine.face.Live`.

    Attributes:
        there: its worker has it; before, there is nothing of it to be lost or taken up.
    """

    def __init__(self, pool: WorkerPool, remote: Remote, name: str, durable: bool) -> None:
        self.pool, self.remote, self.durable = pool, remote, durable
        self._id, self.there = name, False
        self._replies: dict[int, _Reply] = {}
        self._tags = itertools.count(1)
        self._reading: list[asyncio.Future[None]] = []
        self._lost: HeadraceError | None = None
        self._failed: str = ""

    @property
    def id(self) -> str:
        return self._id

    @property
    def talking(self) -> bool:
        """Somebody reads a reply."""
        return any(not reply.left for reply in self._replies.values())

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
        reply, made, tag = _Reply(), 0, next(self._tags)
        self._replies[tag] = reply
        asked = asyncio.ensure_future(self._call("say", ask, role, tag))
        try:
            reply.last = max(reply.last, await asyncio.shield(asked))
            while True:
                said = await reply.queue.get()
                if isinstance(said, Exception):
                    raise said
                if isinstance(said, bool):  # its worker died and the session was taken up: what was said, then the rest
                    try:
                        missed = await self._call("missed", reply.last) if said else []
                        for one in missed:
                            reply.last, made = one.number, made + (one.token is not None)
                            yield one
                        if (missed and missed[-1].ended) or made >= ask.max_tokens:
                            self._replies.pop(tag, None)
                            return
                        least = max(ask.min_tokens - made, 0)
                        rest = replace(ask, max_tokens=ask.max_tokens - made, min_tokens=least)
                        await self._call("say", rest, None if said else role, tag)
                    except Died:
                        if not self.durable:
                            raise
                    continue
                made += said.token is not None
                yield said
                if said.ended:
                    return
        finally:
            self._leave(tag, asked)

    def _leave(self, tag: int, asked: asyncio.Future[int]) -> None:
        """Nobody reads a reply any more: end it, if it was not over; nobody else has what still comes of it."""

        def refused(asked: asyncio.Future[int]) -> None:
            if asked.cancelled() or asked.exception() is not None:
                self._replies.pop(tag, None)

        if asked.done():
            refused(asked)
        else:
            asked.add_done_callback(refused)
        if tag in self._replies:
            self._replies[tag].left = True
            self.remote.tell("leave", self._id, tag)

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
            self.remote.tell("close", new)
            raise
        other.there = True
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
            self._said(event.said, event.reply)
            if event.said.ended != "failed":
                return
        if event.kind == "failed":
            self._failed = event.error
        for read in self._reading:
            if not read.done():
                if error := event.error or (event.said.error if event.said else ""):
                    read.set_exception(StateError(error))
                    self._failed = ""
                else:
                    read.set_result(None)

    def _said(self, said: Said, tag: int) -> None:
        """One output of the reply that is known by this tag."""
        reply = self._replies.get(tag)
        if reply is not None and not reply.left:
            reply.queue.put_nowait(said)
        if said.ended:
            self._replies.pop(tag, None)
        for waiting in itertools.islice(self._replies.values(), 1):
            waiting.last = said.number

    def lost(self, error: HeadraceError) -> None:
        """There will be nothing more."""
        self._lost = error
        for reply in self._replies.values():
            reply.queue.put_nowait(error)
        self._replies.clear()
        for read in self._reading:
            if not read.done():
                read.set_exception(error)

    def recovered(self) -> None:
        """Another worker has taken it up."""
        under_way = next(iter(self._replies.values()), None)
        self._replies = {tag: reply for tag, reply in self._replies.items() if not reply.left}
        for reply in self._replies.values():
            reply.queue.put_nowait(reply is under_way)

    async def _call(self, name: str, *arguments: Any) -> Any:
        if self._lost is not None:
            raise self._lost
        return await self.remote.call(name, self._id, *arguments)
