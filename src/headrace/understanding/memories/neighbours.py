"""Neighbours: how tokens resemble those around them, in the frame and in the next."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from headrace.understanding.admission import Floats, Mask
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.otsu import otsu
from headrace.understanding.tokens import Rows

#: Least cosine of neighbours that may be one cluster.
ALIKE = 0.5


class Neighbours:
    """The 3 x 3 cells around each cell of a grid, itself included."""

    def __init__(self, grid: Grid) -> None:
        rows, columns = np.divmod(np.arange(grid.cells), grid.columns)
        near = (abs(rows[:, None] - rows) <= 1) & (abs(columns[:, None] - columns) <= 1)
        self.near: Mask = near
        self._far = np.where(near, 0, -np.inf).astype(np.float32)

    def similarity(self, features: Floats, other: Floats) -> Floats:
        """float32 [R·C]: for each cell the greatest cosine to its neighbours in another frame, both [R·C, D]."""
        return np.asarray((unit(features) @ unit(other).T + self._far).max(axis=1))

    def groups(self, features: Floats, cells: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        """Clusters of tokens of one frame: [N, D] at [N] cells -> [N], group numbers from 0 on.

        Neighbours whose cosine is at or above the cut of Otsu among all neighbours', and `ALIKE` or more, are in one
        group: a cut alone would also join those that are only less unlike than others.
        """
        count = len(cells)
        cosine = unit(features) @ unit(features).T
        edges = self.near[np.ix_(cells, cells)] & ~np.eye(count, dtype=bool)
        if not edges.any():
            return np.arange(count)
        linked = edges & (cosine >= max(ALIKE, otsu(cosine[edges]))) | np.eye(count, dtype=bool)
        labels = np.arange(count)
        for _ in range(count):
            lower = np.where(linked, labels, count).min(axis=1)
            if (lower == labels).all():
                break
            labels = lower
        return np.asarray(np.unique(labels, return_inverse=True)[1])

    @property
    def nbytes(self) -> int:
        return self.near.nbytes + self._far.nbytes


def unit(features: Floats) -> Floats:
    """The same vectors at length 1; those of length 0 stay."""
    lengths = np.sqrt(np.einsum("...d,...d->...", features, features))
    return np.asarray(features / np.maximum(lengths, 1e-6)[..., None])


def late(rows: Rows, cue: Floats) -> Floats:
    """float32 [N, Q]: cosines of rows and the vectors of a cue."""
    return np.asarray(unit(rows.features) @ unit(np.asarray(cue, np.float32)).T)
