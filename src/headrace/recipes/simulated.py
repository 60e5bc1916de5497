"""Simulated: the machine and the figures by which schedulers are checked; all of them are called simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from headrace.engine.request import Served
    from headrace.engine.scheduler import Scheduler
    from headrace.engine.simulator import Machine

#: Seeds of a check, and of the long one.
SEEDS, MANY = 3, 10
#: Where the figures are from; every note ends with it.
CAVEAT = (
    "All of it is simulated: one A100 with OPT-13B by the fits that DistServe's authors published; a launch that reads "
    "and says is priced as the reading of all its units and the pass over what those that say have read"
)

Figures = dict[str, float]


def machine(scheduler: Scheduler, rows: int = 64, units: int = 512, **more: Any) -> Machine:
    """One A100 of 80 GB with OPT-13B.

    Args:
        scheduler: that it runs.
        rows: in a launch; 64 of about 1,000 tokens are what its memory holds.
        units: tokens in a launch.
        more: see `headrace.engine.simulator.Machine`.
    """
    from headrace.engine.lane import Lane
    from headrace.engine.limits import Limits
    from headrace.engine.simulator import Machine
    from headrace.engine.simulator.published import Published

    return Machine(Lane(scheduler, Published.load().cost(1), Limits(rows=rows, units=units)), **more)


def seeds(seed: int, full: bool) -> range:
    """Seeds of the loads of a check; those of two checks never meet."""
    return range(seed * MANY, seed * MANY + (MANY if full else SEEDS))


def mean(found: Iterable[Mapping[str, float]]) -> Figures:
    """Means by name, over seeds."""
    rows = list(found)
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def compare(
    runs: Mapping[str, Sequence[Mapping[str, float]]],
    figure: str,
    against: Callable[[float, float], float],
    ours: str,
    theirs: str,
) -> tuple[float, float]:
    """`against(ours, theirs)` of one figure: mean over seeds, paired, and half the range."""
    paired = np.array(
        [against(a[figure], b[figure]) for a, b in zip(runs[ours], runs[theirs], strict=True)], dtype=float
    )
    return float(paired.mean()), float(np.ptp(paired) / 2)


def gaps(served: Iterable[Served]) -> np.ndarray:
    """Seconds between one token and the next, of all requests together; float64 [gaps]."""
    found = [np.diff(one.times) for one in served if len(one.times) > 1]
    return np.concatenate(found) / 1e9 if found else np.zeros(1)


def goodput(served: Iterable[Served], seconds: float) -> float:
    """Tokens a second of requests whose whole promise held; what was refused or late brings nothing."""
    return sum(one.wanted for one in served if one.kept) / seconds


def said(served: Iterable[Served]) -> int:
    """Tokens that were said."""
    return sum(len(one.times) for one in served)
