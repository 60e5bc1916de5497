"""What the samples come to: medians with lowest and highest, ratios, and whether goals are met."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.state.rows import (
    BATCHES,
    BOUNDED,
    DYNAMIC,
    GOAL_WINDOW,
    ONE_BY_ONE,
    ONE_LAUNCH,
    PAPER_WINDOWS,
    RECOMPUTE,
    SESSIONS,
    Section,
)

#: CPU ms a token of every repetition, by the key of the section and the name of the row.
Samples = Mapping[tuple[str, str], Sequence[float]]


@dataclass(frozen=True)
class Figure:
    """A median over repetitions, with the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        digits = 1 if self.median >= 20 else 2
        return f"{self.median:.{digits}f} ({self.low:.{digits}f}-{self.high:.{digits}f})"


def ratio(samples: Samples, section: str, row: str, base: str) -> Figure | None:
    """Row over base, taken within each round, where both ran within seconds; None when one of them has no figures."""
    over, under = samples.get((section, row)), samples.get((section, base))
    if not over or not under:
        return None
    return Figure.of([a / b for a, b in zip(over, under, strict=True)])


def goals(samples: Samples, sections: Sequence[Section]) -> dict[str, dict[str, Any]]:
    """By goal: the median ratio and whether it is reached, both None when it was not measured."""
    asked = {f"recompute {window}" for window in (GOAL_WINDOW, PAPER_WINDOWS[-1])}
    found: dict[str, dict[str, Any]] = {}

    def goal(text: str, figure: Figure | None, least: float | None = None, most: float | None = None) -> None:
        value = None if figure is None else figure.median
        reached = None if value is None else (value >= least if least is not None else value <= float(most or 0))
        found[text] = {"ratio": value, "reached": reached}

    for section in sections:
        if section.key in asked:
            text = f"{section.title}: recompute costs >= 22.2x of {BOUNDED}"
            goal(text, ratio(samples, section.key, RECOMPUTE, BOUNDED), least=22.2)
    for batch in BATCHES:
        text = f"batch {batch}: {BOUNDED} costs <= 1x of {DYNAMIC}"
        goal(text, ratio(samples, f"decode {batch}", BOUNDED, DYNAMIC), most=1)
    text = f"{SESSIONS} mixed sessions: one by one costs >= 4x of one launch"
    goal(text, ratio(samples, "tick", ONE_BY_ONE, ONE_LAUNCH), least=4)
    return found
