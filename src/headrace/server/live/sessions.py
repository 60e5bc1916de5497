"""Sessions: the live sessions of a server, each its key's own, and how they come, go, and outlive it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from headrace.core.errors import HeadraceError
from headrace.engine.face import Live
from headrace.engine.opening import Ask, Opening
from headrace.server.errors import Refusal
from headrace.server.front import Front
from headrace.server.keys import Key
from headrace.server.live.absent import Absent
from headrace.server.live.emission import Emission, from_data
from headrace.server.live.journal import Journals
from headrace.server.live.log import Log
from headrace.server.live.speaker import Reply
from headrace.server.live.standing import Standing
from headrace.server.live.tenant import Tenant

log = logging.getLogger("headrace.server")

#: Emissions of a session that are kept for those who come back.
KEPT = 1024
#: Listeners of one session at a time.
LISTENERS = 16

#: What tells that a session of an earlier run cannot be taken up.
FAULTS = (HeadraceError, OSError, KeyError, TypeError, ValueError)


class Sessions:
    """Live sessions by name.

    Args:
        front: pool and bounds.
        folder: where what the server knows of durable sessions is kept; None: there are none.
    """

    def __init__(self, front: Front, folder: Path | None = None) -> None:
        self.front = front
        self.journals = Journals(folder, KEPT) if folder is not None else None
        self._tenants: dict[str, Tenant] = {}
        self._absent: dict[str, Absent] = {}
        self._reaper: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take up the sessions of an earlier run; at the end, let go of all, of durable ones only here."""
        if self.journals is not None:
            await self._sweep(self.journals)
            await self._recall(self.journals)
        self._reaper = asyncio.create_task(self._reap(), name="idle sessions")
        try:
            yield
        finally:
            self._reaper.cancel()
            await asyncio.gather(self._reaper, return_exceptions=True)
            for tenant in list(self._tenants.values()):
                if tenant.durable:
                    await tenant.stop()
                    del self._tenants[tenant.id]
                else:
                    await self.close(tenant, "the server is stopping")

    async def open(self, key: Key, opening: Opening, standing: Sequence[Standing] = ()) -> Tenant:
        """A new session.

        Raises:
            CapacityError, Refusal: the pool does not admit it, or the key has as many as it may.
        """
        return await self._host(key, lambda: self.front.pool.open(opening), standing, opening.durable)

    async def take_up(self, key: Key, snapshot: bytes, opening: Opening) -> Tenant:
        """A session from a snapshot."""
        return await self._host(key, lambda: self.front.pool.take_up(snapshot, opening), (), opening.durable)

    async def fork(self, key: Key, tenant: Tenant, seed: int | None, standing: Sequence[Standing]) -> Tenant:
        """Another session with the same past; its emissions begin at 1."""
        return await self._host(key, lambda: tenant.live.fork(seed=seed), standing, tenant.durable)

    async def get(self, key: Key, name: str) -> Tenant:
        """A key's session; one of an earlier run that was not taken up yet is, if it can be now.

        Raises:
            Refusal: there is none of this name, or it is another key's (404); it cannot be taken up now (503).
        """
        absent = self._absent.get(name)
        if absent is not None and absent.owner == key.name:
            await self._take_in(absent)
        tenant = self._tenants.get(name)
        if tenant is None or tenant.key.name != key.name:
            raise Refusal(
                f"there is no session {name[:64]!r}; see GET /v1/sessions", status=404, code="no_such_session"
            )
        tenant.used = asyncio.get_running_loop().time()
        return tenant

    def of(self, key: Key) -> list[Tenant]:
        """All of a key's sessions, oldest first."""
        return [tenant for tenant in self._tenants.values() if tenant.key.name == key.name]

    def absent(self, key: Key) -> list[Absent]:
        """A key's sessions of an earlier run that could not be taken up yet; they are kept."""
        return [absent for absent in self._absent.values() if absent.owner == key.name]

    async def end(self, key: Key, name: str, reason: str) -> None:
        """Close a key's session, also one that cannot be taken up.

        Raises:
            Refusal: there is none of this name, or it is another key's (404).
        """
        try:
            tenant = await self.get(key, name)
        except Refusal:
            absent = self._absent.get(name)
            if absent is None or absent.owner != key.name:
                raise
            async with absent.taking:
                if self._absent.pop(name, None) is not None and self.journals is not None:
                    await asyncio.to_thread(self.journals.forget, name)
        else:
            await self.close(tenant, reason)

    async def close(self, tenant: Tenant, reason: str) -> None:
        """Let go of a session for good; closing twice is fine.

        What the server remembers of it goes first: should it crash in between, a session of the engine that no journal
        owns is closed at the next start, while a journal without its session would be kept.
        """
        if self._tenants.pop(tenant.id, None) is None:
            return
        self.front.shares.close_session(tenant.key)
        try:
            await tenant.stop()
            await tenant.log.forget()
            if self.journals is not None and tenant.durable:
                await asyncio.to_thread(self.journals.forget, tenant.id)
        finally:
            await tenant.close(reason)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _host(
        self, key: Key, make: Callable[[], Coroutine[Any, Any, Live]], standing: Sequence[Standing], durable: bool
    ) -> Tenant:
        if durable and self.journals is None:
            raise Refusal("durable: this server keeps no sessions; start it with --state FOLDER", param="durable")
        self.front.shares.open_session(key)
        live = None
        try:
            live = await make()
            tenant = self._tenant(live, key, standing, durable)
            if durable and self.journals is not None:
                await asyncio.to_thread(self.journals.save, live.id, _facts(tenant))
        except BaseException:
            self.front.shares.close_session(key)
            if live is not None:
                await asyncio.shield(live.close())
            raise
        self._tenants[live.id] = tenant
        return tenant

    def _tenant(self, live: Live, key: Key, standing: Sequence[Standing], durable: bool) -> Tenant:
        journal = self.journals.journal(live.id) if durable and self.journals is not None else None
        lines = Log(live.id, KEPT, LISTENERS, journal)
        room = partial(self.front.shares.session, key)
        return Tenant(live, key, lines, standing, durable, asyncio.get_running_loop().time(), room)

    async def _sweep(self, journals: Journals) -> None:
        """Close sessions of the pool that no journal owns: nobody would ever ask for them."""
        pool = self.front.pool
        strays = set(pool.sessions()) - journals.names()
        for name in strays:
            with suppress(HeadraceError):
                await pool.get(name).close()
                await asyncio.to_thread(journals.forget, name)
        if strays:
            log.warning("%d sessions of an earlier run that no journal owns were closed", len(strays))

    async def _recall(self, journals: Journals) -> None:
        """Take up the sessions of an earlier run; those that cannot be are kept, to be tried again when asked for."""
        for name, facts in list(journals.load()):
            absent = self._absent[name] = Absent(name, str(facts.get("owner", "")), facts)
            try:
                await self._take_in(absent)
            except Refusal as error:
                log.warning("%s", error)

    async def _take_in(self, absent: Absent) -> None:
        """Let a session of an earlier run go on; Refusal (503) if it cannot now."""
        async with absent.taking:
            if absent.id not in self._absent:
                return
            try:
                await self._resume(absent.id, absent.facts)
            except FAULTS as error:
                raise absent.refusal(error) from error
            del self._absent[absent.id]

    async def _resume(self, name: str, facts: dict[str, Any]) -> None:
        """Go on behind the last emission, and so with replies that were under way; one of `FAULTS`: nothing changed."""
        assert self.journals is not None
        standing = [Standing(**one) for one in facts["standing"]]
        key = self.front.keys.named(str(facts["owner"]))
        live = self.front.pool.get(name)
        figures = await live.figures()
        lines = await asyncio.to_thread(self.journals.journal(name).read)
        emissions = [from_data(line["emission"]) for line in lines if "emission" in line]
        over = {one.cause for one in emissions if one.kind == "reply"}
        asked = [line["reply"] for line in lines if "reply" in line and line["reply"]["id"] not in over]
        replies = [_reply(line, emissions) for line in asked]
        tenant = self._tenant(live, key, standing, True)
        tenant.log.recall(emissions)
        for watcher in tenant.watchers:
            answers = [one.text for one in emissions if one.kind == "standing" and one.cause == watcher.standing.id]
            watcher.answer = answers[-1] if answers else None
        tenant.speaker.number = int(figures["tokens_said"])
        self.front.shares.hold_session(key)
        self._tenants[name] = tenant
        for at, reply in enumerate(replies):
            if at == 0:  # its turn was begun
                reply.role = None
            tenant.speaker.resume(reply)
        tenant.wake()

    async def _reap(self) -> None:
        """Close sessions that nobody used for too long."""
        idle = self.front.settings.idle
        while True:
            await asyncio.sleep(min(idle / 4, 30.0))
            now = asyncio.get_running_loop().time()
            for tenant in list(self._tenants.values()):
                if tenant.busy:
                    tenant.used = now
                elif not tenant.durable and now - tenant.used > idle:
                    await self.close(tenant, f"nobody used it for {idle:g} s")


def _facts(tenant: Tenant) -> dict[str, Any]:
    return {"owner": tenant.key.name, "standing": [asdict(one) for one in tenant.standing]}


def _reply(line: dict[str, Any], emissions: Sequence[Emission]) -> Reply:
    ask = Ask(**{**line["ask"], "stop": tuple(line["ask"]["stop"])})
    reply = Reply(line["id"], ask, line["role"], line["before"])
    reply.pieces = [(one.said or 0, one.text) for one in emissions if one.kind == "token" and one.cause == reply.id]
    return reply
