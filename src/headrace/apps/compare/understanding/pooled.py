"""pooled: the row of one method, over all streams, from what it made of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from headrace.apps.compare.result import Figure
from headrace.apps.compare.understanding.kept import Kept, Outcome
from headrace.apps.compare.understanding.methods import Label
from headrace.apps.compare.understanding.result import KeeperResult
from headrace.core.item import SECOND
from headrace.evaluation.metrics.alerts import HOUR
from headrace.evaluation.metrics.score import Score, pool
from headrace.evaluation.millrace import AGES, TRACKS

_HOUR = 3600


def pooled(
    method: Label, setting: str, runs: Sequence[tuple[str, Kept]], long: Sequence[Kept], seed: int
) -> KeeperResult:
    """One row.

    Args:
        runs: of each stream its regime, and what the method made of it.
        long: what it made of the long stream, if there was one: its ages, growth and bytes count too.
        seed: of the bootstrap.
    """
    kept = [one for _, one in runs]
    most = [*kept, *long]
    return KeeperResult(
        name=method.name,
        kind=method.kind,
        what=method.what,
        setting=setting,
        bounded=method.bounded,
        approximate=method.approximate,
        accuracy=Figure.of([share(one.outcomes) for one in kept], seed),
        tracks={track: Figure.of([share(one.outcomes, track) for one in kept], seed) for track in TRACKS},
        ages=ages_of(kept, seed),
        long_ages=ages_of(long, seed),
        entered={
            regime: Figure.of([one.admitted for of, one in runs if of == regime], seed)
            for regime in dict.fromkeys(of for of, _ in runs)
        },
        regimes={
            regime: Figure.of([share(one.outcomes) for of, one in runs if of == regime], seed)
            for regime in dict.fromkeys(of for of, _ in runs)
        },
        refused=Figure.of([refused(one.outcomes) for one in kept], seed),
        alerts=Figure.of([_f1(one) for one in kept], seed),
        false_per_hour=Figure.of([_false_per_hour(one) for one in kept], seed),
        delay_s=Figure.of([one.delay_s for one in kept], seed),
        courier=Figure.of([one.courier for one in kept], seed),
        conversation=Figure.of([one.conversation for one in kept], seed),
        admitted=Figure.of([one.admitted for one in kept], seed),
        computed=Figure.of([one.computed for one in kept], seed),
        read=sum(one.read for one in kept) / len(kept),
        resident_bytes=max(one.resident for one in most),
        total_bytes=max(one.total for one in most),
        slope=long[0].slope if long else math.nan,
        cpu_ms=Figure.of([one.cpu_ms for one in kept], seed),
        ended=next((one.ended for one in most if one.ended), ""),
    )


def ages_of(kept: Sequence[Kept], seed: int) -> dict[str, Figure]:
    """Accuracy on the past by age, over streams that have one such question or more."""
    found = {}
    for age in AGES:
        shares = [share([o for o in one.outcomes if o.age == age], "past") for one in kept]
        known = [value for value in shares if not math.isnan(value)]
        if known:
            found[word_of(age)] = Figure.of(known, seed)
    return found


def word_of(age: int) -> str:
    """An age in words: "10 s", "5 min", "2 h"."""
    seconds = age // SECOND
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < _HOUR else f"{seconds // _HOUR} h"


def share(outcomes: Iterable[Outcome], track: str | None = None) -> float:
    """Of the questions of a track, those that were answered or refused rightly; NaN without any."""
    return _share(outcomes, lambda one: track is None or one.track == track, lambda one: one.right)


def refused(outcomes: Iterable[Outcome]) -> float:
    """Of the questions without an answer, those that were refused; NaN without any."""
    return _share(outcomes, lambda one: not one.answerable, lambda one: one.refused)


def _share(outcomes: Iterable[Outcome], of: Callable[[Outcome], bool], those: Callable[[Outcome], bool]) -> float:
    held = [those(one) for one in outcomes if of(one)]
    return sum(held) / len(held) if held else math.nan


def _f1(kept: Kept) -> float:
    score: Score = pool([one.score for one in kept.alerts])
    return score.f1


def _false_per_hour(kept: Kept) -> float:
    """Of one standing request."""
    duration = sum(one.duration for one in kept.alerts)
    return sum(one.false for one in kept.alerts) * HOUR / duration if duration else math.nan
