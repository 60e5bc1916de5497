"""Desk: answers the events of one realtime client, one after the other; a response runs beside them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from headrace.core.item import MS
from headrace.engine.opening import Ask
from headrace.server.front import Front
from headrace.server.keys import Key
from headrace.server.realtime.conversation import Conversation
from headrace.server.realtime.events import (
    EventError,
    ItemCreate,
    ItemNamed,
    ItemTruncate,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
    VideoAppend,
    Wanted,
    new_id,
    read,
    server_event,
)
from headrace.server.realtime.options import Options, check_modalities
from headrace.server.realtime.outbox import Outbox
from headrace.server.realtime.response import Response

Handler = Callable[[dict[str, Any]], Awaitable[None]]


class Desk:
    """One client.

    Attributes:
        conversation: its items and its session.
        response: the last one, under way or over.
    """

    def __init__(self, front: Front, key: Key, outbox: Outbox) -> None:
        self.front, self.outbox = front, outbox
        self.name = new_id("sess")
        self.conversation = Conversation(front, key, Options())
        self.response: Response | None = None
        self._handlers: dict[str, Handler] = {
            "session.update": self._update,
            "conversation.item.create": self._create,
            "conversation.item.retrieve": self._retrieve,
            "conversation.item.delete": self._delete,
            "conversation.item.truncate": self._truncate,
            "response.create": self._respond,
            "response.cancel": self._cancel,
            "input_audio_buffer.append": self._audio,
            "input_audio_buffer.commit": self._audio,
            "input_audio_buffer.clear": self._audio,
            "output_audio_buffer.clear": self._audio,
            "headrace.input_video.append": self._video,
        }

    @property
    def talking(self) -> bool:
        """A response is under way."""
        return self.response is not None and not self.response.over

    async def begin(self) -> None:
        """Open the session and say so; CapacityError if it is not admitted."""
        await self.conversation.begin()
        self._tell("session.created", session=self._described())

    async def close(self) -> None:
        """The client has left: nothing of it goes on."""
        try:
            if self.response is not None:
                await self.response.abandon()
        finally:
            await self.conversation.close()

    async def handle(self, event: dict[str, Any]) -> None:
        """Do what an event asks for; HeadraceError if it cannot be, and nothing was changed."""
        handler = self._handlers.get(event["type"])
        if handler is None:
            raise EventError(f"there is no client event {event['type'][:64]!r}", "unknown_event", "type")
        await handler(event)

    # ── the session ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _update(self, event: dict[str, Any]) -> None:
        options = self.conversation.options.updated(read(SessionUpdate, event).session)
        before = self.conversation.options
        if (options.instructions, options.headrace) != (before.instructions, before.headrace):
            self._check_quiet()
        await self.conversation.configure(options)
        self._tell("session.updated", session=self._described())

    # ── items ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _create(self, event: dict[str, Any]) -> None:
        given = read(ItemCreate, event)
        item = self.conversation.parse(given.item)
        if self.talking and self.conversation.options.interrupts and self.response is not None:
            await self.response.cancel("turn_detected")
        if given.previous_item_id not in (None, self.conversation.last):
            self._check_quiet()
        before = await self.conversation.add(item, given.previous_item_id)
        self._tell("conversation.item.added", previous_item_id=before, item=item.describe())
        self._tell("conversation.item.done", previous_item_id=before, item=item.describe())

    async def _retrieve(self, event: dict[str, Any]) -> None:
        item = self.conversation.find(read(ItemNamed, event).item_id)
        self._tell("conversation.item.retrieved", item=item.describe())

    async def _delete(self, event: dict[str, Any]) -> None:
        given = read(ItemNamed, event)
        self._check_quiet()
        await self.conversation.delete(given.item_id)
        self._tell("conversation.item.deleted", item_id=given.item_id)

    async def _truncate(self, event: dict[str, Any]) -> None:
        given = read(ItemTruncate, event)
        if given.text_end is None:
            self.conversation.find(given.item_id)
            raise EventError(
                "the item has no audio; give text_end, the characters that were heard", param="audio_end_ms"
            )
        self._check_quiet()
        await self.conversation.truncate(given.item_id, given.text_end)
        self._tell(
            "conversation.item.truncated",
            item_id=given.item_id,
            content_index=0,
            audio_end_ms=0,
            text_end=given.text_end,
        )

    # ── responses ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _respond(self, event: dict[str, Any]) -> None:
        wanted = read(ResponseCreate, event).response or Wanted()
        if self.talking:
            raise EventError(
                "a response is under way; cancel it or wait for response.done",
                "conversation_already_has_active_response",
            )
        for modalities in (wanted.output_modalities, wanted.modalities):
            check_modalities(modalities, "response.output_modalities")
        if wanted.tools:
            raise EventError("response.tools: no functions are called here", "unsupported", "response.tools")
        talk, options = self.conversation, self.conversation.options
        most = wanted.max_output_tokens or wanted.max_response_output_tokens or options.max_output_tokens
        ask = Ask(self.front.settings.tokens if most == "inf" else min(int(most), self.front.settings.tokens))
        kept = wanted.conversation != "none"
        assert talk.live is not None
        live = talk.live
        if wanted.instructions is not None or wanted.input is not None:
            own = options if wanted.instructions is None else options.updated({"instructions": wanted.instructions})
            items = talk.items
            if wanted.input is not None:
                items = [
                    talk.find(str(one["id"])) if one.get("type") == "item_reference" and "id" in one
                    else talk.parse(one, f"response.input.{at}")
                    for at, one in enumerate(wanted.input)
                ]  # fmt: skip
            elif talk.forgotten:
                raise EventError(
                    "items are no longer kept, so they cannot be read under other instructions", "not_remembered"
                )
            live = await talk.opened(own, items)
        elif not kept:
            live = await live.fork()
        self.response = Response(talk, self.outbox, live, ask, kept, wanted.metadata)

    async def _cancel(self, event: dict[str, Any]) -> None:
        named = read(ResponseCancel, event).response_id
        if self.response is None or not self.talking or named not in (None, self.response.id):
            raise EventError("no such response is under way", "response_cancel_not_active", "response_id")
        await self.response.cancel("client_cancelled")

    # ── other kinds of input ─────────────────────────────────────────────────────────────────────────────────────

    async def _audio(self, event: dict[str, Any]) -> None:
        raise EventError(
            f"{event['type']}: {self.front.model} reads and says text, no audio; send conversation.item.create",
            "kind_not_taken",
        )

    async def _video(self, event: dict[str, Any]) -> None:
        if "video" not in self.front.pool.model.get("kinds", ("text",)):
            raise EventError(f"{self.front.model} takes no frames; it reads text", "kind_not_taken", "frame")
        given = read(VideoAppend, event)
        assert self.conversation.live is not None
        await self.conversation.live.push(given.frame, kind="video", pts=round(given.pts_ms * MS))

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _check_quiet(self) -> None:
        if self.talking:
            raise EventError("a response is under way; cancel it or wait for response.done", "response_active")

    def _described(self) -> dict[str, Any]:
        return self.conversation.options.describe(self.name, self.front)

    def _tell(self, kind: str, **fields: Any) -> None:
        self.outbox.put(server_event(kind, **fields))
