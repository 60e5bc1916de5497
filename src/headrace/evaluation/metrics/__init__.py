"""metrics: one file a metric; every one is computed from emissions and ground truth alone."""

from headrace.evaluation.metrics.aged import Aged, aged
from headrace.evaluation.metrics.alerts import Alerts, alerts
from headrace.evaluation.metrics.answers import REFUSAL, Accuracy, accuracy
from headrace.evaluation.metrics.bootstrap import Interval, bootstrap
from headrace.evaluation.metrics.boundary import average_f1, best_annotator, boundary_score
from headrace.evaluation.metrics.chunks import Chunk, chunks, lay_out
from headrace.evaluation.metrics.counting import Counting, counting, counts_at
from headrace.evaluation.metrics.description import Description, description
from headrace.evaluation.metrics.graded import Graded
from headrace.evaluation.metrics.heard import heard, spoken_until
from headrace.evaluation.metrics.latency import Quantiles, latency, staleness
from headrace.evaluation.metrics.listener import ByJudge, Listener
from headrace.evaluation.metrics.matching import Joint, Matching, joint, judged, matching
from headrace.evaluation.metrics.narration import Narration, Turns, narration, narration_published, turns
from headrace.evaluation.metrics.quality import Quality, Rule, quality
from headrace.evaluation.metrics.score import Score, pool
from headrace.evaluation.metrics.series import Curve, Timely, latency_curve, latest, timely
from headrace.evaluation.metrics.silence import Silence, silence
from headrace.evaluation.metrics.state import Growth, Steps, growth, sizes, steps
from headrace.evaluation.metrics.text import Lines, line_score, similarity, word_recall
from headrace.evaluation.metrics.windows import (
    Offsets,
    Reminders,
    Window,
    first_answer,
    offset,
    offsets,
    on_time,
    reminders,
)

__all__ = [
    "REFUSAL", "Accuracy", "Aged", "Alerts", "ByJudge", "Chunk", "Counting", "Curve", "Description", "Graded", "Growth",
    "Interval", "Joint", "Lines", "Listener", "Matching", "Narration", "Offsets", "Quality", "Quantiles", "Reminders",
    "Rule", "Score", "Silence", "Steps", "Timely", "Turns", "Window", "accuracy", "aged", "alerts", "average_f1",
    "best_annotator", "bootstrap", "boundary_score", "chunks", "counting", "counts_at", "description", "first_answer",
    "growth", "heard", "joint", "judged", "latency", "latency_curve", "latest", "lay_out", "line_score", "matching",
    "narration", "narration_published", "offset", "offsets", "on_time", "pool", "quality", "reminders", "silence",
    "similarity", "sizes", "spoken_until", "staleness", "steps", "timely", "turns", "word_recall",
]  # fmt: skip
