"""Shortest: who is soonest done."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.engine.job import Job
from headrace.engine.ready import Ready


@dataclass(frozen=True, slots=True)
class Shortest:
    """Shortest remaining time first: by (seconds predicted for all that is left, seq).

    Least mean time to completion on one machine (Schrage, Operations Research 16(3), 1968), as far as lengths are
    foreseen. Looks at no promise; who is long may wait for ever.
    """

    def __call__(self, ready: Ready) -> list[Job]:
        """All jobs, the least work left first."""
        return sorted(ready.jobs, key=lambda job: (ready.remaining(job), job.seq))
