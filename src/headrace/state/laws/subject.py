"""Subject: a part, told so that the laws can try it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from headrace.core.errors import ConfigError

#: The laws by number; their words are in `headrace.state.laws`.
NAMES = {
    1: "chunk",
    2: "absence",
    3: "constant",
    4: "snapshot",
    5: "shift",
    6: "plain",
    7: "isolation",
    8: "provisional",
}


@runtime_checkable
class Subject(Protocol):
    """What every law needs of a part under test; a session of a model is a part too.

    Attributes:
        name: of the part, for messages.
        capacity: C, the inputs after which it is full (32 or fewer keep the laws quick). It is what law 3 calls
            steady after 2C. Where a part works in blocks, C is a multiple of them.
        exempt: why a law does not apply, by its number.
    """

    name: str
    capacity: int
    exempt: Mapping[int, str]

    def open(self, start: int = 0, seed: int = 0) -> Any:
        """A fresh part (Stateful) whose counters of positions and times stand at `start`."""
        ...

    def inputs(self, n: int, seed: int) -> Sequence[Any]:
        """The first `n` inputs of the stream of a seed: a longer stream begins with the shorter one."""
        ...

    def step(self, rows: Sequence[tuple[Any, Sequence[Any]]]) -> list[list[Any]]:
        """One call for several parts: each is given its inputs, none or more.

        Returns:
            For each row the outputs that became known, in the order of the inputs: tensors, arrays, numbers and what
            JSON holds. Usually one for each input; a part that holds inputs back gives them later.
        """
        ...


@runtime_checkable
class Referenced(Subject, Protocol):
    """A subject that law 6 can be tried on."""

    def plain(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """What the outputs must be, computed at once and by other means, while nothing has been evicted."""
        ...


@runtime_checkable
class Transacting(Subject, Protocol):
    """A subject whose part has the transaction."""

    def room(self, part: Any) -> int:
        """How many inputs one transaction can take now, at least 1."""
        ...

    def propose(self, part: Any, inputs: Sequence[Any]) -> list[Any]:
        """Begin, and write `inputs`; returns their outputs and leaves the transaction open."""
        ...

    def commits(self, n: int) -> Iterable[int]:
        """How many of `n` proposed inputs a commit may keep: 0 to n, or n alone where it is all or nothing."""
        ...

    def commit(self, part: Any, n: int) -> None: ...

    def rollback(self, part: Any) -> None: ...


@runtime_checkable
class Inspectable(Subject, Protocol):
    """A subject whose storage law 3 can look at."""

    def tensors(self, part: Any) -> Iterable[Tensor]:
        """All tensors that the part owns."""
        ...


@runtime_checkable
class Unbounded(Subject, Protocol):
    """A subject that grows up to a limit and then refuses (`bounded=False`).

    Its limit lies beyond what the other laws feed: 8C and 2C + 67 inputs.
    """

    @property
    def limit(self) -> int:
        """Inputs by which it must have refused with a CapacityError."""
        ...


@runtime_checkable
class Mixed(Subject, Protocol):
    """A subject that can share a step with parts of another make."""

    def strangers(self, seed: int) -> Sequence[Any]:
        """Fresh parts of another policy, which take the same inputs."""
        ...


def broken(law: int, subject: Subject, what: str) -> AssertionError:
    """The error that says which law a subject breaks, where and by how much."""
    return AssertionError(f"law {law} ({NAMES[law]}), {subject.name}: {what}")


def untried(law: int, subject: Subject, what: str) -> ConfigError:
    """The error of a subject on which a law would test nothing."""
    return ConfigError(f"law {law} ({NAMES[law]}) cannot be tried on {subject.name}: {what}")


def feed(subject: Subject, part: Any, inputs: Sequence[Any], chunks: Iterable[int] = ()) -> list[Any]:
    """The outputs of one part for inputs that come in chunks of these sizes, and the rest one at a time."""
    outputs: list[Any] = []
    sizes, at = iter(chunks), 0
    while at < len(inputs):
        size = next(sizes, 1)
        outputs += subject.step([(part, inputs[at : at + size])])[0]
        at += size
    return outputs
