"""metrics: one file a metric; every one is computed from emissions and ground truth alone."""

from headrace.evaluation.metrics.alerts import Alerts, alerts
from headrace.evaluation.metrics.answers import REFUSAL, Accuracy, accuracy
from headrace.evaluation.metrics.bootstrap import Interval, bootstrap
from headrace.evaluation.metrics.boundary import average_f1, best_annotator, boundary_score
from headrace.evaluation.metrics.latency import Quantiles, latency, staleness
from headrace.evaluation.metrics.score import Score, pool
from headrace.evaluation.metrics.text import Lines, line_score, similarity, word_recall

__all__ = [
    "REFUSAL", "Accuracy", "Alerts", "Interval", "Lines", "Quantiles", "Score", "accuracy", "alerts", "average_f1",
    "best_annotator", "bootstrap", "boundary_score", "latency", "line_score", "pool", "similarity", "staleness",
    "word_recall",
]  # fmt: skip
