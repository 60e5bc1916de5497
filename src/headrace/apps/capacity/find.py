"""find: how many sessions are served with at least so large a share of their outputs in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from random import Random
from statistics import median_low
from typing import Any

from headrace.apps.capacity.load import Load
from headrace.apps.capacity.simulated import Priced, slower
from headrace.apps.capacity.subject import machine_of
from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.engine.lane import Lane
from headrace.engine.limits import Limits
from headrace.engine.request import NEVER, Request, Slo
from headrace.engine.schedulers.registry import scheduler_of
from headrace.engine.simulator import Machine, simulate

#: Sessions that are tried at most.
MOST = 4096
#: How much slower a machine is assumed to be, to see what a busy neighbour would take.
SLOWER = 1.10
#: Numbers of sessions at which a curve is drawn, as shares of the capacity.
SHARES = (0.6, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.35)


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        load: what a session asks for.
        slo: what is promised to it.
        share: of all outputs that must be in time, 0 to 1.
        limits: of a tick.
        budget: tokens that a session keeps at most.
        seconds: of the load that is run. An overload by one part in n is seen only in a run that is n times as long as
            the promise.
        seeds: runs with other draws, of arrivals and of noise.

    Raises:
        ConfigError: a number is out of bounds.
    """

    load: Load
    slo: Slo
    share: float = 0.99
    limits: Limits = field(default_factory=Limits)
    budget: int = 2004
    seconds: float = 20.0
    seeds: int = 5

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ConfigError(f"--share {self.share!r}: give a share above 0, 1 at most, such as 0.99")
        if not 0 < self.seconds <= 86_400 or not 1 <= self.seeds <= 100:
            raise ConfigError("give --seconds above 0 and 1 to 100 --seeds")

    def requests(self, sessions: int, seed: int) -> list[Request]:
        """Of so many sessions."""
        return self.load(sessions, self.seconds, self.slo, self.budget, seed)

    @property
    def until(self) -> int:
        """When a run is cut, ns: all that was promised is late by then, or was never made."""
        promised = [time for time in (self.slo.first, self.slo.whole) if time < NEVER]
        paced = self.slo.every * 512 if self.slo.every < NEVER else 0
        return round(self.seconds * SECOND) + max(promised) + paced

    def machine(self, scheduler: str, priced: Priced, opening: int = 0) -> Machine:
        """One machine that serves it."""
        lane = Lane(scheduler_of(scheduler), priced.cost, self.limits)
        return machine_of(lane, self.budget, priced.block or 64, opening)


@dataclass(frozen=True)
class Point:
    """So many sessions.

    Attributes:
        sessions: how many.
        hits, sent: outputs in time, and outputs that were sent for, of each run.
    """

    sessions: int
    hits: tuple[int, ...]
    sent: tuple[int, ...]

    @property
    def rate(self) -> float:
        """Hits of all runs together, over all that was sent for; nothing sent for is nothing missed."""
        return sum(self.hits) / sum(self.sent) if sum(self.sent) else 1.0

    @property
    def rates(self) -> list[float]:
        """Of each run."""
        return [hits / sent if sent else 1.0 for hits, sent in zip(self.hits, self.sent, strict=True)]

    def to_json(self) -> dict[str, Any]:
        return {
            "sessions": self.sessions,
            "hits": round(self.rate, 5),
            "low": round(min(self.rates), 5),
            "high": round(max(self.rates), 5),
        }


@dataclass(frozen=True)
class Found:
    """The capacity of a machine under one scheduler, simulated.

    Attributes:
        scheduler: its name.
        sessions: the most that are served, in the middle one of all runs (median).
        low, high: the same, of the run that bears least and most.
        slower: the same of the first run, if every tick took `SLOWER` times as long.
        curve: hit rate by sessions.
    """

    scheduler: str
    sessions: int
    low: int
    high: int
    slower: int
    curve: tuple[Point, ...]

    def from_(self, point: Point) -> Found:
        """The same, with a curve that begins at a point if it begins behind it."""
        return replace(self, curve=(point, *self.curve)) if point.sessions < self.curve[0].sessions else self

    def to_json(self) -> dict[str, Any]:
        return {
            "simulated": True,
            "sessions": self.sessions,
            "low": self.low,
            "high": self.high,
            "if_10_percent_slower": self.slower,
            "curve": [point.to_json() for point in self.curve],
        }


