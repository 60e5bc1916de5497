"""What docs/serving.md shows is what happens."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from headrace.cli import main
from headrace.engine.traces import read, recognise

PAGE = (Path(__file__).parents[1] / "docs" / "serving.md").read_text("utf-8")


def block(language: str, has: str) -> str:
    """The block of code of a language that has a word."""
    (found,) = [one for one in re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE) if has in one]
    return found


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trace of the page, in the working folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "trace.jsonl"
    path.write_text(block("json", "arrival"))
    return path


def test_the_trace_is_one(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert recognise(trace) == "sessions"
    assert [(one.session, one.units, one.outputs) for one in read(trace)] == [
        ("door", 64, 16),
        ("desk", 300, 40),
        ("door", 32, 16),
    ]
    with pytest.raises(SystemExit) as end:
        main(["simulate", "trace.jsonl", "--scheduler", "edf", "--json"])
    assert not end.value.code
    assert json.loads(capsys.readouterr().out)["schedulers"]["edf"]["finished"] == 3


def test_the_scheduler_of_the_page_runs(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known: dict[str, object] = {"__name__": "page"}
    exec(compile(block("python", "LeastWork"), "docs/serving.md", "exec", dont_inherit=True), known)
    said = capsys.readouterr().out
    assert re.fullmatch(r"simulated: \d+ of 72 tokens in time\n", said)
    assert len(known["served"]) == 3  # type: ignore[arg-type]


def test_the_standing_questions_of_the_page_are_taken() -> None:
    pytest.importorskip("fastapi")
    from headrace.server.live.schema import ANSWER, QUESTION, QUESTIONS, OpenBody

    (body,) = re.findall(r"-d '(\{[^']*\"standing\"[^']*)'", block("bash", '"standing"'))
    asked = OpenBody.model_validate_json(body)
    assert [one.id for one in asked.standing] == ["fire", "who"]
    assert (
        f"Up to {QUESTIONS} questions a session, {QUESTION:,} characters each, answers of up to {ANSWER} tokens" in PAGE
    )


def test_the_paths_that_want_no_key_are_those_of_the_page() -> None:
    pytest.importorskip("starlette")
    from headrace.server.middleware import OPEN

    assert set(re.findall(r"`(/[a-z.]+)`", PAGE.split("wants one too; only")[1].split("are open to all")[0])) == OPEN


def test_the_table_of_the_page_has_the_figures_of_the_picture_and_says_simulated() -> None:
    part = PAGE.split("## How many sessions")[1].split("\n## ")[0]
    assert "| sessions, simulated |" in part
    assert "Simulated with the cost model of " in part
