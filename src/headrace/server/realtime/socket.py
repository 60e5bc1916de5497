"""Socket: /v1/realtime, from the key to the last event. Bad events are answered; floods and slow readers are closed."""

import asyncio
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from headrace.core.errors import HeadraceError
from headrace.server.answer import encode
from headrace.server.attend import dismiss
from headrace.server.connections import abort
from headrace.server.errors import Refusal, answer, log, refusal
from headrace.server.front import Front
from headrace.server.keys import Key, bearer
from headrace.server.realtime.desk import Desk
from headrace.server.realtime.events import EventError, decode, error_event
from headrace.server.realtime.outbox import Outbox
from headrace.server.realtime.rate import Rate

#: Events a second that a client may send, and at once.
STEADY, BURST = 100.0, 1000.0
#: Bad events in a row after which it is closed.
BAD = 32
#: Seconds that a client gets to take the last events, and the close.
LAST = 1.0
#: How browsers, which cannot set headers, send the key.
PREFIX = "openai-insecure-api-key."

GOING_AWAY, POLICY, TOO_BIG, FAILED, TRY_LATER = 1001, 1008, 1009, 1011, 1013


class Closed(Exception):  # not an error: the conversation is over
    """The socket is to be closed.

    Args:
        code: of RFC 6455.
        reason: up to 123 bytes of it are sent.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason.encode()[:120].decode("utf-8", "ignore")


def router(front: Front) -> APIRouter:
    """The route."""
    routes = APIRouter()

    @routes.websocket("/v1/realtime")
    async def realtime(socket: WebSocket, model: Annotated[str | None, Query(max_length=256)] = None) -> None:
        """OpenAI's realtime API for text."""
        try:
            key = _admitted(front, socket, model)
            front.shares.open_session(key)
        except HeadraceError as error:
            await _deny(socket, error)
            return
        try:
            await _Client(front, key, socket).run()
        finally:
            front.shares.close_session(key)

    return routes


class _Client:
    """One connection: a task that reads, one that writes, and the desk between them."""

    def __init__(self, front: Front, key: Key, socket: WebSocket) -> None:
        self.front, self.socket = front, socket
        self.slow, self.over = asyncio.Event(), asyncio.Event()
        self.outbox = Outbox(front.settings.backlog, self.slow.set)
        self.desk = Desk(front, key, self.outbox)
        now = asyncio.get_running_loop().time()
        self.rate = Rate(STEADY, BURST, BURST, now)
        self.bad = 0

    async def run(self) -> None:
        """From the handshake to the close."""
        try:
            await self.desk.begin()
        except HeadraceError as error:
            await _deny(self.socket, error)
            return
        closed = Closed(GOING_AWAY, "")
        self.front.streams[self] = self.over.set
        tasks: list[asyncio.Task[object]] = []
        try:
            await self.socket.accept(subprotocol="realtime" if "realtime" in _offered(self.socket) else None)
            writing = asyncio.create_task(self.outbox.run(self.socket.send_text), name="realtime writer")
            reading = asyncio.create_task(self._read(), name="realtime reader")
            slow = asyncio.create_task(self.slow.wait())
            over = asyncio.create_task(self.over.wait())
            tasks = [writing, reading, slow, over]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            closed = self._why(writing, reading, slow)
        except WebSocketDisconnect:
            closed = Closed(GOING_AWAY, "")
        finally:
            try:
                await self._finish(closed, tasks)
            finally:
                del self.front.streams[self]
                await asyncio.shield(self.desk.close())

    def _why(self, writing: asyncio.Task[None], reading: asyncio.Task[None], slow: asyncio.Task[bool]) -> Closed:
        """What ended it."""
        if slow.done():
            self.front.meter.add("streams_ended_early", 1, {"why": "slow_reader"})
            return Closed(POLICY, f"{self.front.settings.backlog} events wait for you: read faster")
        for task in (reading, writing):
            error = task.exception() if task.done() else None
            if isinstance(error, Closed):
                return error
            if isinstance(error, WebSocketDisconnect | RuntimeError | OSError):
                return Closed(GOING_AWAY, "")
            if error is not None:
                log.error("a realtime session failed", exc_info=error)
                return Closed(FAILED, "the server failed; its log has the reason")
        return Closed(GOING_AWAY, "the server is stopping")

    async def _read(self) -> None:
        """Take events until the client leaves, or is to be closed."""
        settings = self.front.settings
        while True:
            try:
                async with asyncio.timeout(settings.idle):
                    message = await self.socket.receive()
            except TimeoutError:
                if self.desk.talking:
                    continue
                raise Closed(GOING_AWAY, f"nothing came for {settings.idle:g} s") from None
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            await self._take(message.get("text"), message.get("bytes"))

    async def _take(self, text: str | None, data: bytes | None) -> None:
        """One message."""
        if not self.rate.take(asyncio.get_running_loop().time()):
            raise Closed(POLICY, f"more than {STEADY:g} events a second; send fewer")
        event_id = None
        try:
            if text is None:
                raise EventError(f"{len(data or b'')} bytes that are no text; send JSON as text", "invalid_event")
            size, most = len(text), self.front.settings.frame
            if size > most or len(text.encode("utf-8", "replace")) > most:
                raise EventError(f"the message is larger than the {most} bytes that are taken", "too_large")
            event = decode(text)
            event_id = event.get("event_id")
            await self.desk.handle(event)
            self.bad = 0
        except HeadraceError as error:
            self.bad += 1
            self.outbox.put(error_event(error, event_id))
            if self.bad >= BAD:
                raise Closed(POLICY, f"{BAD} bad events in a row") from None
        except Exception as error:
            log.error("a realtime event failed", exc_info=error)
            self.outbox.put(error_event(error, event_id))

    async def _finish(self, closed: Closed, tasks: list[asyncio.Task[object]]) -> None:
        """Send what waits and the close, if the client takes them in time."""
        writing = tasks[0] if tasks else None
        if writing is not None and not writing.done() and not self.slow.is_set() and closed.reason:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST):
                    await self.outbox.drained()
        await dismiss(*tasks)
        if self.socket.application_state is not WebSocketState.CONNECTED:
            return
        if self.socket.client_state is WebSocketState.CONNECTED:
            try:
                async with asyncio.timeout(LAST):
                    await self.socket.close(closed.code, closed.reason)
            except (TimeoutError, RuntimeError, OSError, WebSocketDisconnect):
                abort(self.socket.scope)


def _offered(socket: WebSocket) -> list[str]:
    return list(socket.scope.get("subprotocols") or ())


def _admitted(front: Front, socket: WebSocket, model: str | None) -> Key:
    """Whose key the handshake has."""
    secret = bearer(socket.headers.get("authorization"))
    for offered in _offered(socket):
        if secret is None and offered.startswith(PREFIX):
            secret = offered[len(PREFIX) :]
    key = front.keys.find(secret)
    if key is None:
        raise Refusal(
            f"give a known API key as 'Authorization: Bearer KEY', or as the subprotocol '{PREFIX}KEY'",
            status=401,
            code="invalid_api_key",
        )
    if front.draining:
        raise Refusal("the server is stopping; ask another, or again later", status=503, code="draining")
    front.check_model(model)
    return key


async def _deny(socket: WebSocket, error: HeadraceError) -> None:
    """Answer the handshake by an error, or close at once where the server cannot answer."""
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(answer(error))
        return
    refused = refusal(error)
    await socket.accept()
    with suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_text(encode(error_event(error)).decode())
    code = TRY_LATER if refused.status in (429, 503) else POLICY
    await socket.close(code, Closed(code, str(refused)).reason)
