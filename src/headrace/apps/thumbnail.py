"""Thumbnails: the small pictures beside a result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from headrace.apps.result import inside

#: The longest side of a thumbnail in pixels.
SIDE = 320

Picture = npt.NDArray[np.uint8]


def load(folder: Path, name: str | None, side: int = SIDE) -> Picture | None:
    """The picture `name` in `folder`, uint8 RGB [height, width, 3], its longest side at most `side`.

    None if there is none, it cannot be decoded, or `name` points outside `folder`.
    """
    import cv2

    if name is None or not inside(name):
        return None
    try:
        data = (folder / name).read_bytes()
    except OSError:
        return None
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if picture is None:
        return None
    return np.ascontiguousarray(shrink(np.asarray(picture, np.uint8), side)[:, :, ::-1])


def shrink(picture: Picture, side: int = SIDE) -> Picture:
    """`picture` (uint8 [height, width, 3]), made smaller if its longest side is above `side`."""
    import cv2

    height, width = picture.shape[:2]
    ratio = side / max(height, width)
    if ratio >= 1:
        return picture
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def jpeg(picture: Picture, quality: int = 72) -> bytes:
    """`picture` (uint8 RGB [height, width, 3]) as a JPEG file."""
    import cv2

    _, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data)
