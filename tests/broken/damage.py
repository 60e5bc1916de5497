"""Damage: seeded mutations of whole files, as disks, networks and careless copies make them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.broken.write import Picture, Tone, write

#: Ways to be damaged.
KINDS = ("flip", "cut", "zeros", "swap", "repeat", "lose")

#: name -> how the whole file is made.
_PLAIN = Picture(frames=24)
WHOLE: dict[str, tuple[Picture | None, Tone | None]] = {
    "a.mp4": (_PLAIN, Tone(seconds=2)),
    "a.mkv": (_PLAIN, Tone(seconds=2)),
    "a.webm": (Picture(codec="libvpx"), Tone(codec="libopus", rate=48_000)),
    "a.ts": (_PLAIN, Tone(seconds=2)),
    "a.avi": (Picture(codec="mpeg4"), Tone(codec="pcm_s16le")),
    "a.mov": (Picture(codec="mjpeg", pixels="yuvj420p"), Tone(codec="pcm_s16le")),
    "a.flv": (Picture(codec="flv1"), Tone(codec="libmp3lame", rate=22_050)),
    "a.mpg": (Picture(codec="mpeg2video", fps=Fraction(25)), Tone(codec="mp2", rate=48_000)),
    "a.gif": (Picture(codec="gif", pixels="rgb8"), None),
    "a.wav": (None, Tone(codec="pcm_s16le")),
    "a.mp3": (None, Tone(codec="libmp3lame")),
}


@cache
def whole(name: str) -> bytes:
    """The undamaged file of a name in `WHOLE`."""
    with TemporaryDirectory(prefix="headrace-whole-") as folder:
        return write(Path(folder) / name, *WHOLE[name]).read_bytes()


def damage(data: bytes, kind: str, seed: int) -> bytes:
    """A copy of `data`, damaged in one of `KINDS`; up to a fiftieth of it, or a cut anywhere."""
    random = np.random.default_rng([seed, KINDS.index(kind)])
    mutable = bytearray(data)
    size = max(len(data) // 50, 1)
    first, second = sorted(int(n) for n in random.integers(0, max(len(data) - size, 1), 2))
    if kind == "flip":
        for place in random.integers(0, len(data), random.integers(1, 30)):
            mutable[place] ^= 1 << int(random.integers(8))
    elif kind == "cut":
        del mutable[int(random.integers(1, len(data))) :]
    elif kind == "zeros":
        mutable[first : first + size] = bytes(size)
    elif kind == "swap":
        one, two = mutable[first : first + size], mutable[second : second + size]
        mutable[first : first + size], mutable[second : second + size] = two, one
    elif kind == "repeat":
        mutable[second:second] = mutable[first : first + size]
    else:
        del mutable[first : first + size]
    return bytes(mutable)


def damaged(name: str, kind: str, seed: int) -> Callable[[Path], Path]:
    """Makes the damaged file."""

    def make(folder: Path) -> Path:
        path = folder / f"{kind}-{seed}-{name}"
        path.write_bytes(damage(whole(name), kind, seed))
        return path

    return make
