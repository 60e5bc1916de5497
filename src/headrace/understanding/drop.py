"""Differential token drop: admit what differs from the frame before."""

from __future__ import annotations

from typing import Self

import numpy as np

from headrace.understanding.admission import Mask
from headrace.understanding.blocks import Blocks, distance
from headrace.understanding.lumagate import LumaGate


class DifferentialDrop(LumaGate):
    """Drops each block whose luma differs from that of the *immediately preceding* frame by less
    than a threshold; the first frame enters whole. Dropped blocks are compared all the same, so
    there is no drifting reference: slow change is never seen, steady motion always.

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
        last = self.memory.get("previous")
        admitted = everything if last is None else distance(picture.means, last) > self.threshold
        return admitted, ~everything, everything

    def _new(self) -> Self:
        return type(self)(self.threshold)
