"""Pool: live sessions over several workers, from one event loop. Implements `headrace.engine.face`."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from headrace.core.errors import CapacityError, ConfigError, HeadraceError, InputError
from headrace.engine.ledger import kept
from headrace.engine.livesession import LiveSession
from headrace.engine.meter import Meter, merged
from headrace.engine.opening import Opening
from headrace.engine.remote import Remote
from headrace.engine.spec import Spec

log = logging.getLogger("headrace.engine")


class WorkerPool:
    """Workers that run sessions of one model; made by `start`. See `headrace.engine.face.Pool`.

    Args:
        remotes: the workers.
        most: sessions of all of them together.
    """

    def __init__(self, remotes: Sequence[Remote], most: int = 1 << 62) -> None:
        self.remotes, self.most = list(remotes), most
        self.draining = False
        self._kept: dict[str, str] = {}
        self._trying: asyncio.Task[None] | None = None

    @property
    def model(self) -> Mapping[str, Any]:
        return self.remotes[0].model

    async def open(self, opening: Opening) -> LiveSession:
        return await self._place("open", opening, (opening,))

    async def take_up(self, snapshot: bytes, opening: Opening) -> LiveSession:
        return await self._place("take_up", opening, (snapshot, opening))

    def get(self, name: str) -> LiveSession:
        for remote in self.remotes:
            if name in remote.sessions:
                return remote.sessions[name]
        if name in self._kept:
            if self._trying is None or self._trying.done():  # for whoever asks next
                least = min(self.remotes, key=lambda one: len(one.sessions))
                self._trying = asyncio.ensure_future(self.take_back(name, least))
            raise CapacityError(f"session {name} is kept, but cannot be taken up now: {self._kept[name]}")
        raise InputError(f"there is no session {name[:64]!r} here; it was closed, or never opened")

    def sessions(self) -> list[str]:
        """Names of all sessions."""
        return [name for remote in self.remotes for name in remote.sessions]

    async def figures(self) -> Mapping[str, Any]:
        up = [remote for remote in self.remotes if remote.up.is_set()]
        found = await asyncio.gather(*(remote.call("meter") for remote in up), return_exceptions=True)
        own = Meter()
        own.add("worker_restarts", sum(remote.restarts for remote in self.remotes))
        return merged([own.figures(), *(one for one in found if not isinstance(one, BaseException))])

    async def drain(self, seconds: float) -> int:
        self.draining = True
        end = asyncio.get_running_loop().time() + seconds
        while self._talking() and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)
        cut = self._talking()
        for session in cut:
            session.remote.tell("interrupt", session.id, None)
        return len(cut)

    async def close(self) -> None:
        self.draining = True
        for remote in self.remotes:
            remote.close()
        await asyncio.gather(*(remote.ended() for remote in self.remotes))

    def check_open(self) -> None:
        """CapacityError while it drains, or when there are as many sessions as there may be."""
        if self.draining:
            raise CapacityError("the server is going down; no session is opened any more")
        if (count := len(self.sessions())) >= self.most:
            raise CapacityError(f"{count} of {self.most} sessions are open; close one or come later")

    async def take_back(self, name: str, remote: Remote) -> None:
        """Take up a session that a folder keeps; one that cannot be is kept on, and `get` says why."""
        session = LiveSession(self, remote, name, True)
        try:
            await remote.call("recover", name)
            remote.sessions[name], session.there = session, True
            self._kept.pop(name, None)
        except HeadraceError as error:
            self._kept[name] = str(error)
            log.warning("session %s cannot be taken up: %s", name, error)

    def _talking(self) -> list[LiveSession]:
        return [one for remote in self.remotes for one in remote.sessions.values() if one.talking]

    async def _place(self, call: str, opening: Opening, arguments: tuple[Any, ...]) -> LiveSession:
        """A session on the worker with the fewest; if that refuses, on another."""
        self.check_open()
        refused: CapacityError | None = None
        name = secrets.token_hex(16)
        for remote in sorted(
            self.remotes, key=lambda one: (one.dead is not None, not one.up.is_set(), len(one.sessions), one.number)
        ):
            session = LiveSession(self, remote, name, opening.durable)
            remote.sessions[name] = session
            try:
                await remote.call(call, name, *arguments)
                session.there = True
                return session
            except CapacityError as error:
                remote.sessions.pop(name, None)
                refused = refused or error
            except BaseException:
                remote.sessions.pop(name, None)
                remote.tell("close", name)
                raise
        assert refused is not None
        raise refused


async def start(spec: Spec, workers: int = 1, kind: str = "process") -> WorkerPool:
    """A pool of workers, with the durable sessions of its folder taken up.

    Args:
        spec: what each worker is.
        workers: how many; on a CPU one for each core.
        kind: what carries them: "process", "thread" (of this process) or "ray".

    Raises:
        ConfigError, InputError, Unstreamable: the model or an option is wrong.
    """
    if workers < 1:
        raise ConfigError(f"workers={workers}: give 1 or more")
    if spec.folder is not None:
        Path(spec.folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        for parked in Path(spec.folder).glob("*.parked"):  # of workers that are gone
            parked.unlink(missing_ok=True)
    pool = WorkerPool([Remote(replace(spec, number=number), kind, number) for number in range(workers)], spec.sessions)
    try:
        await asyncio.gather(*(remote.start() for remote in pool.remotes))
    except BaseException:
        await pool.close()
        raise
    for number, name in enumerate(kept(Path(spec.folder)) if spec.folder else ()):
        await pool.take_back(name, pool.remotes[number % workers])
    return pool
