"""Anticipation and AdaptiveTest: what comes next, and whether what came was a surprise."""

from __future__ import annotations

from collections import deque
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from headrace.core.errors import StateError
from headrace.core.stateful import Snapshot
from headrace.understanding.admission import Floats, Mask

Doubles = npt.NDArray[np.float64]


class Anticipation:
    """The next features as the mean of the last ones; Stateful.

    Source: in place of the learned anticipator of Online Generic Event Boundary Detection (On-GEBD).

    Args:
        horizon: features that the mean is taken over.
    """

    def __init__(self, horizon: int) -> None:
        self.horizon = horizon
        self.reset()

    def reset(self) -> None:
        self._recent: deque[Floats] = deque(maxlen=self.horizon)

    def expected(self) -> Floats | None:
        """What is anticipated; None before anything came."""
        return np.asarray(np.mean(self._recent, axis=0), np.float32) if self._recent else None

    def push(self, features: Floats) -> None:
        """What came, of the same shape every time; not to be changed afterwards."""
        self._recent.append(features)

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        return Snapshot("anticipation", {}, {"recent": np.stack(self._recent)} if self._recent else {})

    def restore(self, snapshot: Snapshot) -> None:
        recent = snapshot.expect("anticipation").arrays.get("recent", ())
        if len(recent) > self.horizon:
            raise StateError(f"the snapshot anticipates from {len(recent)} pictures, this detector from {self.horizon}")
        self._recent = deque((one.copy() for one in recent), maxlen=self.horizon)

    def fork(self) -> Self:
        other = type(self)(self.horizon)
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return sum(one.nbytes for one in self._recent)

    def max_bytes(self, size: int = 1 << 22) -> int:
        """For features of so many numbers."""
        return 4 * size * self.horizon


class AdaptiveTest:
    """Tells values that stand out from their own recent past, each cell's from its own; Stateful.

    A value stands out if it exceeds the mean of the last `memory` learned ones by `sigmas` deviations, and `floor`;
    until `WARM` are known, `floor` alone.

    Source: the online boundary discriminator of On-GEBD fits a Gaussian to a queue of recent errors.

    Args:
        memory: values that are remembered of a cell.
        sigmas: deviations above their mean.
        floor: least value that stands out.
    """

    WARM = 4

    def __init__(self, memory: int, sigmas: float, floor: float) -> None:
        self.memory, self.sigmas, self.floor = memory, sigmas, floor
        self.reset()

    def reset(self) -> None:
        self._learned: Doubles | None = None  # [memory, *cells], newest first, NaN where nothing is known

    @property
    def known(self) -> int:
        """How many values are remembered of the cell of which most are."""
        return 0 if self._learned is None else int(np.isfinite(self._learned).sum(axis=0).max())

    def threshold(self) -> Any:
        """What a value must exceed, float64 [*cells] or one number."""
        if self._learned is None:
            return self.floor
        known = np.isfinite(self._learned)
        count = known.sum(axis=0)
        many = np.maximum(count, 1)
        mean = np.where(known, self._learned, 0).sum(axis=0) / many
        variance = np.where(known, (self._learned - mean) ** 2, 0).sum(axis=0) / many
        limit = np.maximum(self.floor, mean + self.sigmas * np.sqrt(variance))
        return np.where(count >= self.WARM, limit, self.floor)

    def learn(self, values: npt.ArrayLike, where: Mask | bool = True) -> None:
        """Remember the values of the cells in which `where` holds, of the same shape every time."""
        new = np.asarray(values, np.float64)
        if self._learned is None:
            self._learned = np.full((self.memory, *new.shape), np.nan)
        moved = np.concatenate([new[None], self._learned[:-1]])
        self._learned = np.where(where, moved, self._learned)

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        return Snapshot("adaptive-test", {}, {} if self._learned is None else {"learned": self._learned.copy()})

    def restore(self, snapshot: Snapshot) -> None:
        learned = snapshot.expect("adaptive-test").arrays.get("learned")
        if learned is not None and len(learned) != self.memory:
            raise StateError(f"the snapshot remembers {len(learned)} values, this test {self.memory}")
        self._learned = None if learned is None else learned.copy()

    def fork(self) -> Self:
        other = type(self)(self.memory, self.sigmas, self.floor)
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return 0 if self._learned is None else self._learned.nbytes

    def max_bytes(self, cells: int = 1 << 14) -> int:
        """For so many cells."""
        return 8 * cells * self.memory
