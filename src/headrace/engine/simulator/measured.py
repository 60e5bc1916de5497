"""Measured: a replica that runs a model. Requests come when the trace says, and ticks take what they took."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from headrace.core.clock import Stopwatch
from headrace.engine.cost import Sample
from headrace.engine.request import Chunk, Request, Served
from headrace.engine.simulator.replica import Machine, Replica
from headrace.engine.simulator.subject import Subject

#: Seconds since a stopwatch was made: CPU time of this process, or wall time where the work is not its own (a GPU).
Measure = Callable[[Stopwatch], float]


class Measured(Replica):
    """A replica whose ticks are run, one at a time, while the clock of the trace stands still.

    A tick takes all that the engine computed since the last one began: taking in what arrived and giving out what was
    said as well as the launch; what comes after the launch is charged to the next tick.

    Args:
        machine: its lane; what else it says of sessions is the subject's to know.
        number: which replica it is.
        subject: runs the sessions.
        measure: seconds of a stopwatch.

    Attributes:
        samples: rows and seconds of every tick.
    """

    def __init__(self, machine: Machine, number: int, subject: Subject, measure: Measure = Stopwatch.cpu) -> None:
        super().__init__(machine, number, subject)
        self.samples: list[Sample] = []
        self._measure, self._spent = measure, 0.0

    def arrive(self, served: Served, name: str, now: int) -> None:
        """See Replica."""
        with self._charged():
            super().arrive(served, name, now)

    def more(self, served: Served, name: str, chunk: Chunk, now: int) -> None:
        """See Replica."""
        with self._charged():
            super().more(served, name, chunk, now)

    def sit(self, request: Request, name: str, now: int) -> None:
        """See Replica. Bringing the state of a session is not charged: it is no part of what the trace tells."""
        watch = Stopwatch()
        super().sit(request, name, now)
        self._spent -= self._measure(watch) if request.brought else 0.0

    def begin(self, now: int) -> float | None:
        """Run a tick: the seconds that it took; None if nothing is ready."""
        with self._charged():
            predicted = super().begin(now)
            if self.step is not None:
                self.engine.run(self.step)
        if self.step is None or predicted is None:
            return None
        seconds, self._spent = self._spent, 0.0
        self.samples.append((self.step.plan.rows, seconds))
        return seconds

    def finish(self, now: int, seconds: float) -> list[Served]:
        """See Replica."""
        with self._charged():
            return super().finish(now, seconds)

    def run(self, step: object) -> None:
        """It was run when it began."""

    @contextmanager
    def _charged(self) -> Iterator[None]:
        watch = Stopwatch()
        try:
            yield
        finally:
            self._spent += self._measure(watch)
