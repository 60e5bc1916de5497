"""words: durations, promises and loads as they are typed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.engine.request import NEVER, Slo

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
_NUMBER = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(us|ms|s|m|h|)")


def seconds(text: str, what: str) -> float:
    """`500ms`, `1.5s`, `2m` or `0.5` (seconds).

    Raises:
        ConfigError: it is no duration above 0; names `what`.
    """
    found = _NUMBER.fullmatch(text.strip())
    value = float(found[1]) * _UNITS[found[2]] if found else math.nan
    if not 0 < value < NEVER / SECOND:
        raise ConfigError(f"{what}={text!r}: give a time above 0, such as 500ms or 1.5s")
    return value


def pairs(text: str, what: str) -> dict[str, str]:
    """`a=1,b=2` by name.

    Raises:
        ConfigError: a part is no NAME=VALUE, or a name comes twice; names `what`.
    """
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, sign, value = (piece.strip() for piece in part.partition("="))
        if not (name and sign and value):
            raise ConfigError(f"{what}: {part!r} is no NAME=VALUE")
        if name in found:
            raise ConfigError(f"{what}: {name} is given twice")
        found[name] = value
    return found


def promise(text: str) -> Slo:
    """`first=500ms,every=100ms,whole=5s`; what is left out is not promised.

    Raises:
        ConfigError: it promises nothing, or something else.
    """
    given = pairs(text, "--slo")
    unknown = sorted(set(given) - {"first", "every", "whole"})
    if unknown or not given:
        said = f"{unknown[0]!r} is not known" if unknown else "it is empty"
        raise ConfigError(f"--slo: {said}; give first=, every= and whole=, such as first=500ms,every=100ms")
    return slo({name: seconds(value, f"--slo {name}") for name, value in given.items()})


def slo(given: Mapping[str, float]) -> Slo:
    """A promise of seconds by name.

    Raises:
        ConfigError: a pace is promised without a first output.
    """
    if "every" in given and "first" not in given:
        raise ConfigError("every= counts from the first output; promise first= too")
    return Slo(**{name: max(round(value * SECOND), 1) for name, value in given.items()})


def told(promised: Slo) -> str:
    """A promise in words."""
    shown = [
        f"{name} {time(getattr(promised, name) / SECOND)}"
        for name in ("first", "every", "whole")
        if getattr(promised, name) < NEVER
    ]
    return ", ".join(shown) or "nothing promised"


def time(value: float) -> str:
    """Seconds, in ms below one."""
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
