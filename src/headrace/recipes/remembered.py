"""Remembered: what an oracle can still answer from memories of one stream, by how long ago it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.core.item import SECOND
from headrace.recipes.encoded import Encoded

if TYPE_CHECKING:
    from headrace.evaluation.millrace.asked import Asked
    from headrace.evaluation.millrace.oracle import Oracle
    from headrace.understanding.admission import Floats
    from headrace.understanding.memories.grid import Grid

#: Evidence of this age or more is distant, ns.
DISTANT = 300 * SECOND
#: Cells of the reports' grid, and numbers in a feature of their encoder: what recipes build for unless told.
ROWS, COLUMNS, SIZE = 4, 6, 48


@dataclass
class Remembered:
    """What one memory answered, all tokens of a stream written to it, each question asked when it came.

    Attributes:
        present: for each question about what is or just was there (track "now", or an age of 10 s), whether its
            answer was right, or it was rightly refused.
        distant: the same for evidence of 5 minutes and more.
        right: the same for all questions that sight can answer.
        most: the most bytes it held, all tiers.
    """

    present: list[bool] = field(default_factory=list)
    distant: list[bool] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    most: int = 0

    @classmethod
    def of(cls, stream: Encoded, memory: Any) -> Remembered:
        """Write a stream to a fresh memory, and ask."""
        from headrace.understanding.gates.everything import AdmitAll
        from headrace.understanding.tokens import Cue

        made, gate = cls(), AdmitAll()
        waiting = stream.asked[::-1]

        def ask(until: float) -> None:
            while waiting and waiting[-1].question.t <= until:
                asked = waiting.pop()
                rows = memory.read(Cue(looked_for(stream.oracle, asked)), asked.question.t).rows
                made._judge(asked, stream.oracle.answer(asked, rows) == asked.question.answer)

        for item in stream.items:
            ask(item.pts - 1)
            memory.write(gate.admit(item))
            made.most = max(made.most, memory.nbytes())
        ask(float("inf"))
        return made

    @classmethod
    def whole(cls, stream: Encoded) -> Remembered:
        """The same of a memory that keeps all, which is read once."""
        from headrace.understanding.gates.everything import AdmitAll
        from headrace.understanding.tokens import Rows

        made, gate = cls(), AdmitAll()
        rows = Rows.join(gate.admit(item).rows() for item in stream.items)
        made.most = rows.nbytes
        for asked, right in zip(stream.asked, stream.answered(rows), strict=True):
            made._judge(asked, right)
        return made

    def _judge(self, asked: Asked, right: bool) -> None:
        self.right.append(right)
        if asked.track == "now" or asked.age == 10 * SECOND:
            self.present.append(right)
        elif asked.age is not None and asked.age >= DISTANT:
            self.distant.append(right)


def grid_of(stream: Encoded) -> Grid:
    """What a memory of its tokens is built for."""
    from headrace.understanding.memories.grid import Grid

    rows, columns, size = stream.items[0].data.features.shape
    return Grid(rows, columns, size)


def looked_for(oracle: Oracle, asked: Asked) -> Floats | None:
    """The portraits, float32 [Q, D], of whom a question is about, at every offset of the camera; None: of nobody."""
    portraits = [oracle.portraits(who) for who in asked.who]
    return np.concatenate(portraits) if portraits else None


def default_grid() -> Grid:
    """The grid of the reports' encoder."""
    from headrace.understanding.memories.grid import Grid

    return Grid(ROWS, COLUMNS, SIZE)


def compared(stream: Encoded, memories: Mapping[str, Any], budget: int, seed: int) -> dict[str, Remembered]:
    """What memories make of a stream, beside FIFO and a reservoir of as many rows, and one that keeps all."""
    from headrace.understanding.memories import Reservoir, Window

    grid = grid_of(stream)
    kept = {**memories, "FIFO": Window(grid, budget), "reservoir": Reservoir(grid, budget, seed)}
    done = {name: Remembered.of(stream, memory) for name, memory in kept.items()}
    return done | {"everything": Remembered.whole(stream)}


def figures(done: Iterable[Remembered]) -> dict[str, float]:
    """Accuracies over all questions of all streams, and the most bytes."""
    runs = list(done)

    def mean(name: str) -> float:
        return float(np.mean([right for one in runs for right in getattr(one, name)]))

    return {
        "accuracy": mean("right"),
        "present": mean("present"),
        "distant": mean("distant"),
        "bytes": float(max(one.most for one in runs)),
    }


def by_regime(done: Mapping[str, Sequence[Remembered]], name: str) -> dict[str, float]:
    """One accuracy for each regime."""
    return {f"{regime}_{name}": figures(runs)[name] for regime, runs in done.items()}
