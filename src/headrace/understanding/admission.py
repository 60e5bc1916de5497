"""Admission: which cells of what arrived may enter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]


@dataclass(slots=True, kw_only=True)
class Admission:
    """What a gate says of one item.

    Attributes:
        admitted: bool [R, C]: cells that enter.
        tick: number of this item among those the gate saw.
        score: how much of a change the gate sees in it; its unit is the gate's.
    """

    admitted: Mask
    tick: int
    score: float = 0.0

    @property
    def share(self) -> float:
        """Share of the cells that enter."""
        return float(self.admitted.mean()) if self.admitted.size else 0.0
