"""Subject: what a replica runs, and what its requests are made of there; figures, unless told otherwise."""

from __future__ import annotations

from typing import Any, Protocol

from headrace.core.stateful import Snapshot
from headrace.engine.host import Host
from headrace.engine.opening import Opening
from headrace.engine.request import Request
from headrace.engine.simulator.synthetic import Figure, Input, Residence, Synthetic


class Subject(Protocol):
    """Turns requests, which are numbers, into what a host takes; equal calls in equal order give equal inputs."""

    @property
    def host(self) -> Host[Any]:
        """Runs the sessions of one replica."""
        ...

    def opening(self, given: Opening) -> Opening:
        """How a session is opened of which the trace says this much."""
        ...

    def state(self, tokens: int) -> Snapshot:
        """A state in which so many tokens were read elsewhere."""
        ...

    def first(self, name: str, request: Request) -> Any:
        """What a session is given to read when a request arrives."""
        ...

    def more(self, name: str, units: int) -> Any:
        """What is appended to it."""
        ...

    def whole(self, name: str, kept: int, units: int) -> Any:
        """Its whole input, of which so many tokens are as they were and so many new ones follow."""
        ...


class Figures:
    """Sessions that are numbers; see `Synthetic` for arguments."""

    def __init__(
        self,
        *,
        most: int = 4096,
        residence: Residence | None = None,
        opening: int = 0,
        block: int = 0,
        entry_bytes: int = 1,
        grain: int = 16,
    ) -> None:
        self.host: Host[Figure] = Synthetic(
            residence, most=most, block=block, entry_bytes=entry_bytes, opening=opening, grain=grain
        )

    def opening(self, given: Opening) -> Opening:
        return given

    def state(self, tokens: int) -> Snapshot:
        return Snapshot("figure", {"count": tokens, "opening": 0})

    def first(self, name: str, request: Request) -> Input:
        return Input(request.units, request.prefix)

    def more(self, name: str, units: int) -> int:
        return units

    def whole(self, name: str, kept: int, units: int) -> tuple[int, int]:
        return kept, kept + units
