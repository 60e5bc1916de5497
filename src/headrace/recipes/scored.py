"""Scored: what recipes of benchmarks are made of: worked examples whose figures were computed by hand."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isclose, isnan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from headrace.core.recipe import Check, Recipe

if TYPE_CHECKING:
    from headrace.evaluation.benchmark import Benchmark, Judge, Report, Value

#: Figures agree with those computed by hand up to this relative error.
CLOSE = 1e-9


@dataclass(frozen=True)
class Example:
    """Annotations and responses in the published form, and their figures by hand.

    Attributes:
        name: goes before its figures.
        why: the derivation of every figure.
        annotations: value of each file, by its path below a folder: of a name with ".jsonl" the list of its lines, of
            any other ending than ".json" its text.
        responses: likewise; the output of one model.
        published, causal: figures by hand, as `Report` names them; others are not compared.
        missing: tasks without a response.
    """

    name: str
    why: str
    annotations: Mapping[str, Any]
    responses: Mapping[str, Any]
    published: Mapping[str, float] = field(default_factory=dict)
    causal: Mapping[str, float] = field(default_factory=dict)
    missing: int = 0


@dataclass(frozen=True)
class Scored(Recipe):
    """A recipe that stands for a benchmark.

    `build()` gives the Benchmark; the check scores the worked examples and compares them with the figures by hand, and
    puts beside them what those get who never look: every policy of `Benchmark.blind`. A recipe of another package is
    made in the same way, or without this base: whatever recipe builds a Benchmark is one.
    """

    @abstractmethod
    def build(self) -> Benchmark: ...

    @abstractmethod
    def examples(self) -> Sequence[Example]:
        """The worked examples, one at least."""

    def judge(self) -> Judge | None:
        """What compares texts in the check, where the benchmark needs it."""
        return None

    def check(self, seed: int = 0, full: bool = False) -> Check:
        """Score the worked examples; holds if every figure is the one by hand."""
        benchmark, judge = self.build(), self.judge()
        measured: dict[str, float] = {}
        baselines: dict[str, dict[str, float]] = {}
        wrong: list[str] = []
        for example in self.examples():
            with TemporaryDirectory() as folder:
                annotations = _write(Path(folder, "annotations"), example.annotations)
                responses = _write(Path(folder, "responses"), example.responses)
                streams = benchmark.load(annotations[0] if len(annotations) == 1 else Path(folder, "annotations"))
                emitted = benchmark.responses(responses, streams)
            report = benchmark.score(streams, emitted, judge)
            measured |= _figures(example.name, report)
            wrong += _wrong(example, report)
            for policy, said in benchmark.blind(streams, seed).items():
                row = _figures(example.name, benchmark.score(streams, said, judge))
                baselines.setdefault(policy, {}).update(row)
        note = f"not as computed by hand: {'; '.join(wrong)}" if wrong else "all figures are those computed by hand"
        return Check(measured, baselines, not wrong, seed, note)


def _write(folder: Path, values: Mapping[str, Any]) -> list[Path]:
    folder.mkdir()
    for name, value in values.items():
        if name.endswith(".jsonl"):
            text = "".join(f"{json.dumps(line)}\n" for line in value)
        else:
            text = json.dumps(value) if name.endswith(".json") else value
        folder.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        folder.joinpath(name).write_text(text, encoding="utf-8")
    return [folder / name for name in values]


def _figures(name: str, report: Report) -> dict[str, float]:
    """Figures that are not NaN; JSON has no name for it."""
    sides: tuple[tuple[str, Mapping[str, Value]], ...] = (("published", report.published), ("causal", report.causal))
    found = {f"{name}: {side} {key}": one.value for side, values in sides for key, one in values.items()}
    return {key: value for key, value in found.items() if not isnan(value)}


def _wrong(example: Example, report: Report) -> list[str]:
    """What differs from the figures by hand."""
    found = []
    for side, wanted, got in (
        ("published", example.published, report.published),
        ("causal", example.causal, report.causal),
    ):
        for key, value in wanted.items():
            figure = got[key].value if key in got else float("nan")
            same = isclose(figure, value, rel_tol=CLOSE, abs_tol=CLOSE) or (isnan(figure) and isnan(value))
            if not same:
                found.append(f"{example.name}: {side} {key} is {figure:g}, by hand {value:g}")
    if report.missing != example.missing:
        found.append(f"{example.name}: {report.missing} missing, by hand {example.missing}")
    return found
