"""The realtime socket: OpenAI's events over a parrot, barge-in to the letter, and everything that is no event."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from headrace.server.app import create_app
from headrace.server.keys import Keys
from headrace.server.realtime import socket as realtime_socket
from headrace.server.settings import Settings
from tests.server.fake import FakePool

SDK = importlib.util.find_spec("openai") and importlib.util.find_spec("websockets")
TURN = ["response.created", "response.output_item.added", "conversation.item.added", "response.content_part.added"]
END = [
    "response.output_text.done", "response.content_part.done", "response.output_item.done", "conversation.item.done",
    "response.done",
]  # fmt: skip


class Line:
    """One client of a server in this process."""

    def __init__(self, ws: Any) -> None:
        self.ws = ws

    def send(self, kind: str, **fields: Any) -> None:
        self.ws.send_text(json.dumps({"type": kind, **fields}))

    def get(self) -> dict[str, Any]:
        return json.loads(self.ws.receive_text())

    def until(self, kind: str) -> list[dict[str, Any]]:
        events = [self.get()]
        while events[-1]["type"] != kind:
            events.append(self.get())
        return events

    def item(self, text: str, role: str = "user", **fields: Any) -> str:
        kind = "output_text" if role == "assistant" else "input_text"
        item = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
        self.send("conversation.item.create", item=item, **fields)
        return self.until("conversation.item.done")[-1]["item"]["id"]

    def error(self) -> dict[str, Any]:
        event = self.get()
        assert event["type"] == "error"
        return event["error"]


@contextmanager
def line(
    pool: FakePool | None = None, settings: Settings | None = None, **connect: Any
) -> Iterator[tuple[Line, FakePool]]:
    pool = pool or FakePool()
    with TestClient(create_app(pool, settings, connect.pop("keys", None))) as client:
        with client.websocket_connect("/v1/realtime" + connect.pop("query", ""), **connect) as ws:
            one = Line(ws)
            assert one.get()["type"] == "session.created"
            yield one, pool
        for _ in range(100):
            if not pool.live:
                break
            client.get("/health")
        assert not pool.live, "a session outlived its client"


def past(pool: FakePool) -> str:
    """What the one live session has read and said."""
    (live,) = pool.live.values()
    return "".join(map(chr, live.past)).replace("\0", "")


def test_a_turn_has_the_events_of_ga_in_order_and_its_usage() -> None:
    with line() as (one, pool):
        one.item("abc")
        one.send("response.create", response={"metadata": {"a": "b"}})
        events = one.until("response.done")
        assert [event["type"] for event in events] == [*TURN, *["response.output_text.delta"] * 3, *END]
        assert "".join(event.get("delta", "") for event in events) == "abc"
        done = events[-1]["response"]
        assert (done["status"], done["metadata"]) == ("completed", {"a": "b"})
        assert done["output"][0]["content"] == [{"type": "output_text", "text": "abc"}]
        assert done["usage"]["output_tokens"] == 4  # the end of text is one
        assert done["usage"]["input_tokens"] == len("<user>abc<assistant>")
        assert len({event["event_id"] for event in events}) == len(events)
        assert past(pool) == "<user>abc<assistant>abc"


def test_the_beta_s_shapes_are_taken() -> None:
    with line() as (one, _):
        one.send("session.update", session={"modalities": ["text"], "instructions": "short", "temperature": 0.8,
                 "turn_detection": None, "max_response_output_tokens": 2, "voice": "alloy"})  # fmt: skip
        session = one.get()["session"]
        assert (session["instructions"], session["max_output_tokens"]) == ("short", 2)
        assert session["audio"]["input"]["turn_detection"] is None
        one.send(
            "conversation.item.create",
            item={"type": "message", "role": "user", "content": [{"type": "text", "text": "xyz"}]},
        )
        one.until("conversation.item.done")
        one.send("response.create", response={"modalities": ["text"]})
        done = one.until("response.done")[-1]["response"]
        assert (done["status"], done["status_details"]["reason"]) == ("incomplete", "max_output_tokens")


@pytest.mark.parametrize(("how", "reason"), [("item", "turn_detected"), ("cancel", "client_cancelled")])
def test_barge_in_cuts_the_transcript_and_the_state_to_what_was_sent(how: str, reason: str) -> None:
    pool = FakePool(delay=0.01)
    with line(pool) as (one, _):
        one.item("0123456789" * 50)
        one.send("response.create")
        while one.get()["type"] != "response.output_text.delta":
            pass
        if how == "item":
            one.send(
                "conversation.item.create", item={"role": "user", "content": [{"type": "input_text", "text": "stop"}]}
            )
        else:
            one.send("response.cancel")
        events = one.until("response.done")
        response = events[-1]["response"]
        heard = "0" + "".join(event.get("delta", "") for event in events)
        assert (response["status"], response["status_details"]["reason"]) == ("cancelled", reason)
        assert response["output"][0]["content"][0]["text"] == heard
        assert len(heard) < 100
        if how == "item":
            one.until("conversation.item.done")
        assert past(pool) == "<user>" + "0123456789" * 50 + "<assistant>" + heard + (
            "<user>stop" if how == "item" else ""
        )


def test_without_interruption_an_item_waits_for_the_end() -> None:
    pool = FakePool(delay=0.005)
    with line(pool) as (one, _):
        one.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": {
            "type": "semantic_vad", "interrupt_response": False}}}})  # fmt: skip
        one.get()
        one.item("abcdefgh")
        one.send("response.create")
        one.until("response.output_text.delta")
        one.send("conversation.item.create", item={"role": "user", "content": [{"type": "input_text", "text": "more"}]})
        assert one.until("response.done")[-1]["response"]["status"] == "completed"
        assert past(pool) == "<user>abcdefgh<assistant>abcdefgh<user>more"


def test_items_are_retrieved_deleted_shortened_and_put_in_between() -> None:
    with line() as (one, pool):
        first = one.item("one")
        one.item("three")
        second = one.item("two", previous_item_id=first)
        assert past(pool) == "<user>one<user>two<user>three"
        reply = one.item("four", role="assistant")
        one.send("conversation.item.truncate", item_id=reply, content_index=0, audio_end_ms=0, text_end=2)
        assert one.get()["type"] == "conversation.item.truncated"
        one.send("conversation.item.delete", item_id=second)
        assert one.get()["item_id"] == second
        assert past(pool) == "<user>one<user>three<assistant>fo"
        one.send("conversation.item.retrieve", item_id=reply)
        assert one.get()["item"]["content"][0]["text"] == "fo"
        one.send("conversation.item.retrieve", item_id=second, event_id="e1")
        assert {"code": "item_not_found", "event_id": "e1"}.items() <= one.error().items()


def test_instructions_of_one_response_and_input_out_of_band_leave_the_conversation_alone() -> None:
    with line() as (one, pool):
        one.item("abc")
        one.send("response.create", response={"instructions": "be kind"})
        assert one.until("response.done")[-1]["response"]["output"][0]["content"][0]["text"] == "abc"
        assert past(pool) == "<user>abc<assistant>abc"
        other = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "xyz"}]}
        one.send("response.create", response={"conversation": "none", "input": [other]})
        events = one.until("response.done")
        assert "conversation.item.added" not in [event["type"] for event in events]
        assert events[-1]["response"]["output"][0]["content"][0]["text"] == "xyz"
        assert events[-1]["response"]["conversation_id"] is None
        assert past(pool) == "<user>abc<assistant>abc"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "invalid_json"),
        ("[1]", "invalid_event"),
        ('{"a": 1}', "missing_type"),
        ('{"type": "x"}', "unknown_event"),
        ('{"type": 3}', "missing_type"),
        ("[" * 100_000, "invalid_json"),
        ("x" * 5000, "too_large"),
        (b"\x00\xff", "invalid_event"),
        ('{"type": "session.update"}', "invalid_value"),
        ('{"type": "session.update", "session": {"x": 1}}', "unknown_parameter"),
        ('{"type": "session.update", "session": {"tools": [{}]}}', "unsupported"),
        ('{"type": "session.update", "session": {"headrace": {"budget": -1}}}', "invalid_value"),
        ('{"type": "conversation.item.create", "item": {"type": "function_call_output"}}', "unsupported"),
        (
            '{"type": "conversation.item.create", "item": {"content": [{"type": "input_image", "image_url": "x"}]}}',
            "kind_not_taken",
        ),
        ('{"type": "conversation.item.create", "item": {"content": [{"text": "\\ud800"}]}}', None),
        ('{"type": "conversation.item.truncate", "item_id": "no", "audio_end_ms": 1}', "item_not_found"),
        ('{"type": "response.cancel"}', "response_cancel_not_active"),
        ('{"type": "response.create", "response": {"modalities": ["audio"]}}', "unsupported"),
        ('{"type": "input_audio_buffer.append", "audio": "AAAA"}', "kind_not_taken"),
        ('{"type": "headrace.input_video.append", "frame": "AAAA", "pts_ms": 1}', "kind_not_taken"),
    ],
)
def test_what_is_no_event_is_answered_and_the_socket_stays(message: str | bytes, code: str | None) -> None:
    with line(settings=Settings(frame=4096 if len(message) < 10_000 else 1 << 20)) as (one, pool):
        one.ws.send_bytes(message) if isinstance(message, bytes) else one.ws.send_text(message)
        error = one.error()
        if code is not None:
            assert error["code"] == code
        assert error["message"]
        one.item("abc")
        assert past(pool) == "<user>abc"


def test_a_reply_that_fails_is_told_and_the_session_goes_on() -> None:
    with line() as (one, _):
        one.item("\u0001fail")
        one.send("response.create")
        details = one.until("response.done")[-1]["response"]["status_details"]
        assert (details["type"], details["error"]["message"]) == ("failed", "the model gave NaN")
        one.item("abc")
        one.send("response.create")
        assert one.until("response.done")[-1]["response"]["status"] == "completed"


def test_a_flood_is_closed_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime_socket, "BURST", 20.0)
    with line() as (one, _):
        for _ in range(60):
            one.send("session.update", session={})
        with pytest.raises(WebSocketDisconnect) as closed:
            one.until("never")
        assert closed.value.code == 1008
        assert "events a second" in closed.value.reason


def test_many_bad_events_in_a_row_are_closed() -> None:
    with line() as (one, _):
        for _ in range(realtime_socket.BAD):
            one.ws.send_text("{")
        with pytest.raises(WebSocketDisconnect) as closed:
            one.until("never")
        assert (closed.value.code, "bad events" in closed.value.reason) == (1008, True)


def denied(client: TestClient, path: str = "/v1/realtime", **how: Any) -> int:
    """The status that a handshake is answered with."""
    with pytest.raises(WebSocketDenialResponse) as error, client.websocket_connect(path, **how):
        pass
    return error.value.status_code


def test_keys_models_room_and_draining_are_checked_at_the_door() -> None:
    keys = Keys(["secret-key sessions=1"])
    with TestClient(create_app(FakePool(), Settings(), keys)) as client:
        for headers, protocols, query, status in (
            ({}, [], "", 401),
            ({"authorization": "Bearer wrong-key-1"}, [], "", 401),
            ({"authorization": "Bearer secret-key"}, [], "?model=gpt", 404),
        ):
            assert denied(client, f"/v1/realtime{query}", headers=headers, subprotocols=protocols) == status
        offered = ["realtime", "openai-insecure-api-key.secret-key", "openai-beta.realtime-v1"]
        with client.websocket_connect("/v1/realtime?model=parrot", subprotocols=offered) as ws:
            assert ws.accepted_subprotocol == "realtime"
            assert denied(client, subprotocols=offered) == 429
        client.app.state.front.draining = True  # type: ignore[attr-defined]
        assert denied(client, subprotocols=offered) == 503
    with TestClient(create_app(FakePool(most=0))) as client:
        assert denied(client) == 429


@contextmanager
def served(pool: FakePool, settings: Settings | None = None) -> Iterator[str]:
    """A real server on a free port, in a thread."""
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(pool, settings), log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.mark.skipif(not SDK, reason="needs openai and websockets")
def test_openai_s_realtime_client_unmodified() -> None:
    from openai import AsyncOpenAI

    pool = FakePool(delay=0.002)

    async def talk(url: str) -> None:
        client = AsyncOpenAI(base_url=f"http://{url}/v1", api_key="none")
        async with client, client.realtime.connect(model="parrot") as connection:
            await connection.session.update(
                session={"type": "realtime", "output_modalities": ["text"], "instructions": "hi"}
            )
            await connection.conversation.item.create(
                item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
            )
            await connection.response.create()
            said = ""
            async for event in connection:
                if event.type == "response.output_text.delta":
                    said += event.delta
                elif event.type == "response.done":
                    assert event.response.status == "completed"
                    assert event.response.usage.output_tokens == 6
                    break
            assert said == "hello"
            await connection.conversation.item.create(
                item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "long" * 200}]}
            )
            await connection.response.create()
            seen = ""
            async for event in connection:
                if event.type == "response.output_text.delta":
                    seen += event.delta
                    if len(seen) == 3:
                        await connection.response.cancel()
                elif event.type == "response.done":
                    assert event.response.status == "cancelled"
                    assert event.response.output[0].content[0].text == seen
                    break

    with served(pool) as url:
        asyncio.run(asyncio.wait_for(talk(url), 20))
        assert not _lasting(lambda: pool.live)


@pytest.mark.skipif(not SDK, reason="needs websockets")
def test_a_slow_reader_is_closed_and_nobody_waits_for_him() -> None:
    from websockets.asyncio.client import connect

    pool = FakePool()

    async def talk(url: str) -> None:
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.connect((url.partition(":")[0], int(url.partition(":")[2])))
        async with connect(
            f"ws://{url}/v1/realtime", sock=narrow, max_queue=1, close_timeout=0, compression=None
        ) as slow:
            await slow.send(json.dumps({"type": "conversation.item.create", "item": {
                "role": "user", "content": [{"type": "input_text", "text": "x" * 40_000}]}}))  # fmt: skip
            await slow.send(json.dumps({"type": "response.create"}))
            async with connect(f"ws://{url}/v1/realtime") as other:
                await other.send(json.dumps({"type": "conversation.item.create", "item": {
                    "role": "user", "content": [{"type": "input_text", "text": "abc"}]}}))  # fmt: skip
                await other.send(json.dumps({"type": "response.create"}))
                while json.loads(await other.recv())["type"] != "response.done":
                    pass
            while pool.live:
                await asyncio.sleep(0.01)

    with served(pool, Settings(backlog=256)) as url:
        asyncio.run(asyncio.wait_for(talk(url), 20))


def _lasting(what: Callable[[], Any]) -> Any:
    """What is still there after a while."""
    for _ in range(200):
        if not what():
            break
        threading.Event().wait(0.01)
    return what()
