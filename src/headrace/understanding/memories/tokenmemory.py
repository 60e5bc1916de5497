"""TokenMemory: what all memories of tokens share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import copy
from dataclasses import asdict
from typing import Any, ClassVar, Self

import numpy as np

from headrace.core.errors import ConfigError, StateError
from headrace.core.stateful import Snapshot
from headrace.understanding.memories.grid import Grid
from headrace.understanding.tokens import Cue, Rows, TokenAdmission, TokenView

#: Bytes that a memory counts for its counters.
COUNTERS = 64


class TokenMemory(ABC):
    """A memory of tokens of one grid: a Memory of TokenAdmission, Cue and TokenView; Stateful.

    A subclass writes `_take`, `_found`, `held`, `reset`, `_dump`, `_load`, `nbytes` and `max_bytes`. Its parameters
    are attributes that never change; all that does is made by `reset`.

    Args:
        grid: of the tokens it will be given.
        budget: rows that a reader attends to, at most.

    Attributes:
        kind: its name in snapshots.
        bounded: it forgets or merges; otherwise it raises a CapacityError at its limit.
        whole: it needs tokens of exactly its grid; others take the single one that a gate pooled a picture to, too.
        forgotten: weight of all that was evicted. `held() + forgotten` is the weight of all that was written.

    Raises:
        ConfigError: the budget is below what it needs.
    """

    kind: ClassVar[str]
    bounded: ClassVar[bool] = True
    whole: ClassVar[bool] = False
    forgotten: float

    def __init__(self, grid: Grid, budget: int, least: int = 1) -> None:
        if budget < least:
            raise ConfigError(f"{self.kind}: a budget of {budget} rows; use {least} or more")
        self.grid, self.budget = grid, budget

    def write(self, what: TokenAdmission, /) -> None:
        """Take in the admitted tokens; an item of which none was admitted changes nothing.

        Raises:
            InputError: the tokens are not those of its grid, or not finite.
            CapacityError: it is not `bounded` and full; nothing was written.
        """
        self.grid.expect(what, self.whole)
        if what.admitted.any():
            self._take(what)

    def read(self, query: Cue, now: int, /) -> TokenView:
        """The rows that it gives for a cue, those that reach into its stretch of time, by first time."""
        rows = self._found(query)
        if query.since is not None:
            rows = rows[rows.last >= query.since]
        if query.until is not None:
            rows = rows[rows.first <= query.until]
        return TokenView(rows[np.argsort(rows.first, kind="stable")], now)

    @abstractmethod
    def held(self) -> float:
        """Weight of all that it keeps; what is kept twice counts once."""

    @abstractmethod
    def _take(self, what: TokenAdmission) -> None:
        """Keep what was admitted, one token at least."""

    @abstractmethod
    def _found(self, query: Cue) -> Rows:
        """What a cue finds, in any order. Changes nothing."""

    def tiers(self) -> Mapping[str, int]:
        return {"device": self.nbytes()}

    # -- Stateful -----------------------------------------------------------------------------

    @abstractmethod
    def reset(self) -> None: ...

    @abstractmethod
    def nbytes(self) -> int: ...

    @abstractmethod
    def max_bytes(self) -> int: ...

    @abstractmethod
    def _dump(self) -> Snapshot:
        """Its meta and arrays, copies all; the kind, the grid and the budget are added."""

    @abstractmethod
    def _load(self, snapshot: Snapshot) -> None:
        """The inverse, on a memory that was reset."""

    def snapshot(self) -> Snapshot:
        held = self._dump()
        return Snapshot(self.kind, held.meta | self._made() | {"forgotten": self.forgotten}, held.arrays)

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect(self.kind).meta
        if (other := {name: meta.get(name) for name in self._made()}) != self._made():
            raise StateError(f"snapshot is of a {self.kind} with {other}, this one has {self._made()}")
        for name, array in snapshot.arrays.items():
            if array.dtype.kind == "f" and np.isnan(array).any():
                raise StateError(f"snapshot of a {self.kind} is damaged: {name} is not a number; take another")
        self.reset()
        self._load(snapshot)
        self.forgotten = meta["forgotten"]

    def _made(self) -> dict[str, Any]:
        """What a snapshot must have been made with."""
        return {"grid": asdict(self.grid), "budget": self.budget}

    def fork(self) -> Self:
        other = copy(self)
        other.restore(self.snapshot())
        return other
