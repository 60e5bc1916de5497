"""Latency and staleness: how late something left, and how old what it rests on was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headrace.core.item import Emission


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Nearest-rank quantiles of times in ns: the smallest value that p % do not exceed. None if `count` is 0."""

    count: int
    p50: int | None
    p95: int | None
    p99: int | None

    @classmethod
    def of(cls, values: Sequence[int]) -> Quantiles:
        ranked = sorted(values)
        p50, p95, p99 = (ranked[-(-p * len(ranked) // 100) - 1] if ranked else None for p in (50, 95, 99))
        return cls(len(ranked), p50, p95, p99)


def _end(emission: Emission) -> int:
    return emission.end


def latency(emitted: Sequence[Emission], reference: Callable[[Emission], int] = _end) -> Quantiles:
    """t_emit - reference: from when it could be known to when it left. Cancelled emissions are left out.

    Args:
        reference: ns; by default the end of what the emission is about. For an answer: the time of its question.
    """
    return Quantiles.of([emission.t_emit - reference(emission) for emission in emitted if not emission.cancelled])


def staleness(emitted: Sequence[Emission]) -> Quantiles:
    """t_emit - t_input: the age of the newest evidence. A fast answer from old evidence is stale all the same."""
    return Quantiles.of([emission.t_emit - emission.t_input for emission in emitted if not emission.cancelled])
