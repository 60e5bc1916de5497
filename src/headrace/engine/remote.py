"""Remote: one worker, seen from an event loop: calls, events, and what happens when it dies."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import Any

import headrace.core.errors as errors
from headrace.core.errors import HeadraceError, StateError
from headrace.engine.links import Died, Link, connect
from headrace.engine.livesession import LiveSession
from headrace.engine.loop import READY, Batch
from headrace.engine.spec import Spec

log = logging.getLogger("headrace.engine")
#: How often in a row a worker that dies is started again without having done anything.
TRIES = 3
STOPPED = "the worker of this session was stopped"


class Remote:
    """One worker, seen from the pool.

    Args:
        spec: what it is.
        kind: what carries it.
    """

    def __init__(self, spec: Spec, kind: str, number: int) -> None:
        self.spec, self.kind, self.number = spec, kind, number
        self.model: dict[str, Any] = {}
        self.sessions: dict[str, LiveSession] = {}
        self.up = asyncio.Event()
        self.dead: StateError | None = None
        self.closing = False
        self.link: Link | None = None
        self._numbers = itertools.count(1)
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._failures = self.restarts = 0
        self._over = asyncio.Event()

    async def start(self) -> None:
        """Return when it is there; raises what kept it from being built."""
        await self._build()
        self.up.set()

    async def _build(self) -> None:
        ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[READY] = ready
        self.link = connect(self.kind, self.spec)
        self.link.open(self._arrived, self._gone)
        self.model = await ready

    async def call(self, name: str, *arguments: Any) -> Any:
        """What a call of the worker returns or raises; while it is started again and takes up sessions, it waits.

        Raises:
            StateError: it is gone for good; and whatever the call raises.
        """
        await self.up.wait()
        if self.dead is not None:
            raise self.dead
        return await self._ask(name, *arguments)

    async def _ask(self, name: str, *arguments: Any) -> Any:
        assert self.link is not None
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[number] = answer
        self.link.send((number, name, arguments))
        return await answer

    def tell(self, name: str, *arguments: Any) -> None:
        """Call without waiting for the answer."""
        if self.link is not None and self.up.is_set():
            self.link.send((next(self._numbers), name, arguments))

    def close(self) -> None:
        self.closing = True
        if self.link is not None:
            self.link.close()

    async def ended(self) -> None:
        """Return when a worker that was closed is gone."""
        if self.link is not None:
            await self._over.wait()

    def kill(self) -> None:
        """End it as a crash would."""
        if self.link is not None:
            self.link.kill()

    def _arrived(self, batch: Batch) -> None:
        answers, events = batch
        for number, error, result in answers:
            future = self._calls.pop(number, None)
            if future is None or future.done():
                continue
            if error is None:
                future.set_result(result)
                self._failures = 0
            else:
                kind = getattr(errors, error, StateError)
                proper = isinstance(kind, type) and issubclass(kind, HeadraceError)
                future.set_exception((kind if proper else StateError)(result))
        for event in events:
            session = self.sessions.get(event.session)
            if session is not None:
                session.happened(event)

    def _gone(self) -> None:
        """The worker is no more: whoever waits for it is told, and another takes up what was kept."""
        self.up.clear()
        for future in self._calls.values():
            if not future.done():
                died = Died("the worker of this session died; durable sessions are being taken up")
                future.set_exception(StateError(STOPPED) if self.closing else died)
        self._calls.clear()
        lost = [one for one in self.sessions.values() if one.there and not one.durable]
        for session in lost:
            del self.sessions[session.id]
            session.lost(StateError("the worker of this session died, and the session was not durable; open another"))
        if self.closing:
            self._die(StateError(STOPPED))
            return
        self._failures += 1
        self.restarts += 1
        log.error("worker %d died", self.number)
        if self._failures > TRIES:
            self._die(StateError("the worker of this session keeps dying; see the log"))
            return
        self._restarting = asyncio.ensure_future(self._again())

    async def _again(self) -> None:
        try:
            await self._build()
        except Died:  # and so another try has begun
            return
        except HeadraceError as error:
            log.error("worker %d cannot be started again: %s", self.number, error)
            self._die(StateError(f"its worker cannot be started again: {error}"))
            return
        back = []
        for session in [one for one in self.sessions.values() if one.there]:
            try:
                await self._ask("recover", session.id)
                back.append(session)
            except Died:
                return
            except HeadraceError as error:
                self.sessions.pop(session.id, None)
                session.lost(error)
        self.up.set()
        for session in back:
            session.recovered()
        log.warning("worker %d is back with %d durable sessions", self.number, len(back))

    def _die(self, error: StateError) -> None:
        """There will be no worker any more: whoever waits for one is told."""
        self.dead = error
        self._over.set()
        for session in list(self.sessions.values()):
            session.lost(error)
        self.up.set()
