"""Response: one reply of a realtime session, from response.created to response.done."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import Any, cast

from headrace.core.errors import HeadraceError
from headrace.engine.face import Live
from headrace.engine.opening import Ask, Said
from headrace.server.realtime.conversation import Conversation, Item
from headrace.server.realtime.events import new_id, server_event
from headrace.server.realtime.outbox import Heard, Outbox

log = logging.getLogger("headrace.server")

_STATUS = {"end": "completed", "stop": "completed", "length": "incomplete", "interrupted": "cancelled"}


class Response:
    """A reply under way.

    Args:
        conversation: that it belongs to.
        outbox: where its events go.
        live: who says it; the conversation's own session, or one for this response alone.
        ask: how long it may be.
        kept: it becomes an item of the conversation.
        metadata: given back as it came.

    Attributes:
        heard: what of it was sent.
    """

    def __init__(
        self,
        conversation: Conversation,
        outbox: Outbox,
        live: Live,
        ask: Ask,
        kept: bool,
        metadata: dict[str, str] | None,
    ) -> None:
        self.conversation, self.outbox, self.live, self.ask = conversation, outbox, live, ask
        self.own = live is not conversation.live
        self.kept, self.metadata = kept, metadata
        self.id, self.item = new_id("resp"), Item(new_id("item"), "assistant", "", "in_progress")
        self.heard = Heard(0 if self.own else conversation.number)
        self._last: Said | None = None
        self._tokens = 0
        self._cut = ""
        self._task = asyncio.create_task(self._run(), name=f"response {self.id}")

    @property
    def over(self) -> bool:
        """All of it was said."""
        return self._task.done()

    async def cancel(self, reason: str) -> None:
        """Say nothing more, from now on; what was not sent was not said. Returns when response.done waits to be sent.

        Args:
            reason: "turn_detected" or "client_cancelled".
        """
        if not self._cut and not self.over:
            self._cut = reason
            self.outbox.withdraw(self.heard)
            if not self.own:
                await self.live.interrupt(self.heard.number)
            elif self._last is None or not self._last.ended:
                await self.live.interrupt()
        await asyncio.wait([self._task])

    async def abandon(self) -> None:
        """The client has left."""
        self._cut = self._cut or "client_cancelled"
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        ended, why = "failed", ""
        before = self.conversation.last
        self._tell("response.created", response=self._describe("in_progress"))
        self._tell("response.output_item.added", output_index=0, item=self.item.describe())
        if self.kept:
            self._tell("conversation.item.added", previous_item_id=before, item=self.item.describe())
        self._tell_part("response.content_part.added", part={"type": "text", "text": ""})
        try:
            ended, why = await self._say()
        except HeadraceError as error:
            why = str(error)
        except Exception:
            log.exception("response %s failed", self.id)
            why = "the server failed; its log has the reason"
        finally:
            if self.own:
                await asyncio.shield(self.live.close())
        try:
            await self._end("interrupted" if self._cut else ended, why, before)
        except HeadraceError as error:
            log.warning("response %s: %s", self.id, error)

    async def _say(self) -> tuple[str, str]:
        said = None
        replies = self.live.say(self.ask, role=self.conversation.role("assistant"))
        async with aclosing(cast(Any, replies)) as tokens:
            async for said in tokens:
                self._last = said
                self._tokens += said.token is not None
                if not self.own:
                    self.conversation.number = max(self.conversation.number, said.number)
                if said.text and not self._cut:
                    delta = self._event("response.output_text.delta", content_index=0, delta=said.text)
                    self.outbox.put(delta, self.heard, said.number)
                    self.item.text += said.text
                if said.ended:
                    break
        return (said.ended, said.error) if said is not None and said.ended else ("interrupted", "")

    async def _end(self, ended: str, why: str, before: str | None) -> None:
        status = _STATUS.get(ended, "failed")
        if self._cut:
            self.item.text = self.heard.text
        self.item.status = "completed" if status == "completed" else "incomplete"
        if self.kept:
            if self.own and self.item.text and self.conversation.live is not None:
                role = self.conversation.role("assistant")
                await self.conversation.live.push(self.item.text, role=role)
            self.conversation.append(self.item)
        self._tell_part("response.output_text.done", text=self.item.text)
        self._tell_part("response.content_part.done", part={"type": "text", "text": self.item.text})
        self._tell("response.output_item.done", output_index=0, item=self.item.describe())
        if self.kept:
            self._tell("conversation.item.done", previous_item_id=before, item=self.item.describe())
        self._tell("response.done", response=self._describe(status, why))

    def _describe(self, status: str, why: str = "") -> dict[str, Any]:
        going = status == "in_progress"
        details: dict[str, Any] | None = None if going else {"type": status}
        if details is not None and status == "cancelled":
            details["reason"] = self._cut or "client_cancelled"
        if details is not None and status == "incomplete":
            details["reason"] = "max_output_tokens"
        if details is not None and status == "failed":
            details["error"] = {"type": "server_error", "code": "failed", "message": why}
        return {
            "id": self.id,
            "object": "realtime.response",
            "status": status,
            "status_details": details,
            "output": [] if going else [self.item.describe()],
            "conversation_id": "conv_main" if self.kept else None,
            "output_modalities": ["text"],
            "max_output_tokens": self.ask.max_tokens,
            "metadata": self.metadata,
            "usage": None if going else self._usage(),
        }

    def _usage(self) -> dict[str, Any]:
        read = self._last.prompt if self._last else 0
        reused = self._last.reused if self._last else 0
        heard = {"text_tokens": read, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": reused}
        return {
            "total_tokens": read + self._tokens,
            "input_tokens": read,
            "output_tokens": self._tokens,
            "input_token_details": heard,
            "output_token_details": {"text_tokens": self._tokens, "audio_tokens": 0},
        }

    def _event(self, kind: str, **fields: Any) -> dict[str, Any]:
        return server_event(kind, response_id=self.id, item_id=self.item.id, output_index=0, **fields)

    def _tell_part(self, kind: str, **fields: Any) -> None:
        self.outbox.put(self._event(kind, content_index=0, **fields))

    def _tell(self, kind: str, **fields: Any) -> None:
        if kind.startswith("response.output_item"):
            fields["response_id"] = self.id
        self.outbox.put(server_event(kind, **fields))