class Search:
    """Simulated runs of one scheduler, each of which is made once.

    Args:
        question: what is asked.
        scheduler: its name.
        priced: the machine.
        opening: tokens that a session reads before everything else.
        told: called before each run with what is run.
    """

    def __init__(
        self,
        question: Question,
        scheduler: str,
        priced: Priced,
        opening: int = 0,
        told: Callable[[str], None] | None = None,
    ) -> None:
        self.question, self.scheduler, self.priced = question, scheduler, priced
        self._opening, self._told = opening, told
        self._runs: dict[tuple[int, int], tuple[int, int]] = {}

    @cached_property
    def machine(self) -> Machine:
        return self.question.machine(self.scheduler, self.priced, self._opening)

    def run(self, sessions: int, seed: int) -> tuple[int, int]:
        """Hits, and outputs that were sent for."""
        if (sessions, seed) not in self._runs:
            if self._told is not None:
                self._told(f"simulating {self.scheduler}, {sessions} sessions")
            requests = self.question.requests(sessions, seed)
            duration = noisy(self.priced, seed)
            outcome = simulate(requests, self.machine, duration=duration, until=self.question.until)
            self._runs[sessions, seed] = counted(outcome.served)
        return self._runs[sessions, seed]

    def point(self, sessions: int) -> Point:
        """Of all seeds."""
        runs = [self.run(sessions, seed) for seed in range(self.question.seeds)]
        return Point(sessions, tuple(hits for hits, _ in runs), tuple(sent for _, sent in runs))

    def capacity(self, seed: int = 0, near: int = 0) -> int:
        """The most sessions of which a run has a large enough share of hits; looked for from `near` on."""

        def holds(sessions: int) -> bool:
            hits, sent = self.run(sessions, seed)
            return hits >= self.question.share * sent

        return largest(holds, near)

    def found(self) -> Found:
        """All of it."""
        first = self.capacity()
        each = [first] + [self.capacity(seed, first) for seed in range(1, self.question.seeds)]
        sessions = median_low(each)
        at = sorted({max(1, round(share * sessions)) for share in SHARES} | {sessions + 1})
        slow = Search(self.question, self.scheduler, slower(self.priced, SLOWER), self._opening, self._told)
        return Found(
            self.scheduler,
            sessions,
            min(each),
            max(each),
            slow.capacity(0, first),
            tuple(self.point(n) for n in at),
        )


def largest(holds: Callable[[int], bool], near: int = 0, most: int = MOST) -> int:
    """The largest number up to `most` for which it holds, where it holds for all below; 0 if it does for none.

    Args:
        holds: asked of a few numbers.
        near: where the answer is likely to be.
    """
    step, low, high = 1, 0, most + 1
    at = min(max(near, 1), most)
    if holds(at):
        low = at
        while low + step < high and holds(low + step):
            low, step = low + step, step * 2
        high = min(low + step, high)
    else:
        high = at
        while high - step > low and not holds(high - step):
            high, step = high - step, step * 2
        low = max(high - step, 0)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def noisy(priced: Priced, seed: int) -> Callable[[int, Sequence[tuple[int, int]], float], float] | None:
    """Durations of ticks: as predicted, times a ratio drawn from those that were measured; None if there are none."""
    if not priced.ratios:
        return None
    draw, cost, ratios = Random(f"{seed} noise"), priced.cost, priced.ratios
    return lambda _number, rows, _predicted: cost.seconds(rows) * draw.choice(ratios)


def counted(served: Sequence[Any]) -> tuple[int, int]:
    """Hits, and outputs that were sent for."""
    return sum(one.hits for one in served), sum(one.wanted for one in served)
