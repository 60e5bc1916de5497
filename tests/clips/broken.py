"""Inputs that are not a proper video, for tests of failure."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

FPS = 30
TIMES = range(2 * FPS)  # two seconds, in frames


def broken(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Make one input of every kind of trouble in `folder`, which is created; returns name -> path.

    - text, directory, empty: no video at all, though called .mp4
    - moov_missing, mdat_cut: an mp4 without its index; one with an index whose pictures stop half-way
    - audio_only: one second of a tone and no picture
    - no_frames: a video stream without a picture in it
    - pts_jump: one second, 100,000 s of nothing, another second
    - pts_back: time runs from 0 to 2 s, then from 0 to 2 s again
    - pts_negative: time starts at -1 s
    - pts_repeat: every three frames claim the same time
    - pts_some_missing, pts_missing: the first second has no times; a raw H.264 stream, which never has any
    - variable_rate: gaps of 10 to 400 ms between frames
    - one_pixel: frames of 1x1
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    early = {"avoid_negative_ts": "disabled"}
    forward = [*range(FPS), *range(100_000 * FPS, 100_001 * FPS)]
    made = {
        "text": root / "text.mp4",
        "directory": root / "directory.mp4",
        "empty": root / "empty.mp4",
        "moov_missing": encode(root / "moov_missing.mp4", TIMES),
        "mdat_cut": encode(root / "mdat_cut.mp4", TIMES, options={"movflags": "faststart"}),
        "audio_only": tone(root / "audio_only.mp4"),
        "no_frames": encode(root / "no_frames.avi", []),
        "pts_jump": encode(root / "pts_jump.mp4", forward),
        "pts_back": encode(root / "pts_back.ts", TIMES, options=early),
        "pts_negative": encode(root / "pts_negative.ts", range(-FPS, FPS), options=early),
        "pts_repeat": encode(root / "pts_repeat.mp4", [n - n % 3 + 2 for n in TIMES], decode=TIMES),
        "pts_some_missing": encode(root / "pts_some_missing.mkv", range(-FPS, FPS), options=early),
        "pts_missing": encode(root / "pts_missing.h264", TIMES),
        "variable_rate": encode(root / "variable_rate.mp4", irregular(len(TIMES)), rate=1000),
        "one_pixel": encode(root / "one_pixel.mkv", TIMES, size=(1, 1), codec="ffv1", pixels="bgr0"),
    }
    made["text"].write_text("This is a note, not a video.\n" * 50)
    made["directory"].mkdir(exist_ok=True)
    made["empty"].write_bytes(b"")
    for name, box in (("moov_missing", b"moov"), ("mdat_cut", b"mdat")):
        data = made[name].read_bytes()
        start = data.rindex(box)
        made[name].write_bytes(data[: start - 4 if box == b"moov" else (start + len(data)) // 2])
    once = made["pts_back"].read_bytes()
    made["pts_back"].write_bytes(once + once)
    return made


def encode(
    path: Path,
    times: Sequence[int],
    *,
    decode: Sequence[int] | None = None,
    rate: int = FPS,
    size: tuple[int, int] = (160, 96),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
) -> Path:
    """Write frames that grow brighter, with these presentation (and decoding) times in units of 1/rate s."""
    import av

    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=FPS)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        if codec == "libx264":
            stream.options = {"bf": "0", "threads": "1"}
        stream.codec_context.time_base = Fraction(1, rate)
        packets: list[av.Packet[av.VideoStream]] = []
        for index in range(len(times)):
            level = np.full((size[1], size[0], 3), index * 4, np.uint8)
            frame = av.VideoFrame.from_ndarray(level).reformat(format=pixels)
            frame.pts, frame.time_base = index * rate // FPS, Fraction(1, rate)
            packets += stream.encode(frame)
        packets += stream.encode() if times else []
        container.start_encoding()
        for packet, shown, decoded in zip(packets, times, decode or times, strict=True):
            packet.time_base, packet.pts, packet.dts = Fraction(1, rate), shown, decoded
            container.mux(packet)
    return path


def irregular(frames: int) -> list[int]:
    """Times in ms with gaps of 10 to 400 ms."""
    gaps = np.random.default_rng(7).integers(10, 400, frames, endpoint=True)
    return [int(t) for t in np.cumsum(gaps) - gaps[0]]


def tone(path: Path) -> Path:
    """One second of 440 Hz, 16 kHz mono, as AAC."""
    import av

    samples = (0.3 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)).astype(np.float32)[None]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
