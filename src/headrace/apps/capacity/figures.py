"""figures: what a run brought, in numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from headrace.engine.request import NEVER
from headrace.engine.simulator import Outcome


@dataclass(frozen=True)
class Figures:
    """Of one scheduler over one trace; times in seconds, NaN where there is none.

    Attributes:
        sent: requests; finished: those that ended; refused: those that were not taken.
        wanted: outputs that were sent for; made: outputs that came; hits: those that came when they were due, or to
            which nothing was promised.
        kept: requests whose whole promise held; refused and unfinished ones do not.
        goodput: outputs a second of those.
        throughput: outputs a second.
        first: p50, p95 and p99 from the end of a request's input to its first output.
        between: p50 and p99 between one output of a request and the next.
        tardiness: p95 and most of how late outputs came; 0 for those in time.
        parked: how often a session made room for others.
        reused: tokens that needed no reading, since others had read them.
        ticks: in all; busy: share of the time in which a replica ran one; tick: mean seconds of one.
        seconds: from the beginning to the last event.
    """

    sent: int
    finished: int
    refused: int
    wanted: int
    made: int
    hits: int
    kept: int
    goodput: float
    throughput: float
    first: tuple[float, float, float]
    between: tuple[float, float]
    tardiness: tuple[float, float]
    parked: int
    reused: int
    ticks: int
    busy: float
    tick: float
    seconds: float

    @property
    def hit_rate(self) -> float:
        """Hits, of all outputs that were sent for."""
        return self.hits / self.wanted if self.wanted else math.nan

    def to_json(self) -> dict[str, Any]:
        return {name: _plain(value) for name, value in {**asdict(self), "hit_rate": self.hit_rate}.items()}


def figures(outcome: Outcome) -> Figures:
    """What a run brought."""
    served, seconds = outcome.served, outcome.end / 1e9
    first = sorted((one.times[0] - one.release) / 1e9 for one in served if one.times)
    between = sorted((b - a) / 1e9 for one in served for a, b in zip(one.times, one.times[1:], strict=False))
    late = sorted(
        max(time - due, 0) / 1e9 for one in served for time, due in zip(one.times, one.due, strict=False) if due < NEVER
    )
    busy, ticks = sum(outcome.busy), sum(outcome.ticks)
    return Figures(
        sent=len(served),
        finished=sum(one.end is not None for one in served),
        refused=sum(bool(one.refused) for one in served),
        wanted=sum(one.wanted for one in served),
        made=sum(len(one.times) for one in served),
        hits=sum(one.hits for one in served),
        kept=sum(one.kept for one in served),
        goodput=sum(one.wanted for one in served if one.kept) / seconds if seconds else 0.0,
        throughput=sum(len(one.times) for one in served) / seconds if seconds else 0.0,
        first=(quantile(first, 0.5), quantile(first, 0.95), quantile(first, 0.99)),
        between=(quantile(between, 0.5), quantile(between, 0.99)),
        tardiness=(quantile(late, 0.95), late[-1] if late else math.nan),
        parked=sum(one.parked for one in served),
        reused=sum(one.reused for one in served),
        ticks=ticks,
        busy=busy / seconds / len(outcome.busy) if seconds else 0.0,
        tick=busy / ticks if ticks else math.nan,
        seconds=seconds,
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The least value that so large a share does not pass (nearest rank); NaN of none."""
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1] if ordered else math.nan


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


COLUMNS = (
    "scheduler",
    "hits",
    "goodput /s",
    "first p50",
    "p95",
    "p99",
    "between p99",
    "tokens /s",
    "late p95",
    "refused",
    "parked",
    "ticks",
)


def cells(name: str, found: Figures) -> list[str]:
    """A row of the table of `COLUMNS`."""
    return [
        name,
        percent(found.hit_rate),
        f"{found.goodput:,.1f}",
        *(brief(value) for value in (*found.first, found.between[1])),
        f"{found.throughput:,.1f}",
        brief(found.tardiness[0]),
        f"{found.refused:,}",
        f"{found.parked:,}",
        f"{found.ticks:,}",
    ]


def percent(share: float) -> str:
    """A share that never looks whole unless it is."""
    if math.isnan(share):
        return "–"
    return f"{100 * share:.1f} %" if share in (0.0, 1.0) or 0.0005 < share < 0.9995 else f"{100 * share:.3f} %"


def brief(value: float) -> str:
    """Seconds, in ms below one; a dash for none."""
    if math.isnan(value):
        return "–"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def document(found: Mapping[str, Figures]) -> dict[str, Any]:
    """By scheduler, as JSON."""
    return {name: one.to_json() for name, one in found.items()}
