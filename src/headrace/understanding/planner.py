"""ReadingPlan: from admitted blocks to the regions worth reading."""

from __future__ import annotations

from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt

from headrace.core.stateful import Snapshot
from headrace.understanding.admission import Mask
from headrace.understanding.blockadmission import BlockAdmission, Box
from headrace.understanding.scene import roll

#: Blocks with a smaller range of luma hold no text.
TEXTURED = 14.0
#: Share of a region's textured blocks that may still move when it is read.
RESTLESS_SHARE = 0.15
#: Blocks without texture that may lie between the words of a line (twice as many in large type), and the
#: most blocks by which a region is widened.
WORD_GAP, WIDEST = 2, 24
#: Regions closer than this many pixels become one.
JOIN = 16


class ReadingPlan:
    """Collects admitted blocks that may hold text into regions; Stateful.

    Blocks wait in `pending` until the region around them holds still (at most `hold` s), and are
    not read again within `cool` s (three times that while the camera pans) unless they show
    something else. Safety net: textured blocks that never hold still for `patience` s are read all
    the same; the wait doubles up to 30 s while such a reading finds no text.

    Args:
        rate: frames per second that the gate sees; turns seconds into ticks.
    """

    LONGEST_PATIENCE = 30.0

    def __init__(self, rate: float = 6.0, hold: float = 1.0, cool: float = 1.0, patience: float = 1.5) -> None:
        self.rate, self.hold, self.cool, self.patience = rate, hold, cool, patience
        self.reset()

    def reset(self) -> None:
        self._grid: dict[str, npt.NDArray[Any]] = {}
        self._origin = (0, 0)
        self._tick = -1

    def plan(self, admission: BlockAdmission) -> list[tuple[Box, bool]]:
        """Regions to read in this frame, each with whether it is read by force (it never held still)."""
        self._follow(admission)
        grid, tick = self._grid, admission.tick
        elapsed, self._tick = tick - self._tick, tick
        textured = admission.texture > TEXTURED
        forced = self._forced(admission, textured, elapsed)
        grid["pending"] |= admission.admitted
        grid["pending"] &= textured
        wait = grid["wait"]
        wait += elapsed
        wait[~grid["pending"]] = 0
        boxes = []
        if grid["pending"].any():
            for region, window in _regions(grid["pending"], (3, 9)):
                cells = grid["pending"] & region
                if cells.sum() < 2:
                    if wait[cells].max() > self.rate:
                        grid["pending"] &= ~cells
                    continue
                held = region & textured
                restless = (admission.unstable & held).sum() > RESTLESS_SHARE * held.sum()
                if restless and wait[cells].max() < self.hold * self.rate:
                    continue
                cool = self.cool * self.rate * (3 if admission.moving else 1)
                if tick - grid["read"][cells].max() < cool and (cells & admission.jumped).sum() < 0.1 * cells.sum():
                    continue
                left, top, right, bottom = window
                grid["read"][top:bottom, left:right] = tick
                grid["pending"] &= ~cells
                boxes.append(admission.box(*_whole_line(textured, window)))
        merged = join_boxes([*boxes, *forced])
        return [(box, not any(_overlap(box, settled) for settled in boxes)) for box in merged]

    def learn(self, admission: BlockAdmission, box: Box, lines: int) -> None:
        """What a forced reading found: look again soon, or ever more rarely."""
        window = admission.window(admission.cells(box))
        if window is None:
            return
        patience = self._grid["patience"]
        if lines:
            patience[window] = max(self.patience, 2.0)
        else:
            patience[window] = np.minimum(self.LONGEST_PATIENCE, patience[window] * 2)

    def postpone(self, admission: BlockAdmission, box: Box) -> None:
        """A region was planned but could not be read in time: plan it again."""
        window = admission.window(admission.cells(box))
        if window is not None and "pending" in self._grid:
            self._grid["pending"][window] = True
            self._grid["read"][window] = -(1 << 30)

    def _follow(self, admission: BlockAdmission) -> None:
        """Keep the arrays on the scene; begin anew when the frame size changes."""
        shape = admission.texture.shape
        if not self._grid or self._grid["pending"].shape != shape:
            self._grid = {
                "pending": np.zeros(shape, bool),
                "wait": np.zeros(shape, np.int32),
                "read": np.full(shape, -(1 << 30), np.int32),
                "restless": np.zeros(shape, np.int32),
                "patience": np.full(shape, self.patience, np.float32),
            }
        else:
            cols, rows = (admission.origin[k] - self._origin[k] for k in (0, 1))
            fresh = {
                "pending": False,
                "wait": 0,
                "read": -(1 << 30),
                "restless": 0,
                "patience": self.patience,
            }
            self._grid = {name: roll(self._grid[name], cols, rows, unknown) for name, unknown in fresh.items()}
        self._origin = admission.origin

    def _forced(self, admission: BlockAdmission, textured: Mask, elapsed: int) -> list[Box]:
        """Regions of textured blocks that have been moving for longer than their patience."""
        grid = self._grid
        grid["restless"] = np.where(admission.unstable & textured, grid["restless"] + elapsed, 0).astype(np.int32)
        due = grid["restless"] > grid["patience"] * self.rate
        if due.sum() < 4:
            return []
        near = cv2.dilate(due.astype(np.uint8), np.ones((3, 9), np.uint8)) > 0
        nearby = near & (grid["restless"] > 0.5 * self.patience * self.rate)
        boxes = [admission.box(*window) for region, window in _regions(nearby, (3, 5)) if (due & region).sum() >= 4]
        grid["restless"][nearby] = 0
        return boxes

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        meta = {"origin": list(self._origin), "tick": self._tick}
        return Snapshot("reading-plan", meta, {name: array.copy() for name, array in self._grid.items()})

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect("reading-plan").meta
        self._origin, self._tick = (meta["origin"][0], meta["origin"][1]), meta["tick"]
        self._grid = {name: array.copy() for name, array in snapshot.arrays.items()}

    def fork(self) -> Self:
        other = type(self)(self.rate, self.hold, self.cool, self.patience)
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return 64 + sum(array.nbytes for array in self._grid.values())

    def max_bytes(self) -> int:
        return 4 << 20


