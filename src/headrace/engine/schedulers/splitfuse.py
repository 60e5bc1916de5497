"""SplitFuse: tokens before prompts, prompts cut to fill the rest."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.engine.job import Job
from headrace.engine.ready import Ready


@dataclass(frozen=True, slots=True)
class SplitFuse:
    """Dynamic SplitFuse: by (something to read, release, seq).

    DeepSpeed-FastGen (arXiv 2401.08671, section 3): all that speak say their token in every launch, long prompts are
    cut over several launches and short ones put together so that each launch has the same size: the cut is made by
    `headrace.engine.plan.fill`. Looks at no promise.
    """

    def __call__(self, ready: Ready) -> list[Job]:
        """All jobs, those that say a token first."""
        return sorted(ready.jobs, key=lambda job: (job.todo_in > 0, job.release, job.seq))
