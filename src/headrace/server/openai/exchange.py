"""Exchange: the sessions of one request, from its prompts to the last token of every choice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from headrace.engine.face import Live
from headrace.engine.opening import Ask, Opening, Said
from headrace.server.attend import together
from headrace.server.errors import Refusal
from headrace.server.front import Front
from headrace.server.openai.asking import SEEDS
from headrace.server.openai.usage import Usage

#: Pieces of one prompt: (role or None, text or token ids).
Prompt = Sequence[tuple[str | None, str | Sequence[int]]]

#: The reasons why a reply ended, as OpenAI names them; a reply that the server cut off has one of vLLM's.
REASONS = {"stop": "stop", "end": "stop", "length": "length", "interrupted": "abort"}


@dataclass
class Exchange:
    """Opens a session for each prompt, forks it for each further choice, lets them speak, closes them.

    Choice i of prompt p has the number p × n + i. An `async with` block closes the sessions, however it is left.

    Args:
        front: the server.
        n: choices of each prompt.
        role: whose turn the reply is, or None.

    Attributes:
        usage: tokens so far.
        admitted, first: seconds of the loop's clock when the last session was open, and when the first token came.
    """

    front: Front
    n: int
    role: str | None = None
    usage: Usage = field(default_factory=Usage)
    begun: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    admitted: float = 0.0
    first: float = 0.0
    _lives: list[Live] = field(default_factory=list)
    _opened: list[Live] = field(default_factory=list)

    async def __aenter__(self) -> Exchange:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self, prompts: Sequence[Prompt], opening: Opening) -> None:
        """Open all sessions and queue their prompts; whoever calls it closes the exchange, also if it raises."""
        loop = asyncio.get_running_loop()
        for prompt in prompts:
            live = await self._hold(self.front.pool.open(opening))
            self._lives.append(live)
            self.admitted = loop.time()
            for role, data in prompt:
                self.usage.pushed += await live.push(data, role=role)
            if self.n > 1:
                await live.settle()
            for i in range(1, self.n):
                self._lives.append(await self._hold(live.fork(seed=(opening.seed + i) % SEEDS)))

    async def said(self, ask: Ask) -> AsyncIterator[tuple[int, Said]]:
        """Every choice's tokens as they come.

        Raises:
            Refusal: a reply failed (500); errors of the engine are raised as they are.
        """
        loop = asyncio.get_running_loop()
        async with aclosing(together([live.say(ask, role=self.role) for live in self._lives])) as items:  # type: ignore[type-var]
            async for number, said in items:
                self.first = self.first or loop.time()
                if said.ended == "failed":
                    raise Refusal(f"the reply failed: {said.error}", status=500, code="reply_failed")
                self.usage.note(said, first=number % self.n == 0)
                yield number, said

    async def close(self) -> None:
        """Close all sessions; what they still did ends within a tick. Cancelling it does not stop it."""
        closing, self._opened, self._lives = self._opened, [], []
        if closing:
            await asyncio.shield(asyncio.gather(*(live.close() for live in closing), return_exceptions=True))

    @property
    def metrics(self) -> dict[str, float]:
        """Times as vLLM's client reads them from the last chunk, ms."""
        return {
            "queue_time_ms": round(1e3 * (self.admitted - self.begun), 3),
            "time_to_first_token_ms": round(1e3 * (self.first - self.begun), 3) if self.first else 0.0,
        }

    async def _hold(self, opening: object) -> Live:
        """A session that is being opened, so that it is closed even if the client leaves meanwhile."""
        task: asyncio.Task[Live] = asyncio.ensure_future(opening)  # type: ignore[call-overload]
        try:
            live = await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_close_late)
            raise
        self._opened.append(live)
        return live


def _close_late(task: asyncio.Task[Live]) -> None:
    if not task.cancelled() and task.exception() is None:
        closing = asyncio.ensure_future(task.result().close())
        closing.add_done_callback(lambda done: done.cancelled() or done.exception())
