"""Three policies on every family of models: quick are laws 2 and 6 and one more in turn, the rest is slow."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest
import torch

from headrace.state import Policy, absolute, attention, pin, recent, top
from headrace.state.laws import LAWS, PolicySubject
from tests.models.families import FAMILIES

pytest.importorskip("transformers")

THREE = {
    "sinks": Policy(pin(tokens=4) + recent(tokens=4), block=4),
    "absolute window": Policy(recent(tokens=8), place=absolute(), block=4),
    "attention by layer": Policy(recent(tokens=4) + top(tokens=4, score=attention(queries=4)), block=4, grain="layer"),
}
ALWAYS, IN_TURN = (2, 6), (1, 3, 4, 5, 7, 8)


def cases() -> Iterator[Any]:
    """All of the product; five steps in six a family, so that every policy comes to every law."""
    turn = cycle(IN_TURN)
    for family in FAMILIES:
        if family == "llama":
            continue
        for policy in THREE:
            quick = {*ALWAYS, next(turn)}
            for law in LAWS:
                marks = () if law in quick else pytest.mark.slow
                yield pytest.param(family, policy, law, id=f"{family}-{policy}-{law}", marks=marks)
        next(turn)
        next(turn)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def told(family: str, policy: str) -> PolicySubject:
    """The subject; law 6 holds it against the untouched model."""
    from tests.laws.carriers import Beside, carrier
    from tests.models.families import untouched

    return Beside(f"{policy} on {family}", THREE[policy], carrier(family), untouched=untouched(family))


@pytest.mark.parametrize(("family", "policy", "law"), [*cases()])
def test_a_policy_on_a_family_keeps_the_law(family: str, policy: str, law: int) -> None:
    LAWS[law](told(family, policy), 0)
