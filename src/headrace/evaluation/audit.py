"""Audit: how much of a benchmark policies win that never look at the stream."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeGuard

import numpy as np

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import Emission
from headrace.evaluation.benchmark import Benchmark, Emitted, Judge, Report, Stream, Value

Variant = Literal["published", "causal"]
VARIANTS: tuple[Variant, ...] = ("published", "causal")
#: A share of the ceiling from which a figure is won outright.
OUTRIGHT = 0.995
#: Streams drawn for an interval, and its level.
RESAMPLES, LEVEL = 200, 0.95
#: Figures in % of which less is better, by name; shares are else of what is right.
LESS_SHARES = frozenset(("NOR", "CSM-SR", "none yet"))
#: Beginnings of words, in the name of a figure that is neither in % nor in s, of which less is better.
LESS = ("redundan", "miss", "false", "spill", "violat", "error", "repeat", "mismatch", "offset", "stale", "mae")
#: Beginnings of the names of figures in s that are neither better nor worse: they describe.
DESCRIBES = ("delay", "latency")
#: Names of the figure that sums all up.
TOTALS = ("total", "overall", "all", "average", "mean")
#: The policy made of the others: to each kind of tasks what does best on the figure of its name.
EACH_KIND = "best policy of each kind (chosen on the whole set)"
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Best:
    """The best that a policy reaches on one figure; where several reach it, the first.

    Attributes:
        policy: its name.
        value: the figure.
        share: of the ceiling of 100 %, from 0 to 1; NaN for a figure that has none.
    """

    policy: str
    value: Value
    share: float


@dataclass(frozen=True, slots=True)
class Audit:
    """What blind policies score on one benchmark.

    Attributes:
        benchmark: its name.
        streams, tasks: how many.
        reports: of each policy.
        judge: name of the judge, or "".
        seed: of policies that draw.
    """

    benchmark: str
    streams: int
    tasks: int
    reports: Mapping[str, Report]
    judge: str = ""
    seed: int = 0

    def figures(self) -> list[str]:
        """The names of all figures, in the order of the report that has most."""
        reports = sorted(self.reports.values(), key=lambda one: -len(one.published) - len(one.causal))
        return list(dict.fromkeys(name for one in reports for name in (*one.published, *one.causal)))

    @property
    def total(self) -> str:
        """The figure that sums all up; "" if there is none."""
        return next((name for name in self.figures() if name.casefold() in TOTALS), "")

    def best(self, figure: str, variant: Variant) -> Best | None:
        """The policy that does best on a figure; None if no policy has one there, or the figure only describes."""
        found = [(policy, value) for policy, one in self.reports.items() if (value := of(one, variant, figure))]
        known = [(policy, value) for policy, value in found if not math.isnan(value.value)]
        if not known or describes(figure, known[0][1]):
            return None
        sign = -1 if less_is_better(figure, known[0][1]) else 1
        policy, value = max(known, key=lambda pair: sign * pair[1].value)
        return Best(policy, value, _share(figure, value))

    def outright(self, variant: Variant) -> dict[str, str]:
        """The figures on which a policy reaches the ceiling, and which policy."""
        found = {figure: self.best(figure, variant) for figure in self.figures()}
        return {figure: best.policy for figure, best in found.items() if best is not None and best.share >= OUTRIGHT}

    def share(self, variant: Variant) -> float:
        """Mean over the figures in % of the best policy's share of the ceiling; NaN if there is none."""
        found = [best.share for figure in self.figures() if (best := self.best(figure, variant)) is not None]
        known = [share for share in found if not math.isnan(share)]
        return sum(known) / len(known) if known else math.nan

    def single(self, variant: Variant) -> tuple[str, float]:
        """The one policy with the highest mean share over all figures in %, and that share; ("", NaN) if none.

        A figure that a policy does not have counts as 0.
        """
        wanted = [figure for figure in self.figures() if _has_ceiling(self.best(figure, variant))]
        means = []
        for policy, one in self.reports.items():
            values = ((figure, of(one, variant, figure)) for figure in wanted)
            shares = [0.0 if value is None else _share(figure, value) for figure, value in values]
            if shares:
                means.append((policy, sum(share for share in shares if not math.isnan(share)) / len(shares)))
        return max(means, key=lambda pair: pair[1], default=("", math.nan))

    def to_json(self) -> dict[str, Any]:
        """JSON-serialisable; NaN becomes null."""
        best = {variant: {figure: self.best(figure, variant) for figure in self.figures()} for variant in VARIANTS}
        return {
            "benchmark": self.benchmark,
            "streams": self.streams,
            "tasks": self.tasks,
            "judge": self.judge,
            "seed": self.seed,
            "policies": {policy: report_json(one) for policy, one in self.reports.items()},
            "best": {
                variant: {
                    figure: None
                    if one is None
                    else {"policy": one.policy, "value": number(one.value.value), "share": number(one.share)}
                    for figure, one in found.items()
                }
                for variant, found in best.items()
            },
            "outright": {variant: self.outright(variant) for variant in VARIANTS},
            "share": {variant: number(self.share(variant)) for variant in VARIANTS},
            "single": {
                variant: {"policy": policy, "share": number(share)}
                for variant in VARIANTS
                for policy, share in (self.single(variant),)
            },
        }


