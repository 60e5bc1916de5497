"""Scheduler: the order in which ready work is offered to a tick."""

from __future__ import annotations

from typing import Protocol

from headrace.engine.job import Job
from headrace.engine.ready import Ready


class Scheduler(Protocol):
    """A pure function of what is ready: no clock, no Rng, nothing is changed, equal input gives an equal answer.

    It may say `gathers = True`: of sessions that begin alike, one reads the beginning and the others wait for it; and
    `separates = True`: a tick either reads or says, as the most urgent job does.
    """

    def __call__(self, ready: Ready) -> list[Job]:
        """All jobs of `ready`, each once, most urgent first."""
        ...
