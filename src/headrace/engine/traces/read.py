"""read: a trace of any known format, recognised by its content."""

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from headrace.core.errors import ConfigError, InputError
from headrace.engine.request import Request
from headrace.engine.traces.burstgpt import burstgpt
from headrace.engine.traces.files import beginning, ends_early, header
from headrace.engine.traces.mooncake import mooncake
from headrace.engine.traces.sessions import sessions
from headrace.engine.traces.sharegpt import sharegpt
from headrace.engine.traces.stream2llm import COLUMNS, stream2llm
from headrace.engine.traces.vidur import vidur

#: Readers by the name of their format.
FORMATS: Mapping[str, Callable[..., list[Request]]] = MappingProxyType(
    {
        "sharegpt": sharegpt,
        "burstgpt": burstgpt,
        "mooncake": mooncake,
        "vidur": vidur,
        "stream2llm": stream2llm,
        "sessions": sessions,
    }
)

#: Characters of a file by which it is recognised.
LEAST = 1 << 16

#: Names of columns or fields by which a format is known, in this order.
MARKS: tuple[tuple[str, frozenset[str]], ...] = (
    ("sharegpt", frozenset({"conversations"})),
    ("mooncake", frozenset({"timestamp", "input_length", "output_length"})),
    ("burstgpt", frozenset({"Timestamp", "Request tokens", "Response tokens"})),
    ("vidur", frozenset({"num_prefill_tokens", "num_decode_tokens"})),
    ("stream2llm", COLUMNS),
    ("sessions", frozenset({"arrival", "units", "outputs"})),
)


def read(path: str | os.PathLike[str], format: str | None = None, **options: Any) -> list[Request]:  # noqa: A002
    """Read a trace.

    Args:
        path: a file, or a folder of crawls.
        format: a name in `FORMATS`; None: recognised.
        options: of the reader of that format, such as `most=`, `arrivals=`, `model=`.

    Returns:
        Requests, by arrival.

    Raises:
        InputError: the file cannot be used, or its format is not known.
        ConfigError: there is no such format, or its reader has no such option.
    """
    name = recognise(path) if format is None else format
    if name not in FORMATS:
        raise ConfigError(f"format {name!r} is not known; give one of {', '.join(FORMATS)}")
    known = options_of(name)
    for option in options:
        if option not in known:
            raise ConfigError(f"{Path(path).name} is of format {name}, which takes {', '.join(known)}, not {option}")
    return FORMATS[name](path, **options)


def options_of(format: str) -> tuple[str, ...]:  # noqa: A002
    """The options of the reader of a format; a format with "arrivals" among them can be without times."""
    parameters = inspect.signature(FORMATS[format]).parameters.items()
    return tuple(name for name, given in parameters if given.kind is given.KEYWORD_ONLY)


def recognise(path: str | os.PathLike[str]) -> str:
    """The name of the format of a file, by its columns or the fields of its first object; a folder holds crawls.

    Raises:
        InputError: the file cannot be read, is empty, or is of no known format.
    """
    if Path(path).is_dir():
        return "stream2llm"
    text = beginning(path, LEAST)
    listed = text.lstrip()[:1] in ("{", "[")
    names = _fields(text) if listed else set(header(text))
    for name, marks in MARKS:
        if names >= marks:
            return name
    if listed and len(text) < LEAST and _cut(text):
        raise InputError(f"{path}: its JSON ends early; fetch the whole file")
    what, shown = "fields" if listed else "columns", ", ".join(sorted(names)[:6])
    found = f"its {what} are {shown if len(shown) <= 80 else f'{shown[:80]}…'}" if names else f"it has no {what}"
    raise InputError(
        f"{path}: is of no known format ({found}); if it is of one, name it with --format (format=): "
        f"{', '.join(FORMATS)}"
    )


def _fields(text: str) -> set[str]:
    """Names in the first object of a JSON text that may be cut off anywhere."""
    start = text.find("{")
    try:
        return set(json.JSONDecoder().raw_decode(text[start:])[0]) if start >= 0 else set()
    except (ValueError, RecursionError):
        return set(re.findall(r'"(\w+)"\s*:', text[start:]))


def _cut(text: str) -> bool:
    """Whether the first value of a JSON text has no end."""
    try:
        json.JSONDecoder().raw_decode(text.lstrip())
    except json.JSONDecodeError as error:
        return ends_early(error)
    except (ValueError, RecursionError):
        pass
    return False
