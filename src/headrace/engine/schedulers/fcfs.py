"""Fcfs: who came first."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.engine.job import Job
from headrace.engine.ready import Ready


@dataclass(frozen=True, slots=True)
class Fcfs:
    """First come, first served: by (release, seq). Looks at no promise."""

    def __call__(self, ready: Ready) -> list[Job]:
        """All jobs, the oldest first."""
        return sorted(ready.jobs, key=lambda job: (job.release, job.seq))
