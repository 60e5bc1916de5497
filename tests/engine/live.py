"""What the tests of the engine share: the model that ships, engines on a virtual clock, and sessions beside them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from headrace.engine.cost import Cost
from headrace.engine.engine import Engine
from headrace.engine.hosted import Hosted
from headrace.engine.lane import Lane
from headrace.engine.limits import Limits
from headrace.engine.opening import Ask, Opening, Said
from headrace.engine.schedulers.registry import scheduler_of
from headrace.engine.simulator.synthetic import Figure, Synthetic
from headrace.state import Policy, pin, recent, to_data
from headrace.state import cache as cache_place

#: One tick of the virtual clock, ns.
TICK = 1_000_000
COST = Cost(1e-3, per_unit=1e-4, per_row=1e-4)
#: Keeps four sinks and two blocks of eight, as data.
SMALL = to_data(Policy(pin(tokens=4) + recent(tokens=16), place=cache_place(), block=8))


@cache
def model() -> Any:
    """`zoo:tiny-llama`, float32."""
    from headrace.models.hf.load import load

    return load("zoo:tiny-llama", device="cpu")


def ids(n: int, seed: int = 0) -> list[int]:
    """Token ids that the model knows, none of them special."""
    return torch.randint(16, 1000, (n,), generator=torch.Generator().manual_seed(seed)).tolist()


class Driver:
    """An engine on a clock that is a number: each tick takes `TICK`.

    Args:
        engine: driven.
    """

    def __init__(self, engine: Engine[Any]) -> None:
        self.engine, self.now = engine, 0
        self.ticks: list[list[tuple[str, int]]] = []

    def tick(self) -> bool:
        """One tick; False if there was nothing to do."""
        step = self.engine.plan(self.now)
        if step is None:
            return False
        self.ticks.append([(row.seat.id, row.units) for row in step.rows])
        self.engine.run(step)
        self.now += TICK
        self.engine.finish(step, self.now, TICK / 1e9)
        return True

    def rest(self, most: int = 10_000) -> None:
        """Until there is nothing to do."""
        for _ in range(most):
            if not self.tick():
                return
        raise AssertionError(f"something is still to be done after {most} ticks")

    def open(self, name: str, **options: Any) -> None:
        self.engine.open(name, Opening(**options), self.now)

    def push(self, name: str, data: Any, **options: Any) -> int:
        return self.engine.push(name, data, self.now, **options)

    def say(self, name: str, n: int = 8, role: str | None = None, **options: Any) -> None:
        self.engine.say(name, Ask(n, ignore_end=True, **options), self.now, role)

    def said(self, name: str) -> list[Said]:
        """All outputs of a session so far."""
        return [one.said for one in self.engine.events if one.session == name and one.said is not None]

    def tokens(self, name: str) -> list[int]:
        """Tokens of all its outputs."""
        return [one.token for one in self.said(name) if one.token is not None]

    def errors(self, name: str) -> list[str]:
        """What failed."""
        own = [one for one in self.engine.events if one.session == name]
        return [
            one.error or (one.said.error if one.said else "")
            for one in own
            if one.error or (one.said and one.said.error)
        ]

    def logits(self, name: str) -> Tensor:
        """[vocabulary] of what follows."""
        held: Tensor = self.engine.seat(name).session.parts["logits"].value
        return held.clone()


def real(
    scheduler: Any = "fcfs", *, host: Any = None, cost: Cost = COST, limits: Limits | None = None, **options: Any
) -> Driver:
    """An engine of the model."""
    lane = Lane(scheduler_of(scheduler), cost, limits or Limits())
    return Driver(Engine(host or Hosted(model()), lane, **options))


def figures(
    scheduler: Any = "fcfs", *, host: Any = None, cost: Cost = COST, limits: Limits | None = None, **options: Any
) -> Driver:
    """An engine of figures."""
    lane = Lane(scheduler_of(scheduler), cost, limits or Limits())
    engine: Engine[Figure] = Engine(host or Synthetic(), lane, **options)
    return Driver(engine)


def alone(history: Sequence[Any], **options: Any) -> Any:
    """A session of its own that did one thing after the other: a list of ids or a text is read, a number is said.

    Returns:
        The session, its tokens as `said`.
    """
    host = Hosted(model())
    session = host.open(Opening(**options))
    session.said = []
    for one in history:
        if isinstance(one, int):
            session.said += [token.id for token in session.say(max_tokens=one, ends=())]
        elif isinstance(one, tuple):
            session.turn(one[0])
            if one[1]:
                session.push(session.parts["turns"].content(one[1]))
        else:
            session.push(one)
    return session


def after(session: Any) -> Tensor:
    """[vocabulary] of what follows."""
    held: Tensor = session.parts["logits"].value
    return held.clone()


def close(one: Tensor, other: Tensor, within: float = 1e-4) -> bool:
    """Whether two logits are one, but for the order of sums."""
    return float((one - other).abs().max()) <= within * float(other.abs().max())
