"""Placement: reading and saying on machines of their own, or on the same ones. What it brings is simulated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.engine.request import Request, Served, Slo
from headrace.engine.simulator.replica import Machine
from headrace.engine.simulator.route import Least, Route, over
from headrace.engine.simulator.simulate import simulate


@dataclass(frozen=True)
class Fleet:
    """Equal replicas.

    Attributes:
        machine: what each of them is.
        replicas: how many.
        degree: GPUs of each, among which its tensors are split; what that brings is in the machine's cost and limits.
        route: shares requests among them.
    """

    machine: Machine
    replicas: int = 1
    degree: int = 1
    route: Route = field(default_factory=Least)

    def __post_init__(self) -> None:
        for name in ("replicas", "degree"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"Fleet({name}={value!r}): give a whole number of 1 or more")

    @property
    def gpus(self) -> int:
        return self.replicas * self.degree


@dataclass(frozen=True)
class Transfer:
    """How a state that was read moves to where it is spoken from.

    A replica sends one state at a time, in the order in which they are ready.

    Attributes:
        token_bytes: of state, a token.
        bandwidth: bytes a second between two replicas.
        base: seconds of each handover, however small.
    """

    token_bytes: int
    bandwidth: float
    base: float = 0.0

    def __post_init__(self) -> None:
        if not (self.token_bytes >= 0 and self.bandwidth > 0 and self.base >= 0):
            raise ConfigError(f"{self}: give 0 or more bytes and seconds, and a bandwidth above 0")

    def seconds(self, tokens: int) -> float:
        """Of the state of so many tokens."""
        return self.base + tokens * self.token_bytes / self.bandwidth


class Placement(Protocol):
    """Which machines do what."""

    @property
    def gpus(self) -> int:
        """All of them together."""
        ...

    def serve(self, requests: Sequence[Request]) -> list[Served]:
        """Simulate it; what became of each request, in their order."""
        ...


@dataclass(frozen=True)
class Together:
    """Every replica reads and says."""

    fleet: Fleet

    @property
    def gpus(self) -> int:
        return self.fleet.gpus

    def serve(self, requests: Sequence[Request]) -> list[Served]:
        """See Placement."""
        return _simulated(self.fleet, requests)

    def __str__(self) -> str:
        return f"together {_shape(self.fleet)}"


@dataclass(frozen=True)
class Apart:
    """Some replicas read, others say (DistServe, OSDI 2024, arXiv 2401.09670).

    What was read moves over before it is spoken from. The replicas that say cannot hold back those that read: states
    that find no room wait with them.
    """

    reading: Fleet
    saying: Fleet
    transfer: Transfer

    @property
    def gpus(self) -> int:
        return self.reading.gpus + self.saying.gpus

    def serve(self, requests: Sequence[Request]) -> list[Served]:
        """See Placement.

        Raises:
            ConfigError: a request is one of several of its session, or its input comes in chunks.
        """
        named = [one.session for one in requests if one.session]
        if len(set(named)) < len(named) or any(one.chunks for one in requests):
            raise ConfigError("Apart: state does not move back; give requests of one exchange and one chunk each")
        read = _simulated(self.reading, [replace(one, session="", outputs=0) for one in requests])
        arrived = self._handed(read)
        going = sorted((at for at in arrived if requests[at].outputs), key=lambda at: (arrived[at], at))
        said = _simulated(self.saying, [_rest(requests[at], arrived[at]) for at in going])
        whole = [replace(done, request=one) for one, done in zip(requests, read, strict=True)]
        for at, after in zip(going, said, strict=True):
            whole[at] = _joined(requests[at], read[at], after)
        return whole

    def _handed(self, read: Sequence[Served]) -> dict[int, int]:
        """When the state of each request that was read is where it is spoken from, ns."""
        free: dict[int, int] = {}
        arrived: dict[int, int] = {}
        for end, at in sorted((one.end, at) for at, one in enumerate(read) if one.end is not None):
            start = max(end, free.get(read[at].replica, 0))
            taken = round(self.transfer.seconds(read[at].request.units) * SECOND)
            free[read[at].replica] = arrived[at] = start + taken
        return arrived

    def __str__(self) -> str:
        return f"apart {_shape(self.reading)} + {_shape(self.saying)}"


@dataclass(frozen=True)
class Reading:
    """The reading half of a placement by itself: nothing is said."""

    fleet: Fleet

    @property
    def gpus(self) -> int:
        return self.fleet.gpus

    def serve(self, requests: Sequence[Request]) -> list[Served]:
        """See Placement."""
        return _simulated(self.fleet, [replace(one, outputs=0) for one in requests])


@dataclass(frozen=True)
class Saying:
    """The other half by itself: everything was read when it arrives."""

    fleet: Fleet

    @property
    def gpus(self) -> int:
        return self.fleet.gpus

    def serve(self, requests: Sequence[Request]) -> list[Served]:
        """See Placement."""
        said = _simulated(self.fleet, [_rest(one, one.arrival) for one in requests])
        return [replace(done, read=one.arrival) for one, done in zip(requests, said, strict=True)]


def _rest(request: Request, arrival: int) -> Request:
    """What is left of a request once it was read and its state has moved."""
    every = request.slo.every
    slo = Slo(first=every, every=every)
    return replace(request, session="", arrival=arrival, units=0, brought=request.units, prefix=(), block=0, slo=slo)


def _joined(request: Request, read: Served, said: Served) -> Served:
    """One request of its two parts."""
    due = [request.slo.due(request.arrival, made) for made in range(len(said.times))]
    return replace(said, request=request, release=read.release, read=read.end, due=due, reused=read.reused)


def _simulated(fleet: Fleet, requests: Sequence[Request]) -> list[Served]:
    return simulate(requests, [fleet.machine] * fleet.replicas, route=over(fleet.route)).served


def _shape(fleet: Fleet) -> str:
    return f"{fleet.replicas} x {fleet.degree} GPU"
