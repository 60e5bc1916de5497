"""Case: one broken or odd input and what must become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Refused:
    """Exit code 2 and one line on standard error that names the input; nothing is written.

    Attributes:
        says: part of the line.
    """

    says: str


@dataclass(frozen=True)
class Watched:
    """Exit code 0 and a whole result.

    Attributes:
        frames: pictures read, or the least and the most.
        errors: what `SourceInfo.errors` holds, each a regular expression; None for anything.
        size: width and height, if they matter.
        channels: of the sound, if it matters.
    """

    frames: int | tuple[int, int]
    errors: tuple[str, ...] | None = ()
    size: tuple[int, int] | None = None
    channels: int | None = None


Outcome = Refused | Watched


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        make: writes it into the folder, which is there and empty; returns what is given to `headrace watch`;
            if that is several sources, all have the same outcome.
        expect: what becomes of it; None if that depends on chance or on the version of FFmpeg.
    """

    make: Callable[[Path], Path | str | list[Path]]
    expect: Outcome | None
