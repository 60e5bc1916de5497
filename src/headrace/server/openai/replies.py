"""Replies: what an exchange says, as one body or as a stream of chunks; chats and completions differ in their form."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from headrace.engine.opening import Ask, Opening, Said
from headrace.server.answer import Json
from headrace.server.attend import Gone, attended
from headrace.server.front import Front, request_id
from headrace.server.openai.asking import Asking
from headrace.server.openai.exchange import REASONS, Exchange, Prompt
from headrace.server.sse import DONE, Events, frame


class Form(Protocol):
    """How a reply is written."""

    @property
    def prefix(self) -> str:
        """Of the reply's id."""
        ...

    @property
    def whole(self) -> str:
        """`object` of a whole reply."""
        ...

    @property
    def chunk(self) -> str:
        """`object` of a chunk."""
        ...

    def begin(self, index: int) -> dict[str, Any] | None:
        """What the first chunk of a choice says before its first token."""
        ...

    def delta(self, index: int, said: Said) -> dict[str, Any] | None:
        """A chunk's choice, less its `finish_reason`; None if there is nothing to show."""
        ...

    def last(self, index: int) -> dict[str, Any]:
        """The last chunk's choice where the last token shows nothing."""
        ...

    def choice(self, index: int, said: list[Said]) -> dict[str, Any]:
        """A whole choice, less its `finish_reason`."""
        ...


@dataclass
class Replies:
    """One request's answer.

    Args:
        front, asking, form: the server, the request, and how to write.
        prompts, role, ask, opening: what the engine is asked.
    """

    front: Front
    asking: Asking
    form: Form
    prompts: list[Prompt]
    role: str | None
    ask: Ask
    opening: Opening
    name: str = field(default_factory=lambda: secrets.token_hex(16))
    created: int = field(default_factory=lambda: int(time.time()))

    async def respond(self, request: Request) -> Response:
        """The response. Its sessions are open and their prompts queued: what can be refused was refused."""
        exchange = Exchange(self.front, self.asking.choices, self.role)
        try:
            await attended(request, exchange.open(self.prompts, self.opening))
            if self.asking.stream:
                return Events(self._chunks(exchange), self.front, request_id(request))
            whole = await attended(request, self._whole(exchange))
        except Gone:
            await exchange.close()
            self.front.meter.add("streams_ended_early", 1, {"why": "gone"})
            return Response(status_code=499)
        except BaseException:
            await exchange.close()
            raise
        await exchange.close()
        return Json(whole)

    async def _whole(self, exchange: Exchange) -> dict[str, Any]:
        said: list[list[Said]] = [[] for _ in range(len(self.prompts) * self.asking.choices)]
        async for index, one in exchange.said(self.ask):
            said[index].append(one)
        choices = [
            {**self.form.choice(index, tokens), "finish_reason": _reason(tokens[-1])}
            for index, tokens in enumerate(said)
        ]
        return self._document(self.form.whole, choices) | {"usage": exchange.usage.as_data()}

    async def _chunks(self, exchange: Exchange) -> AsyncIterator[bytes]:
        options = self.asking.stream_options
        every = bool(options and options.continuous_usage_stats)
        begun: set[int] = set()
        left = len(self.prompts) * self.asking.choices

        def chunk(choices: list[dict[str, Any]], **more: Any) -> bytes:
            usage = {"usage": exchange.usage.as_data()} if every else {}
            return frame(self._document(self.form.chunk, choices) | usage | more)

        async with exchange, aclosing(exchange.said(self.ask)) as tokens:  # type: ignore[type-var]
            async for index, said in tokens:
                if index not in begun:
                    begun.add(index)
                    first = self.form.begin(index)
                    if first is not None:
                        yield chunk([first | {"finish_reason": None}])
                delta = self.form.delta(index, said)
                if delta is not None and not said.ended:
                    yield chunk([delta | {"finish_reason": None}])
                if said.ended:
                    left -= 1
                    last = self.form.last(index) if delta is None else delta
                    more = {} if left else {"metrics": exchange.metrics}
                    yield chunk([last | {"finish_reason": _reason(said)}], **more)
        if options and options.include_usage:
            yield chunk([], usage=exchange.usage.as_data())
        yield DONE

    def _document(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": f"{self.form.prefix}-{self.name}",
            "object": kind,
            "created": self.created,
            "model": self.front.model,
            "system_fingerprint": f"fp_{str(self.front.pool.model['fingerprint'])[:10]}",
            "choices": choices,
        }


def _reason(said: Said) -> str:
    return REASONS.get(said.ended, "stop")
