"""Narration: a caption for each thing that happens, soon, once."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from headrace.core.errors import InputError
from headrace.core.item import SECOND, Emission
from headrace.evaluation.metrics.heard import heard
from headrace.evaluation.metrics.matching import Right
from headrace.evaluation.metrics.score import Score
from headrace.evaluation.truth import Event, Span


@dataclass(frozen=True, slots=True)
class Narration:
    """The outcome of one stream, by the spans in which captions are due.

    Attributes:
        delays: of each span, ns from its begin to the first emission in it, or the span's length if there is none.
        counts: of each span, the emissions in it.
        stray: emissions in no span.
        right: of each span, whether its first emission is right (where contents are judged).
    """

    delays: tuple[int, ...]
    counts: tuple[int, ...]
    stray: int
    right: tuple[bool, ...]

    @property
    def time_diff(self) -> float:
        """Mean delay, seconds; NaN without spans."""
        return fmean(self.delays) / SECOND if self.delays else float("nan")

    @property
    def redundancy(self) -> float:
        """Mean |1 - n| over the spans; NaN without spans."""
        return fmean(abs(1 - n) for n in self.counts) if self.counts else float("nan")

    @property
    def coverage(self) -> float:
        """Share of the spans with an emission; NaN without spans."""
        return fmean(n > 0 for n in self.counts) if self.counts else float("nan")

    @property
    def score(self) -> Score:
        """TP: spans whose first emission is right; FP: every other emission; FN: every other span."""
        hits = sum(self.right)
        return Score(hits, sum(self.counts) + self.stray - hits, len(self.counts) - hits)


def narration_published(emitted: Sequence[Emission], captions: Sequence[Event]) -> Narration:
    """LiveStar's TimeDiff, Redundancy and Coverage, as its code computes them.

    In whole seconds: caption i, annotated at c_i, is due in [c_(i-1) + 1, c_i], the first one in [c_0, c_0]; delays
    count from the begin of that span. So whoever speaks exactly at c_i has the delay of whoever is silent, and speaking
    every second has a TimeDiff of 0: it is said before it happens. Equal times give a span of -1 s, as published.
    Pooling as published: the mean over streams.

    Source: Z. Yang et al., "LiveStar: Live Streaming Assistant for Real-World Online Video Understanding",
    arXiv 2511.05299 (TimeDiff, TimeRedun, TimeCover; its evaluation code).

    Args:
        captions: `start` is the annotated time.
    """
    said = [one.t_emit // SECOND for one in heard(emitted)]
    marks = sorted(event.start // SECOND for event in captions)
    spans = [(mark, mark) for mark in marks[:1]] + [(before + 1, mark) for before, mark in pairwise(marks)]
    delays, counts = [], []
    for start, end in spans:
        first, past = bisect_left(said, start), bisect_right(said, end)
        counts.append(max(0, past - first))
        delays.append((said[first] if past > first else end) - start)
    return Narration(
        tuple(delay * SECOND for delay in delays),
        tuple(counts),
        len(said) - sum(counts),
        tuple(n > 0 for n in counts),
    )


def narration(
    emitted: Sequence[Emission], captions: Sequence[Event], duration: int, right: Right | None = None
) -> Narration:
    """The causal form: caption i is due from c_i, when it has happened, until the next one, or until the stream ends.

    Speaking exactly at c_i has a delay of 0, a guess before c_0 is stray, and silence costs every span whole. Who
    speaks all the time has a delay of 0 too, but pays in redundancy, and in `score` all but one a span are false. Time
    alone takes a guess at c_(i+1) for a late report of c_i: where events are dense, judge the contents (`right`).

    Args:
        captions: `start` is the annotated time; equal ones are one span.
        duration: of the stream, ns.
        right: judges the first emission of a span against its caption; None if time alone counts.

    Raises:
        InputError: a caption behind the end of the stream.
    """
    said = heard(emitted)
    times = [one.t_emit for one in said]
    due = {event.start: event for event in sorted(captions, key=lambda event: event.start)}
    if due and max(due) > duration:
        raise InputError(f"narration: a caption at {max(due)} ns, but the stream lasts {duration} ns")
    delays, counts, hits = [], [], []
    for start, end in pairwise([*due, duration + 1]):
        first, past = bisect_left(times, start), bisect_left(times, end)
        counts.append(past - first)
        delays.append((times[first] if past > first else min(end, duration)) - start)
        hits.append(past > first and (right is None or right(said[first], due[start])))
    return Narration(tuple(delays), tuple(counts), len(said) - sum(counts), tuple(hits))


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of one stream in VideoLLM-online's terms.

    Attributes:
        frames: of each turn, from the frame after the last response up to the one of this response.
        early: of each turn, frames by which the first response came too early; below 0 too late.
        right: of each turn, the leading words of the response that are right.
        words: of each turn, the words of the reference.
        period: ns between two frames.
    """

    frames: tuple[int, ...]
    early: tuple[int, ...]
    right: tuple[int, ...]
    words: tuple[int, ...]
    period: int

    @property
    def time_diff(self) -> float:
        """Published: mean |early| / frames a second, seconds; NaN without turns."""
        return fmean(abs(one) for one in self.early) * self.period / SECOND if self.early else float("nan")

    @property
    def fluency(self) -> float:
        """Published: mean over turns of right decisions in a row / all of them, up to the first wrong one.

        With v frames, w words and the response d frames early: (v + right) / (v + w) if d = 0, (v - d) / (v + w) if
        early, (v - 1) / (v + w) if late. NaN without turns.
        """
        return fmean(map(_fluency, self.frames, self.early, self.right, self.words)) if self.frames else float("nan")


