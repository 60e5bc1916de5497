"""Converter: from a decoder's picture to a Frame, without a copy where the format allows it."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from headrace.core.frame import Frame, Plane

#: PyAV 16 scales in one thread and cannot be asked; later ones take all cores unless asked.
_ONE_THREAD: dict[str, Any] = {} if av.__version__.startswith("16.") else {"threads": 1}

_GREY = ("gray", "ya", "mono")


class Converter:
    """Gives the 4:2:0 planes of pictures, one after another.

    yuv420p, yuvj420p, nv12, nv21 and gray are read-only views of the decoder's memory, which the
    Frame keeps alive; every other format is converted once to yuv420p (or gray). RGB becomes limited
    range YUV by BT.601 up to 576 lines, else BT.709, as `Frame.rgb` reads it. A picture that its
    container says is to be turned by a multiple of 90 degrees is turned.
    """

    def __init__(self) -> None:
        self._scaler = VideoReformatter()

    def __call__(self, picture: VideoFrame) -> Frame:
        name = picture.format.name
        full = name.startswith("yuvj") or picture.color_range == ColorRange.JPEG
        if name.startswith(_GREY) and name != "gray":
            picture, name = self._to(picture, "gray", full), "gray"
        elif name not in ("yuv420p", "yuvj420p", "nv12", "nv21", "gray"):
            coloured = picture.format.is_rgb or picture.format.has_palette or picture.format.is_bayer
            picture = (
                self._from_rgb(picture) if coloured else self._to(picture, "yuvj420p" if full else "yuv420p", full)
            )
            name, full = "yuv420p", full and not coloured
        planes: list[Plane] = [view(picture, 0)]
        if name in ("nv12", "nv21"):
            pairs = view(picture, 1, channels=2)
            planes += [pairs[..., 0], pairs[..., 1]] if name == "nv12" else [pairs[..., 1], pairs[..., 0]]
        elif name != "gray":
            planes += [view(picture, 1), view(picture, 2)]
        turns = round(picture.rotation / 90) % 4
        if turns:
            planes = [np.rot90(plane, turns) for plane in planes]
        y, u, v = planes if len(planes) == 3 else (planes[0], None, None)
        return Frame(y, u, v, full_range=full, key=bool(picture.key_frame), owner=picture)

    def _to(self, picture: VideoFrame, name: str, full: bool) -> VideoFrame:
        span = ColorRange.JPEG if full else ColorRange.MPEG
        return self._scaler.reformat(picture, format=name, src_color_range=span, dst_color_range=span, **_ONE_THREAD)

    def _from_rgb(self, picture: VideoFrame) -> VideoFrame:
        matrix = Colorspace.ITU601 if picture.height <= 576 else Colorspace.ITU709
        return self._scaler.reformat(
            picture,
            format="yuv420p",
            dst_colorspace=matrix,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            **_ONE_THREAD,
        )


def view(picture: VideoFrame, index: int, channels: int = 1) -> Any:
    """A read-only view of one plane: uint8 [height, width] or [height, width, channels]."""
    plane = picture.planes[index]
    stride, width = plane.line_size, plane.width
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, abs(stride))
    if stride < 0:
        rows = rows[::-1]
    rows = rows[:, : width * channels]
    rows.flags.writeable = False
    return rows if channels == 1 else rows.reshape(plane.height, width, channels)
