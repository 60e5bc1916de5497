"""Standing questions: asked anew after all that a session reads, answered only when the answer is news.

A check is a hypothesis that is scored and thrown away: the question is put to a fork, so that the session itself never
sees it. The questions of a session take turns, and a fork counts among the sessions of its key. While a check is under
way newer input only sets it to be made once more, so that there is at most one of a question at a time and the newest
input is always the last one that was looked at. A question that is a turn of its own may be put while a reply is under
way; one that goes on the text waits for its end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, aclosing, nullcontext, suppress
from dataclasses import dataclass
from typing import Any, cast

from headrace.core.errors import HeadraceError, StateError
from headrace.core.item import SECOND
from headrace.engine.face import Live
from headrace.engine.opening import Ask, Said
from headrace.engine.request import Slo
from headrace.server.live.log import Log
from headrace.server.live.speaker import Speaker

log = logging.getLogger("headrace.server")


@dataclass(frozen=True, slots=True)
class Standing:
    """One standing question.

    Attributes:
        id: what its answers have as their cause.
        ask: the question.
        max_tokens: of an answer.
        silent: an answer that begins with this word is none; "": every answer is one.
        role, reply_role: turns of the question and of its answer; None: the text goes on.
        within: ns that a check may take from its turn on; what takes longer is given up. 0: as long as it takes.
    """

    id: str
    ask: str
    max_tokens: int = 32
    silent: str = ""
    role: str | None = None
    reply_role: str | None = None
    within: int = 0

    def news(self, answer: str, before: str | None) -> bool:
        """Whether an answer is worth saying."""
        said = answer.strip()
        if not said or said == before:
            return False
        return not (self.silent and said.casefold().startswith(self.silent.strip().casefold()))


class Busy(StateError):
    """No fork can be made while a reply is under way."""


class Watcher:
    """A standing question of one session.

    Args:
        turn: taken for a check; one for all questions of a session.
        room: entered for the time that a fork lives; raises where there may be none.

    Attributes:
        checks: that were made to their end.
        late: that were given up since they took too long.
        failed: that could not be made; `why` says why the last of them could not.
        answer: the last one that was emitted.
    """

    def __init__(
        self,
        standing: Standing,
        live: Live,
        speaker: Speaker,
        log: Log,
        answer: str | None = None,
        *,
        turn: asyncio.Semaphore | None = None,
        room: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.standing, self.live, self.speaker, self.log, self.answer = standing, live, speaker, log, answer
        self._turn, self._room = turn or asyncio.Semaphore(1), room
        self.checks = self.late = self.failed = 0
        self.why = ""
        self._slo = Slo(whole=standing.within) if standing.within else Slo()
        self._stale = False
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """There is something new to read."""
        self._stale = True
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"standing {self.standing.id[:32]}")

    async def close(self) -> None:
        """Ask no more."""
        self._stale = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def figures(self) -> dict[str, Any]:
        """For people who wonder why nothing is said."""
        return {"id": self.standing.id, "checks": self.checks, "late": self.late, "failed": self.failed,
                "why": self.why, "answer": self.answer}  # fmt: skip

    async def _run(self) -> None:
        try:
            while self._stale:
                self._stale = False
                await self._check()
        finally:
            self._task = None

    async def _check(self) -> None:
        try:
            await self.live.settle()
            if self.standing.role is None:
                await self.speaker.quiet.wait()
            try:
                answer, last = await self._asked()
            except Busy:
                await self.speaker.quiet.wait()
                answer, last = await self._asked()
        except TimeoutError:
            self.late += 1
            return
        except HeadraceError as error:
            self.failed, self.why = self.failed + 1, str(error)
            return
        except Exception:
            log.exception("a standing question of session %s failed", self.live.id)
            self.failed, self.why = self.failed + 1, "the server failed; its log has the reason"
            return
        self.checks += 1
        if self.standing.news(answer, self.answer) and not self.log.closed:
            self.answer = answer.strip()
            self.log.append("standing", self.answer, said=last, cause=self.standing.id)

    async def _asked(self) -> tuple[str, Said | None]:
        """The answer, when it is this question's turn; TimeoutError if it takes too long from then on."""
        within = self.standing.within / SECOND if self.standing.within else None
        async with self._turn:
            with self._room():
                async with asyncio.timeout(within):
                    return await self._answer()

    async def _answer(self) -> tuple[str, Said | None]:
        try:
            fork = await self._fork()
        except StateError as error:
            raise Busy(str(error)) from error
        try:
            await fork.push(self.standing.ask, role=self.standing.role)
            replies = fork.say(Ask(self.standing.max_tokens), role=self.standing.reply_role)
            pieces: list[str] = []
            last = None
            async with aclosing(cast(Any, replies)) as tokens:
                async for last in tokens:
                    pieces.append(last.text)
                    if last.ended == "failed":
                        raise StateError(last.error)
                    if last.ended:
                        break
            return "".join(pieces), last
        finally:
            await self._close(fork)

    async def _fork(self) -> Live:
        """A fork, which is closed too if it comes when nobody waits for it any more."""
        coming = asyncio.ensure_future(self.live.fork(slo=self._slo, durable=False))
        try:
            return await asyncio.shield(coming)
        except asyncio.CancelledError:
            with suppress(HeadraceError):
                await self._close(await coming)
            raise

    async def _close(self, fork: Live) -> None:
        closing = asyncio.ensure_future(fork.close())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing
            raise
