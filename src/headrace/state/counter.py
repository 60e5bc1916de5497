"""Counter: how much there was, exactly, however old the stream."""

from __future__ import annotations

from operator import index
from typing import Self

from headrace.core.errors import CapacityError, InputError, StateError
from headrace.core.stateful import Snapshot
from headrace.state.provisional import Provisional

#: The first number that an int64 cannot hold: at 1,000 a second it is reached after 292 million years.
END = 2**63


class Counter(Provisional):
    """A whole number from 0 to 2^63 − 1 that only grows; Stateful, with a transaction.

    Args:
        start: where it stands when it is built and after `reset`.

    Raises:
        InputError: `start` is no such number.
    """

    _value: int
    _before: int

    def __init__(self, start: int = 0) -> None:
        if not 0 <= index(start) < END:
            raise InputError(f"Counter(start={start}): give a whole number from 0 to 2^63 - 1")
        self._start = index(start)
        self.reset()

    @property
    def value(self) -> int:
        return self._value

    def add(self, n: int = 1) -> int:
        """Count `n` more and return the new value.

        Raises:
            InputError: `n` is negative.
            CapacityError: the value would leave int64; it stays as it was.
        """
        if index(n) < 0:
            raise InputError(f"Counter: add({n}); a counter only grows")
        if self._value + index(n) >= END:
            raise CapacityError(f"Counter: {self._value} + {n} is beyond 2^63 - 1; open a new session")
        self._value += index(n)
        return self._value

    def _mark(self) -> None:
        self._before = self._value

    def _undo(self) -> None:
        self._value = self._before

    def _settle(self) -> None:
        self._before = self._value

    # -- Stateful -----------------------------------------------------------------------------

    def reset(self) -> None:
        self._value = self._before = self._start
        self._begun = False

    def snapshot(self) -> Snapshot:
        self._outside("snapshot")
        return Snapshot("counter", {"value": self._value})

    def restore(self, snapshot: Snapshot) -> None:
        value = snapshot.expect("counter").meta.get("value")
        if not isinstance(value, int) or not 0 <= value < END:
            raise StateError(f"snapshot of a counter holds {value!r}; it needs a whole number from 0 to 2^63 - 1")
        self._value, self._begun = value, False

    def fork(self) -> Self:
        self._outside("fork")
        other = type(self)(self._start)
        other._value = self._value
        return other

    def nbytes(self) -> int:
        return 16

    def max_bytes(self) -> int:
        return self.nbytes()
