"""Scenery: the backgrounds of a stream."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headrace.core.frame import Frame
from headrace.evaluation.millrace.card import Card, Shorts, developed
from headrace.evaluation.millrace.draw import Draw

#: Brightness of a scene: its mean, and by how much scenes differ.
MEAN, APART = 112, 28


def texture(draw: Draw, height: int, width: int, strength: int) -> Shorts:
    """int16 [height, width]: noise of mean near 0 whose amplitude falls as 1/f, as in natural pictures: lattices of 32,
    16, 8, 4 and 2 pixels, each of the same strength, interpolated between their points.

    Source: D. J. Field, Journal of the Optical Society of America A 4 (1987).
    """
    made = np.zeros((height, width), np.int32)
    for pitch in (32, 16, 8, 4, 2):
        rows, columns = height // pitch + 2, width // pitch + 2
        points = draw.octets(rows * columns).reshape(rows, columns).astype(np.int32) - 128
        made += _between(_between(points, pitch).T, pitch).T[:height, :width]
    return (made * strength // 128).astype(np.int16)


def scenery(seed: int, number: int, height: int, width: int) -> Card:
    """The planes of a scene: luma [height, width], chroma at half of it. Levels from 24 to 200."""
    draw = Draw(seed, 7, number)
    y = texture(draw, height, width, 16) + MEAN + draw.between(-APART, APART)
    u, v = (texture(draw, height // 2, width // 2, 2) + 128 + draw.between(-2, 2) for _ in range(2))
    return Card(*(np.clip(plane, 24, 200).astype(np.int16) for plane in (y, u, v)))


def backdrop(seed: int, number: int, size: tuple[int, int]) -> Frame:
    """A scene as a frame of (width, height): nobody is there, and the camera has no noise."""
    held = scenery(seed, number, size[1], size[0])
    return developed(held.y, held.u, held.v)


def _between(points: npt.NDArray[np.int32], pitch: int) -> npt.NDArray[np.int32]:
    """Points [N, M] and what lies between them along the first axis, [(N - 1) * pitch, M]."""
    share = np.arange(pitch, dtype=np.int32)[None, :, None]
    mixed = (points[:-1, None] * (pitch - share) + points[1:, None] * share) // pitch
    return mixed.reshape(-1, points.shape[1])
