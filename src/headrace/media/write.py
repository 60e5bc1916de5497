"""write_video: frames and sound to a file; for demonstrations, tests and benchmarks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.core.errors import ConfigError
from headrace.core.files import atomic_path
from headrace.core.frame import Frame

_FORMATS = {".mp4": "mp4", ".mkv": "matroska", ".ts": "mpegts", ".avi": "avi", ".mov": "mov", ".flv": "flv"}
_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1"}
#: Sample rates that AAC knows (ISO/IEC 14496-3, table 1.18).
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


def write_video(
    path: str | os.PathLike[str],
    frames: Iterable[Frame],
    fps: float | Fraction = 25,
    *,
    codec: str = "libx264",
    bit_rate: int | None = None,
    options: Mapping[str, str] | None = None,
    sound: NDArray[np.float32] | None = None,
    sound_rate: int = 48_000,
) -> None:
    """Encode frames of one size at a constant rate; grey frames get neutral chroma.

    Sound is AAC (in .avi 16-bit PCM) and begins with the first frame; without frames the file has sound alone.

    Args:
        path: ends in .mp4, .mkv, .ts, .avi, .mov or .flv; written whole or not at all.
        frames: in order.
        fps: frames a second.
        codec: FFmpeg's name of the encoder.
        bit_rate: bits a second, None for the encoder's default quality.
        options: of the encoder, such as {"g": "60", "bf": "3"}.
        sound: [n] mono or [n, channels], -1 to 1; None for a silent file.
        sound_rate: samples a second.

    Raises:
        ConfigError: the suffix is not one of these, or the sound cannot be encoded.
    """
    import av
    from av.video.frame import VideoFrame
    from av.video.reformatter import ColorRange

    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ConfigError(f"{path}: cannot write {suffix or 'a name without suffix'}; use {', '.join(_FORMATS)}")
    rate = Fraction(fps).limit_denominator(1001)
    stream: Any = None
    track: SoundTrack | None = None
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format=_FORMATS[suffix]) as container:
        for index, frame in enumerate(frames):
            if stream is None:
                stream = container.add_stream(codec, rate=rate, options=dict(options or {}))
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
                stream.codec_context.thread_count = 1
                if bit_rate is not None:
                    stream.bit_rate = bit_rate
                track = None if sound is None else SoundTrack(container, sound, sound_rate)
            picture = VideoFrame(frame.width, frame.height, "yuv420p")
            picture.color_range = ColorRange.JPEG if frame.full_range else ColorRange.MPEG
            for plane, data in zip(picture.planes, (frame.y, frame.u, frame.v), strict=True):
                rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
                rows[:, : plane.width] = 128 if data is None else data
            picture.pts, picture.time_base = index, 1 / rate
            container.mux(stream.encode(picture))
            if track is not None:
                track.write_until(float((index + 1) / rate))
        if stream is not None:
            container.mux(stream.encode(None))
        if stream is None and sound is not None:
            track = SoundTrack(container, sound, sound_rate)
        if track is not None:
            track.finish()


class SoundTrack:
    """Encodes sound into a container that is being written, a piece at a time beside the pictures.

    Args:
        container: an output container of PyAV whose header is not written yet.
        samples: float32 [n] mono or [n, channels], -1 to 1.
        rate: samples a second.
        bit_rate: bits a second, None for the encoder's default.

    Raises:
        ConfigError: the shape, the number of channels or the rate cannot be encoded.
    """

    def __init__(self, container: Any, samples: NDArray[np.float32], rate: int, *, bit_rate: int | None = None) -> None:
        planes = samples[None] if samples.ndim == 1 else samples.T
        if planes.ndim != 2 or len(planes) not in _LAYOUTS:
            raise ConfigError(f"sound has the shape {samples.shape}; give [n] mono or [n, channels], 1 to 6 channels")
        codec, kind = ("pcm_s16le", "s16") if container.format.name == "avi" else ("aac", "fltp")
        if codec == "aac" and rate not in _AAC_RATES:
            raise ConfigError(
                f"AAC has no rate of {rate} samples a second; use one of {', '.join(map(str, _AAC_RATES))}"
            )
        self._container, self._planes, self._rate, self._kind = container, planes, rate, kind
        self._layout = _LAYOUTS[len(planes)]
        self._stream = container.add_stream(codec, rate=rate, layout=self._layout)
        self._stream.codec_context.thread_count = 1
        if bit_rate is not None:
            self._stream.bit_rate = bit_rate
        self._written = 0

    def write_until(self, seconds: float) -> None:
        """Encode the samples up to a time."""
        self._encode(min(self._planes.shape[1], round(seconds * self._rate)))

    def finish(self) -> None:
        """Encode what is left and empty the encoder."""
        self._encode(self._planes.shape[1])
        self._container.mux(self._stream.encode(None))

    def _encode(self, end: int) -> None:
        from av.audio.frame import AudioFrame

        if end <= self._written:
            return
        piece = np.clip(self._planes[:, self._written : end], -1, 1)
        if self._kind == "s16":
            piece = np.rint(piece.T.reshape(1, -1) * 32767).astype(np.int16)
        else:
            piece = piece.astype(np.float32)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(piece), format=self._kind, layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._written, Fraction(1, self._rate)
        self._container.mux(self._stream.encode(frame))
        self._written = end
