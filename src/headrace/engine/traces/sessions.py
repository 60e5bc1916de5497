"""sessions: the project's own traces, all that a Request holds; JSONL, or CSV where there are no chunks and prefixes.

One line an exchange, sorted by arrival. Times are seconds, sizes tokens; what is missing, null or empty is as stated.

| name | means | if missing |
|---|---|---|
| arrival | seconds since the trace began | needed |
| units | tokens to read, of the first chunk | needed |
| outputs | tokens to say | needed |
| session | whose it is, a text or whole number; exchanges of one session share its state | a session of its own |
| first, every, whole | what was promised: to the first output, between two, to the last | nothing |
| value | weight of its outputs | 1 |
| program | user or program | none |
| foreseen | outputs that a predictor expects | unknown |
| prefix, block | names of the blocks that it begins with, and tokens of each (JSONL only) | no prefix |
| chunks | what arrives later: `[[after, units], [after, units, kept], …]` (JSONL only) | nothing |
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import Any

from headrace.core.errors import ConfigError
from headrace.core.files import atomic_write
from headrace.core.item import SECOND
from headrace.engine.request import NEVER, Chunk, Request, Slo
from headrace.engine.traces.files import LARGEST, beginning, objects, rows, sorted_by, taken
from headrace.engine.traces.record import Record

_PROMISES = ("first", "every", "whole")


def sessions(path: str | os.PathLike[str], *, most: int | None = None, largest: int = LARGEST) -> list[Request]:
    """Read a trace of sessions.

    Args:
        path: a JSONL or CSV file.
        most: requests.
        largest: bytes.

    Raises:
        InputError: the file cannot be used.
    """
    plain = beginning(path).lstrip()[:1] in ("{", "[")
    records = objects(path, largest) if plain else rows(path, largest)
    timed = sorted_by(records, "arrival", lambda record: record.time("arrival"))
    return taken((_request(record, arrival) for record, arrival in timed), path, most)


def write_sessions(path: str | os.PathLike[str], requests: Iterable[Request]) -> None:
    """Write requests as JSONL; `sessions` reads them back equal if they end within 26 days."""
    atomic_write(path, "".join(f"{json.dumps(_fields(request))}\n" for request in requests))


def _request(record: Record, arrival: int) -> Request:
    prefix = record.names("prefix", [])
    try:
        return Request(
            arrival,
            record.tokens("units"),
            record.tokens("outputs"),
            session=record.name("session", ""),
            slo=_slo(record),
            value=record.number("value", 1.0),
            program=record.name("program", ""),
            prefix=prefix,
            block=record.tokens("block") if prefix else 0,
            chunks=tuple(_chunks(record)),
            foreseen=record.tokens("foreseen") if "foreseen" in record else None,
        )
    except ConfigError as error:
        raise record.error("units", f"{error}; mend the line") from None


def _slo(record: Record) -> Slo:
    promised = {name: record.time(name) for name in _PROMISES if name in record}
    for name, time in promised.items():
        if not time:
            raise record.error(name, "is 0; give seconds above 0, or leave it empty")
    if "every" in promised and "first" not in promised:
        raise record.error("every", "counts from the first output; give first too")
    return Slo(**promised)


def _chunks(record: Record) -> Iterator[Chunk]:
    latest = 0
    standing = record.tokens("units")
    for number, given in enumerate(record.items("chunks", [])):
        if not isinstance(given, list) or len(given) not in (2, 3):
            raise record.error(
                "chunks", f"number {number} is not [after, units] or [after, units, kept]; mend the line"
            )
        part = Record(
            record.file, f"{record.line}, chunk {number}", dict(zip(("after", "units", "kept"), given, strict=False))
        )
        after, units = part.time("after"), part.tokens("units")
        kept = part.tokens("kept") if "kept" in part else None
        if after < latest:
            raise part.error("after", "is before the chunk above it; sort the chunks by it")
        if kept is not None and kept > standing:
            raise part.error("kept", f"{kept} is more than the {standing} tokens that came before; mend the line")
        latest, standing = after, (standing if kept is None else kept) + units
        yield Chunk(after, units, kept)


def _fields(request: Request) -> dict[str, Any]:
    slo = request.slo
    promised = {name: getattr(slo, name) / SECOND for name in _PROMISES if getattr(slo, name) < NEVER}
    chunks = [
        [chunk.after / SECOND, chunk.units, *([] if chunk.kept is None else [chunk.kept])] for chunk in request.chunks
    ]
    optional = {
        "session": request.session,
        "program": request.program,
        "prefix": list(request.prefix),
        "block": request.block,
        "chunks": chunks,
    }
    return (
        {"arrival": request.arrival / SECOND, "units": request.units, "outputs": request.outputs}
        | promised
        | {name: value for name, value in optional.items() if value}
        | ({} if request.value == 1.0 else {"value": request.value})
        | ({} if request.foreseen is None else {"foreseen": request.foreseen})
    )
