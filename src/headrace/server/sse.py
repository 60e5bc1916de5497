"""Events: a response of server-sent events that neither a slow reader nor one who left can hold up.

Form: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headrace.core.errors import HeadraceError
from headrace.server.answer import encode
from headrace.server.attend import dismiss, left
from headrace.server.connections import abort
from headrace.server.errors import body, refusal
from headrace.server.front import Front

log = logging.getLogger("headrace.server")

KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"


def frame(data: Any, *, id: int | None = None, event: str | None = None) -> bytes:  # noqa: A002
    """One event whose data is JSON."""
    head = (b"" if id is None else b"id: %d\n" % id) + (b"" if event is None else b"event: %s\n" % event.encode())
    return head + b"data: " + encode(data) + b"\n\n"


class Events(Response):
    """What an async generator of frames brings, until it ends, the reader leaves or falls behind.

    The generator is read as fast as it brings; up to `settings.backlog` frames wait for the reader. Past that the
    connection is cut off: a slow reader costs nobody but himself. A comment goes out where nothing else did for
    `settings.silent` seconds, and the stream ends with `front.end_streams()`. What the generator raises is the last
    event, in OpenAI's form of an error. However it ends, the generator is closed before the response is over.

    Args:
        frames: as `frame` makes them.
        front: settings, and the meter that counts readers who left ("gone") or were cut off ("slow_reader").
        request_id: in the log beside what failed.
    """

    media_type = "text/event-stream"

    def __init__(self, frames: AsyncIterator[bytes], front: Front, request_id: str = "") -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._frames, self._front, self._id = frames, front, request_id
        self._waiting: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._over = self._slow = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        writing = asyncio.ensure_future(self._write(send))
        reading = asyncio.ensure_future(self._read(writing))
        leaving = asyncio.ensure_future(left(receive))
        self._front.streams[self] = reading.cancel
        try:
            await asyncio.wait((writing, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not self._slow and (not writing.done() or writing.exception()):
                self._front.meter.add("streams_ended_early", 1, {"why": "gone"})
        finally:
            del self._front.streams[self]
            await dismiss(writing, reading, leaving)
            if self._slow:
                self._front.meter.add("streams_ended_early", 1, {"why": "slow_reader"})
                log.warning("request %s: cut off, its reader was %d events behind", self._id, len(self._waiting))
                abort(scope)
                await asyncio.sleep(0)

    async def _read(self, writing: asyncio.Task[None]) -> None:
        try:
            async with aclosing(self._frames) as frames:  # type: ignore[type-var]
                async for one in frames:
                    if len(self._waiting) >= self._front.settings.backlog:
                        self._slow = True
                        writing.cancel()
                        return
                    self._waiting.append(one)
                    self._news.set()
        except Exception as error:  # the status is sent already: the last event tells it
            if not isinstance(error, HeadraceError):
                log.error("request %s failed", self._id, exc_info=error)
            self._waiting.append(frame(body(refusal(error))))
        finally:
            self._over = True
            self._news.set()

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        while True:
            self._news.clear()
            if not self._waiting and not self._over:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._front.settings.silent):
                        await self._news.wait()
                if not self._waiting and not self._over:
                    await send({"type": "http.response.body", "body": KEEP_ALIVE, "more_body": True})
                    continue
            if self._waiting:
                together = b"".join(self._waiting)
                self._waiting.clear()
                await send({"type": "http.response.body", "body": together, "more_body": True})
            elif self._over:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
