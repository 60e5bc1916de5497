"""Draw: random choices in whole numbers, the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")

_MASK = (1 << 64) - 1


class Draw:
    """A stream of choices that its key alone decides. No floating-point number is involved.

    Args:
        key: whole numbers of 0 or more; other numbers, or more of them, give an independent stream.
    """

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(key))

    def below(self, end: int) -> int:
        """One of 0 to `end` - 1."""
        return int(self._bits.random_raw()) % end

    def between(self, low: int, high: int) -> int:
        """One of `low` to `high`, both included; `low` if nothing lies between them."""
        return low + self.below(max(1, high - low + 1))

    def chance(self, one_in: int) -> bool:
        """True once in so many times."""
        return self.below(one_in) == 0

    def one(self, of: Sequence[T]) -> T:
        return of[self.below(len(of))]

    def shuffled(self, of: Sequence[T]) -> list[T]:
        """Fisher and Yates."""
        order = list(of)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order

    def octets(self, count: int) -> npt.NDArray[np.uint8]:
        """uint8 [count], each value as likely as the others."""
        raw = np.asarray(self._bits.random_raw(-(-count // 8)), "<u8")
        return raw.view(np.uint8)[:count]

    def bell(self, count: int, deviation: int) -> npt.NDArray[np.int16]:
        """int16 [count], near to a normal distribution of mean 0: sums of eight octets."""
        sums = self.octets(8 * count).reshape(count, 8).sum(axis=1, dtype=np.int32) - 1020
        return ((sums * deviation + 104) // 209).astype(np.int16)


def mixed(*key: int) -> int:
    """A number of 64 bits that its key decides, as good as drawn, at a cost of 1 µs.

    Source: the finaliser of SplitMix64, G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number
    generators", OOPSLA 2014.
    """
    state = 0
    for part in key:
        state = (state + part + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state
