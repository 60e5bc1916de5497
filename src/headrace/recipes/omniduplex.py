"""Omni-DuplexEval: its scores, and what those get who never look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.recipes.scored import Example, Scored

if TYPE_CHECKING:
    from headrace.evaluation.benchmark import Judge
    from headrace.evaluation.benchmarks.omniduplex import OmniDuplex as Benchmark


@dataclass(frozen=True)
class OmniDuplex(Scored):
    """Omni-DuplexEval: Evaluating Real-time Duplex Omni-modal Interaction (arXiv 2605.17360).

    Reminders: something right must be said within 10 s of each event; whatever is said elsewhere is free. Corrections
    are judged by all that was said; running descriptions by a model that sees the video.
    """

    name: ClassVar[str] = "omniduplex"
    claim: ClassVar[str] = (
        "scores reminders and corrections as the published code does, with false alarms counted beside it: worked "
        "examples have the figures computed by hand"
    )
    missing: ClassVar[tuple[str, ...]] = ("descriptions rated against the video",)

    def build(self) -> Benchmark:
        """The benchmark."""
        from headrace.evaluation.benchmarks.omniduplex import OmniDuplex as Benchmark

        return Benchmark()

    def judge(self) -> Judge:
        """F1 of words; the published judge is a model."""
        from headrace.evaluation.judges import TokenF1

        return TokenF1()

    def examples(self) -> Sequence[Example]:
        """One of reminders, one of corrections."""
        return _reminders(), _corrections()


def _reminders() -> Example:
    split = "PR_event_reminder"
    return Example(
        name="reminders",
        why=(
            'Asked to say when the bell rings; "the bell rings" has 2 of its 4 words besides the article, F1 2 2 / 6, '
            'and is right, "hello" is not. The first rings at 15 and 40 s: right at 16 s, right at 30 s, "hello" at 45 '
            "s. The second rings at 20 s: right at 21 s. Published: 2 of 3 events, 1 of 2 samples. Causal: 16 and 21 s "
            "are hits, 30 s is false, 45 s is wrong: F1 2 2 / (2 2 + 2 + 1); the second sample is without fault. By "
            "time alone all 3 events are met; causal, with 1 false: F1 2 3 / (2 3 + 1)."
        ),
        annotations={f"{split}.json": [_row("1", reminder1=15.0, reminder2="40"), _row("2", reminder1=20)]},
        responses={
            f"{split}/1.json": [
                {"text": "The bell rings.", "current_time": 16.0},
                {"text": "the bell rings", "current_time": 30.0},
                {"sentence": "hello", "start": 45.0, "end": 46.0},
            ],
            f"{split}/2.json": {"chunks": [{"text": "the bell rings", "current_time": 21.0}]},
        },
        published={split: 50.0, f"events {split}": 200 / 3, f"timing {split}": 100.0},
        causal={split: 50.0, f"events {split}": 400 / 7, f"timing {split}": 600 / 7},
    )


def _corrections() -> Example:
    split = "PR_correction"
    rows = [_row(name, question_text="The ship is black.", answer1="The ship is white.") for name in "123"]
    return Example(
        name="corrections",
        why=(
            'The first says "It is white": 2 of its 3 words are among the 3 of the reference, F1 2/3, right. The '
            'second says "hello": wrong. The third says nothing: published it is left out, causal it is wrong. Whoever '
            "repeats the mistake has F1 2/3 too: a judge of words cannot see it."
        ),
        annotations={f"{split}.json": rows},
        responses={
            f"{split}/1.json": [{"text": "It is white", "current_time": 3.0}],
            f"{split}/2.json": [{"text": "hello", "current_time": 3.0}],
        },
        published={split: 50.0},
        causal={split: 100 / 3},
        missing=1,
    )


def _row(name: str, **fields: Any) -> dict[str, Any]:
    row = {"id": name, "question_text": "Say when the bell rings.", "answer1": None, "answer2": None}
    return row | {"reminder1": None, "reminder2": None, "video_duration": 60.0, "video": f"{name}.mp4"} | fields
