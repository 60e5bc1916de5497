"""Lane: one device, and what it runs in its next tick."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from headrace.engine.cost import Cost
from headrace.engine.job import Job
from headrace.engine.limits import Limits
from headrace.engine.parking import Lodger, Room, make_room
from headrace.engine.plan import Plan, fill
from headrace.engine.ready import Ready
from headrace.engine.scheduler import Scheduler


@dataclass(frozen=True)
class Lane:
    """The decision about a tick, real or simulated: a pure function of what is ready.

    Attributes:
        scheduler: orders what is ready.
        cost: predicts seconds.
        limits: of a tick.
    """

    scheduler: Scheduler
    cost: Cost = field(default_factory=Cost)
    limits: Limits = field(default_factory=Limits)

    def tick(
        self,
        now: int,
        jobs: Iterable[Job],
        *,
        served: Mapping[str, float] | None = None,
        last: float = 0.0,
        lodgers: Iterable[Lodger] = (),
        room: Room | None = None,
    ) -> Plan:
        """What to run now.

        Args:
            now: clock time, ns.
            jobs: all that are ready, in order of arrival.
            served: predicted seconds that each program has had.
            last: seconds that a tick took of late.
            lodgers: sessions on the device, if bytes are limited.
            room: elsewhere.
        """
        ready = Ready(now, tuple(jobs), self.cost, self.limits, served or {}, last)
        if not ready.jobs:
            return Plan()
        order = self.scheduler(ready)
        offered = order
        if getattr(self.scheduler, "separates", False):
            offered = [job for job in order if bool(job.todo_in) == bool(order[0].todo_in)]
        plan = fill(offered, ready)
        if all(share.job.resides for share in plan.shares):
            return plan
        shares, parked = make_room(plan.shares, order, lodgers, room or Room(), self.cost, self.limits.bytes)
        rows = [(share.units, share.job.resident) for share in shares]
        brought = sum(share.job.away for share in shares)
        seconds = self.cost.seconds(rows) + brought if rows else 0.0
        return replace(plan, shares=shares, parked=parked, seconds=seconds)
