"""Recipes of benchmarks: the worked examples decide, and another package makes its own in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from headrace.evaluation.benchmark import Benchmark
from headrace.recipes.scored import Example, Scored
from tests.evaluation.asked import Asked


@dataclass(frozen=True)
class Colours(Scored):
    """Colours, of another package."""

    name: ClassVar[str] = "colours"
    claim: ClassVar[str] = "the figures are those by hand"

    wanted: float = 50.0
    missing_by_hand: int = 0

    def build(self) -> Benchmark:
        return Asked()

    def examples(self) -> Sequence[Example]:
        return (
            Example(
                name="two",
                why="both are A, red; A was said once: 1 of 2",
                annotations={"a.json": {"v": [[1, "?", ["red", "green"], "red"], [2, "?", ["red", "green"], "red"]]}},
                responses={"r.json": {"v/0": "A", "v/1": "B"}},
                causal={"total": self.wanted},
                missing=self.missing_by_hand,
            ),
        )


def test_figures_by_hand_decide() -> None:
    check = Colours().check()
    assert check.holds, check.note
    assert check.measured["two: causal total"] == 50
    assert check.baselines['always "A"']["two: causal total"] == 100
    other = replace(Colours(), wanted=60.0).check()
    assert not other.holds
    assert "by hand 60" in other.note
    assert not replace(Colours(), missing_by_hand=1).check().holds
