"""Limits: what one tick may hold."""

from __future__ import annotations

import math
from dataclasses import dataclass

from headrace.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Limits:
    """Four budgets of a tick.

    Attributes:
        rows: sessions in one launch.
        units: tokens in one launch.
        seconds: predicted duration of a tick; the first piece of a tick may pass it, or a long atomic one never ran.
        bytes: state of all sessions that are resident, together.

    Raises:
        ConfigError: one is not above 0.
    """

    rows: int = 64
    units: int = 512
    seconds: float = math.inf
    bytes: int = 1 << 62

    def __post_init__(self) -> None:
        for name in ("rows", "units", "seconds", "bytes"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise ConfigError(f"Limits({name}={value!r}): give a number above 0")
