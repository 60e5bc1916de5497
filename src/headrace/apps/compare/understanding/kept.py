"""Kept: what one keeper made of one stream."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median

from headrace.core.item import SECOND
from headrace.evaluation.metrics.alerts import Alerts


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question.

    Attributes:
        track, age: of the question; the age in ns, None if nothing is to be remembered.
        answerable: whether it has an answer.
        right: whether it was answered rightly, or rightly refused.
        refused: whether nothing was answered.
    """

    track: str
    age: int | None
    answerable: bool
    right: bool
    refused: bool


@dataclass(slots=True)
class Kept:
    """The figures of one keeper on one stream.

    Attributes:
        outcomes: of questions.
        alerts: of standing requests, one each.
        courier: share of time at which the newest output told where the courier is.
        conversation: IA-QTF1, causal.
        admitted, computed: shares of the tokens that entered, and of the encoder's work.
        read: rows that a reader got, on average.
        resident, total: bytes, at most.
        slope: bytes an hour in the second half.
        cpu_ms: a frame.
        ended: why it ended early; "": it did not.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    alerts: list[Alerts] = field(default_factory=list)
    courier: float = math.nan
    conversation: float = math.nan
    admitted: float = 0.0
    computed: float = 0.0
    read: float = math.nan
    resident: int = 0
    total: int = 0
    slope: float = 0.0
    cpu_ms: float = 0.0
    ended: str = ""

    @property
    def delay_s(self) -> float:
        """Median s from a cause to its alert; NaN if there was none."""
        delays = [late for one in self.alerts for late in one.latencies]
        return median(delays) / SECOND if delays else math.nan
