"""The folder of a run: private, held by one run at a time, and never taken from somebody else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.apps.folder import EVENTS, FILES, INSIDE, MEMORY, REPORT, RUN, TRACE, Folder, being_written
from headrace.core.errors import ConfigError
from headrace.core.trace import Trace
from tests.apps.watching import environ

HOLD = """
import sys
from headrace.apps.folder import Folder
held = Folder(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def ours(path: Path, *names: str) -> Path:
    """A folder in which a run has written these files."""
    with_lock = Folder(path)
    (path / RUN).write_text("{}")
    for name in names:
        (path / name).write_text(name)
    with_lock.release()
    return path


def everything(path: Path) -> list[str]:
    return sorted(str(one.relative_to(path)) for one in path.rglob("*"))


def test_another_process_is_kept_out_until_the_first_is_gone(tmp_path: Path) -> None:
    """Also by its death."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], env=environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert being_written(tmp_path)
        (tmp_path / RUN).write_text("{}")
        before = everything(tmp_path)
        for resume in (False, True):
            with pytest.raises(ConfigError, match=r"is being written by another run; give another --out"):
                Folder(tmp_path, resume=resume)
        assert everything(tmp_path) == before, "who is kept out touches nothing"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not being_written(tmp_path)
    Folder(tmp_path).release()


def test_a_run_may_follow_another_in_one_process(tmp_path: Path) -> None:
    first = Folder(tmp_path)
    with pytest.raises(ConfigError, match="another run"):
        Folder(tmp_path)
    assert being_written(tmp_path)
    first.release()
    first.release()
    assert not being_written(tmp_path)
    Folder(tmp_path).release()


def test_asking_whether_it_is_held_neither_makes_nor_holds_it(tmp_path: Path) -> None:
    assert not being_written(tmp_path)
    assert not being_written(tmp_path / "nowhere")
    assert everything(tmp_path) == []
    folder = Folder(tmp_path)
    folder.release()
    assert not being_written(tmp_path)
    Folder(tmp_path).release()


@pytest.mark.parametrize("name", [EVENTS, REPORT, TRACE, "timeline.png", "captions.vtt"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_file_that_no_run_wrote_is_never_replaced(name: str, resume: bool, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir(mode=0o755)
    (out / name).write_text("mine")
    mode = out.stat().st_mode
    with pytest.raises(
        ConfigError, match=rf"{name} was not written by `headrace watch`; give a new or an empty folder"
    ):
        Folder(out, resume=resume)
    assert everything(out) == [name]
    assert (out / name).read_text() == "mine"
    assert out.stat().st_mode == mode


def test_a_folder_of_somebody_else_is_left_as_it_is(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "memory").mkdir(parents=True)
    (project / "memory" / "weights.safetensors").write_text("mine")
    project.chmod(0o755)
    with pytest.raises(ConfigError, match="memory was not written by"):
        Folder(project)
    assert (project / "memory" / "weights.safetensors").read_text() == "mine"
    assert everything(project) == ["memory", "memory/weights.safetensors"]
    assert project.stat().st_mode & 0o777 == 0o755


def test_a_run_that_left_only_a_trace_is_known_by_it(tmp_path: Path) -> None:
    Trace(tmp_path / TRACE).close()
    (tmp_path / REPORT).write_text("of the same run")
    Folder(tmp_path).release()
    assert everything(tmp_path) == [".lock", *sorted(INSIDE)]


def test_only_its_owner_may_look_into_it(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    old = os.umask(0)
    try:
        Folder(out).release()
    finally:
        os.umask(old)
    assert out.stat().st_mode & 0o777 == 0o700
    assert all((out / name).stat().st_mode & 0o777 == 0o700 for name in INSIDE)
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o777)
    Folder(shared).release()
    assert shared.stat().st_mode & 0o777 == 0o700


def test_a_new_run_clears_what_a_run_wrote_and_nothing_else(tmp_path: Path) -> None:
    mine = ["notes.txt", "report.html.bak", "state/plan.txt", "thumbnails/holiday.jpg", "thumbnails/0123.jpg"]
    written = [name for name in FILES if name != RUN]
    inside = ["state/0.safetensors", "memory/3.safetensors", f"thumbnails/{'0123456789abcdef'}.jpg"]
    ours(tmp_path, *written, *inside, *mine)
    kept = Folder(tmp_path, resume=True)
    assert {*written, *inside, *mine, RUN} <= set(everything(tmp_path))
    assert sorted(str(path.relative_to(tmp_path)) for path in kept.files()) == sorted([*FILES, *inside[:2]])
    kept.clear(EVENTS, MEMORY)
    assert {EVENTS, "memory/3.safetensors"}.isdisjoint(everything(tmp_path))
    assert {REPORT, inside[0], inside[2]} <= set(everything(tmp_path))
    kept.release()
    Folder(tmp_path).release()
    assert everything(tmp_path) == sorted([".lock", *INSIDE, *mine])


@pytest.mark.parametrize(
    "head", [b"", b"{", b"[1]\n", b"7\n", json.dumps({"type": "header"}).encode(), b"\xff\xfe\n", b"[" * 200_000]
)
def test_a_file_called_as_a_trace_may_be_somebody_elses(head: bytes, tmp_path: Path) -> None:
    (tmp_path / TRACE).write_bytes(head)
    with pytest.raises(ConfigError, match="was not written by"):
        Folder(tmp_path)
    assert (tmp_path / TRACE).read_bytes() == head
