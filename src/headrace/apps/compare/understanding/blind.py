"""blind: what is won on millrace without looking."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
from headrace.evaluation.millrace.exchange import asked_about
from headrace.evaluation.millrace.exchange_blind import Delayed, Silent
from headrace.evaluation.millrace.exchange_voice import Decide

#: Development streams from which the commonest answers are taken, and their regime.
OTHERS, REGIME = (2, 4, 6, 8), "calm"


@dataclass(frozen=True)
class Policy:
    """Looks at nothing.

    Attributes:
        name, what: of its row.
        guesses: answers what is commonest on other streams; else refuses.
        overhears: guesses only about whom an earlier question or request named.
        partner: how it talks.
        alert: when it raises alarms, of the length of a stream.
    """

    name: str
    what: str
    guesses: bool = False
    overhears: bool = False
    partner: Callable[[], Decide] = Silent
    alert: Callable[[int], list[Emission]] = never


_POLICIES = (
    Policy("refuse", "refuses everything, never speaks"),
    Policy(
        "guess",
        "the commonest answer of each kind on other streams; an alert every second; the courier in the middle",
        guesses=True, partner=lambda: Delayed(0), alert=always,
    ),
    Policy("overheard", "guesses about whom an earlier question or request named", guesses=True, overhears=True),
)  # fmt: skip


def blind(worlds: Sequence[World], long: Sequence[World], seed: int) -> list[KeeperResult]:
    """A row for each policy, on the same streams, the long one apart."""
    commonest = _commonest(worlds[0].seconds)
    rows = []
    for policy in _POLICIES:
        runs = [(world.regime, _kept(world, policy, commonest)) for world in worlds]
        far = [_kept(world, policy, commonest) for world in long]
        rows.append(pooled(Label(policy.name, "blind", policy.what), "resident", runs, far, seed))
    return rows


def _kept(world: World, policy: Policy, commonest: dict[str, str]) -> Kept:
    kept = Kept()
    partner, alert = policy.partner, policy.alert
    guesses = commonest if policy.guesses else {}
    named: set[str] = set()
    requests = deque(Talk.of(world).requests if policy.overhears else ())
    for asked in world.questions:
        while requests and requests[0].heard <= asked.question.t:
            named.add(asked_about(requests.popleft().text))
        given, answer = guesses.get(asked.about), asked.question.answer
        if policy.overhears and not any(one.name in named for one in asked.who):
            given = None
        named.update(one.name for one in asked.who if policy.overhears)
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
