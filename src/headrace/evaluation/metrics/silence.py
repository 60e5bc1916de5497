"""Silence: how often something is said without cause, how often again, and how much of the stream is left in peace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headrace.core.item import SECOND, Emission
from headrace.evaluation.metrics.alerts import Alerts, alerts
from headrace.evaluation.metrics.heard import heard, spoken_until
from headrace.evaluation.truth import Event


@dataclass(frozen=True, slots=True)
class Silence:
    """The noise of one stream.

    Attributes:
        alerts: emissions against events; false and repeated ones apart.
        events: of the stream.
        spoken: seconds of the stream in which something is said, begun ones counted whole.
        seconds: of the stream, a begun one counted whole.
    """

    alerts: Alerts
    events: int
    spoken: int
    seconds: int

    @property
    def false_per_hour(self) -> float:
        """Emissions within reach of no event, by hours of stream."""
        return self.alerts.false_per_hour

    @property
    def repeats_per_event(self) -> float:
        """Further emissions within reach of an event that has one, by events; NaN without events."""
        return self.alerts.repeats / self.events if self.events else float("nan")

    @property
    def share(self) -> float:
        """Share of the stream's seconds in which nothing is said; alone it is won by saying nothing."""
        return 1 - self.spoken / self.seconds


def silence(
    emitted: Sequence[Emission], events: Sequence[Event], duration: int, tolerance: int, *, symmetric: bool = False
) -> Silence:
    """False alarms, repeats and silence; arguments, reach and errors as in `alerts`.

    Something is said in a second if an emission is spoken in it: from `t_emit` to `end` (or at `t_emit` alone, if it
    ends by then). TP, FP and FN are those of `Alerts.score`.
    """
    outcome = alerts(emitted, events, duration, tolerance, symmetric=symmetric)
    seconds = -(-duration // SECOND)
    spoken: set[int] = set()
    for one in heard(emitted):
        first, last = one.t_emit // SECOND, max(one.t_emit, spoken_until(one) - 1) // SECOND
        spoken.update(range(max(0, first), min(seconds - 1, last) + 1))
    return Silence(outcome, len(events), len(spoken), seconds)
