"""`headrace watch` and `headrace ask` when something is wrong: one line that says what, and nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

pytest.importorskip("av")
pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")

from headrace.apps.result import Result
from headrace.apps.watch import Options, watch
from headrace.cli import main
from headrace.core.item import Emission
from headrace.core.trace import read_trace
from tests.apps.watching import headrace, lecture, short, start, troubles

HOPELESS = {
    "text": "not a video or an image",
    "directory": "a folder without images",
    "empty": "the file is empty",
    "moov_missing": "cut short before its index",
    "no_frames": "not one frame could be decoded",
}
#: What is mended, and the warning that counts it; None where nothing is wrong.
MENDED = {
    "mdat_cut": "1 damaged packet",
    "pts_jump": "2 mended time stamps",
    "pts_back": "2 mended time stamps",
    "pts_negative": None,
    "pts_repeat": "40 mended time stamps",
    "pts_some_missing": "30 mended time stamps",
    "pts_missing": "60 mended time stamps",
    "variable_rate": None,
    "one_pixel": None,
    "audio_only": None,
}


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.delenv("HEADRACE_CONFIG", raising=False)


def inside(*words: object) -> subprocess.CompletedProcess[str]:
    """As `headrace`, but in this process: what is refused at once is refused cheaply."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return subprocess.CompletedProcess(words, int(end.value.code or 0), out.getvalue(), err.getvalue())


