"""Boundary F1 at a relative distance (GEBD)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal

from headrace.core.errors import ConfigError, InputError
from headrace.evaluation.metrics.score import Score
from headrace.evaluation.truth import Event

#: What a relative distance is relative to.
Scale = Literal["segment", "clip"]
#: The relative distances of the published average: 0.05, 0.10, … 0.50.
DISTANCES = tuple(step / 20 for step in range(1, 11))


def boundary_score(
    predicted: Sequence[int], truth: Sequence[Event], duration: int, rel: float = 0.05, scale: Scale = "segment"
) -> Score:
    """Predicted boundaries against true ones, one to one.

    A true boundary b with tolerance w(b) may be matched by a prediction p with |p - b| <= rel * w(b), where

    - scale "segment" (ours, strict): w(b) is the shorter of the two true segments that meet at b; the clip's
      start and end bound the first and the last one;
    - scale "clip" (as published for clips of about 10 s): w(b) is the duration of the clip.

    TP: matched pairs; FP: predictions left over; FN: true boundaries left over. Matching is greedy in time
    order: each true boundary takes the nearest free prediction, the earlier of two equally near. A gradual
    boundary counts by its midpoint. With several annotators, take the highest F1 (`best_annotator`).

    Source: M. Z. Shou et al., "Generic Event Boundary Detection: A Benchmark for Event Segmentation", ICCV 2021
    (Rel.Dis. and F1@0.05; the LOVEU challenge).

    Args:
        predicted: media times, ns, any order.
        truth: boundaries, any order; 0 <= midpoint <= duration.
        duration: of the clip, ns, > 0.

    Raises:
        ConfigError: unknown scale, or a rel below 0.
        InputError: the duration is not above 0, or a boundary lies outside the clip.
    """
    if scale not in ("segment", "clip") or rel < 0:
        raise ConfigError(f"boundary F1: scale {scale!r}, rel {rel}: use segment or clip, and rel >= 0")
    if duration <= 0 or any(not 0 <= event.midpoint <= duration for event in truth):
        raise InputError(f"boundary F1: a boundary lies outside the clip of {duration} ns")
    boundaries = sorted(event.midpoint for event in truth)
    edges = [0, *boundaries, duration]
    free = sorted(predicted)
    matched = 0
    for before, boundary, after in zip(edges, boundaries, edges[2:], strict=False):
        width = duration if scale == "clip" else min(boundary - before, after - boundary)
        place = bisect_left(free, boundary)
        around = range(max(0, place - 1), min(len(free), place + 1))
        nearest = min(around, key=lambda index: abs(free[index] - boundary), default=None)
        if nearest is not None and abs(free[nearest] - boundary) <= rel * width:
            del free[nearest]
            matched += 1
    return Score(matched, len(predicted) - matched, len(boundaries) - matched)


def average_f1(predicted: Sequence[int], truth: Sequence[Event], duration: int, scale: Scale = "segment") -> float:
    """Mean F1 over the relative distances 0.05, 0.10, … 0.50; arguments as in `boundary_score`."""
    scores = [boundary_score(predicted, truth, duration, rel, scale) for rel in DISTANCES]
    return sum(score.f1 for score in scores) / len(scores)


def best_annotator(
    predicted: Sequence[int],
    annotations: Sequence[Sequence[Event]],
    duration: int,
    rel: float = 0.05,
    scale: Scale = "segment",
) -> Score:
    """The score against the annotator with whom the prediction agrees best, by F1."""
    if not annotations:
        raise InputError("boundary F1: no annotator")
    scores = [boundary_score(predicted, truth, duration, rel, scale) for truth in annotations]
    return max(scores, key=lambda score: score.f1)
