"""Connections: which are open, how many may be, and how one is cut off."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol


class Connections:
    """Open connections of a server, by the client's address and port.

    Args:
        most: a connection beyond it is closed at once.
        arrive: seconds in which a new connection, or one that began to ask again, must have sent a request's head.

    Attributes:
        refused: connections that were closed for want of room.
    """

    def __init__(self, most: int, arrive: float) -> None:
        self.most, self.arrive, self.refused = most, arrive, 0
        self._open: dict[Any, asyncio.Transport] = {}
        self._sweep = 64

    def __len__(self) -> int:
        return sum(not transport.is_closing() for transport in self._open.values())

    def protocol(self) -> type[H11Protocol]:
        """The protocol class of uvicorn that keeps this record."""
        connections = self

        class Recorded(H11Protocol):
            """HTTP/1.1 whose connections are recorded, bounded, and closed if nothing comes."""

            _timer: asyncio.TimerHandle | None = None

            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                if not connections.admit(transport):
                    transport.abort()
                    return
                self._expect()

            def data_received(self, data: bytes) -> None:
                super().data_received(data)
                if self._asking:
                    self._expect()
                elif self._timer is not None:
                    self._timer.cancel()
                    self._timer = None

            def connection_lost(self, exc: Exception | None) -> None:
                if self._timer is not None:
                    self._timer.cancel()
                connections.forget(self.transport)
                super().connection_lost(exc)

            @property
            def _asking(self) -> bool:
                """Whether no request is at work and the head of one may be on its way."""
                return self.cycle is None or (self.cycle.response_complete and self.timeout_keep_alive_task is None)

            def _expect(self) -> None:
                if self._timer is None:
                    self._timer = self.loop.call_later(connections.arrive, self._late)

            def _late(self) -> None:
                self._timer = None
                if self._asking and self.transport.get_protocol() is self:
                    self.transport.abort()

        return Recorded

    def admit(self, transport: asyncio.Transport) -> bool:
        """Record a new connection; False if there is no room for it."""
        if len(self._open) >= min(self._sweep, self.most):
            self._open = {client: one for client, one in self._open.items() if not one.is_closing()}
            self._sweep = max(64, 2 * len(self._open))
        if len(self._open) >= self.most:
            self.refused += 1
            return False
        self._open[transport.get_extra_info("peername")] = transport
        return True

    def forget(self, transport: asyncio.Transport) -> None:
        """A connection was closed; one that was not recorded is fine."""
        client = transport.get_extra_info("peername")
        if self._open.get(client) is transport:
            del self._open[client]

    def cut(self, client: Any) -> None:
        """Close a connection at once, with what it was still to be sent."""
        transport = self._open.get(tuple(client) if client else None)
        if transport is not None:
            transport.abort()


def abort(scope: Scope) -> None:
    """Cut off the connection of a request, if its server records them; it is closed at the loop's next turn."""
    connections = getattr(scope["app"].state, "connections", None) if "app" in scope else None
    if connections is not None:
        connections.cut(scope.get("client"))
