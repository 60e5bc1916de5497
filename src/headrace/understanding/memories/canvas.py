"""Canvas: the newest token of every cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from headrace.understanding.memories.grid import Grid
from headrace.understanding.tokens import TokenAdmission


class Canvas:
    """A whole picture out of what gates admit of it: a cell that did not enter is as it was when it last did.

    Attributes:
        features: float32 [R·C, D]; 0 where nothing has entered yet.
        last: int64 [R·C]: ns, when each cell entered last; -1: never.
    """

    def __init__(self, grid: Grid) -> None:
        self.features = np.zeros((grid.cells, grid.size), np.float32)
        self.last = np.full(grid.cells, -1, np.int64)

    def paint(self, what: TokenAdmission) -> npt.NDArray[np.bool_]:
        """Take in what was admitted; returns bool [R·C], the cells that entered."""
        entered = what.admitted.ravel()
        np.copyto(self.features, what.tokens.features.reshape(self.features.shape), where=entered[:, None])
        self.last[entered] = what.pts
        return entered

    @property
    def nbytes(self) -> int:
        return self.features.nbytes + self.last.nbytes

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Copies by name, as a snapshot takes them."""
        return {"canvas.features": self.features.copy(), "canvas.last": self.last.copy()}

    def load(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """The inverse of `arrays`."""
        self.features, self.last = arrays["canvas.features"].copy(), arrays["canvas.last"].copy()
