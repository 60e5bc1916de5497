"""Inputs that live: pipes that hang or never end, files that grow, shrink or go away while they are read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

pytest.importorskip("av")
pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")

from headrace.core.errors import InputError
from headrace.media import open_source
from tests.apps.watching import start
from tests.broken.nothing import playlist
from tests.broken.write import Picture, png, write

#: What a process may take to end, in seconds; it is killed after.
PATIENCE = 60


def ended(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    """Exit code, result ({} if there is none) and errors."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    last = out.splitlines()[-1] if process.returncode == 0 else "{}"
    return process.returncode, json.loads(last), err


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """Both ends of a pipe; those still open are closed at the end."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            with suppress(OSError):
                os.close(end)


def interrupt_after(process: subprocess.Popen[str], lines: int) -> None:
    """Ctrl-C once that many lines have been printed."""
    assert process.stdout is not None
    for _ in range(lines):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)


def reading(process: subprocess.Popen[str], descriptor: int) -> None:
    """Wait until the process has taken what was written into a pipe."""
    import fcntl
    import termios

    while process.poll() is None and int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4), "little"):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)


def test_a_pipe_that_says_nothing_can_be_interrupted(tmp_path: Path) -> None:
    with pipe() as (read, told):
        os.write(told, b"\0")  # once this is gone the process waits for more
        with start("watch", "-", "--out", tmp_path / "out", "--json", stdin=read) as process:
            reading(process, read)
            process.send_signal(signal.SIGINT)
            assert ended(process) == (130, {}, "")
    assert not (tmp_path / "out").exists()


def test_a_pipe_that_stops_on_the_way_can_be_interrupted(tmp_path: Path) -> None:
    data = write(tmp_path / "clip.ts", Picture(frames=48)).read_bytes()
    with pipe() as (read, told):
        os.write(told, data[: len(data) // 2])
        with start("watch", "-", "--out", tmp_path / "out", "--json", stdin=read) as process:
            interrupt_after(process, 1)
            code, result, err = ended(process)
    assert (code, err) == (0, "")
    assert result["run"]["interrupted"]
    assert 0 < result["sources"][0]["frames_read"] < 48


def test_a_pipe_that_never_ends_can_be_interrupted(tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.ts", Picture(frames=48))
    code = "import sys\ndata = open(sys.argv[1], 'rb').read()\nwhile True: sys.stdout.buffer.write(data)"
    with subprocess.Popen([sys.executable, "-c", code, clip], stdout=-1, stderr=-3) as endless:
        assert endless.stdout is not None
        with start("watch", "-", "--out", tmp_path / "out", "--json", stdin=endless.stdout.fileno()) as process:
            endless.stdout.close()
            interrupt_after(process, 1)
            returned, result, err = ended(process)
        endless.wait()
    assert (returned, err) == (0, "")
    assert result["run"]["interrupted"]
    assert result["sources"][0]["frames_read"] > 0


@pytest.mark.parametrize(("name", "frames"), [("clip.mp4", 12), ("clip.ts", 12), ("clip.mkv", 12)])
def test_a_named_pipe_is_read_like_standard_input(name: str, frames: int, tmp_path: Path) -> None:
    """Also an mp4 whose index comes last."""
    data = write(tmp_path / name).read_bytes()
    os.mkfifo(tmp_path / "pipe")
    feeder = Thread(target=(tmp_path / "pipe").write_bytes, args=(data,))
    feeder.start()
    source = open_source(tmp_path / "pipe")
    assert len(list(source.items())) == frames
    feeder.join()


def test_a_named_pipe_that_nobody_writes_to_can_be_interrupted(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    words = ("watch", tmp_path / "pipe", "--out", tmp_path / "out", "--json")
    with start(*words) as process, (tmp_path / "pipe").open("wb"):  # opens once the other end is there
        process.send_signal(signal.SIGINT)
        assert ended(process) == (130, {}, "")
    assert not (tmp_path / "out").exists()


def test_a_named_pipe_that_closes_at_once_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    feeder = Thread(target=(tmp_path / "pipe").write_bytes, args=(b"",))
    feeder.start()
    with pytest.raises(InputError, match="pipe: not a video"):
        open_source(tmp_path / "pipe")
    feeder.join()


def grow(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data[len(data) // 2 :])


def shrink(path: Path, data: bytes) -> None:
    os.truncate(path, 0)


def vanish(path: Path, data: bytes) -> None:
    path.unlink()


def overwrite(path: Path, data: bytes) -> None:
    with path.open("r+b") as file:
        file.write(bytes(len(data)))


@pytest.mark.parametrize(
    ("change", "first", "frames"),
    [(grow, 0.5, range(20, 201)), (shrink, 1.0, range(1, 201)), (vanish, 1.0, [200]), (overwrite, 1.0, range(1, 201))],
)
@pytest.mark.parametrize("name", ["clip.ts", "clip.mkv", "clip.avi"])
def test_a_file_changes_while_it_is_read(
    name: str, change: Callable[[Path, bytes], None], first: float, frames: range, tmp_path: Path
) -> None:
    path = write(tmp_path / name, Picture(frames=200, size=(160, 96), codec="mpeg4"))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * first)])
    items = open_source(path).items()
    seen = [next(items)]
    change(path, data)
    seen += items
    assert len(seen) in frames
    assert [item.pts for item in seen] == sorted({item.pts for item in seen})


def test_images_go_away_while_the_folder_is_read(tmp_path: Path) -> None:
    for number in range(6):
        png(tmp_path / f"{number}.png", Picture().pixels_of(number))
    source = open_source(tmp_path)
    items = source.items()
    seen = [next(items)]
    for number in (3, 4):
        (tmp_path / f"{number}.png").unlink()
    seen += items
    assert (len(seen), source.stats.decode_errors) == (4, 2)


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing about it."""

    def log_message(self, *_: object) -> None:
        pass


def test_a_playlist_from_the_network_cannot_name_a_local_file(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.ts")
    (tmp_path / "public").mkdir()
    playlist(f"file://{secret}")(tmp_path / "public")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "public"))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        with pytest.raises(InputError, match="not a video"):
            open_source(f"http://127.0.0.1:{server.server_port}/list.m3u8")
        server.shutdown()
        thread.join()
