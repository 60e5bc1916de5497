"""Memories of tokens, and what they are made of, as subjects of the laws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headrace.core.item import SECOND, Item
from headrace.understanding.gates.presence import Presence
from headrace.understanding.keeper import Keeper
from headrace.understanding.memories.segmenter import Segmenter
from headrace.understanding.memories.window import Window
from headrace.understanding.tokens import Cue
from tests.laws.fed import Fed
from tests.understanding.memories import every
from tests.understanding.memories.every import HEARD, admission, told, unit

CUE = Cue(features=np.eye(8, dtype=np.float32)[2:4])


@dataclass(frozen=True)
class Filled(Fed):
    """One that refuses by its limit."""

    limit: int = 300


def written(memory: Any, i: int) -> Any:
    memory.write(admission(i, HEARD) if memory.kind == "senses" and i % 3 == 0 else admission(i))
    views = [memory.read(cue, i * SECOND).rows for cue in (Cue(), CUE, Cue(since=(i - 9) * SECOND, until=i * SECOND))]
    return [told(rows) for rows in views], dict(memory.tiers()), getattr(memory, "forgotten", 0)


def judged(segmenter: Segmenter, i: int) -> Any:
    vector = unit(admission(i).tokens.features.mean(axis=(0, 1)))
    return segmenter.see(i * SECOND, vector), segmenter.threshold(i * SECOND)


def kept(keeper: Keeper, i: int) -> Any:
    """What a keeper says; its bytes stay within the bounds for its grid."""
    said = keeper.see(Item(i * SECOND, "tokens", admission(i).tokens))
    gate: Any = keeper.gate
    assert keeper.nbytes() <= gate.max_bytes((2, 3, 8)) + keeper.memory.max_bytes() < 3000
    return said.admitted.copy(), said.score, told(keeper.read(Cue(), i * SECOND).rows), dict(keeper.tiers())


MEMORIES = [
    *(
        (Filled if name == "everything" else Fed)(f"token memory: {name}", make, written)
        for name, make in every.MEMORIES.items()
    ),
    Fed("keeper", lambda: Keeper(Presence(change=0.3), Window(every.SMALL, 12)), kept),
    Fed("segmenter", lambda: Segmenter(8), judged),
]
