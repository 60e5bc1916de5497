"""scored: one set of responses, or one run, with the blind policies beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace.core.errors import InputError
from headrace.evaluation.audit import (
    RESAMPLES,
    VARIANTS,
    Audit,
    Best,
    Variant,
    audit,
    less_is_better,
    of,
    report_json,
    value_json,
    with_intervals,
)
from headrace.evaluation.benchmark import Benchmark, Emitted, Report, Stream, Value
from headrace.evaluation.judges import Remembered


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        figure: its name.
        values, best: of each variant that has it: the value, and the best blind policy.
    """

    figure: str
    values: Mapping[Variant, Value]
    best: Mapping[Variant, Best]

    def beaten(self, variant: Variant) -> bool:
        """Whether a blind policy does as well or better."""
        value, best = self.values.get(variant), self.best.get(variant)
        if value is None or best is None or math.isnan(value.value):
            return False
        sign = -1 if less_is_better(self.figure, value) else 1
        return sign * best.value.value >= sign * value.value


@dataclass(frozen=True, slots=True)
class Scored:
    """What came out.

    Attributes:
        benchmark, title: of the benchmark.
        who: the files of the responses, or the system.
        report: with intervals, if there are enough streams.
        blind: the policies that do not look.
        notes: what a reader must know, those of the report included.
        run: of a run: what it was given and what went wrong; empty for responses.
    """

    benchmark: str
    title: str
    who: str
    report: Report
    blind: Audit
    notes: tuple[str, ...] = ()
    run: Mapping[str, Any] = field(default_factory=dict)

    def rows(self) -> list[Row]:
        """Every figure, in the order of the report."""
        names = dict.fromkeys((*self.report.published, *self.report.causal))
        return [
            Row(
                name,
                {side: value for side in VARIANTS if (value := of(self.report, side, name)) is not None},
                {side: best for side in VARIANTS if (best := self.blind.best(name, side)) is not None},
            )
            for name in names
        ]

    def beaten(self, variant: Variant) -> dict[str, str]:
        """The figures on which a blind policy does as well or better, and which."""
        return {row.figure: row.best[variant].policy for row in self.rows() if row.beaten(variant)}

    def to_json(self) -> dict[str, Any]:
        """JSON-serialisable; NaN becomes null."""
        return {
            "benchmark": self.benchmark,
            "title": self.title,
            "who": self.who,
            "streams": self.blind.streams,
            "tasks": self.blind.tasks,
            "missing": self.report.missing,
            "judge": self.blind.judge,
            "figures": [
                {
                    "figure": row.figure,
                    **{side: value_json(row.values.get(side)) for side in VARIANTS},
                    "blind": {
                        side: {"policy": best.policy, **(value_json(best.value) or {})}
                        for side, best in row.best.items()
                    },
                }
                for row in self.rows()
            ],
            "beaten": {side: self.beaten(side) for side in VARIANTS},
            "policies": {policy: report_json(one) for policy, one in self.blind.reports.items()},
            "notes": list(self.notes),
            "run": dict(self.run),
        }


def score(
    benchmark: Benchmark,
    streams: Sequence[Stream],
    emitted: Emitted,
    who: str,
    judge: Remembered | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    notes: Sequence[str] = (),
    run: Mapping[str, Any] | None = None,
) -> Scored:
    """Score what was said on streams, beside what blind policies say.

    Raises:
        ConfigError: a judge is needed and none is given.
        InputError: the annotations hold no task; the judge fails.
    """
    blind = audit(benchmark, streams, judge, seed)
    report = with_intervals(benchmark, streams, emitted, judge, resamples, seed)
    told = [*report.notes, *notes]
    if judge is not None and judge.unreadable:
        told.append(f"{judge.unreadable} replies of the judge were no mark; they count as wrong")
    return Scored(benchmark.name, benchmark.title, who, report, blind, tuple(told), run or {})


def score_responses(
    benchmark: Benchmark,
    annotations: str,
    paths: Sequence[str],
    judge: Remembered | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Scored:
    """Score published outputs.

    Raises:
        ConfigError: a judge is needed and none is given.
        InputError: a file cannot be read or has another form, or no response belongs to a task.
    """
    streams = benchmark.load(annotations)
    emitted = benchmark.responses(paths, streams)
    if not any(emitted.values()):
        raise InputError(f"{', '.join(paths)}: no response to any task of {benchmark.name}; give its outputs")
    return score(benchmark, streams, emitted, _named(paths), judge, resamples=resamples, seed=seed)


def _named(paths: Sequence[str]) -> str:
    """Up to three files by name, of more the first and how many there are."""
    names = [Path(path).name for path in paths]
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} further files"
