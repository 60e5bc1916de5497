"""SVBench: its scores, and what those get who never look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.recipes.scored import Example, Scored

if TYPE_CHECKING:
    from headrace.evaluation.benchmark import Judge
    from headrace.evaluation.benchmarks.svbench import SVBench as Benchmark


@dataclass(frozen=True)
class SVBench(Scored):
    """SVBench: A Benchmark with Temporal Multi-Turn Dialogues for Streaming Video Understanding (arXiv 2502.10810).

    Chains of open questions, each on a part of a video and put at its end; some are linked with the chain before. A
    model marks the answers.
    """

    name: ClassVar[str] = "svbench"
    claim: ClassVar[str] = (
        "scores chains with any judge, over the answers that came as published and over all questions beside it: a "
        "worked example has the figures computed by hand"
    )
    missing: ClassVar[tuple[str, ...]] = ("the five axes of the published judge", "sampled paths through the chains")

    def build(self) -> Benchmark:
        """The benchmark."""
        from headrace.evaluation.benchmarks.svbench import SVBench as Benchmark

        return Benchmark()

    def judge(self) -> Judge:
        """Equality of words; the published judge is a model."""
        from headrace.evaluation.judges import Exact

        return Exact()

    def examples(self) -> Sequence[Example]:
        """One video with two chains and a link."""
        first = _part(0.0, 12.5, ("Who is there?", "A man."), ("What does he do?", "He runs."))
        last = _part(20.0, 31.0, ("What does he hold?", "A plate."))
        relation = {"chainBefore": [1], "chainAfter": [0], "relationship": ["People"]}
        ends = {"chain_1": first["chain"] | _span(first), "chain_2": last["chain"] | _span(last)}
        empty: dict[str, Any] = {"chain_1": {}, "chain_2": {}, "relationship": {}}
        link = {**ends, "relationship": relation}
        return (
            Example(
                name="chains",
                why=(
                    'Said "a man" (right), nothing, and "a cup" (wrong). Published: 1 of the 2 answers; chains 1 and '
                    "0. Causal: 1 of 3 questions; chains 1/2 and 0. Linked are the second and the third question: 0 of "
                    "1, and 0 of 2."
                ),
                annotations={
                    "Dialogue/Dialogue_EN/v.json": [first, {}, last],
                    "Con/Con_EN/v.json": [empty, link],
                },
                responses={"v.json": [_said(first, "a man", ""), {}, _said(last, "A cup.")]},
                published={"turns": 50.0, "chains": 50.0},
                causal={"turns": 100 / 3, "chains": 25.0, "linked": 0.0},
                missing=1,
            ),
        )


def _part(start: float, end: float, *pairs: tuple[str, str]) -> dict[str, Any]:
    chain = {"questions": [question for question, _ in pairs], "answers": [answer for _, answer in pairs]}
    return {"images": [], "chain": chain, "qac_timestamps_start": start, "qac_timestamps_end": end}


def _span(part: dict[str, Any]) -> dict[str, Any]:
    return {name: part[name] for name in ("qac_timestamps_start", "qac_timestamps_end")}


def _said(part: dict[str, Any], *texts: str) -> dict[str, Any]:
    return {"questions": part["chain"]["questions"], "gt_answers": part["chain"]["answers"], "answers": list(texts)}
