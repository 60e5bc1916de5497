"""Time stamps that are rare, crowded, missing, backwards or absurd."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

from tests.broken.case import Case, Watched
from tests.broken.write import Picture, join, write
from tests.clips.broken import encode, irregular

EARLY = {"avoid_negative_ts": "disabled"}


def at(stamps: Sequence[int]) -> Callable[[Path], Path]:
    """Motion JPEG shown at these times in ms, in whatever order."""
    order = range(len(stamps))
    return lambda folder: encode(
        folder / "clip.mkv", stamps, decode=order, rate=1000, size=(32, 32), codec="mjpeg", pixels="yuvj420p"
    )


def rate(fps: Fraction, frames: int, name: str = "clip.mkv") -> Callable[[Path], Path]:
    return lambda folder: write(folder / name, Picture(frames, fps, codec="mjpeg", pixels="yuvj420p"))


def variable(folder: Path) -> Path:
    return encode(folder / "clip.mp4", irregular(20), rate=1000)


def negative(folder: Path) -> Path:
    return encode(folder / "clip.ts", range(-10, 10), options=EARLY)


def raw(folder: Path) -> Path:
    """A stream of H.264 without any times."""
    return encode(folder / "clip.h264", range(20))


def twice(folder: Path) -> Path:
    """A transport stream that begins again."""
    once = encode(folder / "once.ts", range(20), options=EARLY)
    path = join(folder / "clip.ts", once, once)
    once.unlink()
    return path


def no_scale(folder: Path) -> Path:
    """An mp4 whose track claims 0 ticks a second."""
    path = write(folder / "clip.mp4")
    data = bytearray(path.read_bytes())
    place = data.index(b"mdhd") + 4 + 12
    data[place : place + 4] = bytes(4)
    path.write_bytes(data)
    return path


def absurd_rate(folder: Path) -> Path:
    """An AVI that claims four thousand million frames a second."""
    path = write(folder / "clip.avi", Picture(codec="mpeg4"))
    data = bytearray(path.read_bytes())
    place = data.index(b"strh") + 8 + 20
    data[place : place + 8] = b"\x01\0\0\0\xff\xff\xff\xff"
    path.write_bytes(data)
    return path


SECOND = 1000
YEARS = 10**9 * SECOND

CASES = {
    "variable_rate": Case(variable, Watched(20)),
    "thousand_fps": Case(rate(Fraction(1000), 60), Watched(60)),
    "hundredth_fps": Case(rate(Fraction(1, 100), 3), Watched(3)),
    "negative_start": Case(negative, Watched(20)),
    "late_start": Case(at(range(YEARS, YEARS + 2000, 100)), Watched(20)),
    "no_times": Case(raw, Watched(20, ("20 mended time stamps",))),
    "begins_again": Case(twice, Watched(40, ("1 damaged packet", "2 mended time stamps"))),
    "jump_ahead": Case(at([0, 40, 80, YEARS, YEARS + 40, YEARS + 80]), Watched(6, ("2 mended time stamps",))),
    "jump_and_back": Case(at([0, 40, 80, YEARS, 160, 200]), Watched(6, ("1 mended time stamp",))),
    "backwards": Case(at([400, 360, 320, 280, 240, 200]), Watched(6, ("5 mended time stamps",))),
    "all_the_same": Case(at([40] * 8), Watched(8, ("7 mended time stamps",))),
    "zigzag": Case(at([0, 1000, 40, 1040, 80, 1080]), Watched(6, ("2 mended time stamps",))),
    "gap_of_an_hour": Case(at([0, 40, 3_500_000, 3_500_040]), Watched(4)),
    "no_scale": Case(no_scale, Watched((1, 12))),
    "absurd_rate": Case(absurd_rate, Watched(12)),
}
