"""Figures: of one method, over all streams, from what it did on each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from headrace.apps.compare.methods import REFERENCE, Method
from headrace.apps.compare.result import Figure, MethodResult
from headrace.recipes.language.facts import Facts
from headrace.recipes.language.follow import Track


def result_of(
    method: Method,
    tracks: Sequence[Track],
    losses: Mapping[str, Sequence[Mapping[str, float]]],
    recalled: Sequence[Track],
    facts: Sequence[Facts],
    seed: int,
) -> MethodResult:
    """One method's row.

    Args:
        method: which.
        tracks: what it did on each stream.
        losses: of every method, by stream and bucket.
        recalled, facts: what it did on each stream with facts, and those; empty if recall was not measured.
        seed: of the bootstrap.
    """
    own = losses[method.name]
    peak = max(track.peak for track in tracks)
    recall = {
        age: Figure.of([_share(track, one.asked[age]) for track, one in zip(recalled, facts, strict=True)], seed)
        for age in (facts[0].asked if facts else {})
    }
    return MethodResult(
        name=method.name,
        kind=method.kind,
        what=method.what,
        bounded=method.bounded,
        approximate=method.approximate,
        loss=figures(own, seed),
        against={} if method.name == REFERENCE else figures(less(own, losses[REFERENCE]), seed),
        recall={age: figure for age, figure in recall.items() if not math.isnan(figure.mean)},
        resident_bytes=peak,
        total_bytes=peak,
        slope=sum(track.slope for track in tracks) / len(tracks),
        cpu_ms_per_token=Figure.of([track.cpu_ms for track in tracks], seed),
        tokens=min(track.tokens for track in tracks),
        ended=next((track.ended for track in tracks if track.ended), ""),
    )


def less(own: Sequence[Mapping[str, float]], other: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """Paired differences, stream by stream and bucket by bucket."""
    return [{bucket: a[bucket] - b[bucket] for bucket in a} for a, b in zip(own, other, strict=True)]


def figures(streams: Sequence[Mapping[str, float]], seed: int) -> dict[str, Figure]:
    """By bucket; those that a stream did not reach the end of are left out."""
    found = {bucket: [one[bucket] for one in streams] for bucket in streams[0]}
    return {bucket: Figure.of(values, seed) for bucket, values in found.items() if not any(map(math.isnan, values))}


def _share(track: Track, asked: Sequence[int]) -> float:
    """Of the values that were asked for, those predicted; NaN if the track ended before."""
    return float(track.hit[asked].mean()) if max(asked) < track.tokens else math.nan
