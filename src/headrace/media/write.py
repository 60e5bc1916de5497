"""write_video: frames to a file; for demonstrations, tests and benchmarks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.files import atomic_path
from headrace.core.frame import Frame

_FORMATS = {".mp4": "mp4", ".mkv": "matroska", ".ts": "mpegts", ".avi": "avi", ".mov": "mov", ".flv": "flv"}


def write_video(
    path: str | os.PathLike[str],
    frames: Iterable[Frame],
    fps: float | Fraction = 25,
    *,
    codec: str = "libx264",
    bit_rate: int | None = None,
    options: Mapping[str, str] | None = None,
) -> None:
    """Encode frames of one size at a constant rate; grey frames get neutral chroma.

    Args:
        path: ends in .mp4, .mkv, .ts, .avi, .mov or .flv; written whole or not at all.
        frames: in order.
        fps: frames a second.
        codec: FFmpeg's name of the encoder.
        bit_rate: bits a second, None for the encoder's default quality.
        options: of the encoder, such as {"g": "60", "bf": "3"}.

    Raises:
        ConfigError: the suffix is not one of these.
    """
    import av
    from av.video.frame import VideoFrame
    from av.video.reformatter import ColorRange

    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ConfigError(f"{path}: cannot write {suffix or 'a name without suffix'}; use {', '.join(_FORMATS)}")
    rate = Fraction(fps).limit_denominator(1001)
    stream: Any = None
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format=_FORMATS[suffix]) as container:
        for index, frame in enumerate(frames):
            if stream is None:
                stream = container.add_stream(codec, rate=rate, options=dict(options or {}))
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
                stream.codec_context.thread_count = 1
                if bit_rate is not None:
                    stream.bit_rate = bit_rate
            picture = VideoFrame(frame.width, frame.height, "yuv420p")
            picture.color_range = ColorRange.JPEG if frame.full_range else ColorRange.MPEG
            for plane, data in zip(picture.planes, (frame.y, frame.u, frame.v), strict=True):
                rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
                rows[:, : plane.width] = 128 if data is None else data
            picture.pts, picture.time_base = index, 1 / rate
            container.mux(stream.encode(picture))
        if stream is not None:
            container.mux(stream.encode(None))