def audit(benchmark: Benchmark, streams: Sequence[Stream], judge: Judge | None = None, seed: int = 0) -> Audit:
    """Score every blind policy of a benchmark, and the one that takes the best of them for each kind of tasks.

    That one stands for what can be known of a benchmark without its recordings; there is none where figures are not
    named after the kinds of tasks.

    Raises:
        ConfigError: the benchmark needs a judge and none is given.
        InputError: there is nothing to score.
    """
    expect_tasks(benchmark, streams)
    expect_judge(benchmark, judge)
    said: dict[str, Emitted] = dict(benchmark.blind(streams, seed))
    reports = {policy: benchmark.score(streams, emitted, judge) for policy, emitted in said.items()}
    made = _each_kind(streams, said, reports)
    if made is not None:
        reports[EACH_KIND] = benchmark.score(streams, made, judge)
    tasks = sum(len(stream.tasks) for stream in streams)
    return Audit(benchmark.name, len(streams), tasks, reports, judge.name if judge is not None else "", seed)


def with_intervals(
    benchmark: Benchmark,
    streams: Sequence[Stream],
    emitted: Emitted,
    judge: Judge | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Report:
    """The score, with 95 % intervals by the percentile bootstrap over streams (Efron, 1979).

    Streams are drawn with replacement, with all that was asked of them and said on them, and scored anew. A figure
    that fewer than two streams have a part in has no interval; without resamples none has.
    """
    expect_judge(benchmark, judge)
    whole = benchmark.score(streams, emitted, judge)
    if len(streams) < 2 or resamples < 1:
        return whole
    draw = np.random.default_rng(seed)
    drawn = []
    for pick in draw.integers(len(streams), size=(resamples, len(streams))).tolist():
        chosen = [replace(streams[index], id=f"{place}") for place, index in enumerate(pick)]
        named = ((f"{place}", streams[index].id) for place, index in enumerate(pick))
        said = {new: emitted[old] for new, old in named if old in emitted}
        drawn.append(benchmark.score(chosen, said, judge))
    alone = [benchmark.score([one], {one.id: emitted[one.id]} if one.id in emitted else {}, judge) for one in streams]
    sides = {
        variant: {
            name: _spread(value, [of(one, variant, name) for one in alone], [of(one, variant, name) for one in drawn])
            for name, value in _side(whole, variant).items()
        }
        for variant in VARIANTS
    }
    return replace(whole, published=sides["published"], causal=sides["causal"])


def expect_tasks(benchmark: Benchmark, streams: Sequence[Stream]) -> None:
    """InputError if the annotations ask nothing, or name two streams alike."""
    if not any(stream.tasks for stream in streams):
        raise InputError(f"{benchmark.name}: the annotations hold no task; give the published file")
    names = [stream.id for stream in streams]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{benchmark.name}: the annotations hold the stream {twice!r} twice")


def expect_judge(benchmark: Benchmark, judge: Judge | None) -> None:
    """ConfigError if texts must be judged and nothing judges them."""
    if benchmark.judged and judge is None:
        raise ConfigError(f"{benchmark.name} compares texts; give --judge exact, f1, meaning or the URL of a model")


def less_is_better(figure: str, value: Value) -> bool:
    """Whether the smaller of two values of a figure is the better."""
    if value.unit == "%":
        return figure in LESS_SHARES
    return value.unit == "s" or any(word.startswith(LESS) for word in _WORD.findall(figure.casefold()))


def of(report: Report, variant: Variant, figure: str) -> Value | None:
    """One figure of a report, or None."""
    return _side(report, variant).get(figure)


def report_json(report: Report) -> dict[str, Any]:
    """JSON-serialisable; NaN becomes null."""
    sides: dict[str, Any] = {
        variant: {name: value_json(value) for name, value in _side(report, variant).items()} for variant in VARIANTS
    }
    return {**sides, "missing": report.missing, "notes": list(report.notes)}


def value_json(value: Value | None) -> dict[str, Any] | None:
    """The fields of a value; NaN becomes null."""
    if value is None:
        return None
    return {name: number(part) if isinstance(part, float) else part for name, part in asdict(value).items()}


def number(value: float) -> float | None:
    """The number, or None where JSON has none for it."""
    return value if math.isfinite(value) else None


def describes(figure: str, value: Value) -> bool:
    """Whether a figure is neither better nor worse for being more."""
    return value.unit == "s" and figure.casefold().startswith(DESCRIBES)


def _each_kind(
    streams: Sequence[Stream], said: Mapping[str, Emitted], reports: Mapping[str, Report]
) -> dict[str, list[Emission]] | None:
    """To each kind of tasks what the policy says that does best on the causal figure of its name."""
    kinds = dict.fromkeys(task.kind for stream in streams for task in stream.tasks)
    best: dict[str, str] = {}
    for kind in kinds:
        known = [
            (policy, value.value) for policy, one in reports.items() if (value := one.causal.get(kind)) is not None
        ]
        known = [(policy, value) for policy, value in known if not math.isnan(value)]
        if known:
            best[kind] = max(known, key=lambda pair: pair[1])[0]
    if len(set(best.values())) < 2:
        return None
    made: dict[str, list[Emission]] = {}
    for stream in streams:
        kind_of = {task.id: task.kind for task in stream.tasks}
        made[stream.id] = [
            emission
            for policy in dict.fromkeys(best.values())
            for emission in said[policy].get(stream.id, ())
            if best.get(kind_of.get(emission.cause or "", "")) == policy
        ]
    return made


def _side(report: Report, variant: Variant) -> Mapping[str, Value]:
    return report.published if variant == "published" else report.causal


def _share(figure: str, value: Value) -> float:
    if value.unit != "%" or less_is_better(figure, value):
        return math.nan
    return value.value / 100


def _known(value: Value | None) -> TypeGuard[Value]:
    return value is not None and not math.isnan(value.value)


def _has_ceiling(best: Best | None) -> bool:
    return best is not None and not math.isnan(best.share)


def _spread(value: Value, alone: Sequence[Value | None], drawn: Sequence[Value | None]) -> Value:
    known = [one.value for one in drawn if _known(one)]
    if sum(map(_known, alone)) < 2 or len(known) < len(drawn) / 2:
        return value
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return replace(value, low=float(low), high=float(high))
