"""Card: how an identity looks, 16 x 16 pixels that fill a cell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from headrace.core.frame import Frame
from headrace.evaluation.millrace.identity import COLOURS, Identity

#: Pixels on the side of a cell.
SIDE = 16
#: Luma around the shape, on it, and of the digit.
AROUND, ON, INK = 96, 200, 16
#: Ten digits of 4 x 5 blocks, any two of which differ in three blocks or more.
GLYPHS = (
    ".##. #..# #..# #..# .##.",
    "..#. .##. ..#. ..#. ..#.",
    "###. ...# .##. #... ####",
    "###. ...# ..#. ...# ###.",
    "#..# #..# #### ...# ...#",
    "#### #... ###. ...# ###.",
    ".### #... ###. #..# .###",
    "#### ...# ..#. .#.. .#..",
    "#### #..# #### #..# ####",
    ".### #..# .### ...# .#..",
)

Shorts = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Card:
    """The pixels of an identity.

    Attributes:
        y: int16 [16, 16].
        u, v: int16 [8, 8].
    """

    y: Shorts
    u: Shorts
    v: Shorts


@cache
def card(identity: Identity) -> Card:
    """The card of an identity; not to be changed."""
    y = np.full((SIDE, SIDE), AROUND, np.int16)
    inside = _shape(identity.shape)
    y[inside] = ON
    glyph = np.array([[mark == "#" for mark in row] for row in GLYPHS[identity.digit].split()])
    y[3:13, 4:12][glyph.repeat(2, axis=0).repeat(2, axis=1)] = INK
    whole = inside.reshape(SIDE // 2, 2, SIDE // 2, 2).sum(axis=(1, 3)).astype(np.int16)
    u, v = (128 + whole * level // 4 for level in COLOURS.get(identity.colour, (0, 0)))
    for plane in (y, u, v):
        plane.flags.writeable = False
    return Card(y, u, v)


def developed(y: Shorts, u: Shorts, v: Shorts) -> Frame:
    """The frame of three planes, cut to 0 to 255."""
    luma, blue, red = (plane.clip(0, 255).astype(np.uint8) for plane in (y, u, v))
    return Frame(luma, blue, red, full_range=True)


def _shape(name: str) -> npt.NDArray[np.bool_]:
    """Which pixels belong to a shape, [16, 16]."""
    down, across = np.mgrid[:SIDE, :SIDE] * 2 - (SIDE - 1)
    far, deep = np.abs(across), np.abs(down)
    shapes = {
        "disc": far**2 + deep**2 <= SIDE**2,
        "square": np.maximum(far, deep) < SIDE - 2,
        "diamond": far + deep <= SIDE - 2,
        "triangle": 2 * far <= down + SIDE + 1,
        "cross": np.minimum(far, deep) <= SIDE // 3,
        "hourglass": far <= deep + 2,
    }
    return np.asarray(shapes[name])
