"""Sessions: the live sessions of a server, each its key's own, and how they come, go, and outlive it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from headrace.core.errors import HeadraceError, InputError
from headrace.engine.face import Live
from headrace.engine.opening import Ask, Opening
from headrace.server.errors import Refusal
from headrace.server.front import Front
from headrace.server.keys import Key
from headrace.server.live.emission import Emission, from_data
from headrace.server.live.hosted import Hosted
from headrace.server.live.journal import Journals
from headrace.server.live.log import Log
from headrace.server.live.speaker import Reply
from headrace.server.live.standing import Standing

log = logging.getLogger("headrace.server")

#: Emissions of a session that are kept for those who come back.
KEPT = 1024
#: Listeners of one session at a time.
LISTENERS = 16


class Sessions:
    """Live sessions by name.

    Args:
        front: pool and bounds.
        folder: where what the server knows of durable sessions is kept; None: there are none.
    """

    def __init__(self, front: Front, folder: Path | None = None) -> None:
        self.front = front
        self.journals = Journals(folder, KEPT) if folder is not None else None
        self._hosted: dict[str, Hosted] = {}
        self._reaper: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take up the sessions of an earlier run; at the end, let go of all, of durable ones only here."""
        await self._recall()
        self._reaper = asyncio.create_task(self._reap(), name="idle sessions")
        try:
            yield
        finally:
            self._reaper.cancel()
            await asyncio.gather(self._reaper, return_exceptions=True)
            for hosted in list(self._hosted.values()):
                if hosted.durable:
                    await hosted.stop()
                    del self._hosted[hosted.id]
                else:
                    await self.close(hosted, "the server is stopping")

    async def open(self, key: Key, opening: Opening, standing: Sequence[Standing] = ()) -> Hosted:
        """A new session.

        Raises:
            CapacityError, Refusal: the pool does not admit it, or the key has as many as it may.
        """
        return await self._host(key, lambda: self.front.pool.open(opening), standing, opening.durable)

    async def take_up(self, key: Key, snapshot: bytes, opening: Opening) -> Hosted:
        """A session from a snapshot."""
        return await self._host(key, lambda: self.front.pool.take_up(snapshot, opening), (), opening.durable)

    async def fork(self, key: Key, hosted: Hosted, seed: int | None, standing: Sequence[Standing]) -> Hosted:
        """Another session with the same past; its emissions begin at 1."""
        return await self._host(key, lambda: hosted.live.fork(seed=seed), standing, hosted.durable)

    def get(self, key: Key, name: str) -> Hosted:
        """A key's session.

        Raises:
            Refusal: there is none of this name, or it is another key's (404).
        """
        hosted = self._hosted.get(name)
        if hosted is None or hosted.key.name != key.name:
            raise Refusal(
                f"there is no session {name[:64]!r}; see GET /v1/sessions", status=404, code="no_such_session"
            )
        hosted.used = asyncio.get_running_loop().time()
        return hosted

    def of(self, key: Key) -> list[Hosted]:
        """All of a key's sessions, oldest first."""
        return [hosted for hosted in self._hosted.values() if hosted.key.name == key.name]

    async def close(self, hosted: Hosted, reason: str) -> None:
        """Let go of a session for good; closing twice is fine."""
        if self._hosted.pop(hosted.id, None) is None:
            return
        self.front.shares.close_session(hosted.key)
        await hosted.close(reason)
        if self.journals is not None and hosted.durable:
            await asyncio.to_thread(self.journals.forget, hosted.id)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _host(
        self, key: Key, make: Callable[[], Coroutine[Any, Any, Live]], standing: Sequence[Standing], durable: bool
    ) -> Hosted:
        if durable and self.journals is None:
            raise Refusal("durable: this server keeps no sessions; start it with --state FOLDER", param="durable")
        self.front.shares.open_session(key)
        live = None
        try:
            live = await make()
            hosted = self._hosted_of(live, key, standing, durable)
            if durable and self.journals is not None:
                await asyncio.to_thread(self.journals.save, live.id, _facts(hosted))
        except BaseException:
            self.front.shares.close_session(key)
            if live is not None:
                await asyncio.shield(live.close())
            raise
        self._hosted[live.id] = hosted
        return hosted

    def _hosted_of(self, live: Live, key: Key, standing: Sequence[Standing], durable: bool) -> Hosted:
        journal = self.journals.journal(live.id) if durable and self.journals is not None else None
        lines = Log(live.id, KEPT, LISTENERS, journal)
        return Hosted(live, key, lines, standing, durable, asyncio.get_running_loop().time())

    async def _recall(self) -> None:
        """Sessions of an earlier run go on behind their last emission, and so do replies that were under way."""
        for name, facts in list(self.journals.load()) if self.journals is not None else ():
            try:
                await self._resume(name, facts)
            except (HeadraceError, OSError, KeyError, TypeError, ValueError) as error:
                log.warning("session %s of an earlier run is lost: %s", name, error)
                if isinstance(error, InputError) and self.journals is not None:
                    self.journals.forget(name)

    async def _resume(self, name: str, facts: dict[str, Any]) -> None:
        assert self.journals is not None
        standing = [Standing(**one) for one in facts["standing"]]
        key = Key(str(facts["owner"]))
        live = self.front.pool.get(name)
        figures = await live.figures()
        hosted = self._hosted_of(live, key, standing, True)
        lines = await asyncio.to_thread(self.journals.journal(name).read)
        emissions = [from_data(line["emission"]) for line in lines if "emission" in line]
        hosted.log.recall(emissions)
        for watcher in hosted.watchers:
            answers = [one.text for one in emissions if one.kind == "standing" and one.cause == watcher.standing.id]
            watcher.answer = answers[-1] if answers else None
        with suppress(Refusal):
            self.front.shares.open_session(key)
        self._hosted[name] = hosted
        hosted.speaker.number = int(figures["tokens_said"])
        over = {one.cause for one in emissions if one.kind == "reply"}
        asked = [line["reply"] for line in lines if "reply" in line and line["reply"]["id"] not in over]
        for at, line in enumerate(asked):
            reply = _reply(line, emissions)
            if at == 0:  # its turn was begun
                reply.role = None
            hosted.speaker.resume(reply)
        hosted.wake()

    async def _reap(self) -> None:
        """Close sessions that nobody used for too long."""
        idle = self.front.settings.idle
        while True:
            await asyncio.sleep(min(idle / 4, 30.0))
            now = asyncio.get_running_loop().time()
            for hosted in list(self._hosted.values()):
                if hosted.busy:
                    hosted.used = now
                elif not hosted.durable and now - hosted.used > idle:
                    await self.close(hosted, f"nobody used it for {idle:g} s")


def _facts(hosted: Hosted) -> dict[str, Any]:
    return {"owner": hosted.key.name, "standing": [asdict(one) for one in hosted.standing]}


def _reply(line: dict[str, Any], emissions: Sequence[Emission]) -> Reply:
    ask = Ask(**{**line["ask"], "stop": tuple(line["ask"]["stop"])})
    reply = Reply(line["id"], ask, line["role"], line["before"])
    reply.pieces = [(one.said or 0, one.text) for one in emissions if one.kind == "token" and one.cause == reply.id]
    return reply
