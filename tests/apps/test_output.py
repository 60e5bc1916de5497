"""The folder of a run: bounded, whole, and readable afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("matplotlib")

import cv2

from headrace.apps.folder import Folder
from headrace.apps.manifest import Given, Manifest
from headrace.apps.output import LEAST_DISK, Output, memory_share
from headrace.apps.recall import recall
from headrace.apps.result import Alert, Answer, EventMark, Evidence, Result, RunInfo, SourceInfo, TextLine
from headrace.core.errors import CapacityError, ConfigError, HeadraceError, InputError, StateError
from headrace.core.frame import Frame
from headrace.core.item import SECOND, Emission, emission_id
from headrace.core.stateful import Snapshot, load, save
from headrace.core.trace import read_trace
from headrace.understanding.observation import Observation
from headrace.understanding.observations import ObservationMemory


def noise(number: int, size: tuple[int, int] = (320, 180)) -> Frame:
    """A frame whose thumbnail is as large as they come."""
    rng = np.random.default_rng(number)
    chroma = (2, (size[1] + 1) // 2, (size[0] + 1) // 2)
    return Frame(rng.integers(0, 256, size[::-1], np.uint8), *rng.integers(0, 256, chroma, np.uint8))


def output_in(folder: Path, disk: int = LEAST_DISK, *, resume: bool = False) -> Output:
    """A folder as a run of one source holds it."""
    output = Output(Folder(folder, resume=resume), disk)
    Manifest([Given("camera", "rtsp://camera/live")]).save(output.folder / "run.json")
    return output


def name(number: int) -> str:
    return emission_id("camera", "event", number)


def held(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def found(thumbnails: list[str]) -> tuple[Result, ObservationMemory]:
    """A result with an event for each thumbnail, and as much text as its memory holds."""
    memory = ObservationMemory(memory_share(LEAST_DISK))
    result = Result([SourceInfo("camera", width=320, height=180)], RunInfo(budget_bytes=memory.max_bytes()))
    for number, thumbnail in enumerate(thumbnails):
        at = number * SECOND
        memory.write(Observation(name(number), "event", "camera", "", at, at, thumbnail=thumbnail))
        text = f"Gate {number} of the upper lock is open"
        line = Observation(f"line-{number}", "text", "camera", text, at, at + SECOND, box=(1, 2, 300, 30))
        memory.write(line)
    for row in memory.rows():
        if row.kind == "event":
            result.events.append(EventMark(row.id, "camera", row.first / SECOND, 1.0, row.thumbnail))
        else:
            box = (1.0, 2.0, 300.0, 30.0)
            result.text.append(TextLine(row.id, "camera", row.text, row.first / SECOND, row.last / SECOND, box))
    proofs = [Evidence("camera", 1.0, 2.0, "Gate 3", thumbnail) for thumbnail in (thumbnails[0], thumbnails[-1])]
    result.answers = [Answer("a", "which gate?", True, "3", evidence=proofs[:1])]
    result.alerts = [Alert("b", "gate 3 is open", 1.0, 2.0, 1.0, evidence=proofs[1:])]
    return result, memory


def test_the_folder_never_exceeds_its_budget(tmp_path: Path) -> None:
    output = output_in(tmp_path / "out")
    trace = output.trace({"clock": "max"})
    names = []
    for number in range(120):
        names.append(output.thumbnail(name(number), noise(number)))
        for k in range(40):
            content = {"text": f"line {number} {k} " + 80 * "x"}
            trace.emit(Emission(name(1000 * number + k), "text", content, number, number, number, number))
        if number % 10 == 0:
            trace.sync()
            assert held(output.folder.path) <= 0.75 * LEAST_DISK
    trace.end(120)
    trace.close()
    result, memory = found(names)
    report = output.finish(result, [memory])
    assert held(output.folder.path) <= LEAST_DISK
    # The trace and the thumbnails have turned over: the newest are there.
    assert (output.folder / "trace.jsonl.1").is_file()
    assert list(read_trace(output.folder / "trace.jsonl"))[-1]["type"] == "end"
    kept = sorted(path.name for path in (output.folder / "thumbnails").iterdir())
    assert 0 < len(kept) < 120
    # No name points to a file that is gone, and the newest picture is still named.
    saved = Result.load(output.folder / "events.json")
    assert saved == result
    named = [mark.thumbnail for mark in saved.events if mark.thumbnail]
    assert sorted(Path(one).name for one in named) == kept
    assert saved.events[-1].thumbnail == names[-1]
    assert saved.answers[0].evidence[0].thumbnail is None
    assert report == output.folder / "report.html"
    assert "data:image/jpeg" in report.read_text("utf-8")
    # What is remembered is recalled, all of it.
    output.folder.release()
    assert list(recall(tmp_path / "out").memories["camera"].rows()) == list(memory.rows())


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    output = output_in(tmp_path / "out")
    result, memory = found([output.thumbnail(name(number), noise(number)) for number in range(5)])
    output.finish(result, [memory])
    assert recall(tmp_path / "out").running
    output.folder.release()
    again = recall(tmp_path / "out")
    assert (again.result, again.running, again.now) == (result, False, round(result.run.media_s * SECOND))
    assert {source: list(found.rows()) for source, found in again.memories.items()} == {"camera": list(memory.rows())}
    left = [path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*") if path.suffix != ".jpg"]
    assert sorted(map(str, left)) == [
        ".lock",
        "captions.vtt",
        "events.json",
        "memory",
        "memory/0.safetensors",
        "report.html",
        "run.json",
        "state",
        "thumbnails",
        "timeline.png",
    ]


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (1921, 1081), (16384, 8), (8, 16384)])
def test_thumbnails_have_the_shape_of_the_frame(size: tuple[int, int], tmp_path: Path) -> None:
    output = output_in(tmp_path / "out")
    picture = cv2.imread(str(output.folder / output.thumbnail(name(1), noise(1, size))))
    assert picture is not None
    height, width = picture.shape[:2]
    assert max(width, height) == min(320, max(size))
    assert width / max(size) == pytest.approx(size[0] * height / size[1] / max(size), abs=1 / min(width, height))


def test_an_earlier_run_is_replaced_and_other_files_are_left(tmp_path: Path) -> None:
    first = whole(tmp_path)
    first.save(0, Snapshot("session"), 1)
    first.folder.release()
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "thumbnails" / "holiday.jpg").write_text("mine")
    Folder(tmp_path)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert left == [".lock", "memory", "notes.txt", "state", "thumbnails", "thumbnails/holiday.jpg"]


def test_files_of_others_do_not_count(tmp_path: Path) -> None:
    output = output_in(tmp_path)
    (tmp_path / "film.bin").write_bytes(bytes(2 * LEAST_DISK))
    result, memory = found([output.thumbnail(name(number), noise(number)) for number in range(5)])
    output.finish(result, [memory])
    assert all(mark.thumbnail for mark in result.events)


def test_a_disk_budget_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"give at least {LEAST_DISK}"):
        memory_share(LEAST_DISK - 1)
    with pytest.raises(ConfigError, match=f"give at least {LEAST_DISK}"):
        Output(Folder(tmp_path), LEAST_DISK - 1)


@pytest.mark.parametrize("place", ["a file", "a file/below", "/proc/headrace", "/dev/null"])
def test_a_folder_that_cannot_be_written_is_refused(place: str, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("mine")
    with pytest.raises(ConfigError, match=r"cannot be written \(.+\); give another --out"):
        Folder(tmp_path / place)
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]
    assert (tmp_path / "a file").read_text() == "mine"


def test_a_disk_that_fails_later_is_told_in_one_line(tmp_path: Path) -> None:
    output = output_in(tmp_path / "out")
    result, memory = found([output.thumbnail(name(1), noise(1))])
    (tmp_path / "out").rename(tmp_path / "gone")
    for write in (lambda: output.thumbnail(name(2), noise(2)), lambda: output.finish(result, [memory])):
        with pytest.raises(CapacityError, match="cannot be written: No such file or directory; free some space"):
            write()


def whole(folder: Path) -> Output:
    """A run that has finished; its folder is still held."""
    output = output_in(folder)
    output.trace({}).close()
    result, memory = found([output.thumbnail(name(1), noise(1))])
    output.finish(result, [memory])
    return output


def test_what_is_no_run_cannot_be_asked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder; give the --out of a run"):
        recall(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no run; give the --out"):
        recall(tmp_path)


@pytest.mark.parametrize("file", ["run.json", "events.json", "memory/0.safetensors"])
@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "rubbish", "folder", "other"])
def test_a_damaged_run_is_told_in_one_line(file: str, damage: str, tmp_path: Path) -> None:
    """One without events.json has not finished: it is recalled from what it had acknowledged."""
    whole(tmp_path).folder.release()
    path = tmp_path / file
    data = path.read_bytes()
    path.unlink()
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "rubbish":
        path.write_bytes(bytes(range(256)) * 40)
    elif damage == "folder":
        path.mkdir()
    elif damage == "other":
        path.write_bytes(json.dumps({"format": 99, "headrace": "9.9"}).encode())
    if file == "events.json" and damage in ("gone", "folder"):
        known = recall(tmp_path)
        assert (known.result, known.running, list(known.memories)) == (None, False, ["camera"])
        return
    with pytest.raises((InputError, StateError)) as raised:
        recall(tmp_path)
    assert isinstance(raised.value, HeadraceError)
    assert "\n" not in str(raised.value)
    assert str(tmp_path) in str(raised.value)


@pytest.mark.parametrize("change", ["no rows", "short row", "wrong types", "vectors gone", "other kind"])
def test_a_memory_that_is_whole_but_wrong_is_told_in_one_line(change: str, tmp_path: Path) -> None:
    whole(tmp_path).folder.release()
    snapshot = load(tmp_path / "memory" / "0.safetensors")
    if change == "no rows":
        del snapshot.meta["rows"]
    elif change == "short row":
        snapshot.meta["rows"][0] = snapshot.meta["rows"][0][:3]
    elif change == "wrong types":
        snapshot.meta["rows"] = 7
    elif change == "vectors gone":
        snapshot.meta["embedded"] = ["somewhere"]
    else:
        snapshot.kind = "other"
    save(tmp_path / "memory" / "0.safetensors", snapshot)
    with pytest.raises(StateError) as raised:
        recall(tmp_path)
    assert "\n" not in str(raised.value)
