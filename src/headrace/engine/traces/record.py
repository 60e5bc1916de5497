"""Record: one line of a trace, and where it stands."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from headrace.core.errors import InputError
from headrace.core.item import SECOND

#: Seconds above which a time is a mistake: 30 years.
LATEST = 1e9
#: Tokens of one text above which a count is a mistake.
LONGEST = 1_000_000_000

_REQUIRED: Any = object()


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a trace, or one entry of a JSON file.

    Attributes:
        file, line: where it stands, as errors name it: "trace.csv", "line 3".
        fields: texts (CSV) or values (JSON) by name. An empty text is missing.

    Every reader raises InputError: the field is missing or of another kind; a reader with a default takes the default
    where the field is missing, null or empty.
    """

    file: str
    line: str
    fields: Mapping[str, Any]

    def __contains__(self, name: str) -> bool:
        return self.fields.get(name) not in (None, "")

    def number(self, name: str, default: Any = _REQUIRED) -> float:
        """A finite number of 0 or more; a text that spells one is one."""
        value = self._value(name, default)
        found = _parsed(value)
        if found is None or not math.isfinite(found):
            self._refuse(name, value, "a finite number")
        if found < 0:
            self._refuse(name, value, "0 or more")
        return found

    def tokens(self, name: str, default: Any = _REQUIRED) -> int:
        """A whole number from 0 to `LONGEST`; 3.0 is one."""
        found = self.number(name, default)
        if found != int(found) or found > LONGEST:
            self._refuse(name, self.fields.get(name), f"a whole number of at most {LONGEST:,}")
        return int(found)

    def time(self, name: str, unit: int = SECOND, default: Any = _REQUIRED) -> int:
        """A time in ns; `unit` is what the file counts in, in ns."""
        found = self.number(name, default)
        if found * unit > LATEST * SECOND:
            self._refuse(name, self.fields.get(name), f"a time of at most {LATEST:.0e} s")
        return round(found * unit)

    def text(self, name: str, default: Any = _REQUIRED) -> str:
        """A text."""
        value = self._value(name, default)
        return value if isinstance(value, str) else self._refuse(name, value, "a text")

    def name(self, name: str, default: Any = _REQUIRED) -> str:
        """A text, or a whole number that is written out."""
        value = self._value(name, default)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value) if abs(value) < 1 << 63 else None
        return value if isinstance(value, str) else self._refuse(name, self.fields.get(name), "a text or whole number")

    def items(self, name: str, default: Any = _REQUIRED) -> list[Any]:
        """A list of anything."""
        value = self._value(name, default)
        return value if isinstance(value, list) else self._refuse(name, value, "a list")

    def names(self, name: str, default: Any = _REQUIRED) -> tuple[int, ...]:
        """A list of whole numbers, of any sign."""
        found = self.items(name, default)
        for one in found:
            if isinstance(one, bool) or not isinstance(one, int):
                self._refuse(name, one, "a list of whole numbers")
        return tuple(found)

    def error(self, name: str, reason: str) -> InputError:
        """An error about a field, to be raised."""
        return InputError(f"{self.file}, {self.line}, {name!r}: {reason}")

    def _value(self, name: str, default: Any) -> Any:
        value = self.fields.get(name)
        if value is None or value == "":
            value = default
        if value is _REQUIRED:
            raise self.error(name, "is missing; mend the line, or take it out")
        return value

    def _refuse(self, name: str, value: Any, wanted: str) -> NoReturn:
        shown = json.dumps(value, default=str)
        raise self.error(name, f"is {shown if len(shown) <= 60 else f'{shown[:60]}…'}, not {wanted}; mend the line")


def _parsed(value: Any) -> float | None:
    try:
        if isinstance(value, str):
            return None if "_" in value else float(value)
        return None if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
    except (ValueError, OverflowError):
        return None
