"""State under latency: a value that is wanted all the time, from an estimator that takes time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from headrace.core.clock import Cost
from headrace.core.errors import ConfigError, InputError
from headrace.core.item import MS, SECOND, Emission, Item, emission_id
from headrace.evaluation.benchmark import Stream
from headrace.evaluation.metrics.series import Curve, Fit, latest, timely
from headrace.evaluation.online import Prompt, Timing, run_online
from headrace.evaluation.truth import Series, Span

#: What an estimator takes for a frame, ns: 0 to 1 s.
LATENCIES = tuple(step * 100 * MS for step in range(11))
#: The value of one item.
Estimate = Callable[[Item], Any]
#: From the outputs of a stream and the times at which it is asked, what is answered.
Answer = Callable[[Sequence[Emission], Sequence[int]], Sequence[Emission]]


def value_at(emitted: Sequence[Emission], times: Sequence[int]) -> list[Any]:
    """At each time t (ns), the content of the latest emission with t_emit <= t; None if nothing had left.

    Source: the rule of streaming accuracy, M. Li, Y.-X. Wang, D. Ramanan, "Towards Streaming Perception", ECCV 2020,
    arXiv 2005.10420.
    """
    return [None if one is None else one.content for one in latest(emitted, times)]


def moving(spans: Iterable[Span], every: int = 100 * MS) -> list[int]:
    """Times at which to ask, ns: one each `every` ns while the state moves. Of what stands still any answer is right.

    Raises:
        ConfigError: `every` is not above 0.
    """
    if every <= 0:
        raise ConfigError(f"state under latency: every {every} ns: use more than 0")
    return [t for start, end in spans for t in range(start, end, every)]


def estimates(items: Iterable[Item], estimate: Estimate, cost: Cost, seed: int = 0) -> list[Emission]:
    """What an estimator gives that works on one item at a time, always the newest, for `cost` ns each.

    `t_input` is the pts of the item, `t_emit` when the work on it was done; items that arrive meanwhile are lost, but
    for the newest. Costs are constant, or drawn (seeded) from observed ones.

    Raises:
        InputError: an item arrives before the one in front of it.
        ConfigError: a cost below 0.
    """
    timing = Timing("profile", "newest", costs={"observe": cost}, seed=seed)
    return run_online(_Estimator(estimate), Stream("state", "", ()), items, timing).emissions


@dataclass(frozen=True, slots=True)
class ByLatency:
    """How well values fit, by what the estimator took for a frame.

    Attributes:
        latencies: ns, rising.
        values: mean fit, one for each.
    """

    latencies: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def auc(self) -> float:
        """Area below the curve by its width: the mean over the latencies."""
        return Curve(tuple(one / SECOND for one in self.latencies), self.values).auc


def by_latency(
    items: Callable[[], Iterable[Item]],
    estimate: Callable[[], Estimate],
    truth: Series,
    times: Sequence[int],
    fit: Fit,
    *,
    answers: Mapping[str, Answer],
    latencies: Sequence[int] = LATENCIES,
) -> dict[str, ByLatency]:
    """The mean fit at the times when the estimator takes 0, 0.1, … 1 s for a frame, by way of answering.

    Where an answer is asked for that had not come, the fit is 0. So a slow and exact estimator loses to a quick one,
    and both to one that says what will be.

    Args:
        items, estimate: give the stream and an estimator anew for each latency.
        times: ns, rising.
        answers: ways to answer out of the same estimates: `last`, `extrapolated`, a blind one.

    Raises:
        ConfigError: fewer than two latencies, or latencies that do not rise.
    """
    if len(latencies) < 2 or any(b <= a for a, b in pairwise(latencies)):
        raise ConfigError(f"by latency: {len(latencies)} latencies: use two or more that rise")
    values: dict[str, list[float]] = {name: [] for name in answers}
    for latency in latencies:
        emitted = estimates(items(), estimate(), latency)
        for name, answer in answers.items():
            values[name].append(timely(answer(emitted, times), truth, times, fit).value)
    return {name: ByLatency(tuple(latencies), tuple(held)) for name, held in values.items()}


def last(emitted: Sequence[Emission], times: Sequence[int]) -> Sequence[Emission]:  # noqa: ARG001
    """What the estimator gave: at each time the last value that had left."""
    return emitted


def extrapolated(emitted: Sequence[Emission], times: Sequence[int], over: int = 0) -> list[Emission]:
    """At each time, the line through two values that had left; the last value where there is but one.

    It goes through the last one and the earliest whose evidence is at most `over` ns older, or the one in front if
    there is none, over the times of their evidence (`t_input`): so it reaches from the newest evidence to the moment
    of the question. What moves in steps needs some of them within `over`. Values are numbers, or sequences of numbers
    of one length.
    """
    said = sorted((one for one in emitted if not one.cancelled), key=lambda one: one.t_emit)
    answers, known, first = [], 0, 0
    for t in times:
        while known < len(said) and said[known].t_emit <= t:
            known += 1
        if known:
            last = said[known - 1]
            while first < known - 1 and last.t_input - said[first].t_input > over:
                first += 1
            before = said[max(0, min(first, known - 2))]
            answers.append(_answer(_line(before, last, t), t, last.t_input))
    return answers


def constant(value: Any, times: Sequence[int]) -> list[Emission]:
    """The blind answer: one value at every time."""
    return [_answer(value, t, t) for t in times]


def near(tolerance: float) -> Fit:
    """The fit that is 1 where no number is further than `tolerance` from its true one, else 0."""

    def fit(found: Any, true: Any) -> float:
        one, other = _numbers(found), _numbers(true)
        return float(len(one) == len(other) and all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True)))

    return fit


def _answer(value: Any, t: int, seen: int) -> Emission:
    return Emission(emission_id("state", "answer", t), "answer", value, t, t, t, seen, "state")


def _line(before: Emission, last: Emission, t: int) -> Any:
    if before.t_input == last.t_input:
        return last.content
    far = (t - last.t_input) / (last.t_input - before.t_input)
    ahead = tuple(b + far * (b - a) for a, b in zip(_numbers(before.content), _numbers(last.content), strict=True))
    return ahead if isinstance(last.content, Sequence) else ahead[0]


def _numbers(value: Any) -> tuple[float, ...]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(value)
    if isinstance(value, int | float):
        return (value,)
    raise InputError(f"state under latency: {value!r} is no number and no sequence of numbers")


@dataclass(frozen=True)
class _Estimator:
    """A `System` and its `Session`: an estimate of every item that it is shown."""

    estimate: Estimate
    name: str = "estimator"
    every: int | None = None
    sound: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    def open(self, stream: str) -> _Estimator:
        return self

    def observe(self, item: Item) -> Iterable[Emission]:
        value = self.estimate(item)
        return (
            Emission(emission_id("state", "value", item.pts), "value", value, item.pts, item.pts, item.pts, item.pts),
        )

    def ask(self, prompt: Prompt, now: int) -> Iterable[Emission]:
        return ()

    def finish(self) -> Iterable[Emission]:
        return ()
