"""A small OpenAI-compatible server of our own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Chat(ThreadingHTTPServer):
    """Replies to each request with the next of `replies` (the last one again and again): a text, or a status and the
    bytes of a body; keeps what it was asked."""

    daemon_threads = True

    def __init__(self, *replies: str | tuple[int, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies = list(replies)
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.headers.append(dict(self.headers))
        replies = self.server.replies
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        status, body = reply if isinstance(reply, tuple) else (200, completion(reply))
        self.send_response(status, "because of sk-secret")
        if status in (301, 302, 307):
            self.send_header("Location", body.decode())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


def completion(text: str) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()


@contextmanager
def chat(*replies: str | tuple[int, bytes]) -> Iterator[Chat]:
    server = Chat(*replies)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
