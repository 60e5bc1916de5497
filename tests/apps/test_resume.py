"""Runs that are killed at any moment and resumed: nothing acknowledged is lost, nothing is told twice."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import replace
from functools import cache
from importlib.resources import files
from itertools import count
from pathlib import Path
from random import Random
from shutil import copytree

import pytest

pytest.importorskip("av")
pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")

from headrace.apps import opening, resumption
from headrace.apps.options import Options
from headrace.apps.recall import recall
from headrace.apps.result import Result
from headrace.apps.watch import watch
from headrace.core.errors import ConfigError, HeadraceError, InputError
from headrace.core.item import SECOND
from tests.apps.crashing import Death, Feed, crash_and_resume, emitted, excerpt, found, live, said, watched
from tests.apps.watching import folder

LENGTH = 18.0
WHEN = ("weather at hollow lock", "gate 9 is open")
ASK = ("what is the weather at hollow lock?",)


@cache
def recording() -> Path:
    """The beginning of the packaged clip."""
    return excerpt(Path(str(files("headrace.apps").joinpath("demo/demo.mp4"))), LENGTH, folder() / "beginning.mp4")


def options(out: Path, speed: str = "max") -> Options:
    return Options(ask=ASK, when=WHEN, out=out, speed=speed, every_s=0.1)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A run that was left alone, and the number of its file operations."""
    out = tmp_path_factory.mktemp("unbroken") / "out"
    code, operations = watched(Feed(str(recording())), options(out), Death())
    assert code == 0
    assert operations > 200
    return out, operations


