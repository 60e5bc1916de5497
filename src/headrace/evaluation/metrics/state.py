"""State: what running costs, from the records of a trace: deadlines, frames left out, memory and whether it grows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND
from headrace.evaluation.metrics.latency import Quantiles

HOUR = 3600 * SECOND
#: Memory is bounded if the line through it rises by less than this share of its mean over the time looked at.
FLAT = 0.01


@dataclass(frozen=True, slots=True)
class Steps:
    """The work of one stage on one source, or on all.

    Attributes:
        durations: t1 - t0 of the steps, ns.
        waits: t1 - arrival of the items worked on, ns; from t0 where the arrival is not in the trace.
        missed: steps that ended more than the deadline after their item's arrival.
        skipped: items that came in and that no step worked on.
        items: that came in.
        staleness: t_emit - t_input of what left and was not cancelled, ns.
    """

    durations: Quantiles
    waits: Quantiles
    missed: int
    skipped: int
    items: int
    staleness: Quantiles

    @property
    def missed_share(self) -> float:
        """Share of the items that came in which were late or not worked on at all; NaN without items or steps."""
        due = max(self.items, self.durations.count + self.skipped)
        return (self.missed + self.skipped) / due if due else float("nan")


def steps(
    records: Iterable[dict[str, Any]], deadline: int, *, stage: str | None = None, source: str | None = None
) -> Steps:
    """Deadlines, durations and skipped items from the `in`, `step` and `emit` records of a trace.

    An item is known by source and pts. A step misses its deadline if t1 - arrival > deadline; an item that no step
    worked on (dropped in front of the stage) misses it too. There is no TP, FP or FN.

    Args:
        records: of `headrace.core.trace.read_trace`, in order.
        deadline: ns.
        stage: one stage; None: all of them, each step counting by itself.
        source: one source; None: all.

    Raises:
        ConfigError: a deadline that is not above 0.
        InputError: a record lacks a field.
    """
    if deadline <= 0:
        raise ConfigError(f"steps: deadline {deadline} ns: use more than 0")
    arrived: dict[tuple[str, int], int] = {}
    worked: set[tuple[str, int]] = set()
    durations: list[int] = []
    waits: list[int] = []
    stale: list[int] = []
    try:
        for record in records:
            kind = record["type"]
            if kind not in ("in", "step", "emit") or source not in (None, record["source"]):
                continue
            if kind == "emit":
                if not record["cancelled"]:
                    stale.append(record["t_emit"] - record["t_input"])
                continue
            item = (record["source"], record["pts"])
            if kind == "in":
                arrived.setdefault(item, record["t"])
            elif stage in (None, record["stage"]):
                worked.add(item)
                durations.append(record["t1"] - record["t0"])
                waits.append(record["t1"] - arrived.get(item, record["t0"]))
    except KeyError as error:
        raise InputError(f"trace: a record lacks {error}; record it again") from None
    return Steps(
        Quantiles.of(durations),
        Quantiles.of(waits),
        sum(wait > deadline for wait in waits),
        len(arrived.keys() - worked),
        len(arrived),
        Quantiles.of(stale),
    )


@dataclass(frozen=True, slots=True)
class Growth:
    """Memory over time.

    Attributes:
        most: bytes.
        slope: bytes an hour of the least-squares line; NaN if there are not two different times.
        mean: bytes.
        span: ns from the first to the last sample.
    """

    most: int
    slope: float
    mean: float
    span: int

    @property
    def bounded(self) -> bool:
        """The line rises by less than 1 % of the mean over the span; False where no line can be drawn."""
        return self.slope * self.span / HOUR <= FLAT * self.mean


def growth(samples: Sequence[tuple[int, int]], *, after: int = 0) -> Growth:
    """Largest size and growth of a state.

    slope = sum((t - mean t)(b - mean b)) / sum((t - mean t)^2), in bytes an hour. A memory that fills and then stays is
    bounded, but rises while it fills: leave that time out with `after`. One that shrinks is bounded.

    Args:
        samples: (t in ns, bytes), any order; all tiers of the state counted.
        after: samples before this time (ns) count for `most` alone.

    Raises:
        InputError: no samples, or none after `after`.
    """
    kept = [(t, size) for t, size in samples if t >= after]
    if not kept:
        raise InputError(f"growth: {len(samples)} samples of a state's size, none at {after} ns or later")
    t, size = np.asarray(kept, np.float64).T
    off = (t - t.mean()) / HOUR
    spread = float(off @ off)
    slope = float(off @ (size - size.mean())) / spread if spread else float("nan")
    return Growth(max(size for _, size in samples), slope, float(size.mean()), int(t.max() - t.min()))


def sizes(records: Iterable[dict[str, Any]], field: str = "bytes") -> list[tuple[int, int]]:
    """(t1, bytes) of the `step` records that carry the size of the state under `field`; samples for `growth`."""
    return [(record["t1"], record[field]) for record in records if record["type"] == "step" and field in record]
