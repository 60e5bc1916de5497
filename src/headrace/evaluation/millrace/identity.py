"""Identity: who appears in a stream."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

SHAPES = ("disc", "square", "diamond", "triangle", "cross", "hourglass")
#: Names, and how far chroma (u, v) lies from grey.
COLOURS = {
    "blue": (84, 0),
    "violet": (59, 59),
    "red": (0, 84),
    "orange": (-59, 59),
    "yellow": (-84, 0),
    "green": (-59, -59),
    "teal": (0, -84),
    "cyan": (59, -59),
}
DIGITS = tuple(range(10))
#: The colour of nobody but the courier.
GREY = "grey"


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """A shape of one colour with a digit on it.

    Attributes:
        shape: one of `SHAPES`.
        colour: one of `COLOURS`, or `GREY`.
        digit: 0 to 9.
    """

    shape: str
    colour: str
    digit: int

    @property
    def name(self) -> str:
        """As questions and answers call it: "red disc 7"."""
        return f"{self.colour} {self.shape} {self.digit}"

    def __str__(self) -> str:
        return self.name


#: Everybody who could come.
EVERYBODY = tuple(Identity(*parts) for parts in product(SHAPES, COLOURS, DIGITS))
#: Who goes back and forth in the last row, see `World.courier`.
COURIER = Identity("disc", GREY, 0)
