"""A small part that keeps every law, and how it is told to them; the cheats of test_cheats.py are made from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from headrace.core.stateful import Snapshot
from headrace.state.counter import Counter
from headrace.state.fifo import Fifo
from headrace.state.fixed import Fixed

WIDTH, CAPACITY = 3, 8
#: Mixes what is remembered; its powers die out, so that errors do too.
WEIGHT = torch.randn(WIDTH, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) / 4


class Toy:
    """A recurrence, and a look at the last inputs weighted by how long ago they came; Stateful, with a transaction."""

    def __init__(self, start: int = 0) -> None:
        self.start = start
        self.hidden = Fixed((WIDTH,), torch.float64)
        self.last = Fifo(CAPACITY, (WIDTH,), torch.float64)
        self.born = Fifo(CAPACITY, (), torch.int64)
        self.count = Counter(start)

    @property
    def kinds(self) -> dict[str, Any]:
        return {"hidden": self.hidden, "last": self.last, "born": self.born, "count": self.count}

    def take(self, given: Tensor, hidden: Tensor) -> Tensor:
        """Remember an input and the state it led to; what is seen now."""
        if len(self.last) == CAPACITY:
            self.last.pop(1)
            self.born.pop(1)
        self.last.push(given[None])
        self.born.push(torch.tensor([self.count.value]))
        self.hidden.set(hidden)
        self.count.add()
        return self.look(self.count.value - 1)

    def look(self, now: int) -> Tensor:
        """The inputs held, turned by how long before `now` they came."""
        angle = (now - self.born.view()).double() * 0.7
        return (self.last.view() * torch.cos(angle)[:, None]).sum(0)

    def begin(self) -> None:
        for kind in self.kinds.values():
            kind.begin()

    def commit(self) -> None:
        for kind in self.kinds.values():
            kind.commit()

    def rollback(self) -> None:
        for kind in self.kinds.values():
            kind.rollback()

    # -- Stateful -----------------------------------------------------------------------------

    def reset(self) -> None:
        for kind in self.kinds.values():
            kind.reset()

    def snapshot(self) -> Snapshot:
        return Snapshot.join("toy", {name: kind.snapshot() for name, kind in self.kinds.items()})

    def restore(self, snapshot: Snapshot) -> None:
        snapshot.expect("toy")
        for name, kind in self.kinds.items():
            kind.restore(snapshot.part(name))

    def fork(self) -> Self:
        other = type(self)(self.start)
        for name, kind in self.kinds.items():
            setattr(other, name, kind.fork())
        return other

    def nbytes(self) -> int:
        return sum(kind.nbytes() for kind in self.kinds.values())

    def max_bytes(self) -> int:
        return sum(kind.max_bytes() for kind in self.kinds.values())


class ToySubject:
    """The toy, whose rows are computed together, input by input."""

    name = "toy"
    capacity = CAPACITY
    part: type[Toy] = Toy
    exempt: dict[int, str] = {}

    def open(self, start: int = 0, seed: int = 0) -> Toy:
        return self.part(start)

    def inputs(self, n: int, seed: int) -> Sequence[Any]:
        return list(torch.from_numpy(np.random.default_rng([seed, 5]).normal(size=(n, WIDTH))))

    def step(self, rows: Sequence[tuple[Any, Sequence[Any]]]) -> list[list[Any]]:
        outputs: list[list[Any]] = [[] for _ in rows]
        for at in range(max(len(inputs) for _, inputs in rows)):
            there = [k for k, (_, inputs) in enumerate(rows) if at < len(inputs)]
            given = torch.stack([rows[k][1][at] for k in there])
            hidden = torch.tanh(torch.stack([rows[k][0].hidden.value for k in there]) @ WEIGHT + given)
            for row, k in enumerate(there):
                seen = rows[k][0].take(given[row], hidden[row])
                outputs[k].append({"hidden": hidden[row], "seen": seen})
        return outputs

    def tensors(self, part: Any) -> Iterable[Tensor]:
        return [part.hidden.value, part.last.view(), part.born.view()]

    def plain(self, inputs: Sequence[Any]) -> Sequence[Any]:
        hidden, outputs = np.zeros(WIDTH), []
        for now in range(len(inputs)):
            hidden = np.tanh(hidden @ WEIGHT.numpy() + inputs[now].numpy())
            seen = sum(inputs[t].numpy() * np.cos(0.7 * (now - t)) for t in range(now + 1))
            outputs.append({"hidden": hidden, "seen": seen})
        return outputs

    def room(self, part: Any) -> int:
        return 5

    def propose(self, part: Any, inputs: Sequence[Any]) -> list[Any]:
        part.begin()
        return self.step([(part, inputs)])[0]

    def commits(self, n: int) -> Iterable[int]:
        return (n,)

    def commit(self, part: Any, n: int) -> None:
        part.commit()

    def rollback(self, part: Any) -> None:
        part.rollback()
