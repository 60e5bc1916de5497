"""Ready: all that a scheduler may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headrace.engine.cost import Cost
from headrace.engine.job import Job
from headrace.engine.limits import Limits
from headrace.engine.request import NEVER


@dataclass(frozen=True, slots=True)
class Ready:
    """What is ready at one moment. There is no clock in it, no Rng and no tensor.

    Attributes:
        now: clock time, ns.
        jobs: every session that wants something, in order of arrival.
        cost: predicts seconds.
        limits: of the tick.
        served: predicted seconds that each program has had.
        tick: seconds that a tick took of late.
    """

    now: int
    jobs: tuple[Job, ...]
    cost: Cost
    limits: Limits = field(default_factory=Limits)
    served: Mapping[str, float] = field(default_factory=dict)
    tick: float = 0.0

    def remaining(self, job: Job) -> float:
        """Seconds that a job needs, predicted, if it ran alone from now on."""
        read = self.cost.alone(job.todo_in, job.resident) if job.todo_in else 0.0
        say = job.todo_out * self.cost.alone(1, job.resident + job.todo_in) if job.todo_out else 0.0
        return job.away + read + say

    def next_output(self, job: Job) -> float:
        """Seconds that a job needs, predicted, for its next output alone."""
        read = self.cost.alone(job.todo_in, job.resident) if job.todo_in else 0.0
        say = self.cost.alone(1, job.resident + job.todo_in) if job.todo_out else 0.0
        return job.away + read + say

    def slack(self, job: Job) -> float:
        """Seconds that a job may still wait and have its next output when it is due; infinite without a promise."""
        return (job.due - self.now) / 1e9 - self.next_output(job) if job.due < NEVER else float("inf")
