"""Speaker: says the replies that a live session was asked for, one after the other, into its log."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from typing import Any, cast

from headrace.core.errors import CapacityError, HeadraceError
from headrace.core.item import emission_id
from headrace.engine.face import Live
from headrace.engine.opening import Ask, Said
from headrace.server.live.log import Log

log = logging.getLogger("headrace.server")

#: Replies of one session that may wait for the one under way.
WAITING = 32


@dataclass(slots=True)
class Reply:
    """One reply that was asked for.

    Attributes:
        id: what its emissions have as their cause.
        before: number of the last token that the session had said when it was asked.
        pieces: number and text of each of its tokens.
        last: the last of them.
        ended: why it is over, or "".
        error: what failed.
        stands: number of the last token that was not taken back; None: all.
        over: that it is over was told.
        resumed: an earlier run of the server began it.
    """

    id: str
    ask: Ask
    role: str | None
    before: int = 0
    pieces: list[tuple[int, str]] = field(default_factory=list)
    last: Said | None = None
    ended: str = ""
    error: str = ""
    stands: int | None = None
    over: bool = False
    resumed: bool = False

    def line(self) -> dict[str, Any]:
        """For a journal."""
        return {"reply": {"id": self.id, "ask": asdict(self.ask), "role": self.role, "before": self.before}}


class Speaker:
    """The replies of one session.

    Args:
        live: who says them.
        log: where they go, token by token, and whole at their end.

    Attributes:
        number: of the last token that the session said.
        quiet: set while no reply is under way or waits.
    """

    def __init__(self, live: Live, log: Log, number: int = 0) -> None:
        self.live, self.log = live, log
        self.quiet = asyncio.Event()
        self.quiet.set()
        self._asked: deque[Reply] = deque()
        self._now: Reply | None = None
        self.number = number
        self._count = 0
        self._task: asyncio.Task[None] | None = None
        self._cutting = 0
        self._cut = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Replies that are not over."""
        return len(self._asked) + (not self.quiet.is_set())

    def check_room(self) -> None:
        """CapacityError if no reply more may be asked for."""
        if len(self._asked) >= WAITING:
            raise CapacityError(f"{WAITING} replies of this session wait already; wait for some of them")

    def ask(self, ask: Ask, role: str | None) -> Reply:
        """Reply to what was pushed, when those before are over."""
        self.check_room()
        self._count += 1
        reply = Reply(emission_id(self.live.id, "ask", self.log.number, self._count), ask, role, self.number)
        self.log.note(reply.line())
        self._begin(reply)
        return reply

    def resume(self, reply: Reply) -> None:
        """Go on with a reply of an earlier run, behind the last of its tokens that was emitted."""
        reply.resumed = True
        self._begin(reply)

    async def interrupt(self, said: int | None) -> int:
        """End the reply under way and those that wait; see `Live.interrupt`."""
        waiting, self._asked = list(self._asked), deque()
        now = self._now
        self._cutting += 1
        self._cut.clear()
        try:
            stands = await self.live.interrupt(said)
            if now is not None and said is not None:
                now.stands = stands
        finally:
            self._cutting -= 1
            if not self._cutting:
                self._cut.set()
        for reply in waiting:
            reply.ended = "interrupted"
            self._end(reply)
        if now is not None and now.over and said is not None and now.pieces and now.pieces[-1][0] > stands:
            now.ended = "interrupted"
            self._end(now)
        return stands

    async def close(self) -> None:
        """Say no more."""
        self._asked.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _begin(self, reply: Reply) -> None:
        self._asked.append(reply)
        self.quiet.clear()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"speaker {self.live.id[:8]}")

    async def _run(self) -> None:
        try:
            while self._asked:
                self._now = self._asked.popleft()
                await self._say(self._now)
        finally:
            self._task = None
            self.quiet.set()

    async def _say(self, reply: Reply) -> None:
        """One reply; what fails is said in the log and is not raised."""
        try:
            async with aclosing(self._tokens(reply)) as tokens:
                async for said in tokens:
                    self.number = max(self.number, said.number)
                    reply.last, reply.ended, reply.error = said, said.ended, said.error
                    if said.text:
                        reply.pieces.append((said.number, said.text))
                        self.log.append("token", said.text, said=said, cause=reply.id)
                    if said.ended:
                        break
        except HeadraceError as error:
            reply.ended, reply.error = "failed", str(error)
        except Exception:
            log.exception("a reply of session %s failed", self.live.id)
            reply.ended, reply.error = "failed", "the server failed; its log has the reason"
        if reply.ended in ("interrupted", ""):
            reply.ended = "interrupted"
            if self._cutting:
                await self._cut.wait()
        self._end(reply)

    async def _tokens(self, reply: Reply) -> AsyncGenerator[Said, None]:
        """What the session says; of a reply of an earlier run first what was said and not emitted."""
        ask = reply.ask
        if reply.resumed:
            heard = reply.pieces[-1][0] if reply.pieces else reply.before
            for said in await self.live.missed(heard):
                heard = said.number
                yield said
                if said.ended:
                    return
            left = ask.max_tokens - (heard - reply.before)
            if left < 1:
                reply.ended = "length"
                return
            ask = replace(ask, max_tokens=left, min_tokens=max(0, min(ask.min_tokens, left)))
        async with aclosing(cast(Any, self.live.say(ask, role=reply.role))) as tokens:
            async for said in tokens:
                yield said

    def _end(self, reply: Reply) -> None:
        """Tell that a reply is over, and what of it stands."""
        reply.over = True
        if reply.stands is not None:
            reply.pieces = [piece for piece in reply.pieces if piece[0] <= reply.stands]
        self.log.append(
            "reply",
            "".join(text for _, text in reply.pieces),
            said=reply.last,
            cause=reply.id,
            cancelled=reply.ended == "interrupted",
            ended=reply.ended,
            error=reply.error,
        )
