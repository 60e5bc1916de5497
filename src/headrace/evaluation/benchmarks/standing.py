"""standing: requests that hold for a whole stream, and what those say to them who never look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from headrace.core.item import SECOND, Emission, emission_id
from headrace.evaluation.baselines import prior_period
from headrace.evaluation.benchmark import Stream, Task, say
from headrace.evaluation.benchmarks.choices import asked
from headrace.evaluation.blind import delay_prior
from headrace.evaluation.truth import Event

#: When a policy speaks on a stream (ns).
Times = Callable[[Stream], Iterable[int]]
#: What it says to a task the k-th time, from 0; "" is silence.
Line = Callable[[Task, int], str]


def utter(stream: Stream, ordinal: int, text: str, at: int, end: int | None = None) -> Emission:
    """Something said on a stream from media time `at` to `end` (ns), in answer to its first task.

    The ordinal tells things that were said at the same time apart.
    """
    made = say(stream.tasks[0], stream, text, at, end)
    return replace(made, id=emission_id(stream.id, made.kind, at, ordinal))


def speaking(streams: Sequence[Stream], times: Times, line: Line) -> dict[str, list[Emission]]:
    """What a policy says to the first task of every stream, at the times it chooses, by stream id.

    Times before the task is put and after the stream ends are left out.
    """
    found: dict[str, list[Emission]] = {}
    for stream in streams:
        task = stream.tasks[0]
        due = [t for t in times(stream) if asked(task) <= t <= stream.duration]
        found[stream.id] = [say(task, stream, text, t) for k, t in enumerate(due) if (text := line(task, k))]
    return found


def blind_standing(
    streams: Sequence[Stream], line: Line, events: Callable[[Stream], Sequence[Event]], periods: Sequence[int] = ()
) -> dict[str, dict[str, list[Emission]]]:
    """Policies for streams in which events are to be announced, by name and by stream id.

    "silence"; "every second"; "every N s" for each of the periods (ns); "every N s (prior of the whole set)", the mean
    time between events; "N s after being asked (prior of the whole set)", the median time until the first event.

    Args:
        line: what is said, whatever happens.
        events: of a stream; the priors are taken from them.
    """
    named: dict[str, Times] = {"silence": lambda _: (), "every second": _every(SECOND)}
    named |= {f"every {_seconds(period)} s": _every(period) for period in periods}
    there = [events(stream) for stream in streams]
    if any(there):
        period = prior_period([stream.duration for stream in streams], there)
        named[f"every {_seconds(period)} s (prior of the whole set)"] = _every(period)
        first = [(min(some, key=lambda e: e.start), s.tasks[0]) for s, some in zip(streams, there, strict=True) if some]
        wait = delay_prior([event for event, _ in first], [asked(task) for _, task in first])
        named[f"{_seconds(wait)} s after being asked (prior of the whole set)"] = _once(wait)
    return {name: speaking(streams, times, line) for name, times in named.items()}


def events_of(stream: Stream) -> list[Event]:
    """The truths of a stream's tasks that are events, in order of time."""
    events = [task.truth for task in stream.tasks if isinstance(task.truth, Event)]
    return sorted(events, key=lambda event: (event.start, event.end))


def _every(period: int) -> Times:
    return lambda stream: range(asked(stream.tasks[0]) + period, stream.duration + 1, period)


def _once(wait: int) -> Times:
    return lambda stream: (asked(stream.tasks[0]) + wait,)


def _seconds(t: int) -> str:
    return f"{t / SECOND:.3g}"
