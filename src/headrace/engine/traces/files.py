"""files: CSV, JSONL and JSON of traces, a line at a time and with limits; errors name the file and the line."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

from headrace.core.errors import InputError
from headrace.engine.request import Request
from headrace.engine.traces.record import Record

#: Bytes of one file above which it is refused: the largest published trace, ShareGPT, has 0.7 GB.
LARGEST = 1 << 30
#: Requests that are read at most: the longest published trace, BurstGPT, has 3.9 million.
MOST = 5_000_000
#: Characters of one field of a CSV file: a page of the web fits.
WIDEST = 1 << 26

_POINTER = "version https://git-lfs"


@contextmanager
def opened(path: str | os.PathLike[str], largest: int = LARGEST) -> Iterator[IO[str]]:
    """A text file in UTF-8, open to be read.

    Raises:
        InputError: there is none, it is a folder or a device, has more than `largest` bytes, or (while it is read) is
            no text in UTF-8.
    """
    given = Path(path)
    try:
        if given.is_dir():
            raise InputError(f"{given}: is a folder; give a file")
        size = given.stat().st_size
        if not given.is_file():
            raise InputError(f"{given}: is no regular file; give one")
        if size > largest:
            raise InputError(f"{given}: has {size:,} bytes, above the limit of {largest:,}; give a part of it")
        with given.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except OSError as error:
        raise InputError(f"{given}: cannot be read ({error.strerror}); give a trace") from error
    except UnicodeDecodeError:
        raise InputError(f"{given}: is no text in UTF-8; give the published file, unchanged") from None


def beginning(path: str | os.PathLike[str], size: int = 1 << 16) -> str:
    """The first characters of a text file.

    Raises:
        InputError: as in `opened`; it is empty, or a pointer of git-lfs in place of the data.
    """
    with opened(path, largest=1 << 62) as file:
        text = file.read(size)
    if not text.strip():
        raise InputError(f"{path}: is empty; give a trace")
    if text.startswith(_POINTER):
        raise InputError(f"{path}: is a pointer of git-lfs, not the data; fetch the data with git lfs pull")
    return text


def header(text: str) -> list[str]:
    """The names of the columns of a CSV file that begins with `text`."""
    return [name.strip() for name in next(csv.reader(text.splitlines()[:1]), [])]


def rows(path: str | os.PathLike[str], largest: int = LARGEST) -> Iterator[Record]:
    """The rows of a CSV file with a header; empty lines are passed over.

    Raises:
        InputError: as in `opened`; a row has another number of cells than the header, or is damaged.
    """
    name = Path(path).name
    beginning(path)
    with opened(path, largest) as file, _wide():
        reader = csv.reader(file, strict=True)
        try:
            columns = [column.strip() for column in next(reader)]
            if len(set(columns)) < len(columns):
                raise InputError(f"{name}, line 1: two columns have one name; mend the header")
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(columns):
                    raise InputError(
                        f"{name}, line {reader.line_num}: has {len(cells)} cells, the header {len(columns)}; "
                        "mend the line, or take it out"
                    )
                yield Record(name, f"line {reader.line_num}", dict(zip(columns, cells, strict=True)))
        except csv.Error as error:
            raise InputError(f"{name}, line {reader.line_num}: is damaged ({error}); mend it, or take it out") from None


def objects(path: str | os.PathLike[str], largest: int = LARGEST) -> Iterator[Record]:
    """The objects of a JSONL file, or of a JSON file that holds a list of them.

    Raises:
        InputError: as in `opened`; a line is no JSON object.
    """
    name = Path(path).name
    if beginning(path).lstrip().startswith("["):
        with opened(path, largest) as file:
            listed = _parse(file.read(), name)
        for number, value in enumerate(listed, 1):
            yield _record(name, f"entry {number}", value)
        return
    with opened(path, largest) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _record(name, f"line {number}", _parse(line, f"{name}, line {number}"))


def sorted_by(records: Iterator[Record], column: str, time: Callable[[Record], int]) -> Iterator[tuple[Record, int]]:
    """Records with their times.

    Raises:
        InputError: a time is before the one above it.
    """
    latest = 0
    for record in records:
        now = time(record)
        if now < latest:
            raise record.error(
                column, f"{now / 1e9:g} s is before the {latest / 1e9:g} s above it; sort the file by it"
            )
        latest = now
        yield record, now


def taken(found: Generator[Request, None, None], path: str | os.PathLike[str], most: int | None) -> list[Request]:
    """The first `most` requests (None: all), by arrival.

    Raises:
        InputError: there is none, or more than `MOST` where `most` is None.
    """
    with closing(found):
        requests = list(islice(found, MOST + 1 if most is None else max(most, 0)))
    if not requests and most != 0:
        raise InputError(f"{Path(path).name}: holds no request; give a trace with some")
    if most is None and len(requests) > MOST:
        raise InputError(
            f"{Path(path).name}: holds more than {MOST:,} requests; give a part of it, or how many to read (most=)"
        )
    requests.sort(key=lambda request: request.arrival)
    return requests


@contextmanager
def _wide() -> Iterator[None]:
    before = csv.field_size_limit(WIDEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if ends_early(error):
            raise InputError(f"{where}: its JSON ends early; fetch the whole file, or take the rest out") from None
        reason = f"{error.msg} in column {error.colno}"
        raise InputError(f"{where}: is no JSON ({reason}); mend it, or take it out") from None
    except (ValueError, RecursionError):
        raise InputError(f"{where}: is no JSON (out of bounds); mend it, or take it out") from None


def ends_early(error: json.JSONDecodeError) -> bool:
    """Whether what could not be read is the beginning of something that could."""
    rest = error.doc[error.pos :].strip()
    return error.msg.startswith("Unterminated string") or any(
        word.startswith(rest) for word in ("true", "false", "null", "-")
    )


def _record(name: str, line: str, value: Any) -> Record:
    if not isinstance(value, dict):
        raise InputError(f"{name}, {line}: is no JSON object; mend it, or take it out")
    return Record(name, line, value)
