"""BlockAdmission: which blocks of a frame enter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from headrace.core.frame import Frame
from headrace.understanding.admission import Admission, Floats, Mask
from headrace.understanding.gate import Gate

#: (x0, y0, x1, y1) in pixels of the frame, half open.
Box = tuple[int, int, int, int]


@dataclass(slots=True, kw_only=True)
class BlockAdmission(Admission):
    """What a gate says of one frame: which blocks of 16 x 16 pixels enter now; its score is the mean absolute
    change of luma since the last tick.

    Attributes:
        frame: the frame itself, for whoever reads what was admitted.
        unstable: bool [rows, cols]: blocks that are moving now.
        jumped: bool [rows, cols]: blocks so different from what was last admitted that they show
            something else.
        texture: float32 [rows, cols]: range of luma inside the block; text has much.
        version: int32 [rows, cols]: the tick at which each block last entered, -1 for never.
        moving: the camera moves or moved a moment ago.
        origin: (col, row) of block (0, 0) in the scene, in whole blocks: with a still camera
            (0, 0); when the camera pans, the grid stays attached to the scene.
        corner: (x, y) pixel of the frame at which block (0, 0) begins.
        pitch: pixels of the frame per block side (16, more for frames larger than the gate's own).
    """

    frame: Frame
    unstable: Mask
    jumped: Mask
    texture: Floats
    version: npt.NDArray[np.int32]
    moving: bool = False
    origin: tuple[int, int] = (0, 0)
    corner: tuple[float, float] = (0.0, 0.0)
    pitch: float = 16.0

    def box(self, col0: int, row0: int, col1: int, row1: int) -> Box:
        """The pixels of blocks [col0, col1) x [row0, row1), cut to the frame."""
        x, y = self.corner
        width, height = self.frame.width, self.frame.height
        left, top = int(x + col0 * self.pitch), int(y + row0 * self.pitch)
        right, bottom = round(x + col1 * self.pitch), round(y + row1 * self.pitch)
        return max(0, left), max(0, top), min(width, right), min(height, bottom)

    def cells(self, box: Box) -> tuple[int, int, int, int]:
        """Scene blocks (col0, row0, col1, row1) that a box of pixels touches."""
        x, y = self.corner
        col, row = self.origin
        return (
            col + int((box[0] - x) // self.pitch),
            row + int((box[1] - y) // self.pitch),
            col + int((box[2] - 1 - x) // self.pitch) + 1,
            row + int((box[3] - 1 - y) // self.pitch) + 1,
        )

    def window(self, cells: tuple[int, int, int, int]) -> tuple[slice, slice] | None:
        """Rows and columns of this frame's grid that scene blocks fall on; None if outside."""
        rows, cols = self.admitted.shape
        col, row = self.origin
        top, bottom = max(0, cells[1] - row), min(rows, cells[3] - row)
        left, right = max(0, cells[0] - col), min(cols, cells[2] - col)
        return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None


#: Judges frames by blocks of their luma.
BlockGate: TypeAlias = Gate[BlockAdmission]
