"""TokenAdmission: which tokens of one item enter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headrace.understanding.admission import Admission
from headrace.understanding.tokens.rows import Rows
from headrace.understanding.tokens.tokens import Tokens


@dataclass(slots=True, kw_only=True)
class TokenAdmission(Admission):
    """What a gate says of the tokens of one item.

    Attributes:
        pts: media time of the item, ns.
        tokens: what may be kept: as they came, or as the gate made them (the mean over a few frames).
        computed: share of the encoder's work that was done for this item; below 1 where features were used again.
        detail: how much of what enters is worth keeping: 1 clear, below it reduced; a memory with tiers goes by it.
    """

    pts: int
    tokens: Tokens
    computed: float = 1.0
    detail: float = 1.0

    def rows(self) -> Rows:
        """A row for each admitted token, in the order of the grid."""
        place = np.argwhere(self.admitted)
        if self.tokens.sense != "sight":
            return Rows.of(self.tokens.features[self.admitted], 0 * place - 1, self.pts, self.tokens.sense, self.score)
        return Rows.of(self.tokens.features[self.admitted], place, self.pts, score=self.score)
