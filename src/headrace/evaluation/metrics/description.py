"""Description: running commentary, each sentence rated against what was shown just before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from headrace.core.errors import InputError
from headrace.core.item import SECOND, Emission
from headrace.evaluation.metrics.heard import spoken_until
from headrace.evaluation.truth import Span

#: A sentence is about what was shown so long before it, ns.
LAG = 2 * SECOND
#: The shortest stretch that can be rated, ns.
LEAST = SECOND // 2


@dataclass(frozen=True, slots=True)
class Rated:
    """One sentence.

    Attributes:
        score: 0 to 3.
        relevant: it says something, rather than fill the time.
        length: ns that it was spoken.
    """

    score: int
    relevant: bool
    length: int


@dataclass(frozen=True, slots=True)
class Description:
    """The sentences of one stream."""

    sentences: tuple[Rated, ...]

    @property
    def relevant(self) -> float:
        """As published: mean score of the relevant sentences; 0 without any. One good sentence an hour is perfect."""
        scores = [one.score for one in self.sentences if one.relevant]
        return fmean(scores) if scores else 0.0

    @property
    def all(self) -> float:
        """Mean score of all sentences, those that only fill the time at 0; NaN if nothing was said."""
        return fmean(one.score * one.relevant for one in self.sentences) if self.sentences else float("nan")

    @property
    def filler(self) -> float:
        """As published: time spent on sentences that only fill it / time spent speaking; 0 if none was."""
        total = sum(one.length for one in self.sentences)
        return sum(one.length for one in self.sentences if not one.relevant) / total if total else 0.0

    def covered(self, duration: int) -> float:
        """Seconds of the stream spoken about by a relevant sentence / its duration: what `relevant` does not see."""
        return sum(one.length for one in self.sentences if one.relevant) / duration


def stretch(emission: Emission, duration: int) -> Span | None:
    """What a sentence is rated against: [start - 2 s, end - 2 s], at least 0.5 s long; None where the stream has none.

    Source: "Omni-DuplexEval", real-time description (scores 0 to 3 by a judge that sees the stretch).

    Args:
        duration: of the stream, ns.
    """
    start = max(0, emission.t_emit - LAG)
    end = max(start + LEAST, spoken_until(emission) - LAG)
    return (start, end) if end <= duration else None


def description(emitted: Sequence[Emission], ratings: Sequence[tuple[int, bool] | None]) -> Description:
    """Ratings (score, relevant) of the emissions' stretches; unrated (None) and cancelled sentences are left out.

    There is no TP, FP or FN: nothing says what should have been described.

    Raises:
        InputError: there are not as many ratings as emissions.
    """
    if len(emitted) != len(ratings):
        raise InputError(f"description: {len(emitted)} sentences, but {len(ratings)} ratings")
    return Description(
        tuple(
            Rated(*rating, spoken_until(one) - one.t_emit)
            for one, rating in zip(emitted, ratings, strict=True)
            if rating is not None and not one.cancelled
        )
    )
