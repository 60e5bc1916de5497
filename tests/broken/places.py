"""Places: names, links and permissions of files."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from tests.broken.case import Case, Outcome, Refused, Watched
from tests.broken.write import Picture, png, write


def named(*parts: str) -> Callable[[Path], Path]:
    """A whole video at this path, whose folders are made."""

    def make(folder: Path) -> Path:
        plain = write(folder / "plain.mp4")
        path = folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return plain.rename(path)

    return make


def shut(folder: Path) -> Path:
    """A whole video that may not be read."""
    path = write(folder / "shut.mp4")
    path.chmod(0)
    return path


def shut_folder(folder: Path) -> Path:
    inner = folder / "inner"
    inner.mkdir()
    png(inner / "0.png", Picture().pixels_of(0))
    inner.chmod(0)
    return inner


def linked(folder: Path) -> Path:
    """A link to a link to a whole video."""
    (folder / "one.mp4").symlink_to(write(folder / "clip.mp4"))
    (folder / "two.mp4").symlink_to(folder / "one.mp4")
    return folder / "two.mp4"


def listening(folder: Path) -> Path:
    """A socket in the file system."""
    path = folder / "socket"
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
    return path


def unless_root(outcome: Outcome, root: Outcome) -> Outcome:
    """Root may read everything."""
    return root if os.access("/", os.W_OK) else outcome


FINE = Watched(12)

CASES = {
    "newline": Case(named("two\nlines.mp4"), FINE),
    "escapes": Case(named("red\x1b[31m\ttab.mp4"), FINE),
    "not_unicode": Case(named(os.fsdecode(b"caf\xe9\xff.mp4")), FINE),
    "unicode": Case(named("Größe 映画 🎬.mp4"), FINE),
    "marks": Case(named("50% %03d *?[a] #1 ' \".mp4"), FINE),
    "scheme": Case(named("http:clip.mp4"), FINE),
    "password": Case(named("user:secret@host.mp4"), FINE),
    "long_name": Case(named("n" * 251 + ".mp4"), FINE),
    "long_path": Case(named(*["d" * 200] * 6, "clip.mp4"), FINE),
    "no_suffix": Case(named("clip"), FINE),
    "false_suffix": Case(named("clip.txt"), FINE),
    "picture_suffix": Case(named("clip.png"), FINE),
    "longer_than_names_can_be": Case(lambda _: "n" * 300 + ".mp4", Refused("too long")),
    "longer_than_names_can_be_with_a_name": Case(lambda _: "door=" + "n" * 300 + ".mp4", Refused("too long")),
    "longer_than_paths_can_be": Case(lambda folder: str(folder / ("d/" * 3000)), Refused("too long")),
    "nul": Case(lambda folder: f"{folder}/a\0b.mp4", Refused("no such file")),
    "link": Case(linked, FINE),
    "shut": Case(shut, unless_root(Refused("may not be read"), FINE)),
    "shut_folder": Case(shut_folder, unless_root(Refused("may not be read"), Watched(1))),
    "socket": Case(listening, Refused("socket")),
}
