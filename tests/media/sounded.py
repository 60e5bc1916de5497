"""Files with sound for the tests of media: small, seeded, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from headrace.core.item import MS, SECOND, Item
from headrace.media import MediaSource
from headrace.media.wire import digest

#: ns at which the picture flashes and a tone begins, 100 ms long.
EVENTS = (480 * MS, 1240 * MS)


def beeps(seconds: float, rate: int, channels: int) -> np.ndarray:
    """float32 [channels, n]: silence with a tone of 1 kHz, half of full scale, at each of EVENTS."""
    wave = np.zeros(round(seconds * rate), np.float32)
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate // 10) / rate)
    for event in EVENTS:
        begin = event * rate // SECOND
        part = wave[begin : begin + tone.size]
        part[:] = tone[: part.size]
    return np.repeat(wave[None], channels, axis=0)


def flash(index: int, fps: int) -> np.ndarray:
    """uint8 [48, 64, 3]: white for 100 ms from each of EVENTS, else dark grey with a little that moves."""
    at = index * SECOND // fps
    picture = np.full((48, 64, 3), 235 if any(0 <= at - event < SECOND // 10 for event in EVENTS) else 30, np.uint8)
    picture[4:8, index % 56 : index % 56 + 8] = 90
    return picture


def film(
    path: Path,
    seconds: float = 2.0,
    *,
    codec: str | None = "libx264",
    sound: str | None = "aac",
    rate: int = 48_000,
    layout: str = "stereo",
    fps: int = 25,
    shift: int = 0,
    late: int = 0,
    wave: np.ndarray | None = None,
    picture: Callable[[int, int], np.ndarray] = flash,
    length: float | None = None,
    **options: str,
) -> Path:
    """Write flashes and beeps.

    Args:
        codec, sound: encoders; None for no pictures, or no sound.
        shift: ns by which all stamps are later.
        late: ns by which the stamps of the sound are later still.
        wave: float32 [channels, n] in place of the beeps.
        picture: draws picture number i at so many a second.
        length: seconds of the pictures, if they last longer or shorter than the sound.
        options: of the video encoder.
    """
    with av.open(str(path), "w") as container:
        video: Any = None
        audio: Any = None
        if codec:
            video = container.add_stream(codec, rate=fps, options={"g": "10", "preset": "ultrafast", **options})
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p" if codec != "mjpeg" else "yuvj420p"
            video.codec_context.thread_count = 1
        if sound:
            audio = container.add_stream(sound, rate=rate)
            audio.layout = layout
        todo: list[tuple[int, Any, Any]] = []
        if video is not None:
            for index in range(round((length or seconds) * fps)):
                frame = VideoFrame.from_ndarray(picture(index, fps), format="rgb24")
                frame.pts, frame.time_base = index + shift * fps // SECOND, Fraction(1, fps)
                todo.append((index * SECOND // fps, video, frame))
        if audio is not None:
            channels = audio.layout.nb_channels
            samples = beeps(seconds, rate, channels) if wave is None else wave
            for begin in range(0, samples.shape[1], 1000):
                part = np.ascontiguousarray(samples[:, begin : begin + 1000].T.reshape(1, -1))
                frame = AudioFrame.from_ndarray(part, format="flt", layout=layout)
                frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
                frame.pts = begin + (shift + late) * rate // SECOND
                todo.append((begin * SECOND // rate, audio, frame))
        for _, stream, frame in sorted(todo, key=lambda entry: entry[0]):
            container.mux(stream.encode(frame))
        for stream in (video, audio):
            if stream is not None:
                container.mux(stream.encode(None))
    return path


def told(item: Item) -> tuple[int, int, str, bool, bytes]:
    """What must be equal when two sources give the same item."""
    if item.kind == "video":
        return item.pts, item.arrival, item.kind, item.data.key, digest(item.data)
    return item.pts, item.arrival, item.kind, False, item.data.samples.tobytes()


def onsets(items: list[Item]) -> tuple[list[int], list[int]]:
    """ns at which flashes and at which tones begin."""
    flashes, tones, lit, loud = [], [], False, -SECOND
    for item in items:
        if item.kind == "video":
            bright = float(item.data.y.mean()) > 120
            if bright and not lit:
                flashes.append(item.pts)
            lit = bright
        else:
            for place in np.flatnonzero(np.abs(item.data.samples) > 0.2):
                at = item.pts + int(place) * SECOND // item.data.rate
                if at - loud > SECOND // 5:
                    tones.append(at)
                loud = at
    return flashes, tones


def heard(source: MediaSource) -> list[Item]:
    return [item for item in source.items() if item.kind == "audio"]
