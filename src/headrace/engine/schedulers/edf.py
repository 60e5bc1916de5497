"""Edf: whose next output is due first."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.engine.job import Job
from headrace.engine.ready import Ready


@dataclass(frozen=True, slots=True)
class Edf:
    """Earliest deadline first: by (due < now, due, seq).

    Optimal on one machine while all can be kept (Liu and Layland, J. ACM 20(1), 1973). Under overload the plain rule
    spends the machine on what is late already, so that nothing else is in time either; here the late come last, after
    those to whom nothing was promised.
    """

    def __call__(self, ready: Ready) -> list[Job]:
        """All jobs, the nearest deadline first."""
        now = ready.now
        return sorted(ready.jobs, key=lambda job: (job.due < now, job.due, job.seq))
