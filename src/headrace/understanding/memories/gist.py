"""Gist: a few vectors into which whole frames are written softly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from headrace.understanding.admission import Floats
from headrace.understanding.tokens import Rows

#: Greatest share of a slot that one frame replaces.
RATE = 0.2


class Gist:
    """The abstract memory of Flash-VStream, a content-addressed write as in a Neural Turing Machine (Graves et al.,
    arXiv 1410.5401): m <- m (1 - w) + w x with w = 0.2 softmax(q k / sqrt(D)).

    The softmax runs over the slots: over the frames, as one frame comes at a time, every slot would be written alike.
    The paper's projections are trained; here q and k are the features themselves, scaled to a length of sqrt(D) as a
    layer norm would. The first frames fill the slots.

    Args:
        slots: how many vectors.
        size: D.
    """

    def __init__(self, slots: int, size: int) -> None:
        self.count = 0
        self._memory = np.zeros((slots, size), np.float32)
        #: Mean time, and the tokens that the mean is made of, both fading like the vector itself.
        self._time, self._weight = np.zeros(slots), np.zeros(slots)
        self._first, self._last = np.zeros(slots, np.int64), np.zeros(slots, np.int64)

    def add(self, vector: Floats, weight: float, pts: int) -> None:
        """Write a frame: float32 [D], the tokens it stands for, its time in ns."""
        at = self.count
        if at < len(self._memory):
            self._memory[at], self._weight[at] = vector, weight
            self._time[at] = self._first[at] = self._last[at] = pts
            self.count += 1
            return
        lengths = np.sqrt(np.einsum("nd,nd->n", self._memory, self._memory) * float(vector @ vector))
        scores = self._memory @ vector / np.maximum(lengths, 1e-12) * np.sqrt(len(vector))
        share = np.exp(scores - scores.max())
        share *= RATE / share.sum()
        self._memory += share[:, None] * (vector - self._memory)
        self._time += share * (pts - self._time)
        self._weight += share * (weight - self._weight)
        np.minimum(self._first, pts, out=self._first)
        np.maximum(self._last, pts, out=self._last)

    def rows(self, sense: str) -> Rows:
        """A row for each slot in use, of no place."""
        used = slice(self.count)
        rows = Rows.of(self._memory[used].copy(), np.full((self.count, 2), -1), 0, sense)
        rows.first, rows.last = self._first[used].copy(), self._last[used].copy()
        rows.time = np.clip(np.rint(self._time[used]).astype(np.int64), rows.first, rows.last)
        rows.weight = self._weight[used].astype(np.float32)
        return rows

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in (self._memory, self._time, self._weight, self._first, self._last))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Copies by name, as a snapshot takes them."""
        names = ("memory", "time", "weight", "first", "last")
        return {f"gist.{name}": getattr(self, f"_{name}").copy() for name in names}

    def load(self, arrays: Mapping[str, npt.NDArray[Any]], count: int) -> None:
        """The inverse of `arrays`."""
        self.count = count
        for name in ("memory", "time", "weight", "first", "last"):
            setattr(self, f"_{name}", arrays[f"gist.{name}"].copy())
