"""OmniPro: its scores, and what those get who never look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.recipes.scored import Example, Scored

if TYPE_CHECKING:
    from headrace.evaluation.benchmarks.omnipro import OmniPro as Benchmark

_ALERT, _COUNT = "instant_event_alert", "cumulative_counting"


@dataclass(frozen=True)
class OmniPro(Scored):
    """OmniPro: A Comprehensive Benchmark for Omni-Proactive Streaming Video Understanding (arXiv 2605.18577).

    A standing request, and the times at which to speak. Online, what is said is paired with what happens within 3 s,
    before it too; in probes, the system is asked shortly before and shortly after each event.
    """

    name: ClassVar[str] = "omnipro"
    claim: ClassVar[str] = (
        "scores online outputs and probes apart, as the published code does and causally beside it: worked examples "
        "have the figures computed by hand"
    )
    missing: ClassVar[tuple[str, ...]] = ("probes put to a system; those of published outputs are scored",)

    def build(self) -> Benchmark:
        """The benchmark."""
        from headrace.evaluation.benchmarks.omnipro import OmniPro as Benchmark

        return Benchmark()

    def examples(self) -> Sequence[Example]:
        """One of each mode."""
        return _online(), _probes()


def _online() -> Example:
    alert = [{"t_sec": t, "raw": "the bell rings"} for t in (8.0, 21.0, 40.0)]
    count = [{"t_sec": 11.0, "raw": "1"}, {"t_sec": 19.0, "raw": "2"}]
    return Example(
        name="online",
        why=(
            "Two samples with events at 10 and 20 s. Alerts at 8, 21 and 40 s: published, 8 and 21 are within 3 s: F1 "
            "2 2 / (2 2 + 1) = 80, content 100 by rule, joint 80; causal, 21 alone: F1 2 / (2 + 2 + 1) = 40. Counts 1 "
            "at 11 s and 2 at 19 s: published, both pair: time 100; at 19 s the count is still 1, so 1 of 2 contents "
            "and joint 50; causal, 11 s alone pairs: time 50, content 100, joint 50. Means: published 90, 75, 65; "
            "causal 45, 100 (alerts have no content), 45."
        ),
        annotations={"benchmark.json": _samples()},
        responses={"online.jsonl": [_output("a", _ALERT, alert), _output("c", _COUNT, count)]},
        published={
            f"time F1 {_ALERT}": 80.0,
            f"content {_COUNT}": 50.0,
            "time F1": 90.0,
            "content": 75.0,
            "joint F1": 65.0,
        },
        causal={f"time F1 {_ALERT}": 40.0, "time F1": 45.0, "content": 100.0, "joint F1": 45.0},
    )


def _probes() -> Example:
    said = (
        _probe(0, "pre", 6, "NO", right=True),
        _probe(0, "post", 11, "YES: it rings", right=True),
        _probe(1, "pre", 17, "yes", right=False),
        _probe(1, "post", 21, "The answer is YES", right=True),
    )
    return Example(
        name="probes",
        why=(
            "Two events, each probed before and after. Published: before, 1 of 2; after, 2 of 2; both right at 1 of 2 "
            'events. Read strictly, "The answer is YES" does not begin with yes: after, 1 of 2; both at 1 of 2.'
        ),
        annotations={"benchmark.json": _samples()[:1]},
        responses={"probes.jsonl": [_output("a", _ALERT, list(said)) | {"eval_mode": "gt_probe"}]},
        published={"probe pre": 50.0, "probe post": 100.0, "probe pairs": 50.0},
        causal={"probe pre": 50.0, "probe post": 50.0, "probe pairs": 50.0},
    )


def _samples() -> list[dict[str, Any]]:
    return [
        {
            "id": name,
            "task": task,
            "video_id": name,
            "video_path": f"raw_videos/{name}.mp4",
            "duration": 60.0,
            "question": "Tell me whenever the bell rings.",
            "question_time": "00:02",
            "audio_dependency": "required",
            "ground_truth": [
                {"trigger_time": f"00:{10 * n}", "trigger_time_sec": 10.0 * n, "response": "the bell rings", "count": n}
                for n in (1, 2)
            ],
        }
        for name, task in (("a", _ALERT), ("c", _COUNT))
    ]


def _output(name: str, task: str, predictions: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": name, "task": task, "predictions": predictions}


def _probe(index: int, when: str, t: int, text: str, *, right: bool) -> dict[str, Any]:
    return {
        "gt_idx": index,
        "probe_type": when,
        "time_sec": t,
        "gt_expected": "NO" if when == "pre" else "YES",
        "raw_response": text,
        "parsed": {"triggered": "yes" in text.lower()},
        "correct": right,
    }
