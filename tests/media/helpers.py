"""Clips for the tests of media: small, seeded, made on the spot."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

from headrace.core.item import Item
from headrace.media import MediaSource, VirtualVideo, write_video
from headrace.media.wire import digest


def clip(path: Path, seconds: float = 1.0, size: tuple[int, int] = (64, 48), fps: float = 25, **encoder: str) -> Path:
    """A short H.264 clip of a moving square."""
    codec = encoder.pop("codec", "libx264")
    frames = (item.data for item in VirtualVideo(3, size, fps, seconds).items())
    write_video(path, frames, fps, codec=codec, options={"g": "12", **encoder})
    return path


def image(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 [height, width, 3] as PNG."""
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = pixels.shape[1], pixels.shape[0], "rgb24"
    encoder.time_base = Fraction(1, 1)
    path.write_bytes(bytes(encoder.encode(VideoFrame.from_ndarray(pixels, format="rgb24"))[0]))


def stamped(path: Path, stamps: Iterable[int], rate: int = 25, base: Fraction = Fraction(1, 1000)) -> Path:
    """An MKV of motion JPEG whose packets carry the given stamps, whatever order they are in."""
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("mjpeg", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuvj420p"
        for index, stamp in enumerate(stamps):
            picture = VideoFrame.from_ndarray(np.full((32, 32, 3), 10 * index % 250, np.uint8), format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, rate)
            for packet in stream.encode(picture):
                packet.time_base = base
                packet.pts = packet.dts = stamp
                container.mux(packet)
    return path


def signature(source: MediaSource) -> list[tuple[int, bool, bytes]]:
    """Time, key flag and digest of the planes of every frame."""
    return [(item.pts, item.data.key, digest(item.data)) for item in source.items()]


def stamps(items: Iterable[Item]) -> list[int]:
    return [item.pts for item in items]
