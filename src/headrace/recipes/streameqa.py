"""StreamEQA: its scores, and what those get who never look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.recipes.scored import Example, Scored

if TYPE_CHECKING:
    from headrace.evaluation.benchmarks.streameqa import StreamEqa as Benchmark


@dataclass(frozen=True)
class StreamEqa(Scored):
    """StreamEQA: Towards Streaming Video Understanding for Embodied Scenarios (arXiv 2512.04451).

    Questions of embodied agents (perception, interaction, planning) with four options, each put at a time of a long
    video and answered from the last 64 s. As published a missing answer leaves the count, so that failing on what is
    hard pays.
    """

    name: ClassVar[str] = "streameqa"
    claim: ClassVar[str] = (
        "scores published outputs as the published code does and, beside it, with missing answers as wrong: a worked "
        "example has the figures computed by hand"
    )

    def build(self) -> Benchmark:
        """The benchmark."""
        from headrace.evaluation.benchmarks.streameqa import StreamEqa as Benchmark

        return Benchmark()

    def examples(self) -> Sequence[Example]:
        """Six questions of two kinds."""
        said = ("A", "B) the second", "B", None, "D", "")
        items = [_item(n, "P1" if n < 4 else "I2", n % 4) for n in range(len(said))]
        outputs = [one | ({} if text is None else {"model": text}) for one, text in zip(items, said, strict=True)]
        why = (
            'P1: right letters A, B, C, D; said "A", "B) the second", "B" and nothing. Published: the first characters '
            "A and B are right, B is wrong, nothing leaves the count: 2 of 3; causal: only A is a right letter and "
            'nothing else: 1 of 4. I2: right letters A, B; said "D" and "", which counts as nothing: published 0 of 1, '
            "causal 0 of 2. total: published 2 of 4, causal 1 of 6; two are missing."
        )
        return (
            Example(
                name="six questions",
                why=why,
                annotations={"Perception.json": items[:4], "Interaction.json": items[4:]},
                responses={"Perception_output_model.json": outputs[:4], "Interaction_output_model.json": outputs[4:]},
                published={"P1": 200 / 3, "I2": 0.0, "total": 50.0},
                causal={"P1": 25.0, "I2": 0.0, "total": 100 / 6},
                missing=2,
            ),
        )


def _item(number: int, task: str, right: int) -> dict[str, Any]:
    return {
        "id": number,
        "task": task,
        "video": "P01-20240101-000000",
        "question": f"Which drawer was opened ({number})?",
        "options": ["the first", "the second", "the third", "the fourth"],
        "gt": right,
        "realtime": 12.5 + number,
    }
