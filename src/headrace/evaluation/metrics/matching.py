"""Matching: emissions and events one to one, by time; what was said is judged on the pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from headrace.core.errors import ConfigError
from headrace.core.item import Emission
from headrace.evaluation.benchmark import Judge, text_of
from headrace.evaluation.metrics.heard import heard
from headrace.evaluation.metrics.score import Score
from headrace.evaluation.truth import Event

#: How pairs are chosen where several are possible.
Choice = Literal["optimal", "greedy"]
#: Is this what should have been said about this event?
Right = Callable[[Emission, Event], bool]
#: From this quality on, something said is right.
RIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Matching:
    """Who reports what.

    Attributes:
        pairs: in the order of the events' starts.
        unmatched: emissions that report nothing, in the order in which they left.
        missed: events that nothing reports, in the order of their starts.
    """

    pairs: tuple[tuple[Emission, Event], ...]
    unmatched: tuple[Emission, ...]
    missed: tuple[Event, ...]

    @property
    def score(self) -> Score:
        """TP: pairs; FP: unmatched emissions; FN: missed events."""
        return Score(len(self.pairs), len(self.unmatched), len(self.missed))

    @property
    def delays(self) -> tuple[int, ...]:
        """t_emit - start of each pair, ns; below 0 if it was said before."""
        return tuple(emission.t_emit - event.start for emission, event in self.pairs)


def matching(
    emitted: Sequence[Emission],
    events: Sequence[Event],
    tolerance: int,
    *,
    symmetric: bool = False,
    choice: Choice = "optimal",
) -> Matching:
    """Pairs of an emission that left at t and an event that starts at s, each in one pair at most.

    They may be paired if 0 <= t - s <= tolerance (causal), or |t - s| <= tolerance (symmetric, as OmniPro publishes
    with 3 s: 2 s before an event is as good as 2 s after it). Which pairs:

    - optimal: the most pairs possible, and among those the least sum of |t - s|;
    - greedy (as published): the pair with the least |t - s| first, then the next of those still free; of equally near
      ones the emission that left first, then the event that starts first. It may find fewer pairs.

    Cancelled emissions are left out.

    Source: "OmniPro", its online scorer (greedy, |t - s| <= 3 s).

    Args:
        tolerance: ns.

    Raises:
        ConfigError: a tolerance below 0, or an unknown choice.
    """
    if tolerance < 0 or choice not in ("optimal", "greedy"):
        raise ConfigError(
            f"matching: tolerance {tolerance} ns, choice {choice!r}: use 0 or more, and optimal or greedy"
        )
    said, truth = heard(emitted), sorted(events, key=lambda event: (event.start, event.end))
    lead = tolerance if symmetric else 0
    times, starts = [one.t_emit for one in said], [event.start for event in truth]
    find = _optimal if choice == "optimal" else _greedy
    found = find(times, starts, lead, tolerance)
    used, hit = {i for i, _ in found}, {j for _, j in found}
    return Matching(
        tuple((said[i], truth[j]) for i, j in sorted(found, key=lambda pair: pair[1])),
        tuple(one for i, one in enumerate(said) if i not in used),
        tuple(event for j, event in enumerate(truth) if j not in hit),
    )


@dataclass(frozen=True, slots=True)
class Joint:
    """Time and content, apart and together; add them to pool streams.

    Attributes:
        time: TP: pairs in time; FP: emissions left over; FN: events left over.
        right: pairs in time whose content is right.
    """

    time: Score = field(default_factory=Score)
    right: int = 0

    def __add__(self, other: Joint) -> Joint:
        return Joint(self.time + other.time, self.right + other.right)

    @property
    def content(self) -> float:
        """Share of the pairs whose content is right; NaN without a pair (0 as published)."""
        return self.right / self.time.tp if self.time.tp else float("nan")

    @property
    def joint(self) -> Score:
        """TP: right in time and content; FP: every other emission; FN: every other event."""
        wrong = self.time.tp - self.right
        return Score(self.right, self.time.fp + wrong, self.time.fn + wrong)


def joint(matched: Matching, right: Right) -> Joint:
    """What was said, judged on the pairs that match in time.

    With the tolerance and rule of `matching`: precision, recall and F1 of time are those of `Joint.time`, joint F1 is
    that of `Joint.joint`.

    Source: "OmniPro", its online scorer; alerts, where time alone counts, take a `right` that always agrees.
    """
    return Joint(matched.score, sum(right(emission, event) for emission, event in matched.pairs))


def judged(judge: Judge, question: str = "", least: float = RIGHT) -> Right:
    """Right where the judge gives at least `least` to the emission's text against the event's content."""
    return partial(_judged, judge, question, least)


def _judged(judge: Judge, question: str, least: float, emission: Emission, event: Event) -> bool:
    content = event.content
    reference = content.get("text", "") if isinstance(content, dict) else content
    return judge.judge(question, "" if reference is None else str(reference), text_of(emission)) >= least


def _greedy(times: list[int], starts: list[int], lead: int, tolerance: int) -> list[tuple[int, int]]:
    near = sorted((abs(times[i] - starts[j]), i, j) for i, j in _possible(times, starts, lead, tolerance))
    used: set[int] = set()
    hit: set[int] = set()
    found = []
    for _, i, j in near:
        if i not in used and j not in hit:
            used.add(i)
            hit.add(j)
            found.append((i, j))
    return found


def _optimal(times: list[int], starts: list[int], lead: int, tolerance: int) -> list[tuple[int, int]]:
    """Reaches are equally long, so some best matching does not cross: a table over both in order of time finds it."""
    reachable: dict[int, list[int]] = {}
    for i, j in _possible(times, starts, lead, tolerance):
        reachable.setdefault(i, []).append(j)
    # best[j]: of the first j events, and of the emissions so far: pairs, -sum of |t - s|, and the pairs as a chain.
    best: list[tuple[int, int, Any]] = [(0, 0, None)]
    for i, events in reachable.items():
        best += [best[-1]] * (events[-1] + 2 - len(best))
        without = best[events[0] : events[-1] + 2]
        for (pairs, near, chain), j in zip(without, events, strict=False):
            paired = pairs + 1, near - abs(times[i] - starts[j]), (i, j, chain)
            best[j + 1] = max(best[j + 1], best[j], paired, key=_pairs_and_nearness)
    found, chain = [], best[-1][2]
    while chain is not None:
        i, j, chain = chain
        found.append((i, j))
    return found


def _pairs_and_nearness(cell: tuple[int, int, Any]) -> tuple[int, int]:
    return cell[:2]


def _possible(times: list[int], starts: list[int], lead: int, tolerance: int) -> list[tuple[int, int]]:
    """Pairs within reach, by emission, then by event; both lists rise."""
    found, first = [], 0
    for i, t in enumerate(times):
        while first < len(starts) and starts[first] < t - tolerance:
            first += 1
        j = first
        while j < len(starts) and starts[j] <= t + lead:
            found.append((i, j))
            j += 1
    return found
