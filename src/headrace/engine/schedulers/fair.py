"""Fair: programs share the machine, whatever orders the work of each."""

from __future__ import annotations

from dataclasses import dataclass, field

from headrace.core.errors import ConfigError
from headrace.engine.job import Job
from headrace.engine.ready import Ready
from headrace.engine.scheduler import Scheduler
from headrace.engine.schedulers.edf import Edf


@dataclass(frozen=True, slots=True)
class Fair:
    """By (floor(lead / lag), place in the order within), lead = seconds served to the program beyond the least served.

    Fair queueing in predicted seconds (the virtual token counter of Sheng et al., OSDI 2024, counts weighted tokens).
    Between two programs that both always have enough ready to fill a tick, the seconds served differ by at most `lag`
    plus one tick, once they did. Only programs that have something ready are compared: who has little to do gets all of
    it, and what it leaves goes to the others. Within a program, and among programs on one level, the order is that of
    `within`: there what is late stands behind what is feasible, not behind the feasible work of a program that had more
    than its share.

    Attributes:
        within: orders the work of equals; it may gather or separate.
        lag: seconds by which a program may lead before it stands back.

    Raises:
        ConfigError: the lag is not above 0.
    """

    within: Scheduler = field(default_factory=Edf)
    lag: float = 1.0

    def __post_init__(self) -> None:
        if not self.lag > 0:
            raise ConfigError(f"Fair(lag={self.lag!r}): give seconds above 0")

    @property
    def gathers(self) -> bool:
        """As `within`."""
        return bool(getattr(self.within, "gathers", False))

    @property
    def separates(self) -> bool:
        """As `within`."""
        return bool(getattr(self.within, "separates", False))

    def __call__(self, ready: Ready) -> list[Job]:
        """All jobs, those of the program that had least first."""
        order = self.within(ready)
        had = {job.program: ready.served.get(job.program, 0.0) for job in order}
        least = min(had.values(), default=0.0)
        return sorted(order, key=lambda job: (had[job.program] - least) // self.lag)
