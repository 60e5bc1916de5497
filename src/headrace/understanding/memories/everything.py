"""Everything: forgets nothing, the upper bound of what a memory can be."""

from __future__ import annotations

from headrace.core.errors import CapacityError
from headrace.core.stateful import Snapshot
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.ring import Ring
from headrace.understanding.memories.tokenmemory import COUNTERS, TokenMemory
from headrace.understanding.tokens import Cue, Rows, TokenAdmission

#: Rows by which the storage grows.
BLOCK = 4096


class Everything(TokenMemory):
    """All rows, up to a limit at which it refuses; Stateful, not bounded by itself.

    Args:
        budget: the limit, rows; 10 h at 2 frames a second of 24 tokens are 1,728,000.
    """

    kind = "everything"
    bounded = False

    def __init__(self, grid: Grid, budget: int = 2_000_000) -> None:
        super().__init__(grid, budget)
        self.reset()

    def reset(self) -> None:
        self.forgotten = 0.0
        self._blocks: list[Ring] = []
        self._count = 0

    def held(self) -> float:
        return sum(block.weight() for block in self._blocks)

    def _take(self, what: TokenAdmission) -> None:
        rows = what.rows()
        if self._count + len(rows) > self.budget:
            raise CapacityError(
                f"{self._count:,} rows are kept and {len(rows)} more came at {what.pts} ns: the limit is "
                f"{self.budget:,}; give more, or take a memory that forgets"
            )
        self._append(rows)

    def _append(self, rows: Rows) -> None:
        while len(rows):
            free = BLOCK - self._count % BLOCK if self._blocks else 0
            if free in (0, BLOCK) and self._count == len(self._blocks) * BLOCK:
                self._blocks.append(Ring(BLOCK, self.grid.size))
                free = BLOCK
            self._blocks[-1].push(rows[:free])
            self._count += min(free, len(rows))
            rows = rows[free:]

    def _found(self, query: Cue) -> Rows:
        return Rows.join(block.rows() for block in self._blocks)

    def _dump(self) -> Snapshot:
        return Snapshot(self.kind, {}, self._found(Cue()).arrays())

    def _load(self, snapshot: Snapshot) -> None:
        self._append(Rows.restored(snapshot.arrays))

    def nbytes(self) -> int:
        return len(self._blocks) * BLOCK * self.grid.row_bytes + COUNTERS

    def max_bytes(self) -> int:
        return -(-self.budget // BLOCK) * BLOCK * self.grid.row_bytes + COUNTERS
