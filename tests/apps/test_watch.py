"""watch() from end to end, on rendered clips whose ground truth is known."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("av")
pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")

import cv2

import headrace.apps.opening as module
from benchmarks.watch.quality import score
from headrace.apps.live import SilentView, Status
from headrace.apps.recall import recall
from headrace.apps.result import Result
from headrace.apps.watch import Options, watch
from headrace.core.errors import ConfigError, HeadraceError, InputError
from headrace.core.frame import Frame
from headrace.core.item import SECOND, Emission
from headrace.core.trace import read_trace
from headrace.media import VirtualVideo
from headrace.media.info import Info
from headrace.understanding.extractive import answer
from headrace.understanding.gates.lumadrop import LumaDrop
from headrace.understanding.search import Query
from tests.apps.watching import lecture, short, troubles
from tests.clips import UNSHOWN

NEVER = (f"the {UNSHOWN[0]} is open", f"{UNSHOWN[1]} {UNSHOWN[2]}")


@dataclass
class Run:
    """What one run gave."""

    result: Result
    emitted: list[Emission]
    folder: Path


def shown(slide: int) -> list[str]:
    """The lines of a slide of the lecture."""
    return [line.text for line in lecture()[1].lines if line.slide == slide]


def questions() -> list[str]:
    """One for a line of each slide, then two for what is never shown."""
    slides = sorted({line.slide for line in lecture()[1].lines})
    return [f"what was said about {shown(slide)[-1]}?" for slide in slides] + [f"is there a {NEVER[0]}?", NEVER[1]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The lecture at full speed, with questions, into a folder."""
    folder = tmp_path_factory.mktemp("run") / "out"
    emitted: list[Emission] = []
    on_disk: list[bool] = []

    def publish(emission: Emission) -> None:
        on_disk.append(any(record.get("id") == emission.id for record in read_trace(folder / "trace.jsonl")))
        emitted.append(emission)

    options = Options(ask=questions(), when=[shown(1)[0], *NEVER], out=folder)
    result = watch(lecture()[0], options, publish=publish)
    assert on_disk
    assert all(on_disk), "an emission was shown before it was on disk"
    return Run(result, emitted, folder)


def test_the_lines_and_events_are_found(run: Run) -> None:
    quality = score(run.result, run.emitted, lecture()[1], 1, "max")
    assert quality.recall >= 0.95, quality.missed
    assert quality.duplicates == 0
    assert quality.wrong == 0, quality.wrong_texts
    assert quality.seen_p95_s <= 1.5
    assert quality.boundary_f1 >= 0.8 > max(quality.boundary_always_f1, quality.boundary_periodic_f1)
    assert quality.admitted_share <= 0.2


def test_every_counted_value_is_a_line_of_its_own(run: Run) -> None:
    wanted = [line.text for line in lecture()[1].lines if "level" in line.text]
    found = [line.text for line in run.result.text if "level" in line.text.lower()]
    assert [re.findall(r"\d", text) for text in found] == [re.findall(r"\d", text) for text in wanted]


def test_what_was_shown_is_answered_with_evidence(run: Run) -> None:
    segments = lecture()[1].segments
    answers = run.result.answers
    assert [made.question for made in answers] == questions()
    for made, segment in zip(answers[:-2], segments, strict=True):
        assert made.seen, made.question
        proof = made.evidence[0]
        assert segment.t0 <= proof.start_s <= segment.t1
        assert proof.thumbnail is not None
        assert (run.folder / proof.thumbnail).is_file()
        assert proof.text in made.text


def test_what_was_never_shown_is_not_seen(run: Run) -> None:
    for made in run.result.answers[-2:]:
        assert (made.seen, made.text, made.evidence) == (False, "not seen", [])


def test_a_standing_question_is_told_once_and_in_time(run: Run) -> None:
    (alert,) = run.result.alerts
    on = next(line.on for line in lecture()[1].lines if line.text == shown(1)[0])
    assert alert.when == shown(1)[0]
    assert 0 <= alert.t_s - on <= 1.5
    assert 0 <= alert.emitted_s - on <= 2
    assert run.result.standing == [shown(1)[0], *NEVER]
    assert [emission.kind for emission in run.emitted].count("alert") == 1


