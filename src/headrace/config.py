"""Settings: the defaults of the commands, and the `headrace.toml` that changes them.

A file is looked for in this order, and the first that exists is the only one read:

1. the file that `$HEADRACE_CONFIG` names (it must exist);
2. `headrace.toml` in the current folder;
3. `headrace/headrace.toml` in `$XDG_CONFIG_HOME`, which is `~/.config` unless set.

A command's own options win over the file. `headrace config` prints what is in force.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from headrace.core.errors import ConfigError

_UNITS = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(\w*?)\s*")


def parse_size(value: object) -> int:
    """Bytes of `4096`, `"4096"`, `"64 MiB"` or `"1.5GB"`; ValueError for anything else or less than 1."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(value)
    match = _SIZE.fullmatch(str(value))
    unit = match[2].lower().removesuffix("bytes").removesuffix("byte") if match else ""
    unit = "" if unit == "b" else unit
    if match is None or unit not in _UNITS:
        raise ValueError(value)
    size = int(float(match[1]) * _UNITS[unit])
    if size < 1:
        raise ValueError(value)
    return size


def format_size(size: int) -> str:
    """The shortest exact form that `parse_size` reads back: 1048576 -> "1 MiB"."""
    for unit, scale in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size % scale == 0:
            return f"{size // scale} {unit}"
    return f"{size} B"


def parse_speed(value: object) -> str:
    """`"realtime"`, `"max"`, or a factor above 0 such as `2` or `"0.5"`, as text; else ValueError."""
    if isinstance(value, str) and value in ("realtime", "max"):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(value)
    if not 0 < float(value) <= 1000:
        raise ValueError(value)
    return str(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(value)
    return value


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ValueError(value)
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError(value)
    return float(value)


def _setting(
    default: Any,
    doc: str,
    allowed: str,
    parse: Callable[[object], Any],
    show: Callable[[Any], Any] = lambda value: value,
) -> Any:
    """A field that says what it means, what is allowed, and how TOML's value is read and shown."""
    return field(default=default, metadata={"doc": doc, "allowed": allowed, "parse": parse, "show": show})


def _size(default: int, doc: str) -> Any:
    return _setting(default, doc, 'bytes, as a number or as text like "64 MiB"', parse_size, format_size)


@dataclass(frozen=True)
class Watch:
    """Defaults of `headrace watch`."""

    budget: int = _size(64 << 20, "Bytes of memory that one source's observations may take.")
    disk: int = _size(1 << 30, "Bytes that the output folder may hold before the oldest files go.")
    speed: str = _setting(
        "max",
        "How fast a recording is read: in real time, as fast as possible, or so many times real time.",
        '"realtime", "max" or a factor such as 2',
        parse_speed,
    )
    out: str = _setting("headrace-out", "Folder that results are written to.", "a path", _text)
    asr: str = _setting(
        "",
        "What puts speech into words: grammar:FILE, lm:FILE or transformers:PATH; empty: nothing.",
        "a text",
        _text,
    )
    keep: tuple[str, ...] = _setting(
        (),
        "How long to keep what is stored, such as thumbnails=2h, text=30d or speech=0; empty: while there is room.",
        "a list of texts KIND=AGE",
        lambda value: tuple(_texts(value)),
        list,
    )
    save_every: float = _setting(
        10.0, "Least seconds between two saved states of a source.", "seconds above 0", _seconds
    )
    llm: str = _setting(
        "",
        "Base URL of an OpenAI-compatible server that words the answers; empty: evidence is quoted. "
        "The key is read from $HEADRACE_LLM_KEY, never from a file.",
        "a URL or an empty text",
        _text,
    )
    llm_model: str = _setting("", "Name of the model to ask that server for.", "a text", _text)
    llm_timeout: float = _setting(
        30.0, "Seconds to wait for that server before quoting instead.", "seconds above 0", _seconds
    )


@dataclass(frozen=True)
class Recipes:
    """Defaults of `headrace recipes`."""

    results: str = _setting(
        "",
        "File that holds the results of your own checks; empty: headrace/results.json in $XDG_DATA_HOME, "
        "which is ~/.local/share unless set.",
        "a path or an empty text",
        _text,
    )
    seed: int = _setting(0, "Seed of a check.", "a whole number, 0 or more", _count)


@dataclass(frozen=True)
class Config:
    """Every setting. `sources` says where each value, by dotted name, came from, if not a default."""

    watch: Watch = field(default_factory=Watch)
    recipes: Recipes = field(default_factory=Recipes)
    sources: Mapping[str, str] = field(default_factory=dict)

    def settings(self) -> dict[str, dict[str, Any]]:
        """The values as TOML and JSON show them, by section."""
        return {
            name: {f.name: f.metadata["show"](getattr(section, f.name)) for f in fields(section)}
            for name, section in self._sections().items()
        }

    def to_toml(self) -> str:
        """A complete `headrace.toml`: each setting with its meaning and where its value came from."""
        lines = ["# Every setting of headrace. Keep the lines that you change in a file named headrace.toml."]
        shown = self.settings()
        for name, section in self._sections().items():
            lines += ["", f"[{name}]"]
            for f in fields(section):
                origin = self.sources.get(f"{name}.{f.name}", "default")
                lines += [
                    f"# {f.metadata['doc']}",
                    f"# Allowed: {f.metadata['allowed']}.",
                    f"{f.name} = {_toml(shown[name][f.name])}  # from: {origin}",
                ]
        return "\n".join(lines) + "\n"

    def _sections(self) -> dict[str, Watch | Recipes]:
        return {"watch": self.watch, "recipes": self.recipes}


def _toml(value: Any) -> str:
    """A TOML value: JSON's text is one, but for escapes of surrogate pairs, and DEL, which TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def find_config(environ: Mapping[str, str] = os.environ, folder: Path | None = None) -> Path | None:
    """The settings file that is in force in `folder` (the current one if None), or None."""
    if named := environ.get("HEADRACE_CONFIG"):
        return Path(named)
    home = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    candidates = ((folder or Path.cwd()) / "headrace.toml", home / "headrace" / "headrace.toml")
    return next((path for path in candidates if path.is_file()), None)


def load_config(path: Path | None = None) -> Config:
    """Read the settings of `path`; defaults if it is None.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or holds an unknown section, an unknown
            key or a value that is not allowed; names the file, the key and what is allowed.
    """
    if path is None:
        return Config()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check HEADRACE_CONFIG") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    kinds: dict[str, type[Any]] = {"watch": Watch, "recipes": Recipes}
    sections: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name, values in table.items():
        kind = kinds.get(name)
        if kind is None or not isinstance(values, dict):
            raise ConfigError(f"{path}: {name}: unknown section; {_choices(name, list(kinds))}")
        sections[name] = kind(**_values(path, name, kind, values))
        sources.update({f"{name}.{key}": str(path) for key in values})
    return Config(**sections, sources=sources)


def _values(path: Path, section: str, kind: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    known = {f.name: f for f in fields(kind)}
    parsed = {}
    for key, value in values.items():
        where = f"{path}: {section}.{key}"
        if key not in known:
            raise ConfigError(f"{where}: unknown key; {_choices(key, list(known))}")
        try:
            parsed[key] = known[key].metadata["parse"](value)
        except (ValueError, OverflowError):
            allowed = known[key].metadata["allowed"]
            raise ConfigError(f"{where}: {value!r} is not allowed; use {allowed}") from None
    return parsed


def _choices(word: str, known: list[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
