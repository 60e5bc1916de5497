"""LumaDrop: admit blocks that differ from the frame before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from headrace.understanding.admission import Floats, Mask
from headrace.understanding.blocks import Blocks, distance
from headrace.understanding.gates.lumagate import LumaGate
from headrace.understanding.gates.rules import since_last


@dataclass(frozen=True, slots=True)
class LumaLevels:
    """Difference of luma, in levels; beyond `change` a block shows something else."""

    change: float

    def difference(self, now: Floats, before: Floats) -> Floats:
        """The largest difference of a block's four quarters."""
        return distance(now, before)


class LumaDrop(LumaGate):
    """Drops each block whose luma differs from that of the *immediately preceding* frame by less
    than a threshold; the first frame enters whole, see `rules.since_last`.

    Source: TimeChat-Online (arXiv 2504.17343), pixel variant: mean absolute difference of RGB in
    [0, 1] per token against a threshold; here on luma means of 8 x 8 pixels.

    Args:
        threshold: in luma levels of 255.
    """

    kind = "differential-drop"

    def __init__(self, threshold: float = 6.0) -> None:
        self.threshold = threshold
        super().__init__(follow=False)

    def judge(self, picture: Blocks, moving: bool) -> tuple[Mask, Mask, Mask]:
        everything = np.ones(picture.texture.shape, bool)
        levels = LumaLevels(self.threshold)
        admitted: Mask = ~(since_last(self.memory, picture.means, levels) <= levels.change)
        return admitted, ~everything, everything

    def _new(self) -> Self:
        return type(self)(self.threshold)
