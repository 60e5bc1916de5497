"""LeastSlack: who can wait least."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.engine.job import Job
from headrace.engine.ready import Ready


@dataclass(frozen=True, slots=True)
class LeastSlack:
    """Least slack first: by (slack < 0, slack, seq), slack = due - now - seconds predicted for the next output alone.

    Least laxity (Mok, MIT/LCS/TR-297, 1983); the urgency U = estimate - (promise - elapsed) of HexGen-Text2SQL (arXiv
    2505.05286) is its negative. Who cannot be in time even alone comes last, the nearest miss in front. Without
    promise the slack is infinite.
    """

    def __call__(self, ready: Ready) -> list[Job]:
        """All jobs, the least slack that is not negative first."""

        def key(job: Job) -> tuple[bool, float, int]:
            slack = ready.slack(job)
            return slack < 0, abs(slack), job.seq

        return sorted(ready.jobs, key=key)
