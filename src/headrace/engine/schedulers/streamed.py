"""Streamed: prompts that are complete before prompts that still arrive."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from headrace.engine.job import Job
from headrace.engine.ready import Ready


class Among(Protocol):
    """An order among equals; a value object."""

    def key(self, job: Job) -> int:
        """The least first."""
        ...


@dataclass(frozen=True, slots=True)
class ByArrival:
    """Who came first ("fcfs")."""

    def key(self, job: Job) -> int:
        """Its release."""
        return job.release


@dataclass(frozen=True, slots=True)
class ByLastChunk:
    """Whose newest input is oldest ("lcas", as the paper's code sorts it; newest first would starve the patient)."""

    def key(self, job: Job) -> int:
        """When its newest chunk came."""
        return job.last_chunk


@dataclass(frozen=True, slots=True)
class ByComputed:
    """Who has most tokens computed ("mcps"): least to read again if it has to make room."""

    def key(self, job: Job) -> int:
        """Tokens read and said, negative."""
        return -(job.done_in + job.done_out)


@dataclass(frozen=True, slots=True)
class Streamed:
    """Stream2LLM's order (arXiv 2604.16395): by (open, nothing left to read comes first, among, seq).

    Whoever has its whole prompt goes before those whose prompt still arrives: their first token is next. Prompts that
    are open are read with what is left of the tick, while their retrieval is under way. Among the complete, those that
    say a token go first, as running requests do in the engine that the paper extends. Looks at no promise.

    Attributes:
        among: the order among the complete, and among the open.
    """

    among: Among = field(default_factory=ByArrival)

    def __call__(self, ready: Ready) -> list[Job]:
        """All jobs, those with a complete prompt first."""
        key = self.among.key
        return sorted(ready.jobs, key=lambda job: (job.open, job.todo_in > 0, key(job), job.seq))
