"""`headrace watch` and `headrace ask` as people and programs use them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("av")
pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")

from headrace.apps.manifest import Manifest
from headrace.apps.result import Result
from headrace.apps.watch import demo
from headrace.evaluation.metrics.text import normalise, similarity
from tests.apps.watching import headrace, other, short, start, transport, troubles
from tests.clips import UNSHOWN


def lines(slide: int) -> list[str]:
    return [line.text for line in short()[1].lines if line.slide == slide]


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What a person sees of a run, and its folder."""
    out = tmp_path_factory.mktemp("person") / "out"
    asked = ("--ask", f"what about {lines(0)[0]}?", "--ask", f"the {UNSHOWN[0]}?")
    waited = ("--when", lines(1)[0], "--when", f"{UNSHOWN[0]} is open")
    done = headrace("watch", short()[0], *asked, *waited, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, out


def test_for_a_person(person: tuple[str, Path]) -> None:
    """Plain lines as things happen, then answers and where the report lies."""
    printed, out = person
    notes = re.findall(r"^ +(\d+:\d\d\.\d)  (\w+) +(.+)$", printed, re.MULTILINE)
    kinds = [kind for _, kind, _ in notes]
    assert kinds.count("event") == 2
    assert kinds.count("alert") == 1
    assert kinds.count("text") == len(short()[1].lines)
    assert kinds.count("status") == 2
    assert re.search(rf"^alert   0:0\d  {re.escape(lines(1)[0])}: ", printed, re.MULTILINE)
    assert f"alert   never  {UNSHOWN[0]} is open" in printed
    assert f"ask     the {UNSHOWN[0]}?\n        not seen\n" in printed
    assert re.search(rf"{len(short()[1].lines)} lines of text, 2 events in 0:14; ", printed)
    assert printed.endswith(f"report: {out / 'report.html'}\n")


def test_asking_a_finished_run(person: tuple[str, Path]) -> None:
    _, out = person
    wanted = lines(1)[0]
    answer = headrace("ask", out, f"when did {wanted} appear?")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert re.match(r"0:0\d-0:1\d: ", answer.stdout)
    told = json.loads(headrace("ask", out, wanted, "--json").stdout)
    assert told["seen"] is True
    assert similarity(normalise(told["evidence"][0]["text"]), normalise(wanted)) >= 0.85
    assert headrace("ask", out, f"the {UNSHOWN[0]} {UNSHOWN[1]}").stdout == "not seen\n"


def test_for_a_program(tmp_path: Path) -> None:
    """One JSON object a line: emissions as they come, the result last; nothing else."""
    done = headrace("watch", short()[0], "--when", lines(1)[0], "--ask", lines(0)[0], "--out", tmp_path, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    records: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["type"] for record in records] == ["emit"] * (len(records) - 1) + ["result"]
    assert {record["kind"] for record in records[:-1]} == {"event", "text", "alert", "answer"}
    result = {key: value for key, value in records[-1].items() if key != "type"}
    assert Result.from_json(json.dumps(result)) == Result.load(tmp_path / "events.json")
    assert {line["id"] for line in result["text"]} == {r["id"] for r in records[:-1] if r["kind"] == "text"}


def test_a_program_may_stop_reading() -> None:
    with start("watch", short()[0], "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["kind"] == "event"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_from_a_pipe(tmp_path: Path) -> None:
    with transport().open("rb") as stream, start("watch", "-", "--out", tmp_path, stdin=stream.fileno()) as process:
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    result = Result.load(tmp_path / "events.json")
    assert result.run.speed == "max"
    found = {normalise(line.text) for line in result.text}
    assert found == {normalise(line.text) for line in short()[1].lines}


def test_the_published_gate(tmp_path: Path) -> None:
    done = headrace("watch", short()[0], "--gate", "timechat", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert Result.load(tmp_path / "events.json").run.gate == "differential-drop"


def test_settings_come_from_the_file_and_options_win(tmp_path: Path) -> None:
    settings = tmp_path / "headrace.toml"
    settings.write_text('[watch]\nbudget = "100 kB"\nspeed = "50"\nkeep = ["thumbnails=0"]\n')
    given = ("--budget", "200kB", "--speed", "max", "--keep", "thumbnails=1h", "--keep", "text=0")
    for words, expected in (
        ((), (100_000, "50", ["thumbnails=0"])),
        (given, (200_000, "max", ["thumbnails=1h", "text=0"])),
    ):
        done = headrace("watch", troubles()["one_pixel"], "--out", tmp_path / "out", *words, config=settings)
        assert done.returncode == 0, done.stderr
        result = Result.load(tmp_path / "out" / "events.json")
        kept = Manifest.load(tmp_path / "out" / "run.json").keep
        assert (result.run.budget_bytes, result.run.speed, kept) == expected
        pictures = len(list((tmp_path / "out" / "thumbnails").iterdir()))
        assert (
            pictures
            == sum(mark.thumbnail is not None for mark in result.events)
            == (len(result.events) if words else 0)
        )


def test_sources_have_names_and_are_told_apart(tmp_path: Path) -> None:
    out = tmp_path / "out"
    named = ("--source", f"hall={other()[0]}", "--source", f"attic={troubles()['one_pixel']}")
    done = headrace("watch", f"door={short()[0]}", *named, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    result = Result.load(out / "events.json")
    assert [source.name for source in result.sources] == ["door", "hall", "attic"]
    notes = re.findall(r"^ +\d+:\d\d\.\d  (text|event) +(\w+): ", done.stdout, re.MULTILINE)
    assert sorted(notes) == sorted(
        [("text", line.source) for line in result.text] + [("event", mark.source) for mark in result.events]
    )
    assert {source for _, source in notes} == {"door", "hall", "attic"}
    asked = headrace("ask", out, other()[1].lines[0].text)
    assert (asked.returncode, "(hall)" in asked.stdout) == (0, True)
    assert headrace("ask", out, other()[1].lines[0].text, "--source", "door").stdout == "not seen\n"


def test_a_report_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine")
    done = headrace("watch", short()[0], "--out", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        r"headrace: error: .+report\.html was not written by .+; give a new or .+ as --out\n", done.stderr
    )
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("report.html", "mine")]


def test_two_runs_do_not_write_to_one_folder(tmp_path: Path) -> None:
    with start("watch", short()[0], "--speed", "1", "--out", tmp_path) as first:
        assert first.stdout is not None
        first.stdout.readline()
        done = headrace("watch", troubles()["one_pixel"], "--out", tmp_path)
        first.kill()
        first.communicate()
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"headrace: error: .+ is being written by another run; give another --out\n", done.stderr)
    assert headrace("watch", troubles()["one_pixel"], "--out", tmp_path).returncode == 0, "a dead run holds nothing"


def test_asking_a_run_under_way(tmp_path: Path) -> None:
    """What has been printed can be asked for at once."""
    with start("watch", short()[0], "--speed", "2", "--out", tmp_path, "--json") as process:
        assert process.stdout is not None
        told = next(one for one in map(json.loads, process.stdout) if one["kind"] == "text")
        asked = headrace("ask", tmp_path, told["content"]["text"], "--json")
        process.kill()
        process.communicate()
    assert asked.returncode == 0
    assert re.fullmatch(r".+ is still being watched; as of 0:\d\d\n", asked.stderr)
    answer = json.loads(asked.stdout)
    assert (answer["seen"], answer["folders"][0]["running"]) == (True, True)
    assert answer["evidence"][0]["observation"] == told["id"]


def test_the_demo(tmp_path: Path) -> None:
    """The packaged clip with its own questions: as `make demo` shows it."""
    done = headrace("watch", "demo:", "--out", tmp_path, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result = Result.load(tmp_path / "events.json")
    known = demo()
    for made, entry in zip(result.answers, known["ask"], strict=True):
        assert made.question == entry["question"]
        assert made.seen == (entry["answer"] is not None)
        assert entry["answer"] is None or entry["answer"] in made.text
    (alert,) = result.alerts
    assert alert.when == known["when"]["condition"]
    assert known["when"]["time"] <= alert.emitted_s <= known["when"]["time"] + 2
    wanted = [normalise(line["text"]) for line in known["lines"]]
    found = [normalise(line.text) for line in result.text]
    missed = [line for line in wanted if max(similarity(line, other) for other in found) < 0.85]
    assert len(missed) <= 0.05 * len(wanted), missed
    assert result.run.realtime_factor > 1
    assert (tmp_path / "report.html").stat().st_size < 5_000_000