def turns(emitted: Sequence[Emission], captions: Sequence[Event], period: int) -> Turns:
    """VideoLLM-online's TimeDiff and Fluency, as far as a trace tells.

    The turn of a response annotated at c_i goes from the frame behind c_(i-1) to that of c_i. The first emission in it
    is early by the frames left. If there is none, it is looked for in the frames behind c_i, as many as the next turn
    has but fewer than this one has; if there is none there either, it is late by all of these, and 0 in the last turn,
    where no frames follow: being silent there is perfect, as published.

    What a trace cannot tell: the published figures are taken under teacher forcing (after each turn the history is the
    annotated one) and in the model's tokens. Here the history is the system's own, tokens are words, and perplexity
    and LM-Correctness are left out. A causal form is `narration`.

    Source: J. Chen et al., "VideoLLM-online: Online Video Large Language Model for Streaming Video", CVPR 2024,
    arXiv 2406.11816 (TimeDiff, Fluency; its evaluation code).

    Args:
        captions: `start` is the annotated time, `content` the response (text) or None.
        period: ns between two frames.

    Raises:
        InputError: a period that is not above 0.
    """
    if period <= 0:
        raise InputError(f"turns: {period} ns between two frames; use more than 0")
    said = heard(emitted)
    at = [one.t_emit // period for one in said]
    due = {event.start // period: event for event in sorted(captions, key=lambda event: event.start)}
    spans: list[Span] = list(pairwise([-1, *due]))
    frames, early, right, words = [], [], [], []
    for index, (before, mark) in enumerate(spans):
        follow = spans[index + 1][1] - mark if index + 1 < len(spans) else 0
        first = bisect_right(at, before)
        after = min(follow, mark - before - 1)
        off = mark - at[first] if first < len(at) and at[first] <= mark + after else -after
        reference = _words(due[mark].content)
        response = _words(said[first].content) if off == 0 and first < len(at) else []
        frames.append(mark - before)
        early.append(off)
        right.append(_leading(response, reference))
        words.append(len(reference))
    return Turns(tuple(frames), tuple(early), tuple(right), tuple(words), period)


def _fluency(frames: int, early: int, right: int, words: int) -> float:
    if early == 0:
        return (frames + right) / (frames + words)
    return (frames - (early if early > 0 else 1)) / (frames + words)


def _leading(response: Sequence[str], reference: Sequence[str]) -> int:
    """How many words agree before the first that does not."""
    agree = [a == b for a, b in zip(response, reference, strict=False)]
    return agree.index(False) if False in agree else len(agree)


def _words(content: object) -> list[str]:
    text = content.get("text", "") if isinstance(content, dict) else content
    return text.split() if isinstance(text, str) else []
