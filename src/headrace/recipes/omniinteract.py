"""OmniInteract: its scores, and what those get who never look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.recipes.scored import Example, Scored

if TYPE_CHECKING:
    from headrace.evaluation.benchmark import Judge
    from headrace.evaluation.benchmarks.omniinteract import OmniInteract as Benchmark


@dataclass(frozen=True)
class OmniInteract(Scored):
    """OmniInteract: Benchmarking Real-World Streaming Interaction for Real-Time Omnimodal Assistants.

    arXiv 2605.26485.

    Every request is a slot [start, t_answer, end): a sign of life before the answer can be known earns a fifth, the
    answer four fifths, both less the later they come; wrong speech and speech past the end cost precision (IA-QTF1).
    Nested questions and interruptions have figures of their own.
    """

    name: ClassVar[str] = "omniinteract"
    claim: ClassVar[str] = (
        "IA-QTF1, the interruption suite and the nested-chain score of worked examples are those computed by hand, as "
        "published and causally"
    )

    def build(self) -> Benchmark:
        """The benchmark."""
        from headrace.evaluation.benchmarks.omniinteract import OmniInteract as Benchmark

        return Benchmark()

    def judge(self) -> Judge:
        """Equality of words; the published judge is a model."""
        from headrace.evaluation.judges import Exact

        return Exact()

    def examples(self) -> Sequence[Example]:
        """Turns, a nested pair, and one who only gains time, with an interruption."""
        return _turns(), _nested(), _moments()


def _turns() -> Example:
    earned = 0.2 + 0.8 * (1 - 2 / 15)
    f1 = 100 * 2 * earned / (2 * earned + 2 + 1)
    return Example(
        name="turns",
        why=(
            'Asked at 1 s, due at 5 s, over at 20 s: "one moment" at 1 s earns 0.2; "red" at 7 s is 2 of 15 s late, '
            '0.8 (1 - 2/15). Asked and due at 20 s, over at 80 s: "three" is wrong: FP and FN. "bye" at 90 s is in no '
            "exchange: FP. F1 = 2 TP / (2 TP + 2 + 1), causal alike, for an answer follows the sign of life."
        ),
        annotations=_data("multi_turn", [_row("00:01", "00:05", "red"), _row("00:20", "00:20", "two")]),
        responses=_transcript(("one moment", 1.0, 2.0), ("red", 7.0, 8.0), ("three", 22.0, 23.0), ("bye", 90.0, 91.0)),
        published={"IA-QTF1": f1, "IA-QTF1 1Q1A": f1},
        causal={"IA-QTF1": f1},
    )


def _nested() -> Example:
    return Example(
        name="nested",
        why=(
            'Asked at 10 s, due at 30 s, over at 90 s; inside it asked at 15 s, due at 18 s, over at 30 s. "cat" at '
            '21 s: 0.8 (1 - 3/12) = 0.6. "blue" at 36 s: 0.8 (1 - 6/60) = 0.72. Nothing is false or missed: F1 1; the '
            "inner one came first: NCCS sqrt(0.6 0.72)."
        ),
        annotations=_data("nested", [_row("00:10", "00:30", "blue"), _row("00:15", "00:18", "cat")]),
        responses=_transcript(("cat", 21.0, 22.0), ("blue", 36.0, 37.0)),
        published={"IA-QTF1": 100.0, "IA-QTF1 nested": 100.0, "NCCS": 100 * sqrt(0.6 * 0.72)},
        causal={"IA-QTF1": 100.0, "NCCS": 100 * sqrt(0.6 * 0.72)},
    )


def _moments() -> Example:
    return Example(
        name="moments",
        why=(
            'Two requests, "one moment" at once to each and nothing more, and a third that the user interrupts, where '
            "nothing is said. Published: TP 0.4, FN 2, and the silence is free: P 1, R 1/6, F1 2/7, NOR 100. Causal: "
            "nothing that earns follows, and the cut-off answer is missed too: 0."
        ),
        annotations=_data(
            "multi_turn",
            [
                _row("00:00", "00:10", "red"),
                _row("00:20", "00:30", "two"),
                _row("00:40", "00:40", "a long story", cut=True),
            ],
        ),
        responses=_transcript(("one moment", 0.0, 1.0), ("one moment", 20.0, 21.0)),
        published={"IA-QTF1": 200 / 7, "NOR": 100.0},
        causal={"IA-QTF1": 0.0, "NOR": 100.0},
        missing=1,
    )


def _row(asked: str, due: str, answer: str, *, cut: bool = False) -> dict[str, Any]:
    return {
        "question_time": asked,
        "question_text": f"What is it ({asked})?",
        "answer_time": due,
        "answer_text": answer,
        "question_type": "realtime" if asked == due else "proactive",
        "is_interrupted": cut,
    }


def _data(scene: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    index = {"video": "videos/0001.mp4", "annotation": "annotations/0001.json", "scene_type": scene}
    return {"1q1a/video_json_map.json": {"total": 1, "entries": [index]}, "1q1a/annotations/0001.json": rows}


def _transcript(*chunks: tuple[str, float, float]) -> dict[str, Any]:
    said = [{"text": text, "timestamp": [start, end]} for text, start, end in chunks]
    text = " ".join(text for text, _, _ in chunks)
    return {"1q1a/videos__0001/precise_truncation.json": {"text": text, "chunks": said}}
