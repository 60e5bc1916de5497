"""blind: what is won on millrace without looking."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from headrace.apps.compare.understanding.kept import Kept, Outcome
from headrace.apps.compare.understanding.methods import Label
from headrace.apps.compare.understanding.pooled import pooled
from headrace.apps.compare.understanding.result import KeeperResult
from headrace.apps.compare.understanding.stream import REACH, errands
from headrace.apps.compare.understanding.talk import Talk
from headrace.core.item import Emission
from headrace.evaluation.baselines import always, never
from headrace.evaluation.metrics.alerts import alerts
from headrace.evaluation.millrace import World
from headrace.evaluation.millrace.exchange_blind import Delayed, Silent
from headrace.evaluation.millrace.exchange_voice import Decide

#: Development streams from which the commonest answers are taken, and their regime.
OTHERS, REGIME = (2, 4, 6, 8), "calm"

#: What each policy says when it is asked, how it talks, and how often it alerts.
_POLICIES: tuple[tuple[str, str, Callable[[], Decide], Callable[[int], list[Emission]]], ...] = (
    ("refuse", "refuses everything, never speaks", Silent, never),
    (
        "guess",
        "the commonest answer of each kind on other streams; an alert every second; the courier in the middle",
        lambda: Delayed(0),
        always,
    ),
)


def blind(worlds: Sequence[World], seed: int) -> list[KeeperResult]:
    """A row for each policy, on the same streams."""
    commonest = _commonest(worlds[0].seconds)
    rows = []
    for name, what, partner, alert in _POLICIES:
        guesses = commonest if name == "guess" else {}
        runs = [(world.regime, _kept(world, guesses, partner, alert)) for world in worlds]
        rows.append(pooled(Label(name, "blind", what), "resident", runs, [], seed))
    return rows


def _kept(
    world: World, guesses: dict[str, str], partner: Callable[[], Decide], alert: Callable[[int], list[Emission]]
) -> Kept:
    kept = Kept()
    for asked in world.questions:
        given, answer = guesses.get(asked.about), asked.question.answer
        kept.outcomes.append(Outcome(asked.track, asked.age, answer is not None, given == answer, given is None))
    for wait in world.waits:
        said = [one for one in alert(world.duration) if one.t_emit >= wait.t]
        kept.alerts.append(alerts(said, wait.events, world.duration, REACH))
    times, (rows, columns) = errands(world), world.grid
    middle = (rows - 1, columns // 2)
    told = sum(world.courier.at(t) == middle for t in times) if guesses else 0
    kept.courier = told / len(times) if times else math.nan
    kept.conversation = Talk.of(world).blind(partner())
    return kept


def _commonest(seconds: float) -> dict[str, str]:
    """By what is wanted, the answer that is given most often where there is one."""
    found: dict[str, Counter[str]] = {}
    for seed in OTHERS:
        for asked in World(seed, REGIME, seconds).questions:
            if asked.question.answer is not None:
                found.setdefault(asked.about, Counter())[asked.question.answer] += 1
    return {about: answers.most_common(1)[0][0] for about, answers in found.items()}
