"""shape: the same requests at another rate, fewer of them, or under another promise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.engine.request import Request, Slo


def rate_of(requests: Sequence[Request]) -> float:
    """Requests a second: gaps by the time from the first to the last; 0 if there is none."""
    if len(requests) < 2 or requests[-1].arrival == requests[0].arrival:
        return 0.0
    return (len(requests) - 1) * SECOND / (requests[-1].arrival - requests[0].arrival)


def rescale(requests: Sequence[Request], rate: float) -> list[Request]:
    """Draw out or press together the gaps between requests, so that `rate` come a second on average.

    Their pattern (bursts, days) stays, on another scale; the first request keeps its distance from 0 on that scale. The
    chunks inside a request keep their own times, since the source of a prompt does not depend on the load.

    Raises:
        ConfigError: `rate` is not above 0, or all requests arrive at one moment.
    """
    if not (math.isfinite(rate) and rate > 0):
        raise ConfigError(f"rate={rate!r}: give requests a second, above 0")
    now = rate_of(requests)
    if not requests:
        return []
    if not now:
        raise ConfigError(f"{len(requests)} requests at one moment have no rate to change; give a trace with times")
    return [replace(request, arrival=round(request.arrival * (now / rate))) for request in requests]


def clip(
    requests: Sequence[Request], seconds: float = math.inf, most: int | None = None, begin: float = 0.0
) -> list[Request]:
    """The requests that arrive from `begin` on and within `seconds` of it, `most` of them; `begin` becomes 0.

    Raises:
        ConfigError: a figure is below 0 or NaN.
    """
    if not (seconds >= 0 and begin >= 0 and math.isfinite(begin)) or (most is not None and most < 0):
        raise ConfigError(f"clip(seconds={seconds!r}, most={most!r}, begin={begin!r}): give 0 or more")
    start = round(begin * SECOND)
    found = [request for request in requests if request.arrival >= start and request.arrival - start < seconds * SECOND]
    found = found if most is None else found[:most]
    return [replace(request, arrival=request.arrival - start) for request in found] if start else found


def promise(requests: Sequence[Request], slo: Slo) -> list[Request]:
    """The same requests, all under one promise."""
    return [replace(request, slo=slo) for request in requests]
