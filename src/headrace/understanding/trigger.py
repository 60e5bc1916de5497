"""Trigger: decides when to speak; Action: what it decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from headrace.core.stateful import Stateful

V_contra = TypeVar("V_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Respond:
    """Speak now.

    Attributes:
        question: id of the standing question that came true; "" if none asked for it.
        since: media time at which it came true, ns.
        now: media time of the decision, ns.
        evidence: what it rests on.
    """

    question: str
    since: int
    now: int
    evidence: tuple[Any, ...] = ()

    @property
    def latency(self) -> int:
        """ns from its coming true to the decision."""
        return self.now - self.since


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop what is being said for the question of that id."""

    question: str
    now: int


@dataclass(frozen=True, slots=True)
class Retract:
    """What was said for the question of that id no longer holds."""

    question: str
    now: int


#: Nothing at all is an empty sequence of actions: silence.
Action = Respond | Interrupt | Retract


class Trigger(Stateful, Protocol[V_contra]):
    """Decides when to speak. Causal and deterministic; standing questions are part of what it remembers."""

    def decide(self, now: int, view: V_contra, /) -> Sequence[Action]:
        """What to do at media time `now` (ns), having seen the view of what is new; empty for silence."""
        ...
