"""Heard: what reached someone, when, and for how long."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.core.item import Emission


def heard(emitted: Iterable[Emission]) -> list[Emission]:
    """Emissions in the order in which they left (`t_emit`, then `start`, then id), cancelled ones left out."""
    return sorted((one for one in emitted if not one.cancelled), key=_order)


def spoken_until(emission: Emission) -> int:
    """When its speaking ends, ns: `end` if that comes after it left, else `t_emit` (a text that is there at once)."""
    return max(emission.t_emit, emission.end)


def _order(emission: Emission) -> tuple[int, int, str]:
    return emission.t_emit, emission.start, emission.id
