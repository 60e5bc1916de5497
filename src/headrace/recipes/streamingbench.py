"""StreamingBench: its scores, and what those get who never look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.recipes.scored import Example, Scored

if TYPE_CHECKING:
    from headrace.evaluation.benchmarks.streamingbench import StreamingBench as Benchmark

_MODEL = "model"


@dataclass(frozen=True)
class StreamingBench(Scored):
    """StreamingBench: Assessing the Gap for MLLMs to Achieve Streaming Video Understanding (arXiv 2411.03628).

    Questions are put while a video runs, with four options each: on sight, on sight and sound, or in chains; requests
    want something said as soon as it is so, within 2 s. As published, whoever speaks 6 s after each request, whatever
    is shown, meets 52.4 % of the 250. See `headrace.evaluation.benchmarks.streamingbench` for what else is named and
    not copied.
    """

    name: ClassVar[str] = "streamingbench"
    claim: ClassVar[str] = (
        "scores published outputs as the published code does and, beside it, without gaps: worked examples of all four "
        "kinds of files have the figures computed by hand"
    )

    def build(self) -> Benchmark:
        """The benchmark."""
        from headrace.evaluation.benchmarks.streamingbench import StreamingBench as Benchmark

        return Benchmark()

    def examples(self) -> Sequence[Example]:
        """One of questions, one of requests."""
        return _questions(), _requests()


def _questions() -> Example:
    asked = (
        ("Counting", "A", "A"),
        ("Counting", "B", "B. two"),
        ("Counting", "C", " C"),
        ("Action Recognition", "D", ""),
        ("Emotion Recognition", "A", "B"),
        ("Emotion Recognition", "B", "B."),
    )
    chain = [("A", "A"), ("B", "A"), ("C", "C")]
    single = [_question(kind, answer, f"00:00:{10 + n}", n) for n, (kind, answer, _) in enumerate(asked)]
    linked = [_question("Sequential Question Answering", answer, f"0{n}:30", n) for n, (answer, _) in enumerate(chain)]
    said = [text for *_, text in asked]
    single_said = [one | ({_MODEL: text} if text else {}) for one, text in zip(single, said, strict=True)]
    linked_said = [one | {_MODEL: text} for one, (_, text) in zip(linked, chain, strict=True)]
    return Example(
        name="questions",
        why=(
            'Counting: "A" is right; "B. two" by its first character, but is more than a letter; " C" begins with a '
            "space, but is the letter: published 2 of 3, causal 2 of 3. Action Recognition: nothing was said: "
            "published 0 of 0, causal 0 of 1. Emotion Recognition: wrong, right: 1 of 2 in both. real: the first four: "
            "published 2 of 3, causal 2 of 4. The chain: 2 of 3 in both."
        ),
        annotations={
            "questions_real.json": [_video("v1.mp4", single[:4])],
            "questions_omni.json": [_video("v2.mp4", single[4:])],
            "questions_sqa.json": [[_video("v3.mp4", [one]) for one in linked]],
        },
        responses={
            "real_output_model.json": [_video("v1.mp4", single_said[:4])],
            "omni_output_model.json": [_video("v2.mp4", single_said[4:])],
            "sqa_output_model.json": [[_video("v3.mp4", [one]) for one in linked_said]],
        },
        published={
            "Counting": 200 / 3,
            "Action Recognition": float("nan"),
            "Emotion Recognition": 50.0,
            "real": 200 / 3,
            "omni": 50.0,
            "Sequential Question Answering": 200 / 3,
        },
        causal={
            "Counting": 200 / 3,
            "Action Recognition": 0.0,
            "Emotion Recognition": 50.0,
            "real": 50.0,
            "omni": 50.0,
            "Sequential Question Answering": 200 / 3,
        },
        missing=1,
    )


def _requests() -> Example:
    spoken = ((18, "3"), (21, "It is 3."), (22, "3."), (23, "3"), None)
    asks = [_request(f"00:00:{10 + n:02d}") for n in range(len(spoken))]
    outputs = [
        {"answered": said[0], "dialog_history": [{"role": "assistant", "content": said[1], "time": said[0]}]}
        if said
        else {"answered": False, "dialog_history": [{"role": "assistant", "content": "no", "time": 24}]}
        for said in spoken
    ]
    return Example(
        name="requests",
        why=(
            'Five requests that come true at 20 s, to be met with "3". Spoken at 18, 21, 22 and 23 s, and never. '
            "Published, time: 18, 21 and 22 lie within 2 s: 3 of 5; output: all three hold the words: 3 of 5. Causal, "
            'time: 18 comes before it is so: 2 of 5; output: "3." is the words, "It is 3." is more: 1 of 5.'
        ),
        annotations={"questions_proactive.json": [_video("v4.mp4", [one]) for one in asks]},
        responses={
            "proactive_output_model.json": [
                _video("v4.mp4", [one | {_MODEL: output}]) for one, output in zip(asks, outputs, strict=True)
            ]
        },
        published={"Proactive Output, time": 60.0, "Proactive Output, output": 60.0},
        causal={"Proactive Output, time": 40.0, "Proactive Output, output": 20.0},
        missing=1,
    )


def _video(name: str, questions: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "time": "[0:00:00 - 0:01:00]",
        "questions": questions,
        "video_categories": "made up",
        "video_path": f"./videos/{name}",
    }


def _question(kind: str, answer: str, at: str, number: int) -> dict[str, Any]:
    return {
        "task_type": kind,
        "question": f"Which of these is it ({number})?",
        "time_stamp": at,
        "answer": answer,
        "options": ["A. one", "B. two", "C. three", "D. four"],
        "required_ability": "working memory",
    }


def _request(at: str) -> dict[str, Any]:
    return {
        "task_type": "Proactive Output",
        "question": 'When the third lamp lights up, output "3".',
        "time_stamp": at,
        "ground_truth_time_stamp": "00:00:20",
        "ground_truth_output": "3",
        "required_ability": "working memory",
    }
