"""Rng: random numbers that can be returned to."""

from __future__ import annotations

from operator import index
from typing import Self

import numpy as np

from headrace.core.errors import InputError, StateError
from headrace.core.stateful import Snapshot
from headrace.state.counter import END, Counter
from headrace.state.provisional import Provisional


class Rng(Provisional):
    """A sequence of numbers in which number n depends on the seed and on n only; Stateful, with a transaction.

    Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) with the seed as its key
    and n as its counter; of each block of four words the first is used. So what it remembers is two integers.

    Args:
        seed: from 0 to 2^63 − 1.
        counter: how many numbers were taken before.

    Raises:
        InputError: a number is out of range.
    """

    def __init__(self, seed: int, counter: int = 0) -> None:
        if not 0 <= index(seed) < END:
            raise InputError(f"Rng(seed={seed}): give a whole number from 0 to 2^63 - 1")
        self._first = index(seed)
        self._taken = Counter(counter)
        self.reset()

    @property
    def seed(self) -> int:
        return self._seed

    @property
    def counter(self) -> int:
        """How many numbers were taken; the next one is number `counter`."""
        return self._taken.value

    def bits(self) -> int:
        """The next number, 64 random bits."""
        n = self._taken.value
        self._taken.add()
        words = np.random.Philox(key=np.array([self._seed, 0], np.uint64), counter=np.array([n, 0, 0, 0], np.uint64))
        return int(words.random_raw())

    def uniform(self) -> float:
        """The next number as a multiple of 2^-53 in [0, 1)."""
        return (self.bits() >> 11) * 2.0**-53

    def _mark(self) -> None:
        self._taken.begin()

    def _undo(self) -> None:
        self._taken.rollback()

    def _settle(self) -> None:
        self._taken.commit()

    # -- Stateful -----------------------------------------------------------------------------

    def reset(self) -> None:
        self._seed, self._begun = self._first, False
        self._taken.reset()

    def snapshot(self) -> Snapshot:
        self._outside("snapshot")
        return Snapshot("rng", {"seed": self._seed, "counter": self.counter})

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect("rng").meta
        seed, counter = meta.get("seed"), meta.get("counter")
        if not all(isinstance(number, int) and 0 <= number < END for number in (seed, counter)):
            raise StateError(f"snapshot of an rng holds {seed!r} and {counter!r}; it needs two numbers below 2^63")
        self._taken.restore(Snapshot("counter", {"value": counter}))
        self._seed, self._begun = int(meta["seed"]), False

    def fork(self) -> Self:
        self._outside("fork")
        other = type(self)(self._first)
        other._seed, other._taken = self._seed, self._taken.fork()
        return other

    def nbytes(self) -> int:
        return 16 + self._taken.nbytes()

    def max_bytes(self) -> int:
        return self.nbytes()