def same_as_unbroken(seed: int, deaths: int, unbroken: tuple[Path, int], out: Path) -> int:
    straight, operations = unbroken
    random = Random(seed)
    planned = [Death(operation=random.randint(1, operations // 2)) for _ in range(deaths)]
    died = crash_and_resume(Feed(str(recording())), options(out), planned)
    ids = [record["id"] for record in emitted(out)]
    assert len(ids) == len(set(ids)), planned
    assert said(out) == said(straight), planned
    assert found(out) == found(straight), planned
    resumed = Result.load(out / "events.json").run.resumed
    assert resumed <= died
    return died


@pytest.mark.parametrize(("seed", "deaths"), [(0, 10), pytest.param(1000, 100, marks=pytest.mark.slow)])
def test_a_file_at_full_speed_tells_what_an_unbroken_run_tells(
    seed: int, deaths: int, unbroken: tuple[Path, int], tmp_path: Path
) -> None:
    died = 0
    for number in count(seed):
        died += same_as_unbroken(number, 4, unbroken, tmp_path / str(number))
        if died >= deaths:
            break


def nothing_lost_or_doubled(out: Path) -> Result:
    """What was acknowledged is in the result, once."""
    told, result = emitted(out), Result.load(out / "events.json")
    ids = [record["id"] for record in told]
    assert len(ids) == len(set(ids))
    held = {part.id for part in (*result.text, *result.speech, *result.sounds, *result.events, *result.alerts)}
    held |= {made.id for made in result.answers}
    assert [record for record in told if record["id"] not in held and record["kind"] not in ("gap", "answer")] == []
    texts = [record["content"]["text"] for record in told if record["kind"] == "text"]
    assert len(texts) == len(set(texts)), "a line that stayed on screen was told twice"
    return result


@pytest.mark.parametrize("operations", [[160], [90, 110]])
def test_a_file_in_real_time_goes_on(operations: list[int], tmp_path: Path) -> None:
    out = tmp_path / "out"
    deaths = [Death(operation=at) for at in operations]
    assert crash_and_resume(Feed(str(recording())), options(out, "4"), deaths) == len(operations)
    result = nothing_lost_or_doubled(out)
    assert result.run.media_s == pytest.approx(LENGTH, abs=0.5)
    assert 1 <= result.run.resumed <= len(operations)
    assert result.sources[0].gaps == []


def test_an_interrupted_run_can_be_gone_on_with(tmp_path: Path) -> None:
    """Ctrl-C leaves a report, and the run goes on from its last saved state."""
    out, feed = tmp_path / "out", Feed(str(recording()))
    assert watched(feed, options(out, "4"), Death(operation=130, by=signal.SIGINT))[0] == 0
    first = Result.load(out / "events.json")
    assert first.run.interrupted
    assert first.run.media_s < LENGTH - 1
    held = recall(out)
    assert all(memory.get(line.id) is not None for memory in held.memories.values() for line in first.text)
    assert crash_and_resume(feed, options(out, "4"), []) == 0
    result = nothing_lost_or_doubled(out)
    assert not result.run.interrupted
    assert result.run.media_s == pytest.approx(LENGTH, abs=0.5)
    assert {line.id for line in first.text} <= {line.id for line in result.text}


def test_a_camera_goes_on_and_the_gap_is_told(tmp_path: Path) -> None:
    out = tmp_path / "out"
    feed = Feed(str(excerpt(recording(), 7.0, tmp_path / "camera.mp4")), live=True)
    assert crash_and_resume(feed, options(out), [Death(operation=110)]) == 1
    told, result = emitted(out), Result.load(out / "events.json")
    ids = [record["id"] for record in told]
    assert len(ids) == len(set(ids))
    held = {part.id for part in (*result.text, *result.speech, *result.sounds, *result.events, *result.alerts)}
    assert all(record["id"] in held for record in told if record["kind"] in ("text", "speech", "sound", "event"))
    ((start, end),) = result.sources[0].gaps
    assert 0 <= start < end < 120
    (gap,) = [record for record in told if record["kind"] == "gap"]
    assert (gap["start"], gap["end"]) == (round(start * 1e9), round(end * 1e9))
    assert result.run.media_s > end


def test_a_full_disk_is_gone_on_from(unbroken: tuple[Path, int], tmp_path: Path) -> None:
    """The trace does not fit, until there is room again. Only answers may have been given earlier too."""
    straight, _ = unbroken
    size = (straight / "trace.jsonl").stat().st_size
    deaths = [Death(room=size // 3), Death(room=2 * size // 3)]
    assert crash_and_resume(Feed(str(recording())), options(tmp_path / "out"), deaths) == 2
    ids = [record["id"] for record in emitted(tmp_path / "out")]
    assert len(ids) == len(set(ids))
    assert {record["id"] for record in emitted(straight)} <= set(ids)
    assert found(tmp_path / "out") == found(straight)


@pytest.mark.parametrize("jump", [-86400.0, 10 * 365 * 86400.0])
def test_a_clock_that_jumped_leaves_a_sane_gap(jump: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    feed = Feed(str(excerpt(recording(), 3.0, tmp_path / "camera.mp4")), live=True)
    assert watched(feed, options(out), Death(operation=90))[0] == -signal.SIGKILL
    monkeypatch.setattr(opening, "open_source", live)
    now = time.time
    monkeypatch.setattr(resumption.time, "time", lambda: now() + jump)
    ((start, end),) = watch([], replace(options(out), resume=True)).sources[0].gaps
    assert 1 <= round(end - start, 6) <= resumption.LONGEST_GAP / SECOND + 2
    ids = [record["id"] for record in emitted(out)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("file", ["memory/", "report.html", "events.json"])
def test_a_run_killed_at_its_end_is_finished_by_resuming(file: str, unbroken: tuple[Path, int], tmp_path: Path) -> None:
    straight, _ = unbroken
    assert crash_and_resume(Feed(str(recording())), options(tmp_path / "out"), [Death(file=file)]) == 1
    assert found(tmp_path / "out") == found(straight)


def test_what_is_finished_is_not_watched_again(unbroken: tuple[Path, int]) -> None:
    out, _ = unbroken
    before = (out / "trace.jsonl").read_bytes()
    again = watch([], Options(out=out, resume=True))
    assert again == Result.load(out / "events.json")
    assert (out / "trace.jsonl").read_bytes() == before


@pytest.fixture(scope="module")
def died(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that died half way."""
    out = tmp_path_factory.mktemp("died") / "out"
    code, _ = watched(Feed(str(recording())), options(out), Death(operation=150))
    assert code == -signal.SIGKILL
    return out


@pytest.fixture
def killed(died: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return copytree(died, tmp_path / "killed")


def test_everything_acknowledged_can_be_asked_before_resuming(killed: Path) -> None:
    held = recall(killed)
    assert not held.running
    assert held.result is None
    (memory,) = held.memories.values()
    told = [record["id"] for record in emitted(killed) if record["kind"] in ("text", "speech", "event", "sound")]
    assert told
    assert all(memory.get(name) is not None for name in told)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"when": ("something else",)}, "another --when"),
        ({"speed": "realtime"}, "another --speed"),
        ({"asr": "lm:x.txt"}, "another --asr"),
        ({"out": None}, "needs the folder"),
    ],
)
def test_another_run_is_refused(killed: Path, change: dict[str, object], said: str) -> None:
    before = sorted((path.name, path.stat().st_size) for path in killed.rglob("*"))
    with pytest.raises(ConfigError, match=said):
        watch([], replace(options(killed), resume=True, **change))
    assert sorted((path.name, path.stat().st_size) for path in killed.rglob("*")) == before


def test_another_source_is_refused(killed: Path, tmp_path: Path) -> None:
    other = excerpt(recording(), 5.0, tmp_path / "other.mp4")
    with pytest.raises(ConfigError, match="another SOURCE"):
        watch(other, replace(options(killed), resume=True))
    other.replace(tmp_path / "moved.mp4")
    given = json.loads((killed / "run.json").read_text())
    given["sources"][0]["address"] = str(tmp_path / "moved.mp4")
    (killed / "run.json").write_text(json.dumps(given))
    with pytest.raises(HeadraceError, match="is of another source"):
        watch([], replace(options(killed), resume=True))


@pytest.mark.parametrize("damage", ["cut", "rubbish", "other"])
def test_a_damaged_state_is_told_and_the_source_begun_anew(
    killed: Path, damage: str, unbroken: tuple[Path, int]
) -> None:
    """The trace knows what was acknowledged, so nothing is told twice."""
    state = killed / "state" / "0.safetensors"
    data = state.read_bytes()
    state.write_bytes({"cut": data[: len(data) // 2], "rubbish": bytes(1000), "other": b"{}"}[damage])
    (error,) = watch([], replace(options(killed), resume=True)).sources[0].errors
    assert "0.safetensors" in error
    assert error.endswith("begun anew")
    assert "\n" not in error
    assert said(killed) == said(unbroken[0])


def test_a_state_without_perception_loses_nothing(unbroken: tuple[Path, int], tmp_path: Path) -> None:
    """Where a rule keeps pictures off the disk, perception begins afresh."""
    out, (_, operations) = tmp_path / "out", unbroken
    bare = replace(options(out), keep=("thumbnails=0",))
    assert crash_and_resume(Feed(str(recording())), bare, [Death(operation=operations // 2)]) == 1
    nothing_lost_or_doubled(out)


def test_there_must_be_a_run_to_resume(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no run to resume"):
        watch([], Options(out=tmp_path / "nothing", resume=True))
    assert not (tmp_path / "nothing").exists()


def test_with_sources_resuming_begins_where_there_is_no_run(unbroken: tuple[Path, int], tmp_path: Path) -> None:
    """One command serves the first start and every one after it."""
    out = tmp_path / "out"
    assert watched(Feed(str(recording())), replace(options(out), resume=True), Death())[0] == 0
    assert said(out) == said(unbroken[0])
