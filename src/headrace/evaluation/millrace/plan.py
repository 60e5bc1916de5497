"""Plan: who comes when and where in a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from headrace.core.item import SECOND
from headrace.evaluation.millrace.draw import Draw
from headrace.evaluation.millrace.identity import COLOURS, DIGITS, SHAPES, Identity
from headrace.evaluation.millrace.regime import Regime
from headrace.evaluation.millrace.visit import Cell, Visit

#: Nobody comes within the first ns, and nobody comes or goes within the last.
QUIET_BEGIN, QUIET_END = 10 * SECOND, 20 * SECOND
#: Between two visits of one identity, and between two visits to one cell, ns.
AWAY, CLEAR = 60 * SECOND, 5 * SECOND
#: Visitors at one time, the one that stands there all along not counted.
CROWD = 3
#: Colours of one stream; the other ones are never seen in it.
PALETTE = 6
#: Identities that are asked for and never come: at least, and at most.
ABSENT = (12, 60)


@dataclass(frozen=True, slots=True)
class Plan:
    """Who comes when and where.

    Attributes:
        visits: in order of their start, then of their cell.
        absent: identities that never come, of colours that are seen.
        unseen: colours that are never seen.
        moving: cells that never stop moving.
    """

    visits: tuple[Visit, ...]
    absent: tuple[Identity, ...]
    unseen: tuple[str, ...]
    moving: tuple[Cell, ...]


def planned(seed: int, regime: Regime, frames: int, fps: int, grid: tuple[int, int]) -> Plan:
    """The plan of a stream. The last row of the grid is the courier's.

    About 60 visits, and 40 an hour on top; never more than one in 12 s, or in 27 s where they fade. An identity comes
    one to three times (more often in streams of more than ten hours), for 2 to 8 s each; one of them comes early and
    stays. One visit in eight begins beside another one; about one in ten is cut in two by a change of colour, but not
    where identities fade.
    """
    draw = Draw(seed, 1)
    cells = draw.shuffled(list(product(range(grid[0] - 1), range(grid[1]))))
    moving, cells = cells[: regime.moving], cells[regime.moving :]
    colours = draw.shuffled(list(COLOURS))
    pool = [Identity(*parts) for parts in draw.shuffled(list(product(SHAPES, colours[:PALETTE], DIGITS)))]
    book = _Book(draw, regime, frames, fps, cells)
    seconds = frames // fps
    wanted = min(60 + seconds * 40 // 3600, seconds * SECOND // (12 * SECOND + 3 * regime.fade // 2))
    standing = book.frame(QUIET_BEGIN) + draw.below(20 * fps)
    book.enter(pool.pop(), standing, frames - standing, draw.one(cells))
    most = max(3, -(-2 * wanted // 280) - 1)
    while len(book.visits) < wanted and len(pool) > ABSENT[1]:
        identity = pool.pop()
        for _ in range(draw.between(1, most)):
            book.place(identity, pool)
    shown = {visit.identity for visit in book.visits}
    absent = [identity for identity in pool if identity not in shown]
    count = min(max(ABSENT[0], len(shown)), ABSENT[1])
    visits = sorted(book.visits, key=lambda visit: (visit.start, visit.cell))
    return Plan(tuple(visits), tuple(absent[:count]), tuple(colours[PALETTE:]), tuple(moving))


class _Book:
    """The visits that are agreed on so far."""

    def __init__(self, draw: Draw, regime: Regime, frames: int, fps: int, cells: Sequence[Cell]) -> None:
        self.visits: list[Visit] = []
        self._draw, self._regime, self._frames, self._fps, self._cells = draw, regime, frames, fps, cells

    def frame(self, pts: int) -> int:
        """The first frame that is not before."""
        return -(-pts * self._fps // SECOND)

    def pts(self, index: int) -> int:
        return index * SECOND // self._fps

    def enter(
        self, identity: Identity, first: int, frames: int, cell: Cell, came: bool = True, goes: bool = True
    ) -> None:
        """Note a visit from frame `first` on."""
        start, end = self.pts(first), self.pts(first + frames)
        self.visits.append(Visit(identity, start, end, cell, self._regime.fade, came, goes))

    def place(self, identity: Identity, pool: list[Identity]) -> None:
        """Find a time and a cell for a visit, if any of 60 will do."""
        draw, fps = self._draw, self._fps
        fade = self._regime.fade
        low, high = self.frame(QUIET_BEGIN + fade), self._frames - self.frame(QUIET_END + fade) - 8 * fps
        for _ in range(60):
            length = draw.between(2 * fps, 8 * fps)
            first, cell = draw.between(low, high), draw.one(self._cells)
            if draw.chance(8):
                beside = draw.one(self.visits)
                first = min(max(low, self.frame(beside.start) + draw.between(1, 2 * fps)), high)
                cell = (beside.cell[0], beside.cell[1] + draw.one((-1, 1)))
            if cell in self._cells and self._free(identity, first, length, cell):
                self._note(identity, first, length, cell, pool)
                return

    def _note(self, identity: Identity, first: int, length: int, cell: Cell, pool: list[Identity]) -> None:
        other = None
        if length >= 5 * self._fps and not self._regime.fade and self._draw.chance(6):
            twins = [one for one in pool if (one.shape, one.digit) == (identity.shape, identity.digit)]
            other = twins[0] if twins else None
        if other is None:
            self.enter(identity, first, length, cell)
            return
        pool.remove(other)
        self.enter(identity, first, length // 2, cell, goes=False)
        self.enter(other, first + length // 2, length - length // 2, cell, came=False)

    def _free(self, identity: Identity, first: int, length: int, cell: Cell) -> bool:
        start, end = self.pts(first), self.pts(first + length)
        fade, crowd = self._regime.fade, 0
        for visit in self.visits:
            if visit.end == self.pts(self._frames):
                if visit.cell == cell or visit.identity == identity or start - fade < visit.start + CLEAR:
                    return False
                continue
            apart = max(visit.start - fade - (end + fade), start - fade - (visit.end + fade))
            crowd += apart < 0
            if visit.identity == identity and apart < AWAY:
                return False
            if visit.cell == cell and apart < CLEAR:
                return False
        return crowd < CROWD
