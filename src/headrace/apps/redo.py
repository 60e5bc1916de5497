"""Redo: what was acknowledged after the last saved state, taken in again from the trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import UnionType
from typing import Any

from headrace.apps.decode import decode
from headrace.apps.keep import ROWS
from headrace.apps.result import Alert
from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.core.trace import read_trace
from headrace.understanding.observation import Observation
from headrace.understanding.observations import near_duplicate

#: Fields that are needed of a record.
MARK: dict[str, type | UnionType] = {"source": str, "number": int}
EMISSION: dict[str, type | UnionType] = {
    "id": str,
    "kind": str,
    "source": str,
    "start": int,
    "end": int,
    "t_input": int,
    "cause": str | None,
    "content": object,
}
#: Rows whose times differ by no more are the same event or sound, told again.
NEAR = SECOND
#: A line that is read within this time of when it was last acknowledged is the same line.
AGAIN = 60 * SECOND


def acknowledged(path: Path) -> list[dict[str, Any]]:
    """The `emit` and `mark` records of a trace and of the file before it, oldest first.

    Raises:
        InputError: one of them is damaged before its last line.
    """
    found = []
    for part in (path.with_name(f"{path.name}.1"), path):
        if _begun(part):
            found += [record for record in read_trace(part) if record["type"] in ("emit", "mark")]
    for record in found:
        wanted = MARK if record["type"] == "mark" else EMISSION
        if not all(isinstance(record.get(name), kind) for name, kind in wanted.items()):
            raise InputError(f"trace {path}: a record is damaged; watch again without --resume")
    return found


def _begun(part: Path) -> bool:
    """Whether a trace is there with a whole header: a crash may have left less."""
    try:
        with part.open("rb") as file:
            return file.readline().endswith(b"\n")
    except FileNotFoundError:
        return False
    except OSError as error:
        raise InputError(f"trace {part}: {error.strerror or error}") from error


def since(records: Iterable[Mapping[str, Any]], source: str, mark: int) -> list[dict[str, Any]]:
    """The emissions of a source behind its mark of that number, or all where the mark is not there."""
    found: list[dict[str, Any]] = []
    for record in records:
        if record["source"] != source:
            continue
        if record["type"] == "emit":
            found.append(dict(record))
        elif record["number"] == mark:
            found.clear()
    return found


def observation(record: Mapping[str, Any]) -> Observation | None:
    """The observation that an emission told, None if it is none or its content was not kept."""
    content = record["content"]
    if record["kind"] not in ROWS or not isinstance(content, dict):
        return None
    box = content.get("box")
    segment: str | None = record["id"] if record["kind"] == "event" else content.get("segment")
    return Observation(
        str(record["id"]),
        record["kind"],
        record["source"],
        str(content.get("text", content.get("what", ""))),
        record["start"],
        record["end"],
        box=tuple(box) if box else None,
        score=content.get("score", 1.0),
        thumbnail=content.get("thumbnail"),
        segment=segment,
        level_db=content.get("level_db"),
    )


def alert(record: Mapping[str, Any]) -> Alert | None:
    """The alert that an emission told, None if it is none. Raises InputError if it is damaged."""
    content = record["content"]
    if record["kind"] != "alert" or not isinstance(content, dict):
        return None
    if not {"when", "text", "evidence"} <= content.keys():
        raise InputError("the trace holds an alert without its evidence; watch again without --resume")
    told = {
        "id": record["id"],
        "when": content["when"],
        "t_s": record["start"] / SECOND,
        "emitted_s": record["end"] / SECOND,
        "latency_s": None,
        "text": content["text"],
        "evidence": content["evidence"],
    }
    made: Alert = decode(Alert, told, "trace.jsonl", "alert")
    return made


class Redone:
    """Observations acknowledged behind the saved state, of sessions that may not repeat them to the letter.

    In real time a line may be read one frame later the second time, and so would be told under another id:
    what matches one of these is that one.
    """

    def __init__(self, rows: Iterable[Observation] = ()) -> None:
        self._rows = {row.id: row for row in rows}
        self._names: dict[str, str] = {}

    def __iter__(self) -> Iterator[Observation]:
        return iter(self._rows.values())

    def claim(self, row: Observation, new: bool) -> tuple[Observation, bool]:
        """The row under the id it was acknowledged with, and whether it was; a `new` one may match by content."""
        if not self._rows and not self._names:
            return row, False
        name = self._names.get(row.id)
        if name is None and new:
            name = row.id if row.id in self._rows else next(self._matches(row), None)
            if name is not None:
                del self._rows[name]
                self._names[row.id] = name
        return (row, False) if name is None else (replace(row, id=name), True)

    def _matches(self, row: Observation) -> Iterator[str]:
        for other in self._rows.values():
            if other.kind != row.kind or other.source != row.source:
                continue
            if row.kind == "text":
                same = near_duplicate(other.text, row.text) and -NEAR <= row.first - other.last <= AGAIN
            else:
                same = abs(other.first - row.first) <= NEAR or (other.first < row.last and row.first < other.last)
            if same:
                yield other.id
