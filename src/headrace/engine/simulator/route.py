"""Routes: which replica takes a request, as pure functions of what is seen of the replicas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Protocol

from headrace.core.errors import ConfigError
from headrace.engine.request import Request

if TYPE_CHECKING:
    from headrace.engine.simulator.replica import Replica

_WORD = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class View:
    """What a route sees of one replica when a request arrives.

    Attributes:
        seconds: predicted, of all that waits or runs there.
        bytes: free for more state.
        home: it holds the state of the request's session.
        blocks: of the request's prefix that were read there, from the first on.
    """

    seconds: float = 0.0
    bytes: int = 1 << 62
    home: bool = False
    blocks: int = 0


class Route(Protocol):
    """A pure function: no clock, no Rng, no counter; equal input gives an equal answer."""

    def __call__(self, request: Request, number: int, views: Sequence[View]) -> int:
        """Index of the replica that takes it.

        Args:
            request: what arrived.
            number: by order of arrival, from 0; what draws are made from.
            views: of all replicas, at least one.
        """
        ...


@dataclass(frozen=True)
class RoundRobin:
    """One replica after the other."""

    def __call__(self, request: Request, number: int, views: Sequence[View]) -> int:
        """See Route."""
        return number % len(views)


@dataclass(frozen=True)
class Blind:
    """A replica drawn evenly: what the others must beat.

    Attributes:
        seed: of the draws.
    """

    seed: int = 0

    def __call__(self, request: Request, number: int, views: Sequence[View]) -> int:
        """See Route."""
        return draw(self.seed, number) % len(views)


@dataclass(frozen=True)
class Least:
    """The fewest predicted seconds; replicas with bytes to spare go before full ones, ties to the lower index."""

    def __call__(self, request: Request, number: int, views: Sequence[View]) -> int:
        """See Route."""
        return min(range(len(views)), key=lambda at: (*_load(views[at]), at))


@dataclass(frozen=True)
class PowerOfTwo:
    """The better of two drawn replicas (Mitzenmacher 2001, "The Power of Two Choices in Randomized Load Balancing").

    It needs two views instead of all. The two differ, and depend on the seed and the number of the request alone.

    Attributes:
        seed: of the draws.
    """

    seed: int = 0

    def __call__(self, request: Request, number: int, views: Sequence[View]) -> int:
        """See Route."""
        count = len(views)
        if count == 1:
            return 0
        bits = draw(self.seed, number)
        one = (bits & 0xFFFFFFFF) % count
        other = (one + 1 + (bits >> 32) % (count - 1)) % count
        return min(one, other, key=lambda at: _load(views[at]))


@dataclass(frozen=True)
class Affinity:
    """Where the session's state is, else where most of its prefix is, unless too much waits there.

    A replica whose queue is longer than the shortest by more than `steal` seconds loses the request to the replica
    with the shortest: work is stolen, and its state has to move or be read again. 0 follows the load alone, infinity
    the state alone.

    Attributes:
        steal: seconds.
        otherwise: chooses for a request that has no state anywhere.
    """

    steal: float = 1.0
    otherwise: Route = field(default_factory=Least)

    def __post_init__(self) -> None:
        if not self.steal >= 0:
            raise ConfigError(f"Affinity(steal={self.steal!r}): give seconds, 0 or more")

    def __call__(self, request: Request, number: int, views: Sequence[View]) -> int:
        """See Route."""
        home = self._home(views)
        if home is None:
            return self.otherwise(request, number, views)
        least = Least()(request, number, views)
        return least if views[home].seconds - views[least].seconds > self.steal else home

    def _home(self, views: Sequence[View]) -> int | None:
        for at, view in enumerate(views):
            if view.home:
                return at
        most = max(view.blocks for view in views)
        best = [at for at, view in enumerate(views) if view.blocks == most]
        return min(best, key=lambda at: (*_load(views[at]), at)) if most else None


#: By name, as the command line takes them.
ROUTES: Mapping[str, Callable[[], Route]] = {
    "affinity": Affinity,
    "blind": Blind,
    "least": Least,
    "power-of-two": PowerOfTwo,
    "round-robin": RoundRobin,
}


def route_of(given: str | Route) -> Route:
    """A route by name, or the one that was given.

    Raises:
        ConfigError: no route has that name.
    """
    if not isinstance(given, str):
        return given
    if given in ROUTES:
        return ROUTES[given]()
    close = get_close_matches(given.lower(), list(ROUTES), n=1)
    hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(ROUTES)}"
    raise ConfigError(f"unknown route {given!r}; {hint}")


def over(route: Route) -> Callable[[Sequence[Replica], Request, int, str], int]:
    """A route as `simulate` takes it: of the replicas themselves, whose views are made here."""

    def choose(replicas: Sequence[Replica], request: Request, number: int, name: str) -> int:
        return route(request, number, [view_of(replica, request, name) for replica in replicas])

    return choose


def view_of(replica: Replica, request: Request, name: str) -> View:
    """What a route sees of a replica.

    Args:
        replica: of a simulated cluster.
        request: that arrives.
        name: of its session.
    """
    engine = replica.engine
    held = sum(engine.host.max_bytes(seat.session) for seat in engine if seat.tier == "device")
    read = engine.prefixes.longest(request.prefix)
    return View(replica.queued, engine.lane.limits.bytes - held, name in engine.seats, read[1] if read else 0)


def draw(seed: int, number: int) -> int:
    """64 bits of a seed and a number (after SplitMix64, Steele, Lea and Flood 2014), so that nothing is remembered."""
    bits = (seed * 0x9E3779B97F4A7C15 + (number + 1) * 0xD1B54A32D192ED03) & _WORD
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = ((bits ^ (bits >> shift)) * factor) & _WORD
    return bits ^ (bits >> 31)


def _load(view: View) -> tuple[bool, float]:
    return view.bytes <= 0, view.seconds
