"""Ladder: what a session gives up, step by step, before it misses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from headrace.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to run a session.

    Attributes:
        name: of what is given up: "30 fps", "2 steps", "window 512".
        cost: of a step on it, as a share of the first rung's.
        quality: from 1 (the first rung's) to 0.
    """

    name: str
    cost: float
    quality: float = 1.0


@dataclass(frozen=True, slots=True)
class Ladder:
    """Where a session stands among its rungs, and when it moves.

    The best rung is the one of highest quality whose predicted time stays below target / margin; if none does, the
    cheapest. Down at once, since the next step would miss; up only after `patience` steps in a row that would have kept
    below target / (margin x comfort), and one rung at a time, so that a load at the edge does not swing. ApproxDet's
    rule (arXiv 2010.10754, §4.4: target / 1.3) with hysteresis.

    Attributes:
        rungs: best first, each cheaper than the one before.
        margin, comfort: see above.
        patience: steps.
        at: index of the present rung.
        calm: steps in a row that would have allowed the next better one.

    Raises:
        ConfigError: no rung, or one that is not cheaper than the one before it.
    """

    rungs: tuple[Rung, ...]
    margin: float = 1.3
    comfort: float = 1.2
    patience: int = 16
    at: int = 0
    calm: int = 0

    def __post_init__(self) -> None:
        costs = [rung.cost for rung in self.rungs]
        if not costs or costs[0] <= 0 or any(b >= a or b <= 0 for a, b in pairwise(costs)):
            raise ConfigError("Ladder: give rungs of falling cost, the best first")
        if not (self.margin >= 1 and self.comfort >= 1 and self.patience >= 1):
            raise ConfigError("Ladder: margin, comfort and patience are 1 or more")

    @property
    def rung(self) -> Rung:
        """Where the session stands."""
        return self.rungs[self.at]

    def step(self, full: float, target: float) -> Ladder:
        """The ladder after one step.

        Args:
            full: seconds that the step would take on the first rung, predicted under the present load.
            target: seconds that it may take.
        """
        best = self._best([rung.cost * full for rung in self.rungs], target / self.margin)
        if best >= self.at:
            return replace(self, at=best, calm=0)
        easy = self._best([rung.cost * full for rung in self.rungs], target / (self.margin * self.comfort))
        calm = self.calm + 1 if easy < self.at else 0
        if calm < self.patience:
            return replace(self, calm=calm)
        return replace(self, at=self.at - 1, calm=0)

    def _best(self, seconds: Sequence[float], limit: float) -> int:
        return next((at for at, predicted in enumerate(seconds) if predicted <= limit), len(seconds) - 1)
