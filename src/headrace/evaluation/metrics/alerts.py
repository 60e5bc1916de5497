"""Alerts: were the events announced, how soon, and how often without cause."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND, Emission
from headrace.evaluation.metrics.score import Score
from headrace.evaluation.truth import Event

HOUR = 3600 * SECOND


@dataclass(frozen=True, slots=True)
class Alerts:
    """The outcome of one stream; all times in ns.

    Attributes:
        latencies: alert - event start, of each hit, in order of the events (below 0 if an alert came before).
        missed: events without an alert.
        repeats: further alerts within reach of an event that has one.
        false: alerts within reach of no event.
        duration: of the stream.
    """

    latencies: tuple[int, ...]
    missed: int
    repeats: int
    false: int
    duration: int

    @property
    def score(self) -> Score:
        """TP: hits; FP: repeats and false alarms; FN: missed events."""
        return Score(len(self.latencies), self.repeats + self.false, self.missed)

    @property
    def false_per_hour(self) -> float:
        """False alarms an hour of stream; repeats not counted."""
        return self.false * HOUR / self.duration


def alerts(
    emitted: Sequence[Emission],
    events: Sequence[Event],
    duration: int,
    tolerance: int,
    *,
    symmetric: bool = False,
) -> Alerts:
    """Emissions against events by the time they left (`t_emit`), one to one.

    An alert at t is within reach of an event if start <= t <= start + tolerance (causal, the default: nobody can
    report what has not happened), or |t - start| <= tolerance (symmetric, as several benchmarks publish: it
    cannot tell a guess before the event from a report after it). Each event, in time order, takes the earliest
    free alert within its reach, which finds the most pairs possible. Cancelled emissions never reached anyone
    and are left out.

    Source: the causal and symmetric forms of proactive-output scoring in StreamingBench (arXiv 2411.03628, +-2 s)
    and OVO-Bench (arXiv 2501.05510).

    Args:
        duration, tolerance: ns.

    Raises:
        ConfigError: a tolerance below 0.
        InputError: the duration is not above 0.
    """
    if tolerance < 0:
        raise ConfigError(f"alerts: tolerance {tolerance} ns: use 0 or more")
    if duration <= 0:
        raise InputError(f"alerts: the stream lasts {duration} ns")
    lead = tolerance if symmetric else 0
    times = sorted(emission.t_emit for emission in emitted if not emission.cancelled)
    starts = sorted(event.start for event in events)
    latencies: list[int] = []
    free, next_time = [], 0
    for start in starts:
        while next_time < len(times) and times[next_time] < start - lead:
            free.append(times[next_time])
            next_time += 1
        if next_time < len(times) and times[next_time] <= start + tolerance:
            latencies.append(times[next_time] - start)
            next_time += 1
    free += times[next_time:]
    # An alert reaches the events that start between t - tolerance and t + lead.
    repeats = sum(bisect_left(starts, t - tolerance) < bisect_right(starts, t + lead) for t in free)
    return Alerts(tuple(latencies), len(starts) - len(latencies), repeats, len(free) - repeats, duration)
