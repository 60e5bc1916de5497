"""Encoded: streams of millrace, each encoded once, on which recipes try gates without a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headrace.core.item import Item
from headrace.evaluation.millrace.oracle import Oracle
from headrace.evaluation.millrace.world import World

if TYPE_CHECKING:
    from headrace.evaluation.millrace.asked import Asked
    from headrace.understanding.gate import Gate
    from headrace.understanding.tokens import Rows, TokenAdmission
    from headrace.understanding.tokens.patches import PatchEncoder


@dataclass(frozen=True)
class Encoded:
    """One stream without its sound.

    Attributes:
        world: what happens in it, and what is asked.
        items: its tokens, in order.
        oracle: reads what is kept of it.
    """

    world: World
    items: tuple[Item, ...]
    oracle: Oracle

    @classmethod
    def of(cls, world: World, encoder: PatchEncoder) -> Encoded:
        from headrace.understanding.tokens import Tokens

        made = (one.derive(Tokens(encoder.encode(one.data)), "tokens") for one in world.items(sound=False))
        return cls(world, tuple(made), Oracle(world, encoder.encode))

    @property
    def cells(self) -> int:
        """Tokens of a picture."""
        return int(self.items[0].data.features[..., 0].size)

    @property
    def asked(self) -> list[Asked]:
        """Its questions that sight can answer, in order of time."""
        return [one for one in self.world.questions if one.track != "heard"]

    def answered(self, rows: Rows) -> list[bool]:
        """Whether each of them is answered rightly, or rightly refused, from those rows that had come by then."""
        read = self.oracle.read(rows)
        return [self.oracle.answer(one, read.until(one.question.t)) == one.question.answer for one in self.asked]


@dataclass
class Trial:
    """What a gate made of one stream of which everything that enters is kept.

    Attributes:
        right: for each question that sight can answer whether its answer was right, or it was rightly refused.
        admitted: share of the tokens that entered.
        computed: share of the encoder's work that was done.
    """

    right: list[bool]
    admitted: float
    computed: float

    @classmethod
    def of(cls, stream: Encoded, gate: Gate[TokenAdmission]) -> Trial:
        """Feed the stream to a fresh gate, and ask each question of what had entered by then."""
        from headrace.understanding.tokens import Rows

        said = [gate.admit(item) for item in stream.items]
        right = stream.answered(Rows.join(one.rows() for one in said))
        cells = len(said) * stream.cells
        admitted = sum(int(one.admitted.sum()) for one in said) / cells
        return cls(right, admitted, float(np.mean([one.computed for one in said])))


def pooled(trials: Iterable[Trial]) -> dict[str, float]:
    """Accuracy over all questions of all streams, and mean shares."""
    tried = list(trials)
    return {
        "accuracy": float(np.mean([right for one in tried for right in one.right])),
        "admitted": float(np.mean([one.admitted for one in tried])),
        "computed": float(np.mean([one.computed for one in tried])),
    }


def streams(regimes: Sequence[str], seed: int, each: int, seconds: float) -> Iterator[Encoded]:
    """`each` streams of every regime, encoded as they are asked for; their seeds are odd, those of reports."""
    from headrace.understanding.tokens.patches import PatchEncoder

    encoder = PatchEncoder()
    for k, regime in enumerate(regime for regime in regimes for _ in range(each)):
        yield Encoded.of(World(2 * (seed * each * len(regimes) + k) + 1, regime, seconds), encoder)
