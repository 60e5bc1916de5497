"""Pooling: a grid of tokens made coarser."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headrace.understanding.admission import Floats
from headrace.understanding.memories.grid import Grid


class Pooling:
    """Means over bins of a grid, as even as they can be: each cell is in one bin.

    Args:
        grid: of the tokens.
        pool: rows and columns of bins, none greater than the grid's.
    """

    def __init__(self, grid: Grid, pool: tuple[int, int]) -> None:
        rows = np.arange(grid.rows) * pool[0] // grid.rows
        columns = np.arange(grid.columns) * pool[1] // grid.columns
        bins = (rows[:, None] * pool[1] + columns).ravel()
        members = bins == np.arange(pool[0] * pool[1])[:, None]
        self._members = members.astype(np.float32)
        self._means = self._members / self._members.sum(axis=1, keepdims=True)
        cells = np.stack(np.divmod(np.arange(grid.cells), grid.columns), axis=1)
        centres = np.array([cells[member][member.sum() // 2] for member in members])
        self._place = centres if grid.sense == "sight" else 0 * centres - 1

    def mean(self, features: Floats) -> Floats:
        """float32 [R·C, D] -> [bins, D]."""
        return self._means @ features

    def count(self, entered: npt.NDArray[np.bool_]) -> Floats:
        """bool [R·C] -> float32 [bins], how many of each bin's cells are set."""
        return self._members @ entered.astype(np.float32)

    def place(self, bins: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Rows and columns, [N, 2], of a cell in the middle of each bin."""
        return np.asarray(self._place[bins])

    @property
    def nbytes(self) -> int:
        return self._members.nbytes + self._means.nbytes + self._place.nbytes
