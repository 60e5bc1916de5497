"""TileTurnover: how much of what has texture was replaced a moment ago."""

from __future__ import annotations

from collections import deque
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from headrace.core.errors import StateError
from headrace.core.stateful import Snapshot

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
#: Columns and rows of the reduced picture; a tile is 4 x 4 of its pixels.
SIZE, TILE = (320, 180), 4
#: Range of luma inside a tile, and change of one of its quarters, from which it counts.
TEXTURED, CHANGED = 28, 10.0
#: Fewer tiles than this are counted as if they were so many: one word in an empty picture is no new scene.
FEWEST = 40
#: A shift that leaves less than this share of the change has explained it.
EXPLAINED = 0.57
#: Shifts that are tried, in pixels of the reduced picture: up or down as a page scrolls, sideways as a camera pans.
SCROLL, PAN = range(2, 120), range(1, 16)


class TileTurnover:
    """The share of textured tiles that differ from `back` pictures ago; Stateful.

    A cut between two slides of one template changes few large areas, so a coarse picture hardly
    differs; but of the tiles that hold anything, most hold something else. A change of exposure is
    taken out as the median difference; `shifted` tells what only scrolled or panned.

    Args:
        back: pictures between the two that are compared.
    """

    def __init__(self, back: int = 2) -> None:
        self.back = back
        self.reset()

    def reset(self) -> None:
        self._recent: deque[Picture] = deque(maxlen=self.back + 1)

    def see(self, luma: npt.NDArray[np.uint8]) -> float:
        """The share, 0 to 1, of one more luma plane, uint8 [height, width]; 0 if it has none to be compared with."""
        self._recent.append(np.asarray(cv2.resize(luma, SIZE, interpolation=cv2.INTER_AREA), np.uint8))
        return turnover(self._recent[0], self._recent[-1]) if len(self._recent) > self.back else 0.0

    def shifted(self) -> bool:
        """Whether what was seen last is mostly what was there before, scrolled or panned."""
        return len(self._recent) > self.back and scrolled(self._recent[0], self._recent[-1])

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        return Snapshot("tile-turnover", {}, {"recent": np.stack(self._recent)} if self._recent else {})

    def restore(self, snapshot: Snapshot) -> None:
        arrays = snapshot.expect("tile-turnover").arrays
        recent = list(arrays["recent"]) if "recent" in arrays else []
        if len(recent) > self.back + 1:
            raise StateError(f"the snapshot compares over {len(recent)} pictures, this turnover over {self.back}")
        self._recent = deque((picture.copy() for picture in recent), maxlen=self.back + 1)

    def fork(self) -> Self:
        other = type(self)(self.back)
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return sum(picture.nbytes for picture in self._recent)

    def max_bytes(self) -> int:
        return (self.back + 1) * SIZE[0] * SIZE[1]


def turnover(before: Picture, now: Picture) -> float:
    """Share of the textured tiles of a reduced picture that are other ones in the picture after it."""
    textured, changed = _turned(before, now)
    return int(changed.sum()) / max(int(textured.sum()), FEWEST)


def scrolled(before: Picture, now: Picture) -> bool:
    """Whether most of what the textured tiles of a reduced picture lost stands a shift away in the one after it."""
    _, changed = _turned(before, now)
    where = changed.repeat(TILE, axis=0).repeat(TILE, axis=1)
    a, b = (cv2.blur(picture, (3, 3)).astype(np.float32) for picture in (before, now))
    lost = np.where(where, np.abs(b - a), 0)
    lost[lost < CHANGED] = 0
    total = float(lost.sum())
    shifts = [(down, 0) for shift in SCROLL for down in (shift, -shift)]
    shifts += [(0, right) for shift in PAN for right in (shift, -shift)]
    for down, right in shifts:
        old, new = _overlap(len(where), where.shape[1], down, right)
        left = np.minimum(np.abs(b[new] - a[old]), lost[old])
        if float(left.sum()) + total - float(lost[old].sum()) < EXPLAINED * total:
            return True
    return False


def _overlap(rows: int, cols: int, down: int, right: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where what stays in a picture that shifts lies before and after."""
    before = (slice(max(0, -down), rows - max(0, down)), slice(max(0, -right), cols - max(0, right)))
    after = (slice(max(0, down), rows - max(0, -down)), slice(max(0, right), cols - max(0, -right)))
    return before, after


def _turned(before: Picture, now: Picture) -> tuple[Mask, Mask]:
    """Tiles that were textured, and those of them that changed; bool [rows, cols]."""
    textured: Mask = np.asarray(_texture(before) > TEXTURED)
    change = _quarters(now) - _quarters(before)
    change = np.abs(change - np.median(change))
    return textured, np.asarray(textured & (change.max(axis=2) > CHANGED))


def _texture(picture: Picture) -> npt.NDArray[np.int16]:
    """Range of luma inside each tile, [rows, cols]."""
    tiles = picture.reshape(picture.shape[0] // TILE, TILE, -1, TILE)
    high, low = tiles.max(axis=1).max(axis=2), tiles.min(axis=1).min(axis=2)
    return np.asarray(high.astype(np.int16) - low, np.int16)


def _quarters(picture: Picture) -> Floats:
    """Means of the four quarters of each tile, float32 [rows, cols, 4]."""
    rows, cols = picture.shape[0] // TILE, picture.shape[1] // TILE
    small = cv2.resize(picture.astype(np.float32), (2 * cols, 2 * rows), interpolation=cv2.INTER_AREA)
    return np.asarray(small.reshape(rows, 2, cols, 2).transpose(0, 2, 1, 3).reshape(rows, cols, 4), np.float32)
