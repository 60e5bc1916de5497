"""Window: the newest rows, and the first ones where some are pinned."""

from __future__ import annotations

from headrace.core.stateful import Snapshot
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.ring import Ring
from headrace.understanding.memories.tokenmemory import COUNTERS, TokenMemory
from headrace.understanding.tokens import Cue, Rows, TokenAdmission


class Window(TokenMemory):
    """First in, first out; Stateful.

    Args:
        budget: rows in all.
        sinks: so many of the first rows stay for ever; below `budget`.
    """

    kind = "window"

    def __init__(self, grid: Grid, budget: int, sinks: int = 0) -> None:
        super().__init__(grid, budget, least=sinks + 1)
        self.sinks = sinks
        self.reset()

    def reset(self) -> None:
        self.forgotten = 0.0
        self._pinned = Ring(self.sinks, self.grid.size)
        self._recent = Ring(self.budget - self.sinks, self.grid.size)

    def held(self) -> float:
        return self._pinned.weight() + self._recent.weight()

    def _take(self, what: TokenAdmission) -> None:
        rows, free = what.rows(), self.sinks - len(self._pinned)
        if free:
            self._pinned.push(rows[:free])
            rows = rows[free:]
        self.forgotten += self._recent.push(rows)

    def _found(self, query: Cue) -> Rows:
        return Rows.join((self._pinned.rows(), self._recent.rows()))

    def _dump(self) -> Snapshot:
        arrays = self._pinned.rows().arrays("pinned.") | self._recent.rows().arrays("recent.")
        return Snapshot(self.kind, {"sinks": self.sinks}, arrays)

    def _load(self, snapshot: Snapshot) -> None:
        self._pinned.push(Rows.restored(snapshot.arrays, "pinned."))
        self._recent.push(Rows.restored(snapshot.arrays, "recent."))

    def _made(self) -> dict[str, object]:
        return super()._made() | {"sinks": self.sinks}

    def nbytes(self) -> int:
        return self._pinned.nbytes + self._recent.nbytes + COUNTERS

    def max_bytes(self) -> int:
        return self.budget * self.grid.row_bytes + COUNTERS
