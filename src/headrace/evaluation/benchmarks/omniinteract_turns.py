"""omniinteract_turns: OmniInteract's annotations as exchanges [start, t_answer, end)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.evaluation.benchmark import Task
from headrace.evaluation.benchmarks.files import Entry, entries_of
from headrace.evaluation.truth import Exchange

#: Kinds of streams, as the published index names them.
NESTED, STEPS = "nested", "steps"
#: ns after its answer is due until the last exchange of a video ends.
TAIL = 60 * SECOND


@dataclass(frozen=True, slots=True)
class Row:
    """One question with its answer; times in ns."""

    asked: int
    due: int
    request: str
    answer: str
    kind: str
    interrupted: bool


def read_turns(name: str, where: str, value: Any) -> Iterator[Task]:
    """One question after the other: each exchange ends with the next question."""
    rows = _rows(where, value)
    for index, row in enumerate(rows):
        end = rows[index + 1].asked if index + 1 < len(rows) else row.due + TAIL
        yield Task(f"{name}#{index}", row.kind, _exchange(row, end))


def read_nested(name: str, where: str, value: Any) -> Iterator[Task]:
    """Pairs: while the first question waits, a second one is put and answered.

    The inner exchange ends when the outer answer is due, the outer one with the next pair.

    Raises:
        InputError: a question has none inside it.
    """
    rows = _rows(where, value)
    pairs: list[tuple[Row, Row]] = []
    place = 0
    while place < len(rows):
        outer = rows[place]
        inside = (k for k in range(place + 1, len(rows)) if outer.asked < rows[k].asked < outer.due >= rows[k].due)
        found = next(inside, None)
        if found is None:
            raise InputError(f"{where}: the question at {outer.asked / SECOND:g} s has none nested in it; mend it")
        pairs.append((outer, rows[found]))
        place = found + 1
    for index, (outer, inner) in enumerate(pairs):
        end = pairs[index + 1][0].asked if index + 1 < len(pairs) else outer.due + TAIL
        group = f"{name}#{index}"
        yield Task(f"{group}/outer", NESTED, _exchange(outer, end, group))
        yield Task(f"{group}/inner", NESTED, _exchange(inner, outer.due, group))


def read_steps(name: str, where: str, value: Any) -> Iterator[Task]:
    """One request for a procedure, and its steps: each ends with the next one; later ones start when they are due.

    Either {conversations: [{from: "user" | "assistant", timestamp, value, label, interrupted}]}, or {question_time,
    question_text, answers: [{answer_time, answer_text, interrupted}]}; "inferred_knowledge" goes before the request.
    """
    if not isinstance(value, dict):
        raise InputError(f"{where}: holds no object with conversations or answers; give the published file, unchanged")
    entry = Entry(where, value)
    asked, request, steps = _conversation(entry) if "conversations" in entry else _answers(entry)
    request = f"{entry.text('inferred_knowledge', '')}\n\n{request}".strip()
    steps.sort(key=lambda row: row.due)
    for index, row in enumerate(steps):
        end = steps[index + 1].due if index + 1 < len(steps) else row.due + TAIL
        start = asked if index == 0 else row.due
        # Only the first step is asked for; the request of the others stands in their detail.
        truth = Exchange(min(start, row.due), row.due, end, "" if index else request, row.answer, row.interrupted, name)
        yield Task(f"{name}#{index}", STEPS, truth, detail={"request": request, "label": row.kind})


def _rows(where: str, value: Any) -> list[Row]:
    listed = value.get("items") if isinstance(value, dict) else value
    rows = [
        Row(
            entry.clock("question_time"),
            entry.clock("answer_time"),
            entry.text("question_text", ""),
            entry.text("answer_text", ""),
            entry.text("question_type", "unknown").strip().lower() or "unknown",
            entry.flag("is_interrupted", False),
        )
        for entry in entries_of(where, listed)
    ]
    return sorted(rows, key=lambda row: (row.asked, row.due))


def _exchange(row: Row, end: int, group: str = "") -> Exchange:
    due = max(row.asked, row.due)
    return Exchange(row.asked, due, max(due, end), row.request, row.answer, row.interrupted, group)


def _conversation(entry: Entry) -> tuple[int, str, list[Row]]:
    turns = entry.children("conversations")
    first = next((turn for turn in turns if turn.text("from") == "user"), None)
    if first is None:
        raise entry.error("'conversations'", "has no turn of the user; fetch the file again")
    steps = [turn for turn in turns if turn.text("from") == "assistant"]
    made = [
        Row(0, one.clock("timestamp"), "", one.text("value", ""), one.text("label", ""), one.flag("interrupted", False))
        for one in steps
    ]
    return first.clock("timestamp"), first.text("value", ""), made


def _answers(entry: Entry) -> tuple[int, str, list[Row]]:
    made = []
    for one in entry.children("answers"):
        cut = one.flag("interrupted", one.flag("is_interrupted", False))
        made.append(Row(0, one.clock("answer_time"), "", one.text("answer_text", ""), one.text("label", ""), cut))
    return entry.clock("question_time"), entry.text("question_text", ""), made