def _regions(cells: Mask, reach: tuple[int, int]) -> list[tuple[Mask, tuple[int, int, int, int]]]:
    """Groups of cells within reach (rows, cols) of each other: (mask, (col0, row0, col1, row1))."""
    grown = cv2.dilate(cells.astype(np.uint8), np.ones(reach, np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    found = []
    for label in range(1, count):
        x, y, width, height = (int(v) for v in stats[label][:4])
        found.append((np.asarray(labels == label), (x, y, x + width, y + height)))
    return found


def _whole_line(textured: Mask, window: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """A window widened over the text beside it, so that a word that changed is read with its line."""
    left, top, right, bottom = window
    columns: Mask = np.asarray(textured[top:bottom].any(axis=0))
    gap = WORD_GAP if bottom - top < 5 else 2 * WORD_GAP
    for _ in range(WIDEST):
        if not columns[max(0, left - gap) : left].any():
            break
        left -= 1
    for _ in range(WIDEST):
        if not columns[right : right + gap].any():
            break
        right += 1
    return left, top, right, bottom


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def join_boxes(boxes: list[Box], gap: int = JOIN) -> list[Box]:
    """Boxes with those closer than `gap` pixels replaced by the box around them, until none is."""
    boxes = list(boxes)
    merged = True
    while merged:
        merged = False
        for i in range(len(boxes)):
            for j in range(i + 1, len(boxes)):
                a, b = boxes[i], boxes[j]
                if _overlap((a[0] - gap, a[1] - gap, a[2] + gap, a[3] + gap), b):
                    boxes[i] = (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
                    del boxes[j]
                    merged = True
                    break
            if merged:
                break
    return boxes
