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
#: A shift up or down that leaves less than this share of the change has explained it.
EXPLAINED = 0.57
#: Least and greatest shift that is tried, in rows of the reduced picture.
SHIFTS = (2, 120)


class TileTurnover:
    """The share of textured tiles that differ from `back` pictures ago; Stateful.

    A cut between two slides of one template changes few large areas, so a coarse picture hardly
    differs; but of the tiles that hold anything, most hold something else. A change of exposure is
    taken out as the median difference, and what only scrolled up or down is not counted as new.

    Args:
        back: pictures between the two that are compared.
    """

    def __init__(self, back: int = 2) -> None:
        self.back = back
        self.reset()

    def reset(self) -> None:
        self._recent: deque[Picture] = deque(maxlen=self.back)

    def see(self, luma: npt.NDArray[np.uint8], scrolled_from: float = 0.0) -> float:
        """The share, 0 to 1, of one more luma plane; 0 until there is a picture to compare it with.

        Args:
            luma: uint8 [height, width].
            scrolled_from: shares up to this are given as they are; only a higher one is examined for
                scrolling, and is 0 if that explains it.
        """
        now = np.asarray(cv2.resize(luma, SIZE, interpolation=cv2.INTER_AREA), np.uint8)
        share = 0.0
        if len(self._recent) == self.back:
            before = self._recent[0]
            share = turnover(before, now)
            if share > scrolled_from and scrolled(before, now):
                share = 0.0
        self._recent.append(now)
        return share

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        return Snapshot("tile-turnover", {}, {"recent": np.stack(self._recent)} if self._recent else {})

    def restore(self, snapshot: Snapshot) -> None:
        arrays = snapshot.expect("tile-turnover").arrays
        recent = list(arrays["recent"]) if "recent" in arrays else []
        if len(recent) > self.back:
            raise StateError(f"the snapshot compares over {len(recent)} pictures, this turnover over {self.back}")
        self._recent = deque((picture.copy() for picture in recent), maxlen=self.back)

    def fork(self) -> Self:
        other = type(self)(self.back)
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return sum(picture.nbytes for picture in self._recent)

    def max_bytes(self) -> int:
        return self.back * SIZE[0] * SIZE[1]


def turnover(before: Picture, now: Picture) -> float:
    """Share of the textured tiles of a reduced picture that are other ones in the picture after it."""
    textured, changed = _turned(before, now)
    return int(changed.sum()) / max(int(textured.sum()), FEWEST)


def scrolled(before: Picture, now: Picture) -> bool:
    """Whether most of what a textured tile of a reduced picture lost stands further up or down in the one after it."""
    _, changed = _turned(before, now)
    where = changed.repeat(TILE, axis=0).repeat(TILE, axis=1)
    a, b = (cv2.blur(picture, (3, 3)).astype(np.float32) for picture in (before, now))
    lost = np.where(where, np.abs(b - a), 0)
    lost[lost < CHANGED] = 0
    total, rows = float(lost.sum()), len(where)
    for shift in range(*SHIFTS):
        for old, new in ((slice(shift, rows), slice(0, rows - shift)), (slice(0, rows - shift), slice(shift, rows))):
            left = np.minimum(np.abs(b[new] - a[old]), lost[old])
            if float(left.sum()) + total - float(lost[old].sum()) < EXPLAINED * total:
                return True
    return False


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
