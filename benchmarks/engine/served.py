"""Served: a load on the engine itself, or on its simulation with a cost model that was fitted in the same run.

On the engine requests come at the times of the load while its clock stands still during a tick, which then takes the
CPU seconds that it took: what a process alone on a core would show, on a machine that may be shared.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch

import headrace
from benchmarks.state.configs import checkpoint
from headrace.apps.capacity.measure import measure
from headrace.apps.capacity.subject import Words, machine_of
from headrace.engine.calibration import Calibration
from headrace.engine.lane import Lane
from headrace.engine.limits import Limits
from headrace.engine.request import Request, Served
from headrace.engine.simulator import Duration, Machine, Measured, Outcome, Replica, simulate

#: Launches by which the cost model of a model is fitted.
LAUNCHES = 100


@dataclass(frozen=True, eq=False)
class Subject:
    """A model as a load finds it.

    Attributes:
        lm: the model.
        budget: tokens that a session keeps at most.
        made: its cost model.
    """

    lm: Any
    budget: int
    made: Calibration

    def machine(self, scheduler: Any, limits: Limits, **more: Any) -> Machine:
        """What a load runs on; `more` as `Machine` takes it."""
        lane = Lane(scheduler, self.made.cost, limits)
        return replace(machine_of(lane, self.budget, self.made.cost.piece, len(self.lm.opening)), **more)

    @property
    def entry_bytes(self) -> int:
        """Bytes of the keys and values of one token."""
        layout = self.lm.attached.layout
        numbers = sum(site.kv_heads * (site.key_dim + site.value_dim) for site in layout.sites)
        return int(numbers * layout.dtype.itemsize)

    def real(
        self, requests: Sequence[Request], machine: Machine, seed: int = 0, duration: Duration | None = None
    ) -> Outcome:
        """Serve it; `duration` sees every tick, and what it took."""
        words = Words(self.lm, self.budget, seed)
        replicas: list[Measured] = []

        def make(given: Machine, number: int) -> Replica:
            replicas.append(Measured(given, number, words))
            return replicas[-1]

        gc.collect()
        gc.freeze()
        try:
            outcome = simulate(requests, machine, make=make, duration=duration)
        finally:
            gc.unfreeze()
        engine = replicas[0].engine
        for seat in list(engine):
            engine.close(seat.id)
        return outcome

    def simulated(self, requests: Sequence[Request], machine: Machine, duration: Duration | None = None) -> Outcome:
        """Serve it in numbers."""
        return simulate(requests, machine, duration=duration)


@cache
def subject(name: str, budget: int) -> Subject:
    """A model that was loaded and calibrated: "zoo:…", or "27m" for the one of random weights."""
    torch.set_num_threads(1)
    lm = headrace.load(str(checkpoint()) if name == "27m" else name)
    return Subject(lm, budget, measure(lm, budget=budget, launches=LAUNCHES))


def gaps(served: Sequence[Served]) -> np.ndarray:
    """Milliseconds between one token and the next, of all requests together."""
    found = [np.diff(one.times) for one in served if len(one.times) > 1]
    return np.concatenate(found) / 1e6 if found else np.zeros(1)


def tokens(served: Sequence[Served]) -> int:
    """Tokens that were said."""
    return sum(len(one.times) for one in served)
