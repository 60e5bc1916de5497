"""real: the engine itself under a load, with a model; requests come when they would, and ticks take what they took."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.apps.capacity.find import Point, Question, counted
from headrace.apps.capacity.simulated import Priced
from headrace.apps.capacity.subject import Words
from headrace.core.clock import Stopwatch
from headrace.engine.cost import Sample
from headrace.engine.simulator import Machine, Measured, Replica, simulate

if TYPE_CHECKING:
    from headrace.models.hf import LM

#: Seconds of load of a rehearsal, and the seed of its arrivals, which no other run has.
REHEARSAL, APART = 5.0, 1_000
#: Runs beyond the first three by which the real capacity is looked for.
BEYOND = 6


@dataclass(frozen=True)
class Run:
    """One run of the engine.

    Attributes:
        point: hits of so many sessions.
        ticks: that it ran; busy: seconds of them.
        pace: measured / predicted seconds, of all ticks together.
        error: mean of |predicted / measured - 1| over ticks.
    """

    point: Point
    ticks: int
    busy: float
    pace: float
    error: float

    def to_json(self) -> dict[str, Any]:
        return {
            "sessions": self.point.sessions,
            "hits": round(self.point.rate, 5),
            "ticks": self.ticks,
            "busy": round(self.busy, 3),
            "pace": round(self.pace, 4),
            "tick_error": round(self.error, 4),
        }


@dataclass(frozen=True)
class Verified:
    """The capacity of the engine itself.

    Attributes:
        sessions: the most that it served, of those that were tried; None: none of them held.
        bounded: the next number up was tried and did not hold.
        runs: by sessions.
        ratios: measured / calibrated of all their ticks.
    """

    sessions: int | None
    bounded: bool
    runs: tuple[Run, ...]
    ratios: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "sessions": self.sessions,
            "bounded": self.bounded,
            "runs": [run.to_json() for run in self.runs],
        }


class Engine:
    """Runs of a model under the engine, in this process, one thread on a CPU.

    Args:
        lm: the model.
        question: what is asked.
        priced: its calibration.
    """

    def __init__(self, lm: LM, question: Question, priced: Priced) -> None:
        self.lm, self.question, self.priced = lm, question, priced
        self._words = Words(lm, question.budget)
        self._gpu = lm.attached.device.type != "cpu"

    @property
    def opening(self) -> int:
        """Tokens that a session reads before everything else."""
        return len(self.lm.opening)

    def run(
        self, scheduler: str, sessions: int, seed: int = 0, seconds: float | None = None
    ) -> tuple[Run, list[Sample]]:
        """One run, and its ticks."""
        import gc

        import torch

        if not self._gpu:
            torch.set_num_threads(1)
        requests = self.question.load(
            sessions, seconds or self.question.seconds, self.question.slo, self.question.budget, seed
        )
        for tokens in {one.brought for one in requests if one.brought}:
            self._words.state(tokens)
        replicas: list[Measured] = []

        def make(machine: Machine, number: int) -> Replica:
            measure = Stopwatch.wall if self._gpu else Stopwatch.cpu
            replicas.append(Measured(machine, number, self._words, measure))
            return replicas[-1]

        machine = self.question.machine(scheduler, self.priced, self.opening)
        gc.collect()
        outcome = simulate(requests, machine, until=self.question.until, make=make)
        for seat in list(replicas[0].engine):
            replicas[0].engine.close(seat.id)
        samples = replicas[0].samples
        hits, sent = counted(outcome.served)
        predicted = [self.priced.cost.seconds(rows) for rows, _ in samples]
        taken = [seconds for _, seconds in samples]
        return Run(
            Point(sessions, (hits,), (sent,)),
            len(samples),
            sum(taken),
            sum(taken) / sum(predicted) if predicted else 1.0,
            statistics.fmean(abs(p / t - 1) for p, t in zip(predicted, taken, strict=True)) if taken else 0.0,
        ), samples

    def rehearse(self, scheduler: str, sessions: int) -> list[float]:
        """measured / predicted of ticks of the load, with arrivals of their own: what the engine adds to launches."""
        _, samples = self.run(scheduler, max(sessions, 1), APART, REHEARSAL)
        return self.priced.cost.ratios(samples)

    def verify(self, scheduler: str, sessions: int, told: Callable[[str], None] | None = None) -> Verified:
        """Run so many sessions, one less and one more; and further where the capacity was not between them."""
        runs: dict[int, Run] = {}
        ratios: list[float] = []

        def holds(n: int) -> bool:
            if n not in runs:
                if told is not None:
                    told(f"running {scheduler}, {n} sessions")
                runs[n], samples = self.run(scheduler, n)
                ratios.extend(self.priced.cost.ratios(samples))
            return runs[n].point.rate >= self.question.share

        first = max(sessions - 1, 1)
        held = {n: holds(n) for n in (first, first + 1, first + 2)}
        for _ in range(BEYOND):
            if all(held.values()):
                held[max(held) + 1] = holds(max(held) + 1)
            elif not any(held.values()) and min(held) > 1:
                held[min(held) - 1] = holds(min(held) - 1)
            else:
                break
        return _verified(held, [runs[n] for n in sorted(runs)], ratios)


def _verified(held: dict[int, bool], runs: Sequence[Run], ratios: Sequence[float]) -> Verified:
    """The capacity is the most below which all that was tried held."""
    best = None
    for n in sorted(held):
        if not held[n]:
            break
        best = n
    if best is None and min(held) == 1:
        best = 0
    return Verified(best, best is not None and best < max(held), tuple(runs), tuple(ratios))
