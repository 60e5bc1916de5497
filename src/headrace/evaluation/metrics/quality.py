"""Quality of a conversation: said right, in time, and only then (IA-QTF1, NCCS, IDS)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND, Emission
from headrace.evaluation.metrics.chunks import Chunk, Laid, chunks, lay_out, said, undivided
from headrace.evaluation.metrics.graded import Graded
from headrace.evaluation.metrics.listener import Listener
from headrace.evaluation.truth import Exchange


@dataclass(frozen=True, slots=True)
class Rule:
    """How exchanges are scored.

    Attributes:
        ack: weight of speaking at once, before the answer can be known; 1 - ack is the answer's.
        alpha, gamma: of the decay.
        least: quality from which an answer, or the part of one that was cut off, counts.
        soft: exchanges run on into the next one (steps of a procedure): speaking past the end is free, and only the
            first of a group has a time of waiting, so later ones have all their weight on the answer.
        causal: see `quality`.
    """

    ack: float = 0.2
    alpha: float = 1.0
    gamma: float = 1.0
    least: float = 0.5
    soft: bool = False
    causal: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.ack <= 1 or self.alpha < 0 or self.gamma <= 0 or not 0 <= self.least <= 1:
            raise ConfigError(f"quality: {self}: use 0 <= ack, least <= 1, alpha >= 0 and gamma > 0")


#: As OmniInteract publishes it, for turns and nested exchanges, and for procedures (1QnA).
PUBLISHED, PUBLISHED_STEPS = Rule(), Rule(soft=True)
#: The same with nothing to be won by speaking before there is something to say.
CAUSAL, CAUSAL_STEPS = Rule(causal=True), Rule(soft=True, causal=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One exchange.

    Attributes:
        ack, core: what speaking early and answering earned, weighted.
        fp, fn: false positives and negatives.
        answered: when the answer began, ns; None if none did.
        silent: nothing was said.
        spill: ns spoken past the end.
        partial: quality of what was said before an interruption; None where there was none, or nothing was said.
    """

    exchange: Exchange
    ack: float
    core: float
    fp: int
    fn: int
    answered: int | None
    silent: bool
    spill: int
    partial: float | None

    @property
    def graded(self) -> Graded:
        return Graded(min(1.0, max(0.0, self.ack + self.core)), self.fp, self.fn)


@dataclass(frozen=True, slots=True)
class Quality:
    """The exchanges of one stream.

    Attributes:
        outcomes: in the order of the exchanges' starts.
        unmatched: chunks spoken in no exchange.
    """

    outcomes: tuple[Outcome, ...]
    unmatched: int = 0

    @property
    def graded(self) -> Graded:
        """IA-QTF1 is its `f1`. TP: the credit of the exchanges; FP: theirs and unmatched chunks; FN: theirs."""
        return sum((one.graded for one in self.outcomes), Graded(fp=self.unmatched))

    @property
    def nested(self) -> tuple[float, ...]:
        """Of each group with one exchange inside the wait of another: sqrt(core_outer core_inner).

        Published with 0 where the inner answer comes behind the outer one; it then has no credit in any case, since
        what is said until the inner exchange ends belongs to that one.
        """
        return tuple(sqrt(outer.core * inner.core) for outer, inner in _pairs(self.outcomes))

    @property
    def nccs(self) -> float:
        """Nested chain completion score: the mean of `nested`; NaN without any."""
        return fmean(self.nested) if self.nested else float("nan")

    @property
    def no_output_rate(self) -> float:
        """NOR: share of the interrupted exchanges in which nothing was said; NaN without any."""
        return _mean([float(one.silent) for one in self._interrupted])

    @property
    def partial_quality(self) -> float:
        """PAQ: mean quality of what was said in interrupted exchanges; NaN where nothing was."""
        return _mean([one.partial for one in self._interrupted if one.partial is not None])

    @property
    def spill_rate(self) -> float:
        """CSM-SR: share of the interrupted exchanges with speech in which it went past the end; NaN without any."""
        return _mean([float(one.spill > 0) for one in self._interrupted if not one.silent])

    @property
    def spill_seconds(self) -> float:
        """CSM-AS: mean seconds spoken past the end of interrupted exchanges with speech; NaN without any."""
        return _mean([one.spill / SECOND for one in self._interrupted if not one.silent])

    @property
    def _interrupted(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.exchange.interrupted]


def decay(t: int, peak: int, end: int, alpha: float = 1.0, gamma: float = 1.0) -> float:
    """1 up to the peak, 0 from the end on, between them 1 - alpha ((t - peak) / (end - peak))^gamma, at least 0."""
    if t <= peak:
        return 1.0
    return 0.0 if t >= end else max(0.0, 1.0 - alpha * ((t - peak) / (end - peak)) ** gamma)


