"""Clips and commands for the tests of watch: made once a process, on the first use."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.clips import Truth, broken, clip, write

ROOT = Path(__file__).parents[2]


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="headrace-watch-")


def folder() -> Path:
    return Path(_folder().name)


@cache
def lecture() -> tuple[Path, Truth]:
    """31 seconds of 720p: slides that cut, fade and count."""
    path = folder() / "lecture.mp4"
    return path, write(clip(1, ("calm", "digit", "photo"), fps=12), path)


@cache
def short() -> tuple[Path, Truth]:
    """15 seconds of 360p: two slides."""
    path = folder() / "short.mp4"
    return path, write(clip(5, ("calm",), size=(640, 360), fps=12), path)


@cache
def other() -> tuple[Path, Truth]:
    """15 seconds of 360p: two slides with other words than those of `short`."""
    path = folder() / "other.mp4"
    return path, write(clip(6, ("calm",), size=(640, 360), fps=12), path)


@cache
def troubles() -> dict[str, Path]:
    """One input of every kind of trouble."""
    return broken(folder() / "broken")


@cache
def transport() -> Path:
    """The short clip as an MPEG transport stream, which can be piped."""
    import av

    path = folder() / "short.ts"
    with av.open(str(short()[0])) as source, av.open(str(path), "w", format="mpegts") as target:
        video = source.streams.video[0]
        copy = target.add_stream_from_template(video)
        for packet in source.demux(video):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    return path


def environ(config: Path | None = None) -> dict[str, str]:
    """For a process of its own: this source tree, one thread, no settings of the user's but `config`."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")},
        "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
        "PYTHONFAULTHANDLER": "1",
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "XDG_CONFIG_HOME": str(folder() / "config"),
        "HOME": str(folder()),
        **({} if config is None else {"HEADRACE_CONFIG": str(config)}),
    }


def start(
    *words: object, stdin: int | None = subprocess.DEVNULL, config: Path | None = None, room: int | None = None
) -> subprocess.Popen[str]:
    """`headrace WORDS…` in a process of its own, with pipes; no file of its may exceed `room` bytes."""
    return subprocess.Popen(
        [sys.executable, "-m", "headrace", *map(str, words)],
        env=environ(config),
        cwd=folder(),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=None if room is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )


def headrace(*words: object, config: Path | None = None, room: int | None = None) -> subprocess.CompletedProcess[str]:
    """`headrace WORDS…` to its end: exit code, output and errors."""
    with start(*words, config=config, room=room) as process:
        out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
