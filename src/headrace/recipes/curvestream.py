"""CurveStream: clear memory where the stream turns, fuzzy memory where it goes on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from headrace.core.item import SECOND
from headrace.core.recipe import Check, Recipe
from headrace.evaluation.millrace.regime import REGIMES
from headrace.recipes.encoded import Encoded, streams

if TYPE_CHECKING:
    from headrace.understanding.gates.curvature import Curvature

#: A picture within this time of an event's begin shows it.
REACH = SECOND
#: By how much event pictures must be kept more often than by uniform sampling.
TIMES = 2.0


@dataclass(frozen=True)
class CurveStream(Recipe):
    """CurveStream: Boosting Streaming Video Understanding in MLLMs via Curvature-Aware Hierarchical Visual Memory
    Management.

    A curvature score of the trajectory of picture features is compared with its own mean and deviation, online. What
    lies K deviations above is clear and enters whole; everything else is fuzzy and enters as one pooled token.

    Attributes:
        turn: weight of the change of direction beside the length of a step.
        sigmas: K.
    """

    name: ClassVar[str] = "curvestream"
    claim: ClassVar[str] = (
        "pictures at which something comes, goes, touches or changes its colour are kept whole at least twice as often "
        "as by uniform sampling of whole pictures at equal tokens"
    )
    missing: ClassVar[tuple[str, ...]] = ("budgets of its own for clear and fuzzy memory",)
    reconstruction: ClassVar[str] = (
        "only the abstract was known and no code: the formula of the score, the weight of the turn and K are ours"
    )

    turn: float = 0.02
    sigmas: float = 1.0

    def build(self) -> Curvature:
        """The gate on tokens."""
        from headrace.understanding.gates.curvature import Curvature

        return Curvature(self.turn, self.sigmas)

    def check(self, seed: int = 0, full: bool = False) -> Check:
        """Streams of millrace of every regime, 20 minutes each (`full`: three an hour long).

        Baselines at the same tokens: whole pictures at even distances, whole pictures drawn at random, and those that
        differ most from the one before, picked when the stream is over.
        """
        each, seconds = (3, 3600.0) if full else (1, 1200.0)
        seen = [_Seen.of(self, stream) for stream in streams(REGIMES, seed, each, seconds)]
        figures: dict[str, dict[str, float]] = {}
        for name in seen[0].kept:
            figures[name] = {"rate": _rate(seen, name), "pictures": float(np.mean([len(s.kept[name]) for s in seen]))}
            for regime in REGIMES:
                figures[name][f"{regime}_rate"] = _rate([s for s in seen if s.regime == regime], name)
        measured, uniform = figures.pop(self.name), figures["uniform sampling"]
        measured["tokens"] = float(np.mean([one.tokens for one in seen]))
        measured["times_uniform"] = measured["rate"] / uniform["rate"] if uniform["rate"] else 0.0
        weak = [
            f"{regime} ({measured[f'{regime}_rate']:.0%}, {uniform[f'{regime}_rate']:.0%})"
            for regime in REGIMES
            if measured[f"{regime}_rate"] < TIMES * uniform[f"{regime}_rate"]
        ]
        return Check(
            measured=measured,
            baselines=figures,
            holds=measured["times_uniform"] >= TIMES,
            seed=seed,
            note=(
                f"{len(seen)} streams of {seconds / 60:.0f} min, {sum(len(one.events) for one in seen)} events; kept: "
                f"a whole picture within {REACH / SECOND:.0f} s of the begin; tokens: share of all that entered; below "
                f"{TIMES:.0f} times (rate, uniform) in: {', '.join(weak) or 'no regime'}"
            ),
        )


@dataclass(frozen=True)
class _Seen:
    """One stream: when events began, which pictures each method kept whole, and the share of tokens that it took."""

    regime: str
    events: list[int]
    kept: dict[str, list[int]]
    tokens: float

    @classmethod
    def of(cls, recipe: CurveStream, stream: Encoded) -> _Seen:
        gate, cells, world = recipe.build(), stream.cells, stream.world
        clear: list[int] = []
        steps: list[float] = []
        entered = 0
        last = stream.items[0].data.features
        for item in stream.items:
            admission = gate.admit(item)
            entered += int(admission.admitted.sum())
            if admission.detail == 1:
                clear.append(item.pts)
            steps.append(float(np.abs(item.data.features - last).sum()))
            last = item.data.features
        times = np.array([item.pts for item in stream.items])
        count = max(1, entered // cells)
        even = times[np.arange(count) * len(times) // count]
        drawn = np.sort(np.random.default_rng([world.seed, 63]).choice(times, count, replace=False))
        largest = np.sort(times[np.argsort(-np.array(steps), kind="stable")[:count]])
        kept = {
            recipe.name: clear,
            "uniform sampling": even.tolist(),
            "random pictures": drawn.tolist(),
            "largest differences": largest.tolist(),
        }
        return cls(world.regime, [event.start for event in world.events], kept, entered / (cells * len(times)))

    def found(self, name: str) -> list[bool]:
        """Whether each event is kept."""
        times = self.kept[name]
        return [_within(times, event) for event in self.events]


def _within(times: Sequence[int], event: int) -> bool:
    at = bisect_left(times, event)
    return at < len(times) and times[at] <= event + REACH


def _rate(seen: Sequence[_Seen], name: str) -> float:
    return float(np.mean([found for one in seen for found in one.found(name)]))
