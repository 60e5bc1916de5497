"""Grouped: those that begin alike run together."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from headrace.engine.job import Job
from headrace.engine.ready import Ready


@dataclass(slots=True)
class _Group:
    """What is summed over the members of a group that are ready."""

    first: int
    inputs: int = 0
    outputs: int = 0
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Grouped:
    """BatchLLM's order (arXiv 2412.03594): by (something to read, group, seq).

    Tokens first; then groups that share a prefix, the largest ratio of tokens to say to tokens to read first, so that
    what they say is mixed with what later ones read. A group that was begun is finished before the next one
    begins, so that the shared state lives shortly. Members follow each other. Who shares nothing is a group of one.
    Looks at no promise; meant for batches.

    Attributes:
        gathers: one of a group reads what is shared, and the others wait for it.
    """

    gathers: bool = True

    def __call__(self, ready: Ready) -> list[Job]:
        """All jobs, those that say a token first, then by group."""
        groups: dict[Hashable, _Group] = {}
        for job in ready.jobs:
            group = groups.setdefault(_name(job), _Group(job.seq))
            group.first = min(group.first, job.seq)
            group.inputs += job.done_in + job.todo_in
            group.outputs += job.done_out + job.todo_out
            group.begun |= job.done_in + job.done_out > 0

        def key(job: Job) -> tuple[bool, bool, float, int, int]:
            group = groups[_name(job)]
            return job.todo_in > 0, not group.begun, -group.outputs / max(group.inputs, 1), group.first, job.seq

        return sorted(ready.jobs, key=key)


def _name(job: Job) -> Hashable:
    return ("alone", job.seq) if job.group is None else ("group", job.group)
