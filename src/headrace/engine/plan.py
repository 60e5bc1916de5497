"""Plan: who runs in the next tick, and how much of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from headrace.engine.cost import Load
from headrace.engine.job import Job
from headrace.engine.ready import Ready


@dataclass(frozen=True, slots=True)
class Share:
    """One row of a tick: a job and the units that it may run."""

    job: Job
    units: int


@dataclass(frozen=True, slots=True)
class Parking:
    """A session that has to make room.

    Attributes:
        session: its name.
        tier: where its state goes: "host", "disk", or "recompute" (nowhere: its past is read again).
    """

    session: str
    tier: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One tick.

    Attributes:
        shares: in order of urgency.
        seconds: predicted.
        parked: who makes room before it.
    """

    shares: tuple[Share, ...] = ()
    seconds: float = 0.0
    parked: tuple[Parking, ...] = ()

    @property
    def rows(self) -> list[tuple[int, int]]:
        """What the cost model sees of it: units and resident entries of each row."""
        return [(share.units, share.job.resident) for share in self.shares]


def fill(order: Iterable[Job], ready: Ready) -> Plan:
    """Take jobs in order until a budget is full; one routine for every scheduler, real or simulated.

    A reading is cut to what still fits the budgets of tokens and seconds; what is atomic comes whole or not at all. The
    tick may not last longer than the least slack among what it holds either: a long reading does not make a token late
    that would have been in time. The first piece always runs, so that there is progress under any budget.

    Args:
        order: most urgent first.
        ready: its limits and cost are used; a shape differs from launch to launch, so a tick may hold several.
    """
    limits, cost = ready.limits, ready.cost
    shares: list[Share] = []
    load, seconds, allowed = Load(), 0.0, limits.seconds
    for job in order:
        if len(shares) == limits.rows or load.units >= limits.units:
            break
        whole = job.next
        most = min(whole, limits.units - load.units)
        if job.atomic and most < whole:
            if shares:
                continue
            most = whole
        n, predicted = most, 0.0
        while n > 0:
            predicted = cost.more(load, n, job.resident)
            if predicted <= allowed or not shares:
                break
            n = 0 if job.atomic or n <= 8 else n // 2
        if n <= 0:
            continue
        shares.append(Share(job, n))
        load.add(n, job.resident)
        seconds = predicted
        slack = (job.due - ready.now) / 1e9
        if slack > predicted:
            allowed = min(allowed, slack)
    return Plan(tuple(shares), seconds)
