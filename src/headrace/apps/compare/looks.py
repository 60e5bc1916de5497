"""looks: the colour, marker and line of each method, the same in every panel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headrace.apps.compare.methods import REFERENCE
from headrace.apps.compare.result import Comparison, MethodResult
from headrace.apps.strokes import ALERT, ANSWER, INK, SOFT, STATE, VOICE, WATER

#: Recipes are round, full and thick; baselines are told apart by markers too.
RECIPES = (WATER, ANSWER, "#a23b72", "#2a9d8f", "#8a6d00", "#3d5a9e", "#c05621", "#5f7d3a")
BASELINES = ((STATE, "D"), (VOICE, "s"), ("#8c6d5a", "v"), ("#6b8299", "P"))
MARKERS = ("o", "h", "p", "8", "X")


@dataclass(frozen=True, slots=True)
class Look:
    """How a method is drawn: colour, marker, dashes on and off (none: a whole line) and width of lines, in points."""

    colour: str
    marker: str
    dashes: tuple[float, ...]
    width: float


Looks = Mapping[str, Look]


def looks(comparison: Comparison) -> Looks:
    """By name of the method."""
    recipes = [method for method in comparison.methods if method.kind == "recipe"]
    others = [method for method in comparison.methods if method.kind != "recipe"]
    plain = [method for method in others if method.bounded and method.name != REFERENCE and method.kind != "blind"]
    found = {
        method.name: Look(RECIPES[i % len(RECIPES)], MARKERS[i // len(RECIPES) % len(MARKERS)], (), 2.4)
        for i, method in enumerate(recipes)
    }
    return found | {method.name: _baseline(method, plain) for method in others}


def _baseline(method: MethodResult, plain: list[MethodResult]) -> Look:
    if method.kind == "blind":
        return Look(SOFT, "_", (1, 2), 1.2)
    if method.name == REFERENCE:
        return Look(INK, "s", (), 1.6)
    if not method.bounded:
        return Look(ALERT, "^", (6, 3), 1.6)
    colour, marker = BASELINES[plain.index(method) % len(BASELINES)]
    return Look(colour, marker, (3, 1.5), 1.4)
