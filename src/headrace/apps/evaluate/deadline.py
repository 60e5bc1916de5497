"""deadline: requests that end at a time, whoever answers them and however slowly."""

from __future__ import annotations

import http.client
import io
import socket
import time
import urllib.request
from typing import Any


def bounded(until: float, *handlers: type[urllib.request.BaseHandler]) -> urllib.request.OpenerDirector:
    """What opens addresses over HTTP and HTTPS, and reads nothing after `until` (s, monotonic).

    A timeout of sockets bounds every wait of its own, so that one byte in time keeps a request alive; here status,
    headers and body together are bounded. A read past the time raises TimeoutError.
    """

    class Reply(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self.fp = io.BufferedReader(_Until(sock, self.fp.detach(), until))

    class Plain(http.client.HTTPConnection):
        response_class = Reply

    class Secure(http.client.HTTPSConnection):
        response_class = Reply

    class Open(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Plain, req)

    class OpenSecure(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Secure, req)

    return urllib.request.build_opener(Open, OpenSecure, *handlers)


class _Until(io.RawIOBase):
    """Reads a socket until a time."""

    def __init__(self, sock: socket.socket, raw: Any, until: float) -> None:
        self._sock, self._read, self._close = sock, raw.readinto, raw.close
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        count: int | None = self._read(buffer)
        return count

    def close(self) -> None:
        if not self.closed:
            self._close()
        super().close()
