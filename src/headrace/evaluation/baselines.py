"""Blind policies: they do not look at the stream, so a method must beat them to have seen anything.

Each returns emissions from durations (and, for the prior, from the labels of other streams) alone. On published
benchmarks such policies win large parts; their rows stand beside every result.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND, Emission, emission_id
from headrace.evaluation.truth import Event

#: A policy that needs a stream's duration (ns) only.
Blind = Callable[[int], list[Emission]]


def never(duration: int) -> list[Emission]:  # noqa: ARG001 - a policy takes a duration
    """Silence."""
    return []


def always(duration: int) -> list[Emission]:
    """Speak every second."""
    return periodic(duration, SECOND)


def periodic(duration: int, period: int) -> list[Emission]:
    """Speak at `period`, 2 `period`, … while the stream lasts (ns)."""
    _positive("period", period)
    return speak("periodic", range(period, duration, period))


def constant_delay(times: Iterable[int], delay: int, duration: int) -> list[Emission]:
    """Speak `delay` ns after each of the given times (questions, cuts), where the stream still runs."""
    return speak("constant delay", [t + delay for t in sorted(times) if 0 <= t + delay < duration])


def at_random(duration: int, period: int, seed: int) -> list[Emission]:
    """Speak at the times of a Poisson process, on average once in `period` ns."""
    _positive("period", period)
    draw = random.Random(seed)
    times, t = [], 0
    while (t := t + max(1, round(draw.expovariate(1) * period))) < duration:
        times.append(t)
    return speak("random", times)


def prior_period(durations: Sequence[int], truths: Sequence[Sequence[Event]]) -> int:
    """The label prior: mean ns between events, over streams that are not those being scored.

    Raises:
        ConfigError: the streams hold no event.
    """
    events = sum(len(truth) for truth in truths)
    if not events:
        raise ConfigError("label prior: the streams hold no event to take a rate from")
    return max(1, sum(durations) // events)


def policies(period: int, seed: int = 0) -> dict[str, Blind]:
    """The rows that stand beside a result on events, by name; `period` is the label prior (ns)."""
    return {
        "never": never,
        "always": always,
        "periodic": lambda duration: periodic(duration, period),
        "random": lambda duration: at_random(duration, period, seed),
    }


def speak(name: str, times: Iterable[int]) -> list[Emission]:
    """An alert at each of the times (ns)."""
    return [
        Emission(emission_id(name, "alert", t), "alert", name, t, t, t_emit=t, t_input=t, source=name) for t in times
    ]


def _positive(name: str, value: int) -> None:
    if value <= 0:
        raise ConfigError(f"{name} {value} ns: a blind policy needs one above 0")