def quality(
    emitted: Sequence[Emission], exchanges: Sequence[Exchange], listener: Listener, rule: Rule = PUBLISHED
) -> Quality:
    """Interaction-aware quality-timeliness F1 of one stream, and what its diagnostics are taken from.

    Chunks are laid out over the exchanges [start, end) by `lay_out`. In each exchange:

    - early speech (before t_answer) that is made up: FP + 1; else TP + ack * decay(first chunk; start, t_answer) * its
      quality as a sign of life;
    - the answer (from t_answer on), if its quality S >= least: TP + (1 - ack) * decay(begin; t_answer, end) * S, where
      it begins at the words that the listener names, or at the first chunk; below that FP + 1;
    - no credit for an answer: FN + 1, unless interrupted; speech past a hard end: FP + 1. Interrupted exchanges end
      hard, and their answer is judged for the diagnostics only.

    Chunks in no exchange: FP + 1 each.

    Published, whoever says "one moment" at every request and nothing else has F1 = 2/7 with ack = 0.2, and silence is
    free where the user interrupts. Causal:

    - a chunk belongs to the time at which it left, as a whole: what left before t_answer is early, whatever times its
      words are given;
    - early speech earns only where an answer follows that earns;
    - an answer begins where what has been said is first good enough, chunk by chunk, whatever words came before it;
    - an interrupted exchange earns the quality of what was said, if that is at least `least`, and is FN + 1 else;
    - where nothing should be said (`answer` None), speech is FP + 1 and silence is right.

    Source: "OmniInteract", its evaluation code (IA-QTF1; alpha = gamma = 1, ack = 0.2; NCCS; NOR, PAQ, CSM).
    """
    order = sorted(exchanges, key=lambda one: (one.start, one.t_answer))
    spoken = chunks(emitted)
    laid, loose = lay_out(undivided(spoken) if rule.causal else spoken, order)
    begun: set[str] = set()
    outcomes = []
    for index, slot in enumerate(laid):
        later = [one.answer for one in order[index + 1 :] if one.answer is not None]
        group = slot.exchange.group
        waits = not rule.soft or group not in begun
        begun.add(group)
        outcomes.append(_outcome(slot, listener, rule if waits else replace(rule, ack=0.0), later))
    return Quality(tuple(outcomes), len(loose))


def _outcome(slot: Laid, listener: Listener, rule: Rule, later: Sequence[str]) -> Outcome:
    exchange = slot.exchange
    spill = 0 if rule.soft and not exchange.interrupted else max(0, slot.spill)
    outcome = Outcome(exchange, 0.0, 0.0, int(spill > 0), 0, None, not slot.spoken, spill, None)
    if rule.causal and exchange.answer is None:
        return replace(outcome, fp=int(bool(slot.spoken)))
    if slot.early:
        made_up, worth = listener.early(exchange, said(slot.early))
        timely = decay(slot.early[0].start, exchange.start, exchange.t_answer, rule.alpha, rule.gamma)
        outcome = replace(
            outcome, fp=outcome.fp + made_up, ack=0.0 if made_up else rule.ack * timely * min(1.0, max(0.0, worth))
        )
    if exchange.interrupted:
        return _cut_off(outcome, slot, listener, rule)
    if slot.core:
        good, words = listener.core(exchange, said(slot.core), later)
        begin = _begin(slot, good, words, listener, rule, later)
        if good >= rule.least:
            timely = decay(begin, exchange.t_answer, exchange.end, rule.alpha, rule.gamma)
            outcome = replace(outcome, core=(1 - rule.ack) * timely * good, answered=begin)
        else:
            outcome = replace(outcome, fp=outcome.fp + 1)
    if outcome.core <= 0:
        outcome = replace(outcome, fn=1, ack=0.0 if rule.causal else outcome.ack)
    return outcome


def _cut_off(outcome: Outcome, slot: Laid, listener: Listener, rule: Rule) -> Outcome:
    partial, made_up = listener.partial(slot.exchange, said(slot.spoken)) if slot.spoken else (None, False)
    outcome = replace(outcome, partial=partial)
    if not rule.causal:
        return outcome
    good = partial is not None and partial >= rule.least
    poor = partial is not None and not good
    return replace(
        outcome, ack=0.0, core=partial if good and partial else 0.0, fp=outcome.fp + poor + made_up, fn=int(not good)
    )


def _begin(slot: Laid, good: float, words: str, listener: Listener, rule: Rule, later: Sequence[str]) -> int:
    """When the answer begins: never before it can be known."""
    begin = slot.core[0].start
    if rule.causal:
        heard = (
            n
            for n in range(1, len(slot.core))
            if listener.core(slot.exchange, said(slot.core[:n]), later)[0] >= rule.least
        )
        begin = slot.core[next(heard, len(slot.core)) - 1].start if good >= rule.least else begin
    elif good > 0 and words.strip():
        found = _spoken_at(slot.core, words)
        begin = begin if found is None else found
    return max(begin, slot.exchange.t_answer)


def _spoken_at(parts: Sequence[Chunk], words: str) -> int | None:
    """When these words begin to be spoken; None where times of words are not known, or they do not occur."""
    wanted = [word.casefold() for word in words.split()]
    known = [(text.casefold(), start) for part in parts for text, start, _ in part.words]
    for place in range(len(known) - len(wanted) + 1):
        if [text for text, _ in known[place : place + len(wanted)]] == wanted:
            return known[place][1]
    return None


def _pairs(outcomes: Sequence[Outcome]) -> list[tuple[Outcome, Outcome]]:
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        if one.exchange.group:
            groups.setdefault(one.exchange.group, []).append(one)
    found = []
    for members in groups.values():
        for place, outer in enumerate(members):
            wait = range(outer.exchange.start + 1, outer.exchange.t_answer)
            inner = next((one for one in members[place + 1 :] if one.exchange.start in wait), None)
            if inner is not None:
                found.append((outer, inner))
                break
    return found


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else float("nan")
