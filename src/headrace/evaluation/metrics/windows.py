"""Windows: was something said within the time in which it was of use?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND, Emission
from headrace.evaluation.benchmark import text_of
from headrace.evaluation.metrics.heard import heard
from headrace.evaluation.metrics.matching import Right, joint, matching
from headrace.evaluation.metrics.score import Score
from headrace.evaluation.truth import Event, Span


@dataclass(frozen=True, slots=True)
class Window:
    """The time around an event in which an answer counts; both ends belong to it.

    Attributes:
        before: ns before the event's start.
        after: ns after its start, or after its end.
        of: what `after` is counted from.
    """

    before: int
    after: int
    of: Literal["start", "end"] = "start"

    def __post_init__(self) -> None:
        if self.before < 0 or self.after < 0 or self.of not in ("start", "end"):
            raise ConfigError(f"window: {self.before} ns before, {self.after} ns after the {self.of}: use 0 or more")

    def around(self, event: Event) -> Span:
        return event.start - self.before, (event.start if self.of == "start" else event.end) + self.after

    def holds(self, t: int, event: Event) -> bool:
        low, high = self.around(event)
        return low <= t <= high


#: StreamingBench, proactive output (arXiv 2411.03628): |t - t_truth| <= 2 s, a guess before it included.
PROACTIVE = Window(2 * SECOND, 2 * SECOND)
#: The same without the guess.
PROACTIVE_CAUSAL = Window(0, 2 * SECOND)
#: StreamGaze, proactive tasks (arXiv 2512.01707): t in [t1, t2 + 3 s].
GAZE = Window(0, 3 * SECOND, "end")
#: Omni-DuplexEval, reminders: t in [t_reminder, t_reminder + 10 s].
REMINDER = Window(0, 10 * SECOND)
#: How long a question waits for its answer where that counts causally, ns of media time: a later answer is none, or
#: whoever answers everything when the stream is over has seen all of it.
PATIENCE = 10 * SECOND


def first_answer(emitted: Sequence[Emission], asked: int = 0, patience: int | None = None) -> Emission | None:
    """The first that left at `asked` (ns) or later; what was said before the question is no answer to it.

    Args:
        patience: ns after `asked` until which it must have left, both ends included; None: whenever.
    """
    first = next((one for one in heard(emitted) if one.t_emit >= asked), None)
    late = first is not None and patience is not None and first.t_emit > asked + patience
    return None if late else first


def on_time(answers: Sequence[Emission | None], events: Sequence[Event], window: Window) -> Score:
    """One answer for each event: does it leave within the window?

    Accuracy = mean of 1[t in window], `Score.recall`: TP: answers within; FN: events without such an answer, a missing
    answer included; FP: answers outside. With `PROACTIVE` StreamingBench's accuracy of time, with `PROACTIVE_CAUSAL`
    its causal form; with `GAZE` the T_acc of StreamGaze, which is causal as published.

    Args:
        answers: as of `first_answer`; None if nothing came. Cancelled ones count as none.

    Raises:
        InputError: there are not as many answers as events.
    """
    if len(answers) != len(events):
        raise InputError(f"windows: {len(events)} events, but {len(answers)} answers")
    given = [(None if one is None or one.cancelled else one, event) for one, event in zip(answers, events, strict=True)]
    within = sum(one is not None and window.holds(one.t_emit, event) for one, event in given)
    said = sum(one is not None for one, _ in given)
    return Score(within, said - within, len(events) - within)


@dataclass(frozen=True, slots=True)
class Reminders:
    """Reminders of one stream.

    Attributes:
        reminded: events with something said in their window that is right (all of it together).
        events: of the stream.
        score: TP: events with a right reminder of their own; FP: every other emission, repeats and those outside all
            windows included; FN: every other event.
    """

    reminded: int
    events: int
    score: Score

    @property
    def share(self) -> float:
        """As published: events reminded of / events; NaN without events. Nothing said elsewhere counts against it."""
        return self.reminded / self.events if self.events else float("nan")

    @property
    def all(self) -> bool:
        """As published, the score of a sample: every event was reminded of."""
        return self.reminded == self.events


def reminders(
    emitted: Sequence[Emission],
    events: Sequence[Event],
    window: Window = REMINDER,
    right: Callable[[str, Event], bool] | None = None,
) -> Reminders:
    """Events against what is said in their windows.

    Published: an event counts if the texts said in [t, t + w], joined, are right; the rest of the stream is not looked
    at, so whoever talks all the time reminds of everything. Causal: emissions and events one to one (`matching`),
    each judged alone, and everything else said is a false alarm.

    Source: "Omni-DuplexEval", reminder tasks (w = 10 s).

    Args:
        window: `before` must be 0 and `of` the start.
        right: of a text and an event; None if time alone counts.

    Raises:
        ConfigError: a window that begins before the event.
    """
    if window.before or window.of != "start":
        raise ConfigError("reminders: a window that begins at the event's start is needed")
    said = heard(emitted)
    reminded = 0
    for event in events:
        texts = [text_of(one) for one in said if window.holds(one.t_emit, event)]
        reminded += bool(texts) and (right is None or right(" ".join(texts), event))
    alone: Right = _anything if right is None else lambda one, event: right(text_of(one), event)
    return Reminders(reminded, len(events), joint(matching(emitted, events, window.after), alone).joint)


@dataclass(frozen=True, slots=True)
class Offsets:
    """How far answers lie from the spans in which they were due.

    Attributes:
        offsets: of each question, ns: below 0 before the span, 0 within, above 0 behind it; None without an answer.
    """

    offsets: tuple[int | None, ...]

    @property
    def mean(self) -> float:
        """As published: mean |offset| of the answers that came, ns; NaN if none did."""
        given = [abs(one) for one in self.offsets if one is not None]
        return fmean(given) if given else float("nan")

    @property
    def score(self) -> Score:
        """TP: within the span; FP: before or behind it; FN: every question without one within it."""
        within = self.offsets.count(0)
        said = len(self.offsets) - self.offsets.count(None)
        return Score(within, said - within, len(self.offsets) - within)

    @property
    def early(self) -> float:
        """Share of all questions that were answered before it could be known; NaN without questions."""
        return sum(one is not None and one < 0 for one in self.offsets) / len(self.offsets) if self.offsets else _NAN


def offset(t: int, span: Span) -> int:
    """t - start before the span, 0 within it, t - end behind it; ns."""
    start, end = span
    return min(t - start, 0) + max(t - end, 0)


def offsets(answers: Sequence[Emission | None], events: Sequence[Event]) -> Offsets:
    """AViLA's temporal offset of each answer from [start, end] of its event.

    Published: the mean of |offset| over the answers, to which a lucky guess just before the span adds little and a
    question without an answer nothing. Causal: `Offsets.score`, where an answer before the span and a missing one are
    wrong.

    Source: G. Zhang et al., "AViLA: Asynchronous Vision-Language Agent for Streaming Multimodal Data Interaction",
    arXiv 2506.18472.

    Raises:
        InputError: there are not as many answers as events.
    """
    if len(answers) != len(events):
        raise InputError(f"offsets: {len(events)} events, but {len(answers)} answers")
    return Offsets(
        tuple(
            None if one is None or one.cancelled else offset(one.t_emit, (event.start, event.end))
            for one, event in zip(answers, events, strict=True)
        )
    )


_NAN = float("nan")


def _anything(*_: object) -> bool:
    return True
