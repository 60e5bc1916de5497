"""files: JSON and JSONL of others, read with limits; every error names the file, the entry and the field."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.core.errors import InputError
from headrace.core.item import SECOND

#: Bytes of one file above which it is refused: the largest published one is below 20 MB.
LARGEST = 256 << 20
#: Entries of one file above which it is refused.
MOST = 1_000_000
#: Seconds of media time above which a time is a mistake: 30 years.
LATEST = 1e9

_UNHELD = re.compile("[\x00\ud800-\udfff]")
_CLOCK = re.compile(r"\s*(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)\s*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One JSON object, and where it stands.

    Attributes:
        where: the file and the entry, as errors name it.
        fields: the object.

    Every reader raises InputError: the field is missing or of another type; a reader with a default takes the default
    where the field is missing or null.
    """

    where: str
    fields: Mapping[str, Any]

    def __contains__(self, name: str) -> bool:
        return self.fields.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A text; numbers are not one, nor is what no file can hold: lone surrogates and NUL."""
        return self._text(name, self._value(name, default))

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number."""
        value = self._value(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
            self._refuse(name, value, "a finite number")
        return float(value)

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number; 3.0 is one."""
        value = self.number(name, default)
        return int(value) if value == int(value) else self._refuse(name, value, "a whole number")

    def flag(self, name: str, default: bool | None = None) -> bool:
        """True or false."""
        value = self._value(name, default)
        return value if isinstance(value, bool) else self._refuse(name, value, "true or false")

    def seconds(self, name: str, default: float | None = None) -> int:
        """A media time that is published in seconds, as ns."""
        return self._time(name, self.number(name, default))

    def clock(self, name: str) -> int:
        """A media time that is published as "HH:MM:SS", "MM:SS" or a number of seconds, as ns."""
        value = self._value(name, None)
        if not isinstance(value, str):
            return self.seconds(name)
        found = _CLOCK.fullmatch(value)
        if found is None:
            return self._refuse(name, value, 'a time such as "00:01:30"')
        hours, minutes, seconds = found.groups()
        return self._time(name, int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(self._text(f"{name}[{index}]", one) for index, one in enumerate(self.items(name)))

    def items(self, name: str) -> list[Any]:
        """A list of anything."""
        value = self._value(name, None)
        return value if isinstance(value, list) else self._refuse(name, value, "a list")

    def child(self, name: str) -> Entry:
        """An object."""
        return self._entry(name, self._value(name, None))

    def children(self, name: str) -> list[Entry]:
        """A list of objects."""
        return [self._entry(f"{name}[{index}]", value) for index, value in enumerate(self.items(name))]

    def error(self, name: str, reason: str) -> InputError:
        """An error about a field, to be raised."""
        return InputError(f"{self.where}: {name} {reason}")

    def _value(self, name: str, default: Any) -> Any:
        value = self.fields.get(name, default)
        value = default if value is None else value
        if value is None:
            raise self.error(repr(name), "is missing; is this a file of this benchmark, unchanged?")
        return value

    def _text(self, name: str, value: Any) -> str:
        if isinstance(value, str) and not _UNHELD.search(value):
            return value
        text: str = self._refuse(name, value, "a text")
        return text

    def _entry(self, name: str, value: Any) -> Entry:
        if not isinstance(value, dict):
            self._refuse(name, value, "an object")
        return Entry(f"{self.where}, {name}", value)

    def _time(self, name: str, seconds: float) -> int:
        if not 0 <= seconds <= LATEST:
            self._refuse(name, seconds, f"a time from 0 to {LATEST:.0e} s")
        return round(seconds * SECOND)

    def _refuse(self, name: str, value: Any, wanted: str) -> Any:
        shown = json.dumps(value, ensure_ascii=isinstance(value, str) and not value.isprintable(), default=str)
        raise self.error(repr(name), f"is {shown if len(shown) <= 60 else f'{shown[:60]}…'}, not {wanted}; mend it")


def paths_of(path: str | os.PathLike[str], *endings: str) -> list[Path]:
    """A file as it is, or the files with one of the endings (".json") that lie in a folder, by name.

    Raises:
        InputError: there is no such file, or the folder holds none.
    """
    given = Path(path)
    if not given.is_dir():
        return [given]
    found = sorted(one for one in given.iterdir() if one.suffix.lower() in endings and one.is_file())
    if not found:
        raise InputError(f"{given}: holds no file with ending {' or '.join(endings)}; give the published files")
    return found


def read_text(path: str | os.PathLike[str], largest: int = LARGEST) -> str:
    """A text file.

    Raises:
        InputError: it cannot be read, has more than `largest` bytes, or is no text in UTF-8.
    """
    given = Path(path)
    try:
        if given.is_dir():
            raise InputError(f"{given}: is a folder; give a file")
        size = given.stat().st_size
        if size > largest:
            raise InputError(f"{given}: has {size:,} bytes, above the limit of {largest:,}; give the published file")
        return given.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{given}: cannot be read ({error.strerror}); give the published file") from error
    except UnicodeDecodeError:
        raise InputError(f"{given}: is no text in UTF-8; give the published file, unchanged") from None


def read_json(path: str | os.PathLike[str], largest: int = LARGEST) -> Any:
    """The value of a JSON file.

    Raises:
        InputError: it cannot be read, has more than `largest` bytes, or is no JSON in UTF-8.
    """
    return _parse(read_text(path, largest), Path(path).name)


def read_list(path: str | os.PathLike[str], largest: int = LARGEST) -> list[Entry]:
    """The objects of a JSON file that holds a list of them, or of a JSONL file with one a line.

    Raises:
        InputError: as in `read_json`; or it holds something else, or more than `MOST` of them.
    """
    name = Path(path).name
    text = read_text(path, largest)
    if Path(path).suffix.lower() == ".jsonl":
        lines = ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
        return entries(((f"{name}, line {number}", _parse(line, f"{name}, line {number}")) for number, line in lines))
    return entries_of(name, _parse(text, name))


def entries_of(where: str, value: Any) -> list[Entry]:
    """The objects of a list.

    Raises:
        InputError: it is no list, or holds something else, or more than `MOST`.
    """
    if not isinstance(value, list):
        raise InputError(f"{where}: holds {_kind(value)}, not a list of objects; give the published file, unchanged")
    return entries((f"{where}, entry {index}", one) for index, one in enumerate(value))


def entries(values: Iterable[tuple[str, Any]]) -> list[Entry]:
    """Values, each with where it stands, as entries.

    Raises:
        InputError: one is no object, or there are more than `MOST`.
    """
    made: list[Entry] = []
    for where, value in values:
        if not isinstance(value, dict):
            raise InputError(f"{where}: is {_kind(value)}, not an object; give the published file, unchanged")
        if len(made) == MOST:
            raise InputError(f"{where}: has more than {MOST:,} entries; give the published file, unchanged")
        made.append(Entry(where, value))
    return made


class Unique:
    """Sees that ids come once.

    Attributes:
        seen: where each id was first.
    """

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def add(self, name: str, where: str) -> str:
        """The same id.

        Raises:
            InputError: it was there before; names both places. Or it has lone surrogates or NUL.
        """
        if _UNHELD.search(name):
            raise InputError(f"{where}: id {name!r} holds characters that no file name can; mend it")
        if name in self.seen:
            raise InputError(f"{where}: id {name!r} is that of {self.seen[name]} too; ids must be unique")
        self.seen[name] = where
        return name


def grouped(pairs: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Values by key, keys in the order in which they first come."""
    groups: dict[str, list[Any]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    yield from groups.items()


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        reason = f"{error.msg}, line {error.lineno} column {error.colno}"
        raise InputError(f"{where}: is no whole JSON ({reason}); fetch it again") from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"{where}: cannot be read ({reason}); fetch it again") from None


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
