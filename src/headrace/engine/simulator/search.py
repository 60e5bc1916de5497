"""Search: the rate at which a promise holds, and the placement at which it is highest. All of it is simulated."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.engine.request import Request, Served
from headrace.engine.simulator.placement import Apart, Fleet, Placement, Reading, Saying, Transfer

#: Requests at so many a second.
Load = Callable[[float], Sequence[Request]]


@dataclass(frozen=True)
class Promise:
    """What a share of all requests that were sent has to keep.

    Attributes:
        first: seconds from a request's arrival until it is read, at most; see `times`.
        every: mean seconds of each token from then on, at most; a stall may be made up for.
        share: of the requests, that keep both.
    """

    first: float
    every: float
    share: float = 0.9

    def __post_init__(self) -> None:
        if not (self.first > 0 and self.every > 0 and 0 < self.share <= 1):
            raise ConfigError(f"{self}: give seconds above 0 and a share from 0 to 1")

    def tighter(self, factor: float) -> Promise:
        """Both times so many times as short."""
        return replace(self, first=self.first / factor, every=self.every / factor)

    def kept(self, served: Sequence[Served]) -> float:
        """Share that keeps both; those refused or never ended do not."""
        return sum(self._keeps(one) for one in served) / len(served) if served else 1.0

    def _keeps(self, one: Served) -> bool:
        first, every = times(one)
        return first <= self.first and every <= self.every


def times(one: Served) -> tuple[float, float]:
    """Seconds until a request was read, and mean seconds of each token from then on; infinite if that never came.

    The reading itself yields the first token where reading and saying are one launch, as in the engines that published
    profiles are of; time to first token is counted to there.
    """
    if one.refused or one.end is None or one.read is None:
        return math.inf, math.inf
    return (one.read - one.request.arrival) / SECOND, (one.end - one.read) / max(one.request.outputs, 1) / SECOND


P = TypeVar("P", bound=Placement)


@dataclass(frozen=True)
class Found(Generic[P]):
    """The highest rate at which a promise held. Simulated.

    Attributes:
        placement: of which.
        rate: requests a second and GPU; 0: it held at no rate that was tried.
        tried: (rate, share that kept the promise) of each simulation, in order.
    """

    placement: P
    rate: float
    tried: tuple[tuple[float, float], ...] = ()


def best_rate(placement: P, load: Load, promise: Promise, *, most: float = 5.0, within: float = 0.25) -> Found[P]:
    """The highest rate a GPU at which the promise holds, by bisection between 0 and `most` (arXiv 2401.09670, §4.1).

    It takes for granted that a lower rate keeps what a higher one keeps.

    Args:
        placement: that is simulated.
        load: gives requests at so many a second for all GPUs together.
        promise: that has to hold.
        most: requests a second and GPU at which the search begins.
        within: it ends when the rate is known to this.
    """
    if not (most > 0 and within > 0):
        raise ConfigError(f"best_rate(most={most!r}, within={within!r}): give rates above 0")
    low, high, tried = 0.0, most, []
    while high - low > within:
        rate = (low + high) / 2
        kept = promise.kept(placement.serve(load(rate * placement.gpus)))
        tried.append((rate, kept))
        low, high = (rate, high) if kept >= promise.share else (low, rate)
    return Found(placement, low, tuple(tried))


def best_placement(
    placements: Iterable[P], load: Load, promise: Promise, *, most: float = 5.0, within: float = 0.25
) -> list[Found[P]]:
    """Every placement with its rate, the best first; of equal ones the one of fewer GPUs."""
    found = [best_rate(placement, load, promise, most=most, within=within) for placement in placements]
    return sorted(found, key=lambda one: (-one.rate, one.placement.gpus))


def balanced(
    reading: Iterable[Fleet],
    saying: Iterable[Fleet],
    transfer: Transfer,
    load: Load,
    promise: Promise,
    *,
    gpus: int,
    most: float = 10.0,
    within: float = 0.25,
) -> Apart:
    """The placement that simulating either half by itself leads to (arXiv 2401.09670, algorithm 1).

    Of each half the fleet of the highest rate a GPU is taken, then as many of both as serve the most requests a GPU,
    the slower half deciding; of equal ones the fewest.

    Args:
        reading: fleets to choose from for the reading half.
        saying: for the other.
        transfer: between them.
        load, promise, most, within: see `best_rate`; each half has to keep its part of the promise for the whole share.
        gpus: of all replicas together, at most.

    Raises:
        ConfigError: two replicas do not fit, or one half keeps its part at no rate that was tried.
    """
    read = best_placement([Reading(one) for one in reading], load, promise, most=most, within=within)[0]
    said = best_placement([Saying(one) for one in saying], load, promise, most=most, within=within)[0]
    if not (read.rate and said.rate):
        raise ConfigError(f"{promise} is not kept below {most} requests a second and GPU; promise less")
    one, other = read.placement.gpus, said.placement.gpus
    fitting = [(n, m) for n in range(1, gpus // one + 1) for m in range(1, (gpus - n * one) // other + 1)]
    if not fitting:
        raise ConfigError(f"{gpus} GPUs do not hold a replica of {one} that reads and one of {other} that says")

    def rate(shape: tuple[int, int]) -> float:
        n, m = shape
        return min(n * one * read.rate, m * other * said.rate) / (n * one + m * other)

    n, m = max(fitting, key=lambda shape: (rate(shape), -sum(shape)))
    reader, sayer = read.placement.fleet, said.placement.fleet
    return Apart(replace(reader, replicas=n * reader.replicas), replace(sayer, replicas=m * sayer.replicas), transfer)