def test_the_trace_holds_what_was_published(run: Run) -> None:
    records = list(read_trace(run.folder / "trace.jsonl"))
    assert (records[0]["type"], records[-1]["type"]) == ("header", "end")
    assert records[0]["ask"] == questions()
    emitted = [record for record in records if record["type"] == "emit"]
    published = [json.loads(json.dumps({"type": "emit", **asdict(one)})) for one in run.emitted]
    assert emitted == published
    assert len({record["id"] for record in emitted}) == len(emitted)
    frames = [record for record in records if record["type"] == "in"]
    assert len(frames) == pytest.approx(6 * lecture()[1].duration, abs=2)
    assert [record["pts"] for record in frames] == sorted(record["pts"] for record in frames)


def test_the_files_agree_with_the_result_and_the_trace(run: Run) -> None:
    saved = Result.load(run.folder / "events.json")
    assert saved == run.result
    told = {one.id: one for one in run.emitted}
    for line in saved.text:
        assert told[line.id].content["text"] == line.text
        assert line.first_s == told[line.id].start / SECOND <= line.last_s
    for event in saved.events:
        assert told[event.id].start / SECOND == event.t_s
        assert event.thumbnail is not None
        assert cv2.imread(str(run.folder / event.thumbnail)) is not None
    assert {one.id for one in run.emitted if one.kind == "answer"} == {made.id for made in saved.answers}
    assert (run.folder / "report.html").read_text("utf-8").startswith("<!doctype html>")
    assert (run.folder / "timeline.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in run.folder.iterdir() if path.name.startswith(".")] == [".lock"]
    assert run.folder.stat().st_mode & 0o077 == 0


def test_the_run_is_accounted_for(run: Run) -> None:
    info, source = run.result.run, run.result.sources[0]
    assert (info.speed, info.gate, info.interrupted, info.drops) == ("max", "settle", False, {})
    assert info.media_s == pytest.approx(lecture()[1].duration, abs=0.4)
    assert source.frames_read == round(lecture()[1].duration * 12)
    assert (source.frames_dropped, source.errors) == (0, [])
    assert (source.width, source.height) == (1280, 720)
    assert 0 < info.state_bytes <= info.budget_bytes
    assert info.reads <= info.lines_read
    assert info.cpu_s > 0


def test_the_folder_can_be_asked_later(run: Run) -> None:
    known = recall(run.folder)
    assert (known.result, known.running) == (run.result, False)
    (memory,) = known.memories.values()
    for made in run.result.answers:
        again = answer(Query(made.question), memory.read(Query(made.question), known.now))
        assert (again.seen, again.text) == (made.seen, made.text)


def plain(emitted: list[Emission]) -> list[dict[str, Any]]:
    """All but the times of the clock and the pictures, in the order of their names."""
    rows = [{**asdict(one), "t_emit": 0} for one in emitted]
    for row in rows:
        for pictured in (row["content"], *row["content"].get("evidence", ())):
            pictured.pop("thumbnail", None)
    return sorted(rows, key=lambda row: row["id"])


def test_two_runs_at_full_speed_tell_the_same(run: Run) -> None:
    emitted: list[Emission] = []
    result = watch(lecture()[0], Options(ask=questions(), when=[shown(1)[0], *NEVER]), publish=emitted.append)
    assert plain(emitted) == plain(run.emitted)
    assert result.text == run.result.text
    assert [(mark.id, mark.t_s, mark.score) for mark in result.events] == [
        (mark.id, mark.t_s, mark.score) for mark in run.result.events
    ]


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = watch(str(short()[0]))
    assert len(result.text) == len(short()[1].lines)
    assert not any(mark.thumbnail for mark in result.events)
    assert list(tmp_path.iterdir()) == []


def test_the_memory_stays_within_a_small_budget(tmp_path: Path) -> None:
    result = watch(short()[0], Options(out=tmp_path / "out", budget=64_000, disk=2_000_000))
    assert result.run.budget_bytes == 64_000
    assert 0 < result.run.state_bytes <= 64_000
    (series,) = result.series.values()
    assert 0 < max(series.state_bytes) <= 64_000
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file()) <= 2_000_000