def refused(done: subprocess.CompletedProcess[str], said: str, out: Path | None = None) -> None:
    """Exit code 2, one line, and no folder where none was."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert re.fullmatch(r"headrace: error: .+\n", done.stderr), done.stderr
    assert said in done.stderr
    if out is not None:
        assert not out.exists()


def test_all_kinds_of_trouble_are_tested() -> None:
    assert {*HOPELESS, *MENDED} == set(troubles())


@pytest.mark.parametrize("kind", HOPELESS)
def test_what_cannot_be_watched_is_refused(kind: str, tmp_path: Path) -> None:
    done = inside("watch", troubles()[kind], "--out", tmp_path / "new" / "out")
    refused(done, HOPELESS[kind], tmp_path / "new")
    assert str(troubles()[kind]) in done.stderr


def test_one_hopeless_source_among_others_does_not_touch_them(tmp_path: Path) -> None:
    """Three are asked for, two are watched to their ends; the fault is told, and the exit code is 2."""
    out = tmp_path / "out"
    sources = (f"lost={troubles()['text']}", f"slides={short()[0]}", f"dot={troubles()['one_pixel']}")
    done = headrace("watch", *sources, "--out", out, "--ask", f"what about {short()[1].lines[0].text}?")
    assert done.returncode == 2
    assert re.fullmatch(r"headrace: warning: lost: .*not a video or an image.*\n", done.stderr)
    assert done.stdout.endswith(f"report: {out / 'report.html'}\n")
    result = Result.load(out / "events.json")
    assert [(source.name, bool(source.frames_read)) for source in result.sources] == [
        ("lost", False),
        ("slides", True),
        ("dot", True),
    ]
    assert len(result.text) == len(short()[1].lines)
    assert {line.source for line in result.text} == {"slides"}
    assert result.answers[0].seen


def test_nothing_is_written_where_no_source_can_be_watched(tmp_path: Path) -> None:
    done = inside(
        "watch", troubles()["text"], tmp_path / "not there.mp4", troubles()["empty"], "--out", tmp_path / "out"
    )
    refused(done, str(troubles()["text"]), tmp_path / "out")


def test_what_can_be_mended_is_watched_and_counted(tmp_path: Path) -> None:
    """All in one run: each keeps its own account."""
    out = tmp_path / "out"
    done = headrace("watch", *(troubles()[kind] for kind in MENDED), "--out", out)
    assert done.returncode == 0, done.stderr
    warnings = done.stderr.splitlines()
    assert all(line.startswith("headrace: warning: ") for line in warnings)
    for kind, expected in MENDED.items():
        told = [line for line in warnings if str(troubles()[kind]) in line]
        assert bool(told) == (expected is not None)
        assert expected is None or any(line.endswith(f": {expected}") for line in told), told
    for source in Result.load(out / "events.json").sources:
        assert bool(source.frames_read) == (source.url != str(troubles()["audio_only"]))
        assert bool(source.channels) == (source.url == str(troubles()["audio_only"]))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:9/x.mp4", "connection is refused"),
        ("rtsp://127.0.0.1:9/x", "connection is refused"),
        ("http://user:secret@127.0.0.1:9/x.mp4", "connection is refused"),
        ("not there.mp4", "no such file or folder"),
        ("camera:99", "camera"),
    ],
)
def test_what_is_not_there_is_refused(address: str, said: str, tmp_path: Path) -> None:
    done = inside("watch", address, "--out", tmp_path / "out")
    refused(done, said, tmp_path / "out")
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--speed", "fast"], "speed 'fast': use max, realtime, or a number"),
        (["--speed", "0"], "a number above 0"),
        (["--speed", "nan"], "a number above 0"),
        (["--budget", "lots"], "--budget 'lots' is no size"),
        (["--budget", "0"], "--budget '0' is no size"),
        (["--budget", "1kB"], "give at least 64000"),
        (["--disk", "much"], "--disk 'much' is no size"),
        (["--disk", "1MB"], "give at least 2000000"),
        (["--gate", "door"], "unknown recipe 'door'"),
        (["--gate", "quickvideo"], "builds no gate"),
        (["--gate", "stc"], "judges an encoder's tokens"),
        (["--when", ""], "the standing question '' has no word"),
        (["--when", "a b", "--when", "a b"], "is given twice"),
        (["--ask", " "], "the question ' ' has no word"),
        (["--llm", "nonsense"], "http(s)://"),
        (["--keep", "text"], "--keep 'text' is no rule; write KIND=AGE"),
        (["--keep", "words=1h"], "--keep 'words=1h' is no rule"),
        (["--asr", "whisper"], "speech recogniser 'whisper' is not known; give grammar:FILE, lm:FILE or"),
        (["--asr", "grammar:not there"], "no such file; give the file of the speech plug"),
        (["--source", "rtsp://127.0.0.1:9/x"], "has no name; write --source NAME=URL"),
        (["--source", "..=x.mp4"], "the name before = needs a letter or digit"),
        (["--source", "a=x.mp4", "--source", "a=y.mp4"], "two sources are named 'a'; give each a name of its own"),
        (["--sped", "max"], "no such option: --sped"),
        (["--speed"], "requires an argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_is_refused(words: list[str], said: str, tmp_path: Path) -> None:
    refused(inside("watch", troubles()["one_pixel"], "--out", tmp_path / "out", *words), said, tmp_path / "out")


def test_no_source_is_refused() -> None:
    refused(headrace("watch"), "nothing to watch: give a file, a URL, a folder of images, camera:0, - or demo:")


def test_an_empty_pipe_is_refused(tmp_path: Path) -> None:
    refused(headrace("watch", "-", "--out", tmp_path / "out"), "standard input", tmp_path / "out")


@pytest.mark.parametrize("place", ["a file", "a file/below", "/proc/headrace", "/dev/full"])
def test_an_output_that_cannot_be_written_is_refused(place: str, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("mine")
    refused(inside("watch", troubles()["one_pixel"], "--out", tmp_path / place), "give another --out")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a file", "mine")]


def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    if os.access(shut, os.W_OK):  # root writes everywhere, except where the file system itself says no
        shut = Path("/sys/headrace")
    refused(inside("watch", troubles()["one_pixel"], "--out", shut / "out"), "give another --out")


@pytest.mark.parametrize("room", [100, 30_000])
def test_a_full_disk_is_told_in_one_line(room: int, tmp_path: Path) -> None:
    """No file may grow beyond `room` bytes. What is there in the end is whole."""
    out = tmp_path / "out"
    done = headrace("watch", short()[0], "--out", out, room=room)
    assert done.returncode == 2
    assert re.fullmatch(r"headrace: error: .+ cannot be written: File too large.*\n", done.stderr), done.stderr
    assert not (out / "report.html").exists()
    if (out / "events.json").exists():
        Result.load(out / "events.json")
    assert [path.name for path in out.rglob(".*")] == [".lock"]


@pytest.mark.parametrize(("speed", "number"), [("realtime", signal.SIGINT), ("max", signal.SIGTERM)])
def test_an_interrupted_run_is_whole(speed: str, number: signal.Signals, tmp_path: Path) -> None:
    """The first signal ends the stream in order: what was seen is reported, and the exit code is 0."""
    out = tmp_path / "out"
    with start("watch", lecture()[0], "--speed", speed, "--out", out, "--ask", "what comes last?") as process:
        assert process.stdout is not None
        next(line for line in process.stdout if " text " in line)
        process.send_signal(number)
        printed, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert "ask     what comes last?" in printed
    result = Result.load(out / "events.json")
    assert result.run.interrupted
    assert result.run.media_s < lecture()[1].duration - 1
    assert result.text
    assert (out / "report.html").is_file()
    assert list(read_trace(out / "trace.jsonl"))[-1]["type"] == "end"


@pytest.mark.parametrize("times", [1, 2])
def test_a_second_interruption_breaks_off(times: int, tmp_path: Path) -> None:
    """No report then; what had been told is in the trace."""

    def interrupt(emission: Emission) -> None:
        if emission.kind == "text" and not told:
            told.append(emission.id)
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)

    told: list[str] = []
    options = Options(out=tmp_path / "out")
    if times == 1:
        assert watch(short()[0], options, publish=interrupt).run.interrupted
    else:
        with pytest.raises(KeyboardInterrupt):
            watch(short()[0], options, publish=interrupt)
    assert (tmp_path / "out" / "report.html").is_file() == (times == 1)
    assert told[0] in [record.get("id") for record in read_trace(tmp_path / "out" / "trace.jsonl")]


def test_asking_what_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("mine")
    refused(inside("ask", tmp_path / "nowhere", "what?"), "is no folder")
    refused(inside("ask", tmp_path / "a file", "what?"), "is no folder")
    refused(inside("ask", tmp_path, "what?"), "holds no run")
    refused(inside("ask", tmp_path), "give the --out of a run, then the question")


def test_asking_a_damaged_run_is_refused(tmp_path: Path) -> None:
    assert inside("watch", troubles()["one_pixel"], "--out", tmp_path).returncode == 0
    assert inside("ask", tmp_path, "what?").stdout == "not seen\n"
    refused(inside("ask", tmp_path, "?"), "the question '?' has no word")
    for name in ("run.json", "events.json", "memory/0.safetensors"):
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        refused(inside("ask", tmp_path, "what?"), name)
        (tmp_path / name).write_bytes(data)
