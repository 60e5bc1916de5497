"""VCBench: its scores, and what those get who never look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.recipes.scored import Example, Scored

if TYPE_CHECKING:
    from headrace.evaluation.benchmarks.vcbench import VCBench as Benchmark

#: Off by one at true counts of 1, 3 and 4: s = 0.05 max(g, 1), exp(-1 / (2 s^2)).
_OFF_AT_1, _OFF_AT_3, _OFF_AT_4 = (exp(-1 / (2 * (0.05 * count) ** 2)) for count in (1, 3, 4))


@dataclass(frozen=True)
class VCBench(Scored):
    """VCBench: A Streaming Counting Benchmark for Spatial-Temporal State Maintenance (arXiv 2603.12703).

    The same question for a count is put at several times of a video. GPA is how near each count is, MoC whether counts
    that cannot fall do not, UDA whether each change has the right direction. Queries stand mostly where the count has
    just changed, so that "one more at each query" has much of all three.
    """

    name: ClassVar[str] = "vcbench"
    claim: ClassVar[str] = (
        "scores published outputs as the published code does and, beside it, in order of time with missing counts "
        "wrong: worked examples have the figures computed by hand"
    )

    def build(self) -> Benchmark:
        """The benchmark."""
        from headrace.evaluation.benchmarks.vcbench import VCBench as Benchmark

        return Benchmark()

    def examples(self) -> Sequence[Example]:
        """All queries answered; some not."""
        return _whole(), _broken()


def _whole() -> Example:
    return Example(
        name="whole",
        why=(
            "Three questions. Actions 1, 2, 3, said 1, 2, 2: GPA (1 + 1 + e^-(1 / (2 0.15^2))) / 3, MoC 1, UDA 1 of 2. "
            "Snapshots 2, 0, said 2, 1: GPA (1 + e^-(1 / (2 0.05^2))) / 2, UDA 1 of 1. A gain of 4, said 3: GPA "
            "e^-(1 / (2 0.2^2)). MoC is of the first alone, UDA of the first two: 75. Nothing is late: causal alike."
        ),
        annotations={"vcbench_eval.jsonl": _queries()},
        responses={"raw.jsonl": _said("1", "2", "2", "2", "1", "3")},
        published={"GPA": _gpa(2 + _OFF_AT_3, 1 + _OFF_AT_1, _OFF_AT_4), "MoC": 100.0, "UDA": 75.0},
        causal={"GPA": _gpa(2 + _OFF_AT_3, 1 + _OFF_AT_1, _OFF_AT_4), "MoC": 100.0, "UDA": 75.0},
    )


def _broken() -> Example:
    return Example(
        name="broken",
        why=(
            "The same with nothing said to the second snapshot, and a text without a number to the gain. Published: "
            "the first question is the only one whose counts can all be read: GPA (2 + e^-22.2) / 3, MoC 100, UDA 50. "
            "Causal: the snapshots have GPA 1/2 and UDA 0, the gain GPA 0."
        ),
        annotations={"vcbench_eval.jsonl": _queries()},
        responses={"raw.jsonl": _said("1", "2", "2", "2", None, "several")},
        published={"GPA": 100 * (2 + _OFF_AT_3) / 3, "MoC": 100.0, "UDA": 50.0},
        causal={"GPA": _gpa(2 + _OFF_AT_3, 1, 0), "MoC": 100.0, "UDA": 25.0},
        missing=1,
    )


def _gpa(actions: float, snapshots: float, gain: float) -> float:
    """In %, from the sums over the queries of each question."""
    return 100 * (actions / 3 + snapshots / 2 + gain) / 3


def _queries() -> list[dict[str, Any]]:
    counts = {"0000": ("E1-Action", (1, 2, 3)), "0001": ("O1-Snap", (2, 0)), "0002": ("O2-Gain", (4,))}
    rows: list[dict[str, Any]] = []
    for question, (kind, true) in counts.items():
        for index, count in enumerate(true):
            rows.append(
                {
                    "q_id": f"{len(rows):04d}",
                    "query_index": index,
                    "id": question,
                    "source_dataset": "rooms",
                    "video_path": "a.mp4",
                    "question": f"How many, so far ({question})?",
                    "counting_type": kind[:2],
                    "counting_subtype": kind,
                    "query_time": 10.0 * (index + 1),
                    "count": count,
                }
            )
    return rows


def _said(*predictions: str | None) -> list[dict[str, Any]]:
    return [row | {"prediction": text} for row, text in zip(_queries(), predictions, strict=True)]
