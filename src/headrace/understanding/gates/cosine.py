"""Cosine: how much features differ, and what of them holds still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headrace.understanding.admission import Floats, Mask


def unit(features: Floats) -> Floats:
    """Features of length 1, [..., D]; those of length 0 stay."""
    length = np.sqrt((features * features).sum(axis=-1, keepdims=True))
    return np.asarray(features / np.maximum(length, 1e-12), np.float32)


def apart(one: Floats, other: Floats) -> Floats:
    """1 - cosine of features [..., D], 0 to 2."""
    return np.asarray(1 - (unit(one) * unit(other)).sum(axis=-1), np.float32)


@dataclass(frozen=True, slots=True)
class Cosine:
    """Features differ by 1 - cosine.

    Attributes:
        change: the difference beyond which a cell shows something else.
    """

    change: Floats | float

    def difference(self, now: Floats, before: Floats) -> Floats:
        return apart(now, before)


@dataclass(frozen=True, slots=True)
class CosineStillness(Cosine):
    """A cell holds still while the mean of its last features is that of the ones before.

    Attributes:
        frames: in either mean.
        still: least cosine of the two means.
    """

    frames: int
    still: float
    forgets: bool = True

    @property
    def window(self) -> int:
        """Pictures that are looked at."""
        return 2 * self.frames

    def hold(self, recent: Sequence[Floats]) -> tuple[Mask, Floats]:
        last, before = (unit(np.mean(part, axis=0)) for part in (recent[: self.frames], recent[self.frames :]))
        return np.asarray(apart(last, before) < 1 - self.still), last
