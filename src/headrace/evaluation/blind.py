"""Blind answers to exchanges and requests: what is won without looking, to stand beside every result.

`baselines` speaks on events alone. A policy sees when it is asked, never the answers of the stream; one that needs a
prior takes it from what is handed to it, which should be other streams.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from headrace.core.item import SECOND, Emission, emission_id
from headrace.evaluation.truth import Event, Exchange

#: What is said to gain time.
MOMENT = "One moment."


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


def _say(policy: str, text: str, t: int) -> Emission:
    name = emission_id(policy, "answer", t)
    return Emission(name, "answer", {"text": text}, t, t, t_emit=t, t_input=t, source=policy)
