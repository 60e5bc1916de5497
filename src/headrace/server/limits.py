"""Shares: how much of the server each key has at the moment, and no more than it may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from headrace.server.errors import RETRY_AFTER, Refusal
from headrace.server.keys import Key
from headrace.server.settings import Settings


class Shares:
    """Requests and live sessions of each key; lives on the event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._requests: Counter[str] = Counter()
        self._sessions: Counter[str] = Counter()

    @property
    def requests(self) -> int:
        """Requests under way, of all keys."""
        return self._requests.total()

    @contextmanager
    def request(self, key: Key) -> Iterator[None]:
        """One request at work.

        Raises:
            Refusal: the key has as many as it may (429).
        """
        self._take(self._requests, key, key.requests or self._settings.requests, "requests at a time")
        try:
            yield
        finally:
            self._give(self._requests, key)

    def open_session(self, key: Key) -> None:
        """One live session more.

        Raises:
            Refusal: the key has as many as it may (429).
        """
        self._take(self._sessions, key, key.sessions or self._settings.sessions, "live sessions")

    def close_session(self, key: Key) -> None:
        """One live session less."""
        self._give(self._sessions, key)

    def hold_session(self, key: Key) -> None:
        """One live session more that is there already, whatever the bound."""
        self._sessions[key.name] += 1

    @contextmanager
    def session(self, key: Key) -> Iterator[None]:
        """One live session for a while; see `open_session`."""
        self.open_session(key)
        try:
            yield
        finally:
            self.close_session(key)

    def _take(self, held: Counter[str], key: Key, most: int, what: str) -> None:
        if held[key.name] >= most:
            message = f"this key has {most} {what}, which is all it may; end one, or ask again later"
            raise Refusal(message, status=429, code="key_limit", retry_after=RETRY_AFTER)
        held[key.name] += 1

    def _give(self, held: Counter[str], key: Key) -> None:
        held[key.name] -= 1
        if held[key.name] <= 0:
            del held[key.name]
