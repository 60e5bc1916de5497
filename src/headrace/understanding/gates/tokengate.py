"""TokenGate: what gates on tokens share: the item, its grid, sound."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from headrace.core.errors import InputError
from headrace.core.item import Item
from headrace.understanding.admission import Floats, Mask
from headrace.understanding.gates.cellgate import CellGate
from headrace.understanding.tokens import TokenAdmission, Tokens
from headrace.understanding.tokens.tokens import tokens_of

#: Cells of the largest grid that is judged, and numbers in all its features.
LARGEST_GRID, LARGEST = 1 << 14, 1 << 22
#: Bytes that a gate counts for its counters and numbers, at most.
FIXED = 256


@dataclass(slots=True, kw_only=True)
class Judged:
    """What a gate says of one picture of features.

    Attributes:
        admitted: bool [R, C].
        score: how much of a change it sees, in the gate's unit.
        features: float32 [R, C, D] to keep in place of those that came, or None.
        computed: share of the encoder's work that was done.
        detail: how much of what enters is worth keeping.
    """

    admitted: Mask
    score: float = 0.0
    features: Floats | None = None
    computed: float = 1.0
    detail: float = 1.0


class TokenGate(CellGate):
    """A gate on tokens of sight; sound enters whole and changes nothing.

    Subclasses keep arrays in `self.memory` and answer `judge`.

    Attributes:
        pictures: as many pictures of features as it remembers at most.
        planes: as many numbers of each cell beside them.
    """

    pictures: int = 0
    planes: int = 0

    @abstractmethod
    def judge(self, features: Floats) -> Judged:
        """Judge the next picture, float32 [R, C, D], which is the gate's own."""

    def admit(self, item: Item) -> TokenAdmission:
        """Judge one item. Raises InputError if it holds no tokens, or more than `LARGEST` allows."""
        tokens = tokens_of(item)
        rows, columns = tokens.grid
        if rows * columns > LARGEST_GRID or tokens.features.size > LARGEST:
            raise InputError(
                f"{item.source!r} at {item.pts} ns: features of shape {tokens.features.shape}; a gate takes at most "
                f"{LARGEST_GRID} cells and {LARGEST} numbers"
            )
        if tokens.sense != "sight":
            self._tick += 1
            whole = np.ones((rows, columns), bool)
            return TokenAdmission(admitted=whole, tick=self._tick, pts=item.pts, tokens=tokens)
        tick = self.enter(tokens.features.shape)
        judged = self.judge(np.array(tokens.features, np.float32))
        kept = tokens if judged.features is None else Tokens(judged.features)
        return TokenAdmission(
            admitted=judged.admitted, tick=tick, score=judged.score, pts=item.pts, tokens=kept,
            computed=judged.computed, detail=judged.detail,
        )  # fmt: skip

    def max_bytes(self, shape: tuple[int, int, int] | None = None) -> int:
        """Upper bound for pictures of features of that shape, [R, C, D]; None: of any shape that is judged."""
        rows, columns, size = shape or (1, LARGEST_GRID, LARGEST // LARGEST_GRID)
        return 4 * rows * columns * (size * self.pictures + self.planes) + FIXED
