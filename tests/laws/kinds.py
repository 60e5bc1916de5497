"""The small kinds of state as subjects of the laws."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headrace.state.counter import Counter
from headrace.state.fifo import Fifo
from headrace.state.fixed import Fixed
from headrace.state.rng import Rng
from headrace.state.rows import Rows

#: The counter is the position itself, so a shifted one gives shifted values; the others count nothing.
NO_POSITIONS = "has no positions"


@dataclass(frozen=True)
class Kind:
    """A kind of state whose transaction is kept as a whole or not at all.

    Args:
        draw: one input from a generator.
        feed: takes one input and returns what can be read then.
        expect: the same for a list of inputs, by other means.
        owned: its tensors.
    """

    name: str
    make: Callable[[int], Any]
    draw: Callable[[np.random.Generator], Any]
    feed: Callable[[Any, Any], Any]
    expect: Callable[[Sequence[Any]], Sequence[Any]]
    owned: Callable[[Any], Iterable[Tensor]] = lambda _: []
    capacity: int = 6
    exempt: Mapping[int, str] = field(default_factory=lambda: {5: NO_POSITIONS})

    def open(self, start: int = 0, seed: int = 0) -> Any:
        return self.make(start)

    def inputs(self, n: int, seed: int) -> Sequence[Any]:
        generator = np.random.default_rng([seed, 4])
        return [self.draw(generator) for _ in range(n)]

    def step(self, rows: Sequence[tuple[Any, Sequence[Any]]]) -> list[list[Any]]:
        return [[self.feed(part, one) for one in inputs] for part, inputs in rows]

    def plain(self, inputs: Sequence[Any]) -> Sequence[Any]:
        return self.expect(inputs)

    def tensors(self, part: Any) -> Iterable[Tensor]:
        return self.owned(part)

    def room(self, part: Any) -> int:
        return 2 * self.capacity

    def propose(self, part: Any, inputs: Sequence[Any]) -> list[Any]:
        part.begin()
        return self.step([(part, inputs)])[0]

    def commits(self, n: int) -> Iterable[int]:
        return (n,)

    def commit(self, part: Any, n: int) -> None:
        part.commit()

    def rollback(self, part: Any) -> None:
        part.rollback()


def set_and_read(part: Fixed, tensor: Tensor) -> Tensor:
    part.set(part.value / 2 + tensor)
    return part.value.clone()


def halved(inputs: Sequence[Tensor]) -> list[Tensor]:
    return [sum(inputs[k] / 2 ** (now - k) for k in range(now + 1)) for now in range(len(inputs))]


def slide(part: Fifo, tensor: Tensor) -> Tensor:
    """The oldest leaves for the newest; what was popped tells too."""
    gone = part.pop(1).sum() if len(part) == part.capacity else torch.zeros((), dtype=tensor.dtype)
    part.push(tensor[None])
    return part.view().sum(0) + gone


def slid(inputs: Sequence[Tensor]) -> list[Tensor]:
    held, seen = deque(maxlen=5), []
    for tensor in inputs:
        gone = held[0].sum() if len(held) == 5 else 0
        held.append(tensor)
        seen.append(sum(held) + gone)
    return seen


def keep(part: Rows, row: tuple[int, Any]) -> Any:
    number = part.add({"n": row[0]}, {"a": row[1], "b": bytes(row[0])})
    return number, [[one.values["n"], one.arrays["a"]] for one in part]


def kept(inputs: Sequence[tuple[int, Any]]) -> list[Any]:
    """While neither bound is reached."""
    rows = [[n, a] for n, a in inputs]
    return [(now, rows[: now + 1]) for now in range(len(inputs))]


def numbers(generator: np.random.Generator) -> Tensor:
    return torch.from_numpy(generator.normal(size=3))


KINDS = [
    Kind(
        "counter",
        Counter,
        lambda generator: int(generator.integers(0, 9)),
        lambda part, n: part.add(n),
        lambda inputs: np.cumsum(inputs).tolist(),
        exempt={5: "is the position itself: from another start it tells other numbers"},
    ),
    Kind(
        "rng",
        lambda start: Rng(5, start),
        lambda generator: None,
        lambda part, _: [part.bits(), part.uniform()],
        lambda inputs: [[Rng(5, 2 * n).bits(), Rng(5, 2 * n + 1).uniform()] for n in range(len(inputs))],
        exempt={5: "from another start it tells other numbers, as it must"},
    ),
    Kind(
        "fixed",
        lambda _: Fixed((3,), torch.float64),
        numbers,
        set_and_read,
        halved,
        lambda part: [part._value, part._spare],
    ),
    Kind(
        "fifo",
        lambda _: Fifo(5, (3,), torch.float64),
        numbers,
        slide,
        slid,
        lambda part: [part._ring, part._saved],
    ),
    Kind(
        "rows",
        lambda _: Rows(10, 400),
        lambda generator: (int(generator.integers(1, 30)), generator.normal(size=2)),
        keep,
        kept,
    ),
]
