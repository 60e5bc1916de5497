"""Visit: one stay of an identity; Said: one sound; what a plan of a stream consists of."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.evaluation.millrace.identity import Identity
from headrace.evaluation.truth import Span

#: (row, column) in the grid of cells.
Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Visit:
    """An identity stays in a cell.

    Attributes:
        identity: who.
        start, end: ns; wholly there from the frame at `start` on, and no longer in the frame at `end`.
        cell: where; where the camera pans, the cell that holds most of it.
        fade: ns before `start` in which it fades in, and after `end` in which it fades out; 0 for at once.
        enters, leaves: False where it takes the place of another colour of itself, or gives way to one.
    """

    identity: Identity
    start: int
    end: int
    cell: Cell
    fade: int = 0
    enters: bool = True
    leaves: bool = True

    @property
    def span(self) -> Span:
        """In which it is wholly there."""
        return self.start, self.end

    @property
    def trace(self) -> Span:
        """In which anything of it is there."""
        return self.start - self.fade, self.end + self.fade


@dataclass(frozen=True, slots=True)
class Said:
    """A sound: a word of `words.WORDS` or a beep of `sound.BEEPS`.

    Attributes:
        word: its name.
        start, end: ns.
        visit: number of the visit whose begin it is said at; None for a word that has to do with none.
    """

    word: str
    start: int
    end: int
    visit: int | None = None
