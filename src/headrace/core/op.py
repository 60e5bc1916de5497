"""Op: what an operator is, and what happens when it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from headrace.core.item import Item


class OnError(Enum):
    """What a failing operator does to its session; never anything to another one."""

    FAIL = "fail"  #: the session ends with the error
    SKIP = "skip"  #: the item is dropped and counted
    RESTART = "restart"  #: the item is dropped and counted, and the operator is reset


class Op:
    """A stateful operator: an object, never a generator, so that it can be snapshotted.

    Override `step`; override `finish` if something is held back until the end, and `reset` if the
    operator remembers. `step` may be a generator: on a worker each output leaves as soon as it is made.

    Attributes:
        holds_back: False promises that no output is older (pts) than the item that caused it. A join
            behind an operator that drops items then need not wait for the next one it lets through.
    """

    holds_back = True

    def step(self, item: Item) -> Iterable[Item]:
        """Outputs caused by one item, oldest first."""
        raise NotImplementedError  # abstract

    def finish(self) -> Iterable[Item]:
        """Outputs held back until the end of the stream."""
        return ()

    def reset(self) -> None:
        """Forget everything."""


class Function(Op):
    """A plain function from payload to payload; None means that nothing leaves."""

    holds_back = False

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def step(self, item: Item) -> Iterable[Item]:
        value = self.function(item.data)
        return () if value is None else (item.derive(value),)


class Only(Op):
    """Lets items of the given kinds pass."""

    holds_back = False

    def __init__(self, *kinds: str) -> None:
        self.kinds = frozenset(kinds)

    def step(self, item: Item) -> Iterable[Item]:
        return (item,) if item.kind in self.kinds else ()


def as_op(thing: Op | Callable[[Any], Any]) -> Op:
    """An Op as it is; a callable as a `Function`."""
    return thing if isinstance(thing, Op) else Function(thing)