def test_the_budget_is_cut_to_what_the_disk_holds(tmp_path: Path) -> None:
    result = watch(troubles()["one_pixel"], Options(out=tmp_path / "out", disk=4_000_000))
    assert result.run.budget_bytes == 250_000


def test_another_gate_may_be_given() -> None:
    result = watch(short()[0], Options(gate=LumaDrop))
    assert result.run.gate == "differential-drop"
    assert result.text


def named(result: Result, source: str) -> list[tuple[str, float, float]]:
    return sorted((line.text, line.first_s, line.last_s) for line in result.text if line.source == source)


def test_two_sources_are_watched_in_one_run(tmp_path: Path) -> None:
    path = short()[0]
    alone = watch(path)
    both = watch([path, path, troubles()["one_pixel"]], Options(out=tmp_path / "out"))
    names = [source.name for source in both.sources]
    assert names[:2] == [str(path), f"{path}#2"]
    assert len(set(names)) == 3
    for name in names[:2]:
        assert named(both, name) == named(alone, str(path))
    assert len({line.id for line in both.text}) == 2 * len(alone.text)
    assert Result.load(tmp_path / "out" / "events.json") == both


class Camera(VirtualVideo):
    """A camera of which 30 frames come; then it is lost."""

    @property
    def info(self) -> Info:
        return Info(self.name, "camera", 64, 48, 6.0, None, "none", True)

    def frame(self, index: int) -> Frame:
        if index == 30:
            raise InputError("camera 2: lost, and not back after 3 attempts; check the sender")
        return super().frame(index)


def opener(special: dict[str, Callable[[str], Any]]) -> Callable[..., Any]:
    """`open_source` that makes the special sources itself."""
    plain_open = module.open_source

    def opened(address: Any, **options: Any) -> Any:
        return special[address](options["name"]) if address in special else plain_open(address, **options)

    return opened


def test_a_source_that_dies_does_not_touch_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        module, "open_source", opener({"camera:2": lambda name: Camera(1, (64, 48), 6.0, 60, name=name)})
    )
    result = watch(["camera 2=camera:2", short()[0]], Options(out=tmp_path / "out"))
    broken, whole = result.sources
    assert broken.errors == ["camera 2: lost, and not back after 3 attempts; check the sender"]
    assert (whole.errors, result.run.interrupted) == ([], False)
    assert named(result, str(short()[0])) == named(watch(short()[0]), str(short()[0]))
    end = list(read_trace(tmp_path / "out" / "trace.jsonl"))[-1]
    assert end["errors"] == {"camera 2": broken.errors}


def test_a_source_cut_short_keeps_what_it_showed(tmp_path: Path) -> None:
    result = watch([troubles()["mdat_cut"], short()[0]], Options(out=tmp_path / "out"))
    assert result.sources[0].errors == ["1 damaged packet", "ended 1.4 s before its time; the file is cut short"]
    assert 0 < result.sources[0].frames_read < 60
    assert len(named(result, str(short()[0]))) == len(short()[1].lines)


def test_a_live_source_is_watched_in_real_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def live(name: str) -> Camera:
        camera = Camera(1, (64, 48), 6.0, 2, name=name)
        camera.can_wait = False
        return camera

    monkeypatch.setattr(module, "open_source", opener({"camera:0": live}))
    result = watch("door=camera:0")
    assert result.run.speed == "realtime"
    assert (result.sources[0].name, result.sources[0].duration_s) == ("door", None)


