"""boxes: average precision of boxes, by the protocol of COCO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: Overlaps from which a detection is right: 0.50, 0.55, … 0.95.
OVERLAPS = tuple(0.5 + 0.05 * step for step in range(10))
#: Detections of a frame and class that count, those of the highest scores.
MOST = 100

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Truths:
    """What is in one frame.

    Attributes:
        boxes: float64 [N, 4], left, top, width, height.
        kinds: int64 [N], classes.
        crowd: bool [N]; a detection inside a crowd is neither right nor wrong.
    """

    boxes: Floats
    kinds: npt.NDArray[np.int64]
    crowd: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Found:
    """What was detected in one frame.

    Attributes:
        boxes: float64 [N, 4], left, top, width, height.
        kinds: int64 [N], classes.
        scores: float64 [N].
    """

    boxes: Floats
    kinds: npt.NDArray[np.int64]
    scores: Floats


def average_precisions(frames: Sequence[tuple[Truths, Found]], overlaps: Sequence[float] = OVERLAPS) -> list[float]:
    """For each overlap the mean over classes of the area below precision by recall; NaN where no class has a box.

    In each frame and class the `MOST` best detections, in order of their scores, each take the free box that they
    overlap most, if by enough (intersection / union; with a crowd / the detection). TP: those; FP: the others, but for
    those that only a crowd takes; FN: boxes left over, crowds aside. Over all frames, in order of the scores:
    precision at recall r is the best at any recall >= r, and its mean is taken at r = 0, 0.01, … 1. COCO's AP is the
    mean over overlaps.

    Source: T.-Y. Lin et al., "Microsoft COCO: Common Objects in Context", arXiv 1405.0312, and its detection evaluation
    (all areas).
    """
    kinds = sorted({int(kind) for truths, _ in frames for kind in truths.kinds[~truths.crowd]})
    if not kinds:
        return [float("nan")] * len(overlaps)
    least = np.asarray(overlaps, np.float64)
    areas = [_areas([_judge(*frame, kind, least) for frame in frames], least) for kind in kinds]
    return [float(one) for one in np.mean(areas, axis=0)]


def overlap(boxes: Floats, others: Floats, crowd: npt.NDArray[np.bool_]) -> Floats:
    """Of [N, 4] with [M, 4]: float64 [N, M], intersection / union, or / the first box where the second is a crowd."""
    begin = np.maximum(boxes[:, None, :2], others[None, :, :2])
    end = np.minimum(boxes[:, None, :2] + boxes[:, None, 2:], others[None, :, :2] + others[None, :, 2:])
    shared = np.prod(np.clip(end - begin, 0, None), axis=2)
    own, theirs = np.prod(boxes[:, 2:], axis=1)[:, None], np.prod(others[:, 2:], axis=1)[None]
    whole = np.where(crowd[None], own, own + theirs - shared)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


@dataclass(frozen=True, slots=True)
class _Judged:
    """The detections of one class in one frame, in order of the scores.

    Attributes:
        scores: float64 [D].
        right, counts: bool [overlaps, D]; what does not count is neither right nor wrong.
        boxes: to be found.
    """

    scores: Floats
    right: npt.NDArray[np.bool_]
    counts: npt.NDArray[np.bool_]
    boxes: int


def _judge(truths: Truths, found: Found, kind: int, least: Floats) -> _Judged:
    there, mine = truths.kinds == kind, np.flatnonzero(found.kinds == kind)
    mine = mine[np.argsort(-found.scores[mine], kind="stable")][:MOST]
    crowd = truths.crowd[there]
    right = np.zeros((len(least), len(mine)), bool)
    counts = np.ones_like(right)
    if len(crowd) and len(mine):
        free = np.repeat(~crowd[None], len(least), axis=0)
        for place, row in enumerate(overlap(found.boxes[mine], truths.boxes[there], crowd)):
            enough = row >= least[:, None]
            taken = np.where(free & enough, row, -1.0)
            # Of equal overlaps the last box is taken.
            best = taken.shape[1] - 1 - np.argmax(taken[:, ::-1], axis=1)
            hit = np.flatnonzero(taken.max(axis=1) >= 0)
            free[hit, best[hit]] = False
            right[hit, place] = True
            counts[:, place] = right[:, place] | ~(enough & crowd).any(axis=1)
    return _Judged(found.scores[mine], right, counts, int(np.sum(~crowd)))


def _areas(frames: Sequence[_Judged], least: Floats) -> list[float]:
    """The area below precision by recall of each overlap."""
    total = sum(frame.boxes for frame in frames)
    scores = np.concatenate([frame.scores for frame in frames])
    order = np.argsort(-scores, kind="stable")
    right = np.concatenate([frame.right for frame in frames], axis=1)[:, order]
    counts = np.concatenate([frame.counts for frame in frames], axis=1)[:, order]
    areas = []
    for index in range(len(least)):
        tp = np.cumsum(right[index, counts[index]])
        precision = np.maximum.accumulate((tp / np.arange(1, len(tp) + 1))[::-1])[::-1]
        places = np.searchsorted(tp / total, np.linspace(0, 1, 101))
        areas.append(float(np.sum(precision[places[places < len(precision)]]) / 101))
    return areas
