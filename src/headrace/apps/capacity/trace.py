"""trace: the requests that a simulation runs, from a file or drawn."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from headrace.apps.capacity.words import pairs, seconds, slo
from headrace.core.errors import ConfigError, InputError
from headrace.engine.request import Request
from headrace.engine.traces import (
    FORMATS,
    Arrivals,
    chat,
    clip,
    live,
    mixed,
    options_of,
    promise,
    read,
    recognise,
    rescale,
    shared_prefix,
    streamed,
)

#: What a drawn trace begins with, and what each takes unless told otherwise.
SYNTHETIC = "synthetic:"
LOADS: Mapping[str, tuple[Callable[..., list[Request]], Mapping[str, Any]]] = {
    "chat": (chat, {"rate": 1.0, "seconds": 60.0}),
    "live": (live, {"sessions": 8, "period": 1.0, "chunk": 32, "reply": 8, "deadline": 1.0, "seconds": 60.0}),
    "mixed": (mixed, {"rate": 1.0, "seconds": 60.0}),
    "shared_prefix": (shared_prefix, {"groups": 8, "members": 8}),
    "streamed": (streamed, {"rate": 1.0, "seconds": 60.0}),
}
#: Arguments that are times.
TIMES = frozenset({"seconds", "period", "deadline", "think", "first", "pace", "whole", "gap"})
#: Requests a second of a file that has no times, unless told.
RATE = 1.0


def requests_of(
    trace: str,
    *,
    rate: float | None = None,
    horizon: float | None = None,
    most: int | None = None,
    promised: Mapping[str, float] | None = None,
    seed: int = 0,
    format: str | None = None,  # noqa: A002
    block: int | None = None,
) -> list[Request]:
    """The requests of a trace.

    Args:
        trace: a file or folder of a known format, or "synthetic:NAME" with `:name=value,…` behind it.
        rate: requests a second; what the trace has is stretched or pressed; drawn ones come at it.
        horizon: seconds in which requests arrive; the rest is left out.
        most: requests.
        promised: seconds by name ("first", "every", "whole"), in place of what the trace promises.
        seed: of what is drawn.
        format: of the file; None: recognised.
        block: tokens that the name of a block stands for, in a Mooncake trace; None: 512.

    Raises:
        InputError: the file cannot be used, or nothing is left of it.
        ConfigError: there is no such load, or it does not take what was given.
    """
    if trace.startswith(SYNTHETIC):
        if format is not None or block is not None:
            raise ConfigError(f"{trace} is drawn; --format and --block are of files")
        found = _drawn(trace, rate, horizon, seed)
    else:
        found = _read(trace, rate, seed, format, block)
    found = clip(found, math.inf if horizon is None else horizon, most)
    if not found:
        raise InputError(f"{trace}: no request is left to run; give a longer --seconds or a higher --rate")
    return promise(found, slo(promised)) if promised else found


def _drawn(trace: str, rate: float | None, horizon: float | None, seed: int) -> list[Request]:
    name, _, rest = trace.removeprefix(SYNTHETIC).partition(":")
    if name not in LOADS:
        raise ConfigError(f"{trace}: there is no load {name!r}; give one of {', '.join(SYNTHETIC + n for n in LOADS)}")
    load, defaults = LOADS[name]
    parameters = inspect.signature(load).parameters
    known = [one for one in parameters if one not in ("slo", "arrivals")]
    given: dict[str, Any] = {**defaults, "seed": seed}
    for option, text in pairs(rest, trace).items():
        if option not in known:
            raise ConfigError(f"{trace}: {name} takes {', '.join(known)}, not {option!r}")
        whole = isinstance(parameters[option].default, int) or isinstance(defaults.get(option), int)
        given[option] = seconds(text, f"{trace}: {option}") if option in TIMES else _number(text, whole, trace, option)
    typed = {"rate": rate, "seconds": horizon}
    given |= {option: value for option, value in typed.items() if value is not None and option in parameters}
    if rate is not None and name == "shared_prefix":
        given["arrivals"] = Arrivals(rate, seed=seed)
    elif rate is not None and "rate" not in parameters:
        raise ConfigError(f"{trace}: its rate is sessions / period; give sessions= in place of --rate")
    return load(**given)


def _read(trace: str, rate: float | None, seed: int, format: str | None, block: int | None) -> list[Request]:  # noqa: A002
    if not Path(os.fspath(trace)).exists():
        raise InputError(f"{trace}: there is no such file; give one, or {SYNTHETIC}chat")
    if format is not None and format not in FORMATS:
        raise ConfigError(f"--format {format!r} is not known; give one of {', '.join(FORMATS)}")
    name = recognise(trace) if format is None else format
    known = options_of(name)
    if block is not None and "block" not in known:
        raise ConfigError(f"{trace} is of format {name}, whose prompts have no named blocks; leave out --block")
    sized = {} if block is None else {"block": block}
    if "arrivals" in known:
        return read(trace, name, arrivals=Arrivals(RATE if rate is None else rate, seed=seed), **sized)
    found = read(trace, name, **sized)
    return found if rate is None else rescale(found, rate)


def _number(text: str, whole: bool, trace: str, option: str) -> float | int:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        raise ConfigError(f"{trace}: {option}={text!r} is no {'whole ' if whole else ''}number") from None
