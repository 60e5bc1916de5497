"""Scene: keeps the block grid attached to what the camera sees while it pans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt

from headrace.core.stateful import Snapshot
from headrace.understanding.admission import Floats
from headrace.understanding.blocks import BLOCK, LARGEST_WORKING, quarter

#: Largest shift per tick, in pixels (|dx| + |dy|), that is believed to be a pan.
LARGEST_SHIFT = 64.0
#: Pictures with a shorter side, in pixels, are too small to tell a pan.
SMALLEST = 160
#: A warp must leave less than this share of the difference to be believed.
EXPLAINED = 0.6


@dataclass(slots=True)
class Aligned:
    """A luma plane cut so that its blocks fall on scene blocks.

    Attributes:
        luma: uint8, sides multiples of 16.
        origin: (col, row) of its first block in the scene.
        corner: (x, y) pixel at which it begins in the (padded) frame.
        moved: (cols, rows) by which the origin moved since the last frame.
        moving: a shift was seen within the last second.
    """

    luma: npt.NDArray[np.uint8]
    origin: tuple[int, int]
    corner: tuple[float, float]
    moved: tuple[int, int]
    moving: bool


class Scene:
    """Follows a panning camera by phase correlation; Stateful.

    A shift is believed only if warping the last picture by it explains most of the change. The
    picture is then resampled so that the grid stays on the scene to a fraction of a pixel.

    Args:
        linger: ticks for which the camera counts as moving after the last shift.
    """

    def __init__(self, linger: int = 6) -> None:
        self._linger = linger
        self.reset()

    def reset(self) -> None:
        self._last: Floats | None = None
        self._window: Floats | None = None
        self._x = self._y = 0.0
        self._origin = (0, 0)
        self._moving = 0

    def align(self, luma: npt.NDArray[np.uint8]) -> Aligned:
        """Cut one picture, of the same size as the last, to the scene's grid."""
        height, width = luma.shape
        padded_height, padded_width = (-(-side // BLOCK) * BLOCK + BLOCK for side in (height, width))
        dx, dy = self._shift(luma)
        self._x, self._y = self._x + dx, self._y + dy
        self._moving = self._linger if abs(dx) + abs(dy) > 0.4 else max(0, self._moving - 1)
        whole_x, whole_y = int(np.floor(-self._x)), int(np.floor(-self._y))
        part_x, part_y = -self._x - whole_x, -self._y - whole_y
        luma = np.asarray(
            cv2.copyMakeBorder(luma, 0, padded_height - height, 0, padded_width - width, cv2.BORDER_REPLICATE),
            np.uint8,
        )
        if part_x > 0.05 or part_y > 0.05:
            matrix = np.array([[1, 0, -part_x], [0, 1, -part_y]], np.float32)
            size = (padded_width, padded_height)
            luma = np.asarray(
                cv2.warpAffine(luma, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
                np.uint8,
            )
        left, top = whole_x % BLOCK, whole_y % BLOCK
        origin = (-(whole_x // BLOCK), -(whole_y // BLOCK))
        moved = (origin[0] - self._origin[0], origin[1] - self._origin[1])
        self._origin = origin
        cut = luma[top : top + padded_height - BLOCK, left : left + padded_width - BLOCK]
        corner = (left + part_x, top + part_y)
        return Aligned(np.ascontiguousarray(cut), origin, corner, moved, self._moving > 0)

    def _shift(self, luma: npt.NDArray[np.uint8]) -> tuple[float, float]:
        """Pixels by which the camera moved since the last picture; (0, 0) unless it explains the change."""
        height, width = luma.shape
        if min(height, width) < SMALLEST:
            return 0.0, 0.0
        small = quarter(luma[: height // 4 * 4, : width // 4 * 4])
        last, self._last = self._last, small
        if last is None or last.shape != small.shape:
            return 0.0, 0.0
        if float(np.abs(small - last).mean()) <= 1.5:
            return 0.0, 0.0
        if self._window is None or self._window.shape != small.shape:
            self._window = cv2.createHanningWindow(small.shape[::-1], cv2.CV_32F).astype(np.float32)
        (dx, dy), _ = cv2.phaseCorrelate(last.copy(), small.copy(), self._window)  # it windows in place
        if not 0.1 < abs(dx) + abs(dy) < LARGEST_SHIFT / 4:
            return 0.0, 0.0
        matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        inner = (slice(16, -16), slice(16, -16))
        warped = np.abs(small - cv2.warpAffine(last, matrix, small.shape[::-1]))[inner].mean()
        if warped >= EXPLAINED * np.abs(small - last)[inner].mean():
            return 0.0, 0.0
        return -dx * 4, -dy * 4

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        meta: dict[str, Any] = {
            "x": self._x,
            "y": self._y,
            "origin": list(self._origin),
            "moving": self._moving,
        }
        return Snapshot("scene", meta, {} if self._last is None else {"last": self._last.copy()})

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect("scene").meta
        self._x, self._y, self._moving = meta["x"], meta["y"], meta["moving"]
        self._origin = (meta["origin"][0], meta["origin"][1])
        self._last = snapshot.arrays["last"].copy() if "last" in snapshot.arrays else None

    def fork(self) -> Self:
        other = type(self)(self._linger)
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return 64 + sum(a.nbytes for a in (self._last, self._window) if a is not None)

    def max_bytes(self) -> int:
        """Upper bound for any picture of at most `LARGEST_WORKING` pixels."""
        return 64 + 2 * 4 * LARGEST_WORKING // 16


def roll(array: npt.NDArray[Any], cols: int, rows: int, unknown: Any) -> npt.NDArray[Any]:
    """Move a per-block array when the origin moves by (cols, rows); entering cells become `unknown`."""
    if cols == 0 and rows == 0:
        return array
    rolled = np.full_like(array, unknown)
    height, width = array.shape[:2]
    if abs(rows) < height and abs(cols) < width:
        rolled[max(0, -rows) : height - max(0, rows), max(0, -cols) : width - max(0, cols)] = array[
            max(0, rows) : height - max(0, -rows), max(0, cols) : width - max(0, -cols)
        ]
    return rolled
