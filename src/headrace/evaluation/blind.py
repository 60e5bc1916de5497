"""Blind answers to each shape of ground truth: what is won without looking, to stand beside every result.

`baselines` speaks on events; here is the rest. A policy sees when it is asked, and its options, never the answers of
the stream; one that needs a prior takes it from what is handed to it, which should be other streams.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

from headrace.core.item import SECOND, Emission, emission_id
from headrace.evaluation.baselines import constant_delay, policies
from headrace.evaluation.truth import Event, Exchange, Question, Series

#: What is said to gain time.
MOMENT = "One moment."


def event_rows(
    duration: int, asked: Iterable[int], period: int, delay: int, seed: int = 0
) -> dict[str, list[Emission]]:
    """On events: never, always, periodic and random at the prior, and a constant delay after being asked.

    Args:
        period: the prior, ns between events (`baselines.prior_period`).
        delay: ns.
    """
    rows = {name: policy(duration) for name, policy in policies(period, seed).items()}
    return rows | {"constant delay": constant_delay(asked, delay, duration)}


def delay_prior(others: Sequence[Event], asked: Sequence[int]) -> int:
    """The label prior of the constant delay: median ns from being asked to the event, one of each; 0 without any."""
    waits = [event.start - t for event, t in zip(others, asked, strict=True)]
    return max(0, round(median(waits))) if waits else 0


def exchange_rows(exchanges: Sequence[Exchange], others: Sequence[Exchange] = ()) -> dict[str, list[Emission]]:
    """On exchanges: "never"; "one moment", said at every request; "always", said every second until each one ends;
    "prior", the most common answer of others, at the median wait of others after every request."""
    rows: dict[str, list[Emission]] = {
        "never": [],
        "one moment": [_say("one moment", MOMENT, one.start) for one in exchanges],
        "always": [
            _say("always", MOMENT, t)
            for t in sorted({t for one in exchanges for t in range(one.start, one.end, SECOND)})
        ],
    }
    answers = Counter(one.answer for one in others if one.answer is not None)
    if answers:
        text = answers.most_common(1)[0][0]
        wait = round(median(one.t_answer - one.start for one in others if one.answer is not None))
        rows["prior"] = [_say("prior", text, one.start + wait) for one in exchanges]
    return rows


def question_rows(questions: Sequence[Question], others: Sequence[Question] = ()) -> dict[str, list[str | None]]:
    """On questions: "never"; "refuse"; "option A", … always the same place; "prior", the place most often right in
    others (and the most common answer of others to open questions)."""
    places = max((len(one.options) for one in questions if one.options), default=0)
    rows: dict[str, list[str | None]] = {"never": [None] * len(questions), "refuse": [""] * len(questions)}
    for place in range(places):
        rows[f"option {chr(ord('A') + place)}"] = [_option(one, place) for one in questions]
    right = Counter(one.options.index(one.answer) for one in others if one.options and one.answer is not None)
    said = Counter(one.answer for one in others if one.options is None and one.answer is not None)
    if right or said:
        place = right.most_common(1)[0][0] if right else 0
        text = said.most_common(1)[0][0] if said else None
        rows["prior"] = [_option(one, place) if one.options else text for one in questions]
    return rows


def count_rows(times: int, others: Sequence[float] = ()) -> dict[str, list[float | None]]:
    """On counts asked for so many times: "never", "zero", "one more each time", and "prior", the median of others."""
    rows: dict[str, list[float | None]] = {
        "never": [None] * times,
        "zero": [0.0] * times,
        "one more each time": [float(index) for index in range(1, times + 1)],
    }
    return rows | ({"prior": [float(median(others))] * times} if others else {})


def series_rows(others: Sequence[Series], period: int, duration: int) -> dict[str, list[Emission]]:
    """On series: "never", and "prior", the most common value of others, said every `period` ns from 0 on."""
    rows: dict[str, list[Emission]] = {"never": []}
    common: list[tuple[str, object]] = [(repr(value), value) for one in others for value in one.values]
    if common:
        name = Counter(key for key, _ in common).most_common(1)[0][0]
        value = dict(common)[name]
        rows["prior"] = [_say("prior", value, t) for t in range(0, duration, period)]
    return rows


def _option(question: Question, place: int) -> str | None:
    return question.options[place] if question.options and place < len(question.options) else None


def _say(policy: str, content: object, t: int) -> Emission:
    said = {"text": content} if isinstance(content, str) else content
    return Emission(emission_id(policy, "answer", t), "answer", said, t, t, t_emit=t, t_input=t, source=policy)
