"""Rows: a bounded table in host memory, such as of the inputs that a session may have to run again."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from headrace.core.errors import CapacityError, ConfigError, InputError, StateError
from headrace.core.stateful import Array, Snapshot
from headrace.state.provisional import Provisional


@dataclass(frozen=True, slots=True)
class Row:
    """One row; it is never changed.

    Attributes:
        text: its values as JSON.
        arrays: read-only arrays and bytes by name.
    """

    text: bytes
    arrays: dict[str, Array | bytes]

    @property
    def values(self) -> dict[str, Any]:
        """Its values, as JSON gives them back; a copy."""
        made: dict[str, Any] = json.loads(self.text)
        return made

    @property
    def nbytes(self) -> int:
        """Bytes of its values as JSON, of its arrays and of their names."""
        held = sum(len(one) if isinstance(one, bytes) else one.nbytes for one in self.arrays.values())
        return len(self.text) + sum(len(name.encode()) for name in self.arrays) + held


class Rows(Provisional):
    """Rows of values and arrays, of which the oldest leave; Stateful, with a transaction.

    Args:
        max_rows: that it holds.
        max_bytes: of the rows that it holds. A transaction keeps the rows it pushed out until it is settled, so that
            `max_bytes()` is twice as much.
    """

    _rows: deque[Row]
    _next: int
    _bytes: int
    _count: int  # rows at `begin`
    _number: int  # of the next row at `begin`
    _gone: list[Row]  # of those rows, the ones that were pushed out since

    def __init__(self, max_rows: int, max_bytes: int) -> None:
        if max_rows < 1 or max_bytes < 1:
            raise ConfigError(f"Rows(max_rows={max_rows}, max_bytes={max_bytes}): it holds one row or more")
        self.max_rows, self.budget = max_rows, max_bytes
        self.reset()

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        """Oldest first."""
        return iter(self._rows)

    @property
    def first(self) -> int:
        """How many rows have left, which is the number of the oldest one held."""
        return self._next - len(self._rows)

    def row(self, number: int) -> Row | None:
        """The row that `add` gave this number to; None if it has left or never was."""
        return self._rows[number - self.first] if self.first <= number < self._next else None

    def add(self, values: Mapping[str, Any], arrays: Mapping[str, Array | bytes] | None = None) -> int:
        """Add a row, push out the oldest as far as needed, and return its number, counted from 0.

        Raises:
            InputError: the values are not JSON.
            CapacityError: this row alone is over the budget. In either case nothing changes.
        """
        try:
            text = json.dumps(dict(values), separators=(",", ":"), allow_nan=False).encode()
        except (TypeError, ValueError) as error:
            raise InputError(f"Rows: the values of a row must be JSON: {error}") from None
        row = Row(text, {name: _own(held) for name, held in (arrays or {}).items()})
        if row.nbytes > self.budget:
            raise CapacityError(f"Rows: a row of {row.nbytes} bytes is over the {self.budget} bytes of the table")
        self._append(row)
        return self._next - 1

    def _append(self, row: Row) -> None:
        while len(self._rows) >= self.max_rows or self._bytes + row.nbytes > self.budget:
            gone = self._rows.popleft()
            self._bytes -= gone.nbytes
            if self._begun and len(self._gone) < self._count:
                self._gone.append(gone)
        self._rows.append(row)
        self._next += 1
        self._bytes += row.nbytes

    def _mark(self) -> None:
        self._count, self._number, self._gone = len(self._rows), self._next, []

    def _undo(self) -> None:
        added = self._next - self._number
        for _ in range(min(added, len(self._rows))):
            self._rows.pop()
        self._rows.extendleft(reversed(self._gone))
        self._next, self._bytes = self._number, sum(row.nbytes for row in self._rows)
        self._settle()

    def _settle(self) -> None:
        self._gone = []

    # -- Stateful -----------------------------------------------------------------------------

    def reset(self) -> None:
        self._rows = deque()
        self._next = self._bytes = self._count = self._number = 0
        self._gone = []
        self._begun = False

    def snapshot(self) -> Snapshot:
        self._outside("snapshot")
        rows, arrays = [], {}
        for i, row in enumerate(self._rows):
            rows.append([row.values, [[name, isinstance(held, bytes)] for name, held in row.arrays.items()]])
            for name, held in row.arrays.items():
                arrays[f"{i}/{name}"] = np.frombuffer(held, np.uint8) if isinstance(held, bytes) else held.copy()
        return Snapshot("rows", {"next": self._next, "rows": rows}, arrays)

    def restore(self, snapshot: Snapshot) -> None:
        held = snapshot.expect("rows")
        other = type(self)(self.max_rows, self.budget)
        for i, (values, names) in enumerate(held.meta["rows"]):
            arrays = {name: held.arrays[f"{i}/{name}"] for name, _ in names}
            other.add(values, {name: arrays[name].tobytes() if raw else arrays[name] for name, raw in names})
        if len(other) < len(held.meta["rows"]):
            raise StateError(
                f"the snapshot holds {len(held.meta['rows'])} rows; a table of {self.max_rows} rows and "
                f"{self.budget} bytes has no room for them"
            )
        self.reset()
        self._rows, self._bytes, self._next = other._rows, other._bytes, held.meta["next"]

    def fork(self) -> Self:
        self._outside("fork")
        other = type(self)(self.max_rows, self.budget)
        other._rows, other._bytes, other._next = self._rows.copy(), self._bytes, self._next  # rows are never changed
        return other

    def nbytes(self) -> int:
        return self._bytes + sum(row.nbytes for row in self._gone)

    def max_bytes(self) -> int:
        return 2 * self.budget


def _own(held: Array | bytes) -> Array | bytes:
    """What nobody else can change: bytes, or a read-only copy of an array."""
    if isinstance(held, bytes):
        return held
    array: Array = np.array(held, order="C")
    array.flags.writeable = False
    return array
