"""PrefillFirst: prompts before tokens."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.engine.job import Job
from headrace.engine.ready import Ready


@dataclass(frozen=True, slots=True)
class PrefillFirst:
    """Whole prompts first: by (nothing to read, release, seq).

    The order of vLLM before chunked prefill (arXiv 2309.06180) and of nano-vllm: prompts in order of arrival, and a
    token is said only if no prompt waits. A stream of arrivals makes those that speak fall silent, the stall that
    chunked prefill was made against. Looks at no promise.

    Attributes:
        separates: a tick either reads or says.
    """

    separates: bool = True

    def __call__(self, ready: Ready) -> list[Job]:
        """All jobs, those that read first."""
        return sorted(ready.jobs, key=lambda job: (not job.todo_in, job.release, job.seq))