def test_a_folder_of_images_is_a_source(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for number, text in enumerate(["Harbour report", "Harbour report", "Harbour report", "Lock keeper"] * 2):
        picture = np.full((240, 480, 3), 240, np.uint8)
        cv2.putText(picture, text, (30, 120), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (20, 20, 20), 2, cv2.LINE_AA)
        cv2.imwrite(str(images / f"{number}.png"), picture)
    result = watch(images)
    assert result.sources[0].frames_read == 8
    assert "harbourreport" in {line.text.lower().replace(" ", "") for line in result.text}


def test_nothing_to_watch_is_an_error() -> None:
    with pytest.raises(ConfigError, match="nothing to watch: give a file"):
        watch([])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(speed="fast"), "speed 'fast'"),
        (Options(budget=63_999), "at least 64000"),
        (Options(disk=1_999_999, out="out"), "give at least 2000000"),
        (Options(when=[" "]), "has no word"),
        (Options(ask=["what is it?", "?!"]), "the question '\\?!' has no word"),
        (Options(gate=lambda: object()), "builds no gate"),  # type: ignore[arg-type, return-value]
    ],
)
def test_options_are_checked_before_anything_is_opened(
    options: Options, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=said):
        watch(tmp_path / "not there.mp4", options)
    assert list(tmp_path.iterdir()) == []


class Seen(SilentView):
    """Remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: list[Status] = []
        self.notes: list[tuple[float, str, str]] = []
        self.closed = 0

    def update(self, status: Status) -> None:
        self.shown.append(status)

    def note(self, t_s: float, kind: str, text: str, source: str = "") -> None:
        self.notes.append((t_s, kind, text))

    def close(self) -> None:
        self.closed += 1


def test_the_view_is_shown_progress_and_closed(tmp_path: Path) -> None:
    view = Seen()
    result = watch(short()[0], Options(when=[short()[1].lines[-1].text]), view=view)
    assert [note for note in view.notes if note[1] == "text"] == [
        (line.first_s, "text", line.text) for line in sorted(result.text, key=lambda line: order(view, line.text))
    ]
    assert {kind for _, kind, _ in view.notes} == {"event", "text", "alert"}
    last = view.shown[-1]
    assert last.media_s == pytest.approx(15, abs=0.4)
    assert (last.duration_s, last.speed, last.budget_bytes) == (15.0, "max", 64 << 20)
    assert last.source == str(short()[0])
    assert last.fps > 0 < last.realtime_factor
    assert [status.media_s for status in view.shown] == sorted(status.media_s for status in view.shown)
    assert all(bound > 0 for _, _, bound, _ in last.edges)
    assert view.closed == 1


def order(view: Seen, text: str) -> int:
    return next(i for i, note in enumerate(view.notes) if note[2] == text)


@pytest.mark.parametrize(
    ("raised", "expected"), [(BrokenPipeError(), BrokenPipeError), (ValueError("no room"), HeadraceError)]
)
def test_a_reader_of_emissions_that_fails_ends_the_run(
    raised: Exception, expected: type[Exception], tmp_path: Path
) -> None:
    """It is told, but what was seen is written first."""
    view = Seen()

    def refuse(emission: Emission) -> None:
        if emission.kind == "text":
            raise raised

    with pytest.raises(expected):
        watch(short()[0], Options(out=tmp_path / "out"), view=view, publish=refuse)
    assert view.closed == 1
    assert Result.load(tmp_path / "out" / "events.json").events


@pytest.mark.slow
def test_in_real_time_everything_is_fresh() -> None:
    """8 seconds of 720p: told within 2 s of appearing, and nothing older than 2 s is ever processed."""
    from tests.apps.watching import folder
    from tests.clips import clip, write

    path = folder() / "eight.mp4"
    truth = write(clip(4, ("digit",), fps=30), path)
    emitted: list[Emission] = []
    result = watch(path, Options(speed="realtime"), publish=emitted.append)
    quality = score(result, emitted, truth, 4, "realtime")
    assert result.run.wall_s == pytest.approx(truth.duration, abs=1.5)
    assert quality.recall >= 0.95, quality.missed
    assert quality.emitted_p95_s <= 2
    assert 0 < result.run.oldest_processed_s <= 2
