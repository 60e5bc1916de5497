"""evaluation: ground truth, replay, metrics and blind baselines. Nothing can peek, nothing can be gamed."""

from headrace.evaluation.replay import Replay, arrivals, emissions
from headrace.evaluation.truth import Event, Exchange, Question, Series, Truth, read_truth, write_truth

__all__ = [
    "Event", "Exchange", "Question", "Replay", "Series", "Truth", "arrivals", "emissions", "read_truth", "write_truth",
]  # fmt: skip
