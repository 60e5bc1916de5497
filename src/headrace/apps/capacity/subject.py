"""subject: a language model as what a replica runs, with tokens drawn from a seed for what a trace only counts."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from headrace.core.errors import ConfigError
from headrace.core.stateful import Snapshot
from headrace.engine.hosted import SINKS, Hosted
from headrace.engine.lane import Lane
from headrace.engine.opening import Opening
from headrace.engine.request import Request
from headrace.engine.simulator import Machine, sinks_and_window

if TYPE_CHECKING:
    from headrace.models.hf import LM


class Words:
    """Sessions of a model; a Subject.

    Args:
        lm: the model.
        budget: tokens that a session keeps at most.
        seed: of the tokens that it reads.
    """

    def __init__(self, lm: LM, budget: int, seed: int = 0) -> None:
        self.host = Hosted(lm)
        self.lm, self.budget = lm, budget
        self._draw = Random(seed)
        self._seed = seed
        self._states: dict[int, Snapshot] = {}
        self._texts: dict[str, list[int]] = {}

    def opening(self, given: Opening) -> Opening:
        return replace(given, budget=self.budget)

    def state(self, tokens: int) -> Snapshot:
        if tokens not in self._states:
            with self.host.open(Opening(budget=self.budget)) as session:
                session.opening = None
                for at in range(0, tokens, 64):
                    session.push(self._drawn(min(64, tokens - at)))
                session.outbox.clear()
                self._states[tokens] = self.host.save(session)
        return self._states[tokens]

    def first(self, name: str, request: Request) -> list[int]:
        ids: list[int] = []
        for block in request.prefix:
            draw = Random(f"{self._seed} {block}")
            ids += [draw.randrange(self.lm.vocabulary) for _ in range(request.block)]
        ids += self._drawn(request.units - len(ids))
        if request.chunks:
            self._texts[name] = list(ids)
        return ids

    def more(self, name: str, units: int) -> list[int]:
        ids = self._drawn(units)
        self._texts[name] = self._texts.get(name, []) + ids
        return ids

    def whole(self, name: str, kept: int, units: int) -> list[int]:
        self._texts[name] = self._texts.get(name, [])[:kept] + self._drawn(units)
        return list(self._texts[name])

    def _drawn(self, n: int) -> list[int]:
        return [self._draw.randrange(self.lm.vocabulary) for _ in range(n)]


def machine_of(lane: Lane, budget: int, block: int, opening: int = 0) -> Machine:
    """A machine on which every session has a budget, as `Opening(budget=…)` gives it.

    Args:
        lane: its scheduler, cost model and limits.
        budget: tokens that a session keeps at most.
        block: tokens of a block of its state.
        opening: tokens that a session reads before everything else.

    Raises:
        ConfigError: the budget is too small.
    """
    if budget <= SINKS:
        raise ConfigError(f"budget={budget}: {SINKS} tokens never leave; give more")
    recent = budget - SINKS
    most = (-(-recent // block) + 2) * block
    return Machine(lane, most=most, residence=sinks_and_window(SINKS, recent, block), opening=opening, block=block)
