"""StreamGaze: its scores, and what those get who never look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.recipes.scored import Example, Scored

if TYPE_CHECKING:
    from headrace.evaluation.benchmarks.streamgaze import StreamGaze as Benchmark

_PROBES = tuple({"realtime": at, "type": kind} for at, kind in (("00:10", 0), ("00:12", 1), ("00:13", 1), ("00:18", 0)))


@dataclass(frozen=True)
class StreamGaze(Scored):
    """StreamGaze: Gaze-Guided Temporal Reasoning and Proactive Understanding in Streaming Videos (arXiv 2512.01707).

    Questions with options on what somebody looked at, looks at, or will do, and requests to be alert, which are probed:
    at given times, is it so by now? The probes are read by whether "yes" or "no" occurs anywhere.
    """

    name: ClassVar[str] = "streamgaze"
    claim: ClassVar[str] = (
        "scores published outputs as the published code does and, beside it, strictly: a worked example of questions "
        "and probes has the figures computed by hand"
    )
    missing: ClassVar[tuple[str, ...]] = ("gaze as a stream beside the video", "the ends of the spans of T_acc")

    def build(self) -> Benchmark:
        """The benchmark."""
        from headrace.evaluation.benchmarks.streamgaze import StreamGaze as Benchmark

        return Benchmark()

    def examples(self) -> Sequence[Example]:
        """One of questions, one of requests."""
        return _questions(), _requests()


def _questions() -> Example:
    said = ("I see a cup", "B.", "The answer is C", None)
    asked = [_question(n, answer) for n, answer in enumerate("ABCD")]
    videos = [_video("v1.mp4", asked[:2]), _video("v1.mp4", asked[2:])]
    predictions = [
        {"question": one["question"], "model_prediction": text}
        for one, text in zip(asked, said, strict=True)
        if text is not None
    ]
    answered = [
        one | {"model_predictions": some} for one, some in zip(videos, (predictions[:2], predictions[2:]), strict=True)
    ]
    return Example(
        name="questions",
        why=(
            'Right letters A to D; said "I see a cup", "B.", "The answer is C" and nothing. Published: the first lone '
            'letter of A to D in capitals is A, of the word "a", so it is right, as are B and C; nothing leaves the '
            "count: 3 of 3. Causal: B. is the letter and nothing else: 1 of 4."
        ),
        annotations={"past_scene_recall.json": videos},
        responses={"past_scene_recall_output.json": answered},
        published={"past_scene_recall": 100.0, "average": 100.0},
        causal={"past_scene_recall": 25.0, "average": 25.0},
        missing=1,
    )


def _requests() -> Example:
    spoken = (
        ("No", "Yes", "Yes.", None),
        ("Yes", "Yes", "Yes", "Yes"),
        ("No", "not sure", "No", "Yes"),
    )
    asked = [_request(f"00:0{n}", _PROBES) for n in range(len(spoken))]
    answered = [
        _request(f"00:0{n}", [probe | {"response": text} for probe, text in zip(_PROBES, said, strict=True) if text])
        for n, said in enumerate(spoken)
    ]
    kind = "proactive_gaze_triggered_alert"
    return Example(
        name="requests",
        why=(
            "Three requests, each probed at 10, 12, 13 and 18 s, right No, Yes, Yes, No; the object shows from 12 s, "
            'to 13 s at least. Said No, Yes, "Yes." and nothing: 3 of 4 in both. Always Yes: 2 of 4 in both. No, "not '
            'sure", No, Yes: 1 of 4 in both. Together 6 of 12. T_acc: the first reports at 12 s, within 12 and 13 + 3; '
            "the second at 10 s, before it; the third at 18 s, behind: 1 of 3."
        ),
        annotations={f"{kind}.json": [_video("v1.mp4", asked)]},
        responses={f"{kind}_output.json": [_video("v1.mp4", answered)]},
        published={kind: 50.0, "average": 50.0},
        causal={kind: 50.0, "average": 50.0, f"{kind}, T_acc": 100 / 3},
        missing=1,
    )


def _video(name: str, questions: list[dict[str, Any]]) -> dict[str, Any]:
    return {"response_time": "[00:00 - 01:00]", "questions": questions, "video_path": name}


def _question(number: int, answer: str) -> dict[str, Any]:
    return {
        "question": f"What was looked at ({number})?",
        "time_stamp": f"00:{20 + number}",
        "answer": answer,
        "options": ["A. a cup", "B. a knife", "C. a plate", "D. a pan"],
    }


def _request(at: str, probes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "question": "Tell me when I look at the <plate>.",
        "time_stamp": at,
        "first_appearance": "00:12",
        "target_object": "plate",
        "test_info": list(probes),
    }
