"""Middleware: what every request passes before a route sees it: its id, its key, its share, its size, its time."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headrace.server.errors import RETRY_AFTER, Refusal, answer
from headrace.server.front import Front
from headrace.server.keys import bearer

#: Paths that need no key: whether it lives, what it is, and how to talk to it.
OPEN = frozenset({"/health", "/version", "/openapi.json"})
#: Paths that are answered by themselves while the server drains, and that no bound of a key holds up.
ALWAYS = OPEN | {"/metrics"}
#: Whose body may be as large as a snapshot.
SNAPSHOTS = re.compile(r"/v1/sessions/restore/?")
_ID = re.compile(r"[\x21-\x7e]{1,128}")


class Entrance:
    """The outermost layer. WebSockets pass: their routes look after themselves, by the same keys and shares.

    - X-Request-Id is echoed, or given. It is in the log beside what failed.
    - Without a known key: 401. With more requests at a time than the key may have: 429. While draining: 503.
    - A body larger than the settings allow is 413, one that does not come whole in time 408. While the bodies of other
      requests take all room that there is for them: 429.
    - Answers are counted, by status.
    """

    def __init__(self, app: ASGIApp, front: Front) -> None:
        self.app, self.front = app, front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, state = Headers(scope=scope), scope.setdefault("state", {})
        given = headers.get("x-request-id", "")
        state["id"] = given if _ID.fullmatch(given) else secrets.token_hex(16)
        sender, body = _Sender(send, state["id"], self.front), _Body(receive, self._most(scope), self.front)
        try:
            await self._admitted(scope, headers, state, body, sender)
        except Exception as error:  # whatever a route raised that nobody foresaw is answered, and logged
            if sender.begun:
                raise
            await answer(error, state["id"])(scope, receive, sender)
        finally:
            body.close()

    async def _admitted(
        self, scope: Scope, headers: Headers, state: MutableMapping[str, Any], body: _Body, send: Send
    ) -> None:
        path, front = scope["path"], self.front
        key = front.keys.find(bearer(headers.get("authorization")))
        if key is None and path not in OPEN:
            raise Refusal("give a known API key as 'Authorization: Bearer KEY'", status=401, code="invalid_api_key")
        state["key"] = key
        if path in ALWAYS or key is None:
            await self.app(scope, body, send)
            return
        if front.draining:
            raise Refusal(
                "the server is stopping; ask another, or again later",
                status=503, code="draining", retry_after=RETRY_AFTER,
            )  # fmt: skip
        body.check(headers.get("content-length"))
        with front.shares.request(key):
            await self.app(scope, body, send)

    def _most(self, scope: Scope) -> int:
        settings = self.front.settings
        return settings.snapshot if SNAPSHOTS.fullmatch(scope["path"]) else settings.body


class _Body:
    """The request's messages; raises where there are too many bytes of them or they take too long.

    What is raised is starlette's own, which frameworks that read a body let pass.
    """

    def __init__(self, receive: Receive, most: int, front: Front) -> None:
        self._receive, self._most, self._got, self._whole = receive, most, 0, False
        loop = asyncio.get_running_loop()
        self._until = loop.time() + front.settings.arrive
        self._bodies = front.bodies

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "the request did not come whole in time; send it again") from None
        got = self._got + len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        self._refuse(got)
        self._bodies.grow(self._got, got)
        self._got = got
        return message

    def close(self) -> None:
        """The request is answered: nothing of its body is held any more."""
        self._bodies.give(self._got)
        self._got = 0

    def check(self, length: str | None) -> None:
        """Refuse by the header, before anything has come."""
        if length is not None and length.isdecimal() and len(length) < 20:
            self._refuse(int(length))
            self._bodies.check(int(length))

    def _refuse(self, size: int) -> None:
        if size > self._most:
            raise HTTPException(413, f"the body is larger than the {self._most} bytes that are taken")


class _Sender:
    """Adds the request's id to the answer and counts it."""

    def __init__(self, send: Send, name: str, front: Front) -> None:
        self._send, self._name, self._front, self.begun = send, name, front, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            MutableHeaders(scope=message)["x-request-id"] = self._name
            self._front.meter.add("http_requests", 1, {"status": str(message["status"])})
        await self._send(message)
