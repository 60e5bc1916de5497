"""Framer: blocks of one size out of chunks of any size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np
import numpy.typing as npt

from headrace.core.errors import StateError
from headrace.core.item import SECOND
from headrace.core.stateful import Snapshot

Samples = npt.NDArray[np.float32]


class Framer:
    """Cuts one stream of samples into blocks that do not depend on how it came; Stateful.

    Args:
        size: samples of a block.
        rate: samples a second.
    """

    def __init__(self, size: int, rate: int) -> None:
        self.size, self.rate = size, rate
        self.reset()

    def reset(self) -> None:
        self._rest: Samples = np.zeros(0, np.float32)
        self._pts = 0

    def cut(self, pts: int, samples: Samples) -> Iterator[tuple[int, Samples]]:
        """Blocks that the chunk at `pts` completes: the time in ns of the first sample, and float32 [size].

        What is left over stays behind when the iterator is used up.
        """
        waiting = len(self._rest)
        joined = np.concatenate([self._rest, samples]) if waiting else samples
        whole = len(joined) - len(joined) % self.size
        for start in range(0, whole, self.size):
            at = self._pts if waiting and not start else pts + (start - waiting) * SECOND // self.rate
            yield at, joined[start : start + self.size]
        if whole or not waiting:
            self._pts = pts + (whole - waiting) * SECOND // self.rate
        self._rest = joined[whole:].copy()

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        return Snapshot("framer", {"pts": self._pts}, {"rest": self._rest.copy()})

    def restore(self, snapshot: Snapshot) -> None:
        rest = snapshot.expect("framer").arrays["rest"]
        if len(rest) >= self.size:
            raise StateError(f"the snapshot holds back {len(rest)} samples, a framer of {self.size} holds fewer")
        self._rest, self._pts = rest.copy(), snapshot.meta["pts"]

    def fork(self) -> Self:
        other = type(self)(self.size, self.rate)
        other._rest, other._pts = self._rest, self._pts  # the rest is never changed in place
        return other

    def nbytes(self) -> int:
        return self._rest.nbytes + 8

    def max_bytes(self) -> int:
        return 4 * (self.size - 1) + 8
