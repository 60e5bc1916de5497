"""Conversation: the items of a realtime session, and the engine's session that has read them.

A change of what was read (an item deleted, shortened or put in between, other instructions) is made by reading the
conversation again into a fresh session: it has then read this conversation and nothing else. Where the engine remembers
what both begin with, that is copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.engine.face import Live
from headrace.server.front import Front
from headrace.server.keys import Key
from headrace.server.realtime.events import EventError, Message, new_id, read
from headrace.server.realtime.options import Options

#: Characters of items that are kept; older items are forgotten, and cannot be changed any more.
KEPT = 1 << 20
ITEMS = 4096


@dataclass
class Item:
    """A message.

    Attributes:
        status: "completed", "in_progress" or "incomplete".
    """

    id: str
    role: str
    text: str
    status: str = "completed"

    def describe(self) -> dict[str, Any]:
        """GA's form."""
        kind = "output_text" if self.role == "assistant" else "input_text"
        content = [{"type": kind, "text": self.text}] if self.text or self.status != "in_progress" else []
        return {
            "id": self.id,
            "object": "realtime.item",
            "type": "message",
            "status": self.status,
            "role": self.role,
            "content": content,
        }


class Conversation:
    """Items in order, and the session that has read them.

    Attributes:
        live: the engine's session; belongs to the conversation.
        number: of the last token that it said.
        forgotten: items that are no longer kept.
    """

    def __init__(self, front: Front, key: Key, options: Options) -> None:
        self.front, self.key, self.options = front, key, options
        self.items: list[Item] = []
        self.live: Live | None = None
        self.number = 0
        self.forgotten = 0

    @property
    def last(self) -> str | None:
        """Id of the last item."""
        return self.items[-1].id if self.items else None

    async def begin(self) -> Live:
        """Open the session underneath; CapacityError if it is not admitted."""
        self.live = await self.opened(self.options, ())
        return self.live

    async def close(self) -> None:
        """Let go of it."""
        if self.live is not None:
            await self.live.close()

    def find(self, name: str) -> Item:
        """An item; EventError if there is none of this id."""
        for item in self.items:
            if item.id == name:
                return item
        raise EventError(f"there is no item {name!r}, or it is no longer kept", "item_not_found", "item_id")

    def parse(self, given: Any, where: str = "item") -> Item:
        """A client's item; EventError if it is not text."""
        if isinstance(given, dict) and given.get("type", "message") != "message":
            raise EventError(
                f"{where}.type={str(given['type'])[:64]!r}: only messages are taken here", "unsupported", where
            )
        message = read(Message, given, where)
        texts = []
        for part in message.content:
            if part.type not in ("input_text", "text", "output_text"):
                raise EventError(
                    f"{where}.content: {part.type[:64]!r} is not taken by {self.front.model}, which reads text",
                    "kind_not_taken",
                    f"{where}.content",
                )
            if part.text is None:
                raise EventError(f"{where}.content: a text part has no text", param=f"{where}.content")
            texts.append(part.text)
        if message.id is not None and any(item.id == message.id for item in self.items):
            raise EventError(f"{where}.id={message.id!r} is taken", "item_id_taken", f"{where}.id")
        return Item(message.id or new_id("item"), message.role, "".join(texts))

    async def add(self, item: Item, behind: str | None) -> str | None:
        """Put an item at the end, or behind another ("root": at the beginning); the id of the one before it."""
        if behind is None or behind == self.last:
            before = self.last
            assert self.live is not None
            await self._read(self.live, item)
            self.append(item)
            return before
        at = 0 if behind == "root" else self.items.index(self.find(behind)) + 1
        await self._change(self.options, [*self.items[:at], item, *self.items[at:]])
        return None if behind == "root" else behind

    def append(self, item: Item) -> None:
        """An item that was read or said already."""
        self.items.append(item)
        while len(self.items) > ITEMS or (sum(len(one.text) for one in self.items) > KEPT and len(self.items) > 1):
            del self.items[0]
            self.forgotten += 1

    async def delete(self, name: str) -> None:
        """Take an item out of the conversation, and out of what was read."""
        item = self.find(name)
        await self._change(self.options, [one for one in self.items if one is not item])

    async def truncate(self, name: str, chars: int) -> None:
        """Shorten what the assistant said."""
        item = self.find(name)
        if item.role != "assistant" or chars > len(item.text):
            raise EventError(f"item {name!r} is no reply of {chars} characters or more", param="text_end")
        shorter = Item(item.id, item.role, item.text[:chars], "incomplete")
        await self._change(self.options, [shorter if one is item else one for one in self.items])

    async def configure(self, options: Options) -> None:
        """Take over options; what was read is read again if they change it."""
        if (options.instructions, options.headrace) != (self.options.instructions, self.options.headrace):
            await self._change(options, self.items)
        self.options = options

    async def opened(self, options: Options, items: Sequence[Item]) -> Live:
        """Another session that has read these; the caller's to close."""
        live = await self.front.pool.open(options.opening(self.key, self.front.settings.budget))
        try:
            if options.instructions:
                await self._read(live, Item("", "system", options.instructions))
            for item in items:
                await self._read(live, item)
        except BaseException:
            await live.close()
            raise
        return live

    def role(self, role: str) -> str | None:
        """A role, where the model has a chat template."""
        return role if self.front.pool.model.get("roles") else None

    async def _read(self, live: Live, item: Item) -> None:
        await live.push(item.text, role=self.role(item.role))

    async def _change(self, options: Options, items: Iterable[Item]) -> None:
        if self.forgotten:
            raise EventError(
                f"the first {self.forgotten} items are no longer kept, so what was read cannot be changed",
                "not_remembered",
            )
        items = list(items)
        fresh = await self.opened(options, items)
        old, self.live, self.items, self.number = self.live, fresh, items, 0
        if old is not None:
            await old.close()
