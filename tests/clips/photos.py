"""The photographs (photos/SOURCES.md names source and licence) and the backgrounds made of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tests.clips.scenes import Colour, Frame

PHOTOS = ("chelsea", "coffee", "dusk", "hubble", "terrain")


def photo(name: str) -> Frame:
    """The photograph `name`, uint8 rgb [H, W, 3]."""
    pixels = cv2.imread(str(Path(__file__).parent / "photos" / f"{name}.jpg"), cv2.IMREAD_COLOR)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def cover(pixels: Frame, width: int, height: int) -> Frame:
    """`pixels` scaled to fill width x height; what stands over is cut equally at both edges."""
    scale = max(width / pixels.shape[1], height / pixels.shape[0])
    size = (max(width, round(pixels.shape[1] * scale)), max(height, round(pixels.shape[0] * scale)))
    scaled = cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    x, y = (size[0] - width) // 2, (size[1] - height) // 2
    return np.ascontiguousarray(scaled[y : y + height, x : x + width])


def plain(colour: Colour, width: int, height: int) -> Frame:
    """A background of one colour."""
    return np.full((height, width, 3), colour, np.uint8)


def photograph(name: str, dark: bool, width: int, height: int, *, mirror: bool = False) -> Frame:
    """A photograph toned down so that light text (`dark`) or dark text stands out on it."""
    pixels = cover(photo(name), width, height)
    gain, mean = (0.5, 0.5 * float(pixels.mean())) if dark else (0.45, 195.0)
    toned = cv2.convertScaleAbs(pixels, alpha=gain, beta=mean - gain * float(pixels.mean()))
    return np.ascontiguousarray(toned[:, ::-1]) if mirror else toned
