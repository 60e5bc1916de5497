"""Every memory of tokens, small, and a stream to write to it: a new memory is covered once it is here."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from headrace.core.item import SECOND
from headrace.understanding.memories.adjacent import AdjacentMerge
from headrace.understanding.memories.episodes import Episodes
from headrace.understanding.memories.everything import Everything
from headrace.understanding.memories.flash import Flash
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.reservoir import Reservoir
from headrace.understanding.memories.scaffold import Scaffold
from headrace.understanding.memories.senses import Senses
from headrace.understanding.memories.tiers import SemanticTiers
from headrace.understanding.memories.window import Window
from headrace.understanding.tokens import Rows, TokenAdmission, Tokens

SMALL, HEARD = Grid(2, 3, 8), Grid(1, 1, 8, "sound")
QUESTIONS = np.eye(8, dtype=np.float32)[:2]

#: By name, each on `SMALL`.
MEMORIES: dict[str, Callable[[], Any]] = {
    "window": lambda: Window(SMALL, 40),
    "window with sinks": lambda: Window(SMALL, 40, sinks=10),
    "everything": lambda: Everything(SMALL, 500),
    "reservoir": lambda: Reservoir(SMALL, 40, seed=3),
    "adjacent": lambda: AdjacentMerge(SMALL, 40),
    "flash": lambda: Flash(SMALL, 48, (1, 3), looked_up=2, slots=4, seed=3),
    "tiers": lambda: SemanticTiers(SMALL, 40, short=2, middle=3),
    "tiers with questions": lambda: SemanticTiers(SMALL, 40, short=2, middle=3, questions=QUESTIONS),
    "scaffold": lambda: Scaffold(SMALL, 48, levels=2),
    "episodes": lambda: Episodes(SMALL, 40),
    "episodes, loosely alike": lambda: Episodes(SMALL, 24, same=0.5, gap=SECOND),
    "senses": lambda: Senses(Window(SMALL, 30), Window(HEARD, 10)),
}
BOUNDED = [name for name in MEMORIES if name != "everything"]
#: Those that hold one sense and keep account of what they forget.
COUNTING = [name for name in MEMORIES if name != "senses"]


def unit(features: Any) -> Any:
    return (features / np.linalg.norm(features, axis=-1, keepdims=True)).astype(np.float32)


@cache
def scene(number: int, grid: Grid) -> Any:
    return np.random.default_rng([number, 1]).normal(size=(grid.rows, grid.columns, grid.size))


def admission(i: int, grid: Grid = SMALL, share: float = 0.7, every: int = SECOND) -> TokenAdmission:
    """Item i of a stream of scenes of 11 items under noise, of which a gate lets in a share; nothing of every tenth."""
    draw = np.random.default_rng([i, 2])
    features = unit(scene(i // 11, grid) + 0.3 * draw.normal(size=(grid.rows, grid.columns, grid.size)))
    admitted = (draw.random((grid.rows, grid.columns)) < share) & (i % 10 != 9)
    tokens = Tokens(features, grid.sense)
    return TokenAdmission(admitted=admitted, tick=i + 1, pts=i * every, tokens=tokens, score=i / 7)


def told(rows: Rows) -> Any:
    return [array.copy() for array in rows.arrays().values()]


def frame(features: Any, pts: int, admitted: Any = None, score: float = 0.0) -> TokenAdmission:
    """An item of given features [R, C, D], all of it admitted unless told."""
    features = np.asarray(features, np.float32)
    whole = np.ones(features.shape[:2], bool) if admitted is None else np.asarray(admitted, bool)
    return TokenAdmission(admitted=whole, tick=1, pts=pts, tokens=Tokens(features), score=score)
