"""`headrace ask`: several folders and questions at once, running ones too, and what it prints for programs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("av")

from headrace.apps import asking
from headrace.apps.asking import Recollection
from headrace.apps.recall import Recall
from headrace.apps.result import Result, SourceInfo
from headrace.cli import main
from headrace.cli_ask import HINT
from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.understanding.observation import Observation
from headrace.understanding.observations import ObservationMemory

DOCS = Path(__file__).parents[2] / "docs" / "asking.md"


def memory(source: str, *told: tuple[str, str, float, float]) -> ObservationMemory:
    made = ObservationMemory(1_000_000)
    for i, (kind, text, first, last) in enumerate(told):
        made.write(Observation(f"{source}-{i}", kind, source, text, round(first * SECOND), round(last * SECOND)))
    return made


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Of a finished run with two sources, the shorter of one minute, and of one that still watches."""
    monday, tuesday = tmp_path / "monday", tmp_path / "tuesday"
    result = Result([SourceInfo("gate", duration_s=60.0), SourceInfo("yard", duration_s=None)])
    known = {
        monday: Recall(
            monday,
            {
                "gate": memory("gate", ("text", "Gate 3 is open", 41, 49), ("speech", "the gate is open now", 42, 44)),
                "yard": memory("yard", ("text", "Crane idle", 100, 700)),
            },
            {"gate": 60 * SECOND, "yard": 750 * SECOND},
            result=result,
        ),
        tuesday: Recall(
            tuesday,
            {"gate": memory("gate", ("text", "Gate 3 is shut", 700, 740))},
            {"gate": 751 * SECOND},
            running=True,
        ),
    }
    monkeypatch.setattr(asking, "recall", lambda path, encoder=None: known[Path(path)])
    return monday, tuesday


def ask(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(["ask", *map(str, words)])
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def test_one_folder_and_one_question(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(capsys, folders[0], "when was the crane idle?") == (0, '1:40-11:40: "Crane idle" (yard)\n', "")
    assert ask(capsys, folders[0], "was the zebra shown?") == (0, "not seen\n", f"{HINT}\n")


def test_several_folders_are_asked_together(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, *folders, "what about gate 3?")
    assert code == 0
    assert f'"Gate 3 is open" — on screen 0:41-0:49 (gate in {folders[0]})' in out
    assert f'"Gate 3 is shut" — on screen 11:40-12:20 (gate in {folders[1]})' in out
    assert err == f"{folders[1]} is still being watched; as of 12:31\n"


def test_several_questions_are_answered_in_order(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = ask(capsys, folders[0], "-q", "was the crane idle?", "--question", "was the zebra shown?")
    assert (code, out.splitlines()) == (
        0,
        ["was the crane idle?", '  "Crane idle" — on screen 1:40-11:40 (yard)', "was the zebra shown?", "  not seen"],
    )


def test_a_source_is_chosen_by_name(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(capsys, folders[0], "is gate 3 open?", "--source", "yard")[:2] == (0, "not seen\n")
    code, out, err = ask(capsys, folders[0], "is gate 3 open?", "--source", "shed")
    assert (code, out) == (2, "")
    assert err == "headrace: error: no source is named 'shed'; there are: gate, yard\n"


def test_a_stream_that_ended_early_keeps_its_own_clock(folders: tuple[Path, Path]) -> None:
    known = Recollection.of([folders[0]])
    assert known.ask("was gate 3 open in the last 30 seconds?").evidence[0].source == "gate"
    assert [window.until for window in known.ask("is it 5 in the last minute?").windows] == [60 * SECOND, 750 * SECOND]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["what is shown?"], "give the --out of a run, then the question: headrace ask DIR... QUESTION"),
        (["DIR", "?!"], "the question '?!' has no word; write what to look for"),
    ],
)
def test_misuse_is_one_line(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    given = [folders[0] if word == "DIR" else word for word in words]
    assert ask(capsys, *given) == (2, "", f"headrace: error: {message}\n")


def test_a_folder_given_twice_counts_once(folders: tuple[Path, Path]) -> None:
    assert len(Recollection.of([folders[0], folders[0]]).recalls) == 1
    with pytest.raises(ConfigError, match="no source"):
        Recollection.of([folders[0]], ["nothing"])


def documented() -> dict[str, str]:
    """Field and type, as the table of docs/asking.md lists them."""
    return dict(re.findall(r"^\| `([\w\[\].]+)` \| ([^|]+?) \|", DOCS.read_text("utf-8"), re.MULTILINE))


def fields(value: Any, name: str = "") -> dict[str, str]:
    """Every field of a JSON object and its type, lists marked by []."""
    kinds = {str: "string", bool: "bool", int: "number", float: "number", type(None): "null", list: "list"}
    found: dict[str, str] = {}
    for key, part in value.items():
        found[name + key] = kinds[type(part)]
        for item in part if isinstance(part, list) else ():
            found.update(fields(item, f"{name}{key}[]."))
    return found


def test_json_has_the_documented_fields_and_no_others(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = ask(capsys, *folders, "was gate 3 open in the first minute?", "--json")
    given, table = fields(json.loads(out)), documented()
    assert given.keys() == table.keys()
    for name, kind in given.items():
        assert kind in table[name].split(" or "), name
    _, several, _ = ask(capsys, folders[0], "--json", "-q", "is gate 3 open?", "-q", "was the zebra shown?")
    assert [made["seen"] for made in json.loads(several)] == [True, False]


def test_the_documented_example_is_of_the_documented_fields() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert fields(json.loads(example)).keys() == documented().keys()
