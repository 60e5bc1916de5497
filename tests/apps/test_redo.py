"""What was acknowledged behind a saved state: found in a trace, and told under its own id when it comes again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headrace.apps.redo import AGAIN, NEAR, Redone, acknowledged, alert, observation, since
from headrace.core.errors import InputError
from headrace.core.item import SECOND, Emission
from headrace.core.trace import Trace
from headrace.understanding.observation import Observation


def line(name: str, text: str, first: int, last: int, source: str = "camera") -> Observation:
    return Observation(name, "text", source, text, first * SECOND, last * SECOND, box=(1, 2, 3, 4))


def sound(name: str, what: str, first: int, last: int) -> Observation:
    return Observation(name, "sound", "camera", what, first * SECOND, last * SECOND)


def test_the_same_id_is_claimed_once() -> None:
    row = line("a", "Gate 3 is open", 5, 7)
    redone = Redone([row])
    assert list(redone) == [row]
    assert redone.claim(row, new=True) == (row, True)
    assert list(redone) == []
    assert redone.claim(row, new=False) == (row, True)
    other = line("b", "Gate 3 is open", 8, 8)
    assert redone.claim(other, new=True) == (other, False)


def test_what_is_read_a_frame_later_is_the_same_line_from_then_on() -> None:
    redone = Redone([line("a", "Gate 3 is open", 5, 7), line("z", "Water level 4.71 m", 5, 7)])
    late = line("b", "Gate 3 is open", 6, 6)
    assert redone.claim(late, new=True) == (replace(late, id="a"), True)
    grown = line("b", "Gate 3 is open", 6, 30)
    assert redone.claim(grown, new=False) == (replace(grown, id="a"), True)
    assert [row.id for row in redone] == ["z"]


@pytest.mark.parametrize(
    "other",
    [
        line("b", "Gate 4 is open", 6, 6),
        line("b", "Gate 3 is open", 6, 6, source="hall"),
        replace(line("b", "Gate 3 is open", 6, 6), kind="speech"),
        line("b", "Gate 3 is open", 7 + (AGAIN + SECOND) // SECOND, 90),
        line("b", "Gate 3 is open", 7 - (NEAR + SECOND) // SECOND, 6),
    ],
    ids=["another number", "another source", "another kind", "much later", "before"],
)
def test_what_is_something_else_keeps_its_id(other: Observation) -> None:
    known = line("a", "Gate 3 is open", 7, 7)
    redone = Redone([known])
    if other.kind == "speech":
        other = replace(other, first=30 * SECOND, last=31 * SECOND)
    assert redone.claim(other, new=True) == (other, False)
    assert list(redone) == [known]


def test_what_is_not_new_matches_by_id_alone() -> None:
    redone = Redone([line("a", "Gate 3 is open", 5, 7)])
    again = line("b", "Gate 3 is open", 6, 8)
    assert redone.claim(again, new=False) == (again, False)


def test_sounds_events_and_speech_match_by_time() -> None:
    redone = Redone([sound("a", "silence", 5, 9), sound("b", "silence", 20, 24)])
    later = sound("c", "silence", 22, 30)
    assert redone.claim(later, new=True) == (replace(later, id="b"), True)
    apart = sound("d", "silence", 12, 15)
    assert redone.claim(apart, new=True) == (apart, False)


def test_two_of_a_kind_are_claimed_one_by_one() -> None:
    redone = Redone([line("a", "Level 4", 5, 7), line("b", "Level 4", 5, 7)])
    found = [redone.claim(line(name, "Level 4", 6, 6), new=True) for name in ("x", "y", "z")]
    assert [(row.id, known) for row, known in found] == [("a", True), ("b", True), ("z", False)]


def told(name: str, kind: str, content: Any, source: str = "camera") -> Emission:
    return Emission(name, kind, content, 5 * SECOND, 7 * SECOND, 8 * SECOND, 7 * SECOND, source, cause="when-1")


def test_a_trace_tells_what_came_behind_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    trace = Trace(path)
    for number, source in enumerate(("camera", "hall", "camera", "hall", "camera")):
        trace.emit(told(f"e{number}", "text", {"text": f"line {number}"}, source))
        if number < 4:
            trace.mark(source, 1 + number // 2)
    trace.close()
    records = acknowledged(path)
    assert [record["id"] for record in since(records, "camera", 2)] == ["e4"]
    assert [record["id"] for record in since(records, "camera", 1)] == ["e2", "e4"]
    assert [record["id"] for record in since(records, "camera", 0)] == ["e0", "e2", "e4"]
    assert [record["id"] for record in since(records, "hall", 2)] == []
    assert since(records, "attic", 0) == []


def test_both_files_of_a_trace_are_read(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    assert acknowledged(path) == []
    trace = Trace(path)
    for number in range(4):
        trace.emit(told(f"e{number}", "text", None))
        if number == 1:
            trace.rotate()
    trace.close()
    with path.open("ab") as file:
        file.write(b'{"type":"emit","id":"e4"')
    assert [record["id"] for record in acknowledged(path)] == ["e0", "e1", "e2", "e3"]


def test_an_emission_becomes_the_row_it_told() -> None:
    content = {"text": "Gate 3", "box": [1, 2, 3, 4], "score": 0.9, "segment": "s"}
    record = {
        "type": "emit",
        **{
            name: getattr(told("a", "text", content), name)
            for name in ("id", "kind", "source", "start", "end", "content")
        },
    }
    row = observation(record)
    assert row is not None
    assert (row.id, row.text, row.box, row.segment, row.first, row.last) == (
        "a", "Gate 3", (1, 2, 3, 4), "s", 5 * SECOND, 7 * SECOND,
    )  # fmt: skip
    assert observation({**record, "content": None}) is None
    assert observation({**record, "kind": "answer"}) is None
    assert observation({**record, "kind": "event", "content": {"score": 1.0, "thumbnail": "t.jpg"}}).segment == "a"  # type: ignore[union-attr]


def test_an_alert_without_its_evidence_is_damage() -> None:
    record = {"id": "a", "kind": "alert", "start": 1, "end": 2, "content": {"when": "x", "text": "y"}}
    with pytest.raises(InputError, match="an alert without its evidence"):
        alert(record)
    assert alert({**record, "kind": "text"}) is None
    made = alert({**record, "content": {"when": "x", "text": "y", "evidence": []}})
    assert made is not None
    assert (made.when, made.evidence) == ("x", [])
