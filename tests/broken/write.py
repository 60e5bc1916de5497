"""Small media files: what the catalogue of broken inputs begins with."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Tone:
    """A sound track: 440 Hz in every channel.

    Attributes:
        start, seconds: when it begins and how long it lasts.
        loud: amplitude, 0 to 1.
        options: of the encoder.
    """

    rate: int = 16_000
    layout: str = "mono"
    codec: str = "aac"
    format: str = "fltp"
    start: float = 0.0
    seconds: float = 1.0
    loud: float = 0.3
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """A picture track: a bright square that wanders over a ramp.

    Attributes:
        pixels: FFmpeg's pixel format.
        options: of the encoder.
    """

    frames: int = 12
    fps: Fraction = Fraction(12)
    size: tuple[int, int] = (64, 48)
    codec: str = "libx264"
    pixels: str = "yuv420p"
    options: dict[str, str] = field(default_factory=lambda: {"preset": "ultrafast", "g": "6", "bf": "0"})

    def pixels_of(self, index: int) -> npt.NDArray[np.uint8]:
        """Frame number `index`: uint8 [height, width, 3]."""
        width, height = self.size
        rows = np.tile(np.linspace(40, 180, width, dtype=np.uint8), (height, 1))
        side = max(min(self.size) // 4, 1)
        left = 4 * index % max(width - side, 1)
        rows[:side, left : left + side] = 220
        return np.repeat(rows[..., None], 3, axis=2)


def write(
    path: Path,
    picture: Picture | None = Picture(),
    tone: Tone | None = None,
    *,
    options: dict[str, str] | None = None,
) -> Path:
    """Encode one picture track, one sound track, or both, interleaved."""
    packets: list[Any] = []
    with av.open(str(path), "w", options=options or {}) as container:
        video = container.add_stream(picture.codec, rate=picture.fps) if picture else None
        audio = container.add_stream(tone.codec, tone.rate, tone.options, layout=tone.layout) if tone else None
        if picture and isinstance(video, av.VideoStream):
            video.width, video.height = picture.size
            video.pix_fmt = picture.pixels
            video.options = dict(picture.options) if picture.codec == "libx264" else {}
            video.codec_context.thread_count = 1
            for index in range(picture.frames):
                frame = av.VideoFrame.from_ndarray(picture.pixels_of(index), format="rgb24")
                frame = frame.reformat(format=picture.pixels)
                frame.pts, frame.time_base = index, 1 / picture.fps
                packets += video.encode(frame)
            packets += video.encode(None)
        if tone and isinstance(audio, av.AudioStream):
            packets += sound_packets(audio, tone)
        for packet in sorted(packets, key=lambda p: (p.dts or 0) * p.time_base):
            container.mux(packet)
    return path


def sound_packets(stream: av.AudioStream, tone: Tone) -> Sequence[Any]:
    """The packets of a tone."""
    channels = stream.layout.nb_channels
    times = np.arange(round(tone.seconds * tone.rate)) / tone.rate
    wave = np.repeat((tone.loud * np.sin(2 * np.pi * 440 * times)).astype(np.float32), channels)[None]
    resampler = av.AudioResampler(format=stream.format, layout=stream.layout, rate=tone.rate)
    fifo = av.AudioFifo()
    whole = av.AudioFrame.from_ndarray(wave, format="flt", layout=tone.layout)
    whole.sample_rate, whole.pts = tone.rate, None
    for part in resampler.resample(whole):
        part.pts = None
        fifo.write(part)
    packets: list[Any] = []
    at = round(tone.start * tone.rate)
    while (frame := fifo.read(stream.frame_size or 1024, partial=True)) is not None:
        frame.pts, frame.time_base = at, Fraction(1, tone.rate)
        at += frame.samples
        packets += stream.encode(frame)
    return [*packets, *stream.encode(None)]


def png(path: Path, pixels: npt.NDArray[np.uint8], codec: str = "png") -> Path:
    """An image of uint8 [height, width, 3]."""
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = pixels.shape[1], pixels.shape[0]
    encoder.pix_fmt = "rgb24" if codec == "png" else "yuvj420p"
    encoder.time_base = Fraction(1, 1)
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=encoder.pix_fmt)
    path.write_bytes(b"".join(map(bytes, [*encoder.encode(frame), *encoder.encode(None)])))
    return path


def wav(path: Path, data: bytes, *, code: int = 1, channels: int = 1, rate: int = 16_000, bits: int = 16) -> Path:
    """A WAV file with the fields as given, true or not."""
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", code, channels, rate, rate * block & 0xFFFFFFFF, block & 0xFFFF, bits)
    parts = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(parts)) + parts)
    return path


def replace(path: Path, old: bytes, new: bytes) -> Path:
    """Put `new` in place of every `old`, which must be there, in a file."""
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path


def join(path: Path, *parts: Path) -> Path:
    """The parts one after another."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def turn(path: Path, quarters: int) -> Path:
    """Have an mp4 ask to be turned clockwise by `quarters` of a quarter turn."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = ((1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0))[quarters]
    one = 1 << 16
    data[at : at + 36] = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path
