"""Blocks: the luma features that gates compare."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from headrace.understanding.admission import Floats

BLOCK = 16
#: Frames wider than this are judged at half, a third, … of their size.
WORKING_WIDTH = 1408
#: Frames with a longer side are refused: no camera makes them, and no state would be bounded.
LARGEST_SIDE = 16384
#: Pixels of the largest picture that is judged.
LARGEST_WORKING = WORKING_WIDTH * LARGEST_SIDE


@dataclass(slots=True)
class Blocks:
    """Features of one picture.

    Attributes:
        means: float32 [rows, cols, 4]: means of the four 8 x 8 quarters of each block.
        texture: float32 [rows, cols]: range of the sixteen 4 x 4 means of each block.
    """

    means: Floats
    texture: Floats


def working_luma(luma: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], int]:
    """The luma at the gate's own size, and the whole factor by which it was reduced."""
    factor = max(1, -(-luma.shape[1] // WORKING_WIDTH))
    if factor == 1:
        return luma, 1
    height, width = max(1, luma.shape[0] // factor), max(1, luma.shape[1] // factor)
    return np.asarray(cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA), np.uint8), factor


def quarter(luma: npt.NDArray[np.uint8]) -> Floats:
    """Means of 4 x 4 pixels, float32 [height/4, width/4]; sides must be multiples of 4."""
    height, width = luma.shape
    small = cv2.resize(luma, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32)


def blocks(luma: npt.NDArray[np.uint8]) -> Blocks:
    """Features of a luma plane whose sides are multiples of 16."""
    small = quarter(luma)
    rows, cols = small.shape[0] // 4, small.shape[1] // 4
    fours = small.reshape(rows, 4, cols, 4)
    texture = fours.max(axis=(1, 3)) - fours.min(axis=(1, 3))
    means = small.reshape(rows, 2, 2, cols, 2, 2).mean(axis=(2, 5))
    return Blocks(np.ascontiguousarray(means.transpose(0, 2, 1, 3)).reshape(rows, cols, 4), texture)


def distance(a: Floats, b: Floats) -> Floats:
    """Largest difference of the four quarters, [rows, cols]; NaN where either is unknown."""
    difference: Floats = np.abs(a - b).max(axis=2)
    return difference


def row_gain(target: Floats, other: Floats) -> Floats:
    """The factor per row of blocks that takes `other` to `target`, [rows, 1, 1].

    A lamp's flicker or a rolling band is a factor on whole rows. 1 everywhere unless the factors
    explain most of the difference (median change cut below 0.6 of itself).
    """
    one = np.ones((target.shape[0], 1, 1), np.float32)
    x, y = target.mean(axis=2), np.maximum(other.mean(axis=2), 8)
    known = np.isfinite(y) & np.isfinite(x)
    if known.mean() < 0.5:
        return one
    raw = float(np.median(np.abs(x - y)[known]))
    if raw <= 0.8:
        return one
    ratio = np.where(known, x / y, np.nan)
    ratio[~known.any(axis=1)] = 1.0
    gain = np.nan_to_num(np.nanmedian(ratio, axis=1), nan=1.0).astype(np.float32)
    gain = cv2.medianBlur(gain[:, None], 3)[:, 0] if len(gain) >= 3 else gain
    left = float(np.median(np.abs(x - y * gain[:, None])[known]))
    explains = left < 0.6 * raw and left < 3 and gain.min() > 0.6 and gain.max() < 1.6
    result: Floats = gain[:, None, None] if explains else one
    return result
