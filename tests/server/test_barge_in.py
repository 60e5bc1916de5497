"""Barge-in over a real WebSocket and a real model: within a tick, and nothing is known of what was not heard."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from headrace.engine.links import ThreadLink
from headrace.engine.livesession import LiveSession
from headrace.engine.opening import Ask, Opening
from headrace.engine.pool import WorkerPool, start
from headrace.engine.spec import Spec
from headrace.engine.worker import Worker
from headrace.server.realtime.desk import Desk
from tests.server.serving import Served, served

if importlib.util.find_spec("transformers") is None:
    pytest.skip("needs transformers, which the extra hf brings", allow_module_level=True)

USER = "Once upon a time there was"
STOP = " Stop."


class Pooled:
    """A pool of one worker, started in the loop of its first call."""

    def __init__(self) -> None:
        self.made: WorkerPool | None = None

    async def begin(self) -> None:
        self.made = await start(Spec("zoo:tiny-llama"), 1, "thread")

    def __getattr__(self, name: str) -> Any:
        if self.made is None and name == "model":
            return {"name": "zoo:tiny-llama", "roles": ("user", "assistant")}
        return getattr(self.made, name)

    async def close(self) -> None:
        if self.made is not None:
            await self.made.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served(Pooled()) as running:
        running.do(running.pool.begin())
        yield running


class Ticks:
    """Ticks of the worker, and how many there had been when a barge-in arrived, was sent on and was done."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.count, self.arrived, self.sent, self.done, self.said = 0, -1, -1, -1, -1
        self._after(patch, Worker, "tick", lambda *_: setattr(self, "count", self.count + 1))
        self._before(patch, Desk, "handle", lambda *_: setattr(self, "arrived", self.count))
        self._before(patch, ThreadLink, "send", self._on_send)
        self._after(patch, Worker, "do_interrupt", lambda *_: setattr(self, "done", self.count))
        self._before(patch, LiveSession, "interrupt", lambda _, said=None: setattr(self, "said", said))

    def _on_send(self, _: Any, message: tuple[int, str, tuple[Any, ...]]) -> None:
        if message[1] == "interrupt":
            self.sent = self.count

    def _before(self, patch: pytest.MonkeyPatch, of: type, name: str, note: Any) -> None:
        plain = getattr(of, name)

        def noted(*arguments: Any) -> Any:
            note(*arguments)
            return plain(*arguments)

        patch.setattr(of, name, noted)

    def _after(self, patch: pytest.MonkeyPatch, of: type, name: str, note: Any) -> None:
        plain = getattr(of, name)

        def noted(*arguments: Any) -> Any:
            found = plain(*arguments)
            note(*arguments)
            return found

        patch.setattr(of, name, noted)


def tell(socket: ClientConnection, kind: str, **fields: Any) -> None:
    socket.send(json.dumps({"type": kind, **fields}))


def say(socket: ClientConnection, text: str) -> None:
    content = [{"type": "input_text", "text": text}]
    tell(socket, "conversation.item.create", item={"type": "message", "role": "user", "content": content})


def heard(socket: ClientConnection, kind: str, deltas: int = 1 << 30) -> tuple[str, dict[str, Any]]:
    """All deltas up to an event of a kind, or so many of them, and that event."""
    text, count = "", 0
    while True:
        event = json.loads(socket.recv(60))
        assert event["type"] != "error", event
        if event["type"] == "response.output_text.delta":
            text, count = text + event["delta"], count + 1
        if event["type"] == kind or count == deltas:
            return text, event


@pytest.mark.parametrize("how", ["item", "cancel"])
def test_it_stops_within_a_tick_and_only_what_was_sent_was_said(
    server: Served, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    ticks = Ticks(monkeypatch)
    with connect(server.url.replace("http", "ws") + "/v1/realtime", max_size=None) as socket:
        heard(socket, "session.created")
        say(socket, USER)
        heard(socket, "conversation.item.done")
        tell(socket, "response.create")
        begun, _ = heard(socket, "", deltas=12)
        if how == "item":
            say(socket, STOP)
        else:
            tell(socket, "response.cancel")
        rest, done = heard(socket, "response.done")
        arrived, sent, stopped, said = ticks.arrived, ticks.sent, ticks.done, ticks.said
        response = done["response"]
        assert response["status"] == "cancelled"
        assert response["output"][0]["content"][0]["text"] == begun + rest
        print(json.dumps({"deltas_after": len(rest) > 0, "ticks_from_arrival": stopped - arrived}))
        assert 0 <= stopped - sent <= 1
        if how == "cancel":
            say(socket, STOP)
        heard(socket, "conversation.item.done")
        tell(socket, "response.create", response={"max_output_tokens": 24})
        after, _ = heard(socket, "response.done")
    assert after == server.do(_alone(server.pool.made, said))


async def _alone(pool: WorkerPool, tokens: int) -> str:
    """What is said after a reply that was so long, and the same words."""
    live = await pool.open(Opening())
    role = "user" if pool.model["roles"] else None
    answer = "assistant" if role else None
    await live.push(USER, role=role)
    async for _ in live.say(Ask(tokens), role=answer):
        pass
    await live.push(STOP, role=role)
    text = [said.text async for said in live.say(Ask(24), role=answer)]
    await live.close()
    await asyncio.sleep(0)
    return "".join(text)
