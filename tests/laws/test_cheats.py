"""Each law catches the part that breaks it and says which, where and by how much."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest
import torch
from torch import Tensor

from headrace.core.errors import CapacityError, ConfigError
from headrace.core.stateful import Snapshot
from headrace.state.laws import LAWS, check_laws, digest, law_saved
from tests.laws.toy import CAPACITY, WEIGHT, WIDTH, Toy, ToySubject


def test_an_honest_part_keeps_every_law() -> None:
    assert check_laws(ToySubject()) == tuple(LAWS)


class Ahead(ToySubject):
    """Writes a whole chunk before it reads, so that the first inputs see fewer of the past."""

    name = "writes ahead"

    def step(self, rows: Sequence[tuple[Any, Sequence[Any]]]) -> list[list[Any]]:
        outputs = super().step(rows)
        for (part, _), row in zip(rows, outputs, strict=True):
            for output in row:
                output["seen"] = part.last.view().sum(0)
        return outputs


class Masked(ToySubject):
    """A row without inputs still ticks."""

    name = "masked tick"

    def step(self, rows: Sequence[tuple[Any, Sequence[Any]]]) -> list[list[Any]]:
        outputs = super().step(rows)
        for part, inputs in rows:
            if not inputs:
                part.count.add()
        return outputs


class Together(ToySubject):
    """All parts that were opened share one recurrence: state on the module."""

    name = "state on the module"

    class Shared(Toy):
        one: ClassVar[Any] = Toy().hidden

        def __init__(self, start: int = 0) -> None:
            super().__init__(start)
            self.hidden = self.one

    part = Shared


class Hoarder(Toy):
    """Keeps every input."""

    def __init__(self, start: int = 0) -> None:
        super().__init__(start)
        self.all = torch.zeros(0, WIDTH, dtype=torch.float64)

    def take(self, given: Tensor, hidden: Tensor) -> Tensor:
        self.all = torch.cat([self.all, given[None]])
        return super().take(given, hidden) + 0.01 * self.all.mean(0)


class Grows(ToySubject):
    name = "grows"

    class Honest(Hoarder):
        def nbytes(self) -> int:
            return super().nbytes() + 8 * WIDTH * max(0, len(self.all) - 2 * CAPACITY)

    part = Honest


class WorksMore(ToySubject):
    name = "works more"
    part = Hoarder

    def tensors(self, part: Any) -> Iterable[Tensor]:
        return []


class Reallocates(ToySubject):
    """The same work and the same bytes, in new memory at each step."""

    name = "reallocates"

    class Renewed(Toy):
        def take(self, given: Tensor, hidden: Tensor) -> Tensor:
            self.spare = torch.zeros(1000)
            self.other = [*getattr(self, "other", [])[-3:], self.spare]
            return super().take(given, hidden)

    part = Renewed

    def tensors(self, part: Any) -> Iterable[Tensor]:
        return [*super().tensors(part), *getattr(part, "other", [])]


class Hides(ToySubject):
    """Grows on the host and tells nobody but its snapshot."""

    name = "hides"

    class Diary(Toy):
        def __init__(self, start: int = 0) -> None:
            super().__init__(start)
            self.diary: list[str] = []

        def take(self, given: Tensor, hidden: Tensor) -> Tensor:
            self.diary.append(str(given.tolist()))
            return super().take(given, hidden)

        def snapshot(self) -> Snapshot:
            made = super().snapshot()
            made.meta["diary"] = list(self.diary)
            return made

    part = Diary


class Endless(ToySubject):
    name = "endless"
    limit = 100


class HalfRefused(ToySubject):
    """Refuses at its limit, after it has written."""

    name = "half refused"
    limit = 100

    class Full(Toy):
        def take(self, given: Tensor, hidden: Tensor) -> Tensor:
            seen = super().take(given, hidden)
            if self.count.value > 90:
                raise CapacityError("full")
            return seen

    part = Full


class Forgets(ToySubject):
    """Leaves the recurrence out of its snapshot."""

    name = "forgets"

    class Partial(Toy):
        def restore(self, snapshot: Snapshot) -> None:
            super().restore(snapshot)
            self.hidden.reset()

    part = Partial


class Silent(ToySubject):
    """Has state that its snapshot does not know: equal to the byte, but it goes on differently."""

    name = "silent"

    class Secret(Toy):
        extra = 0.0

        def take(self, given: Tensor, hidden: Tensor) -> Tensor:
            self.extra = 0.5 * self.extra + float(given[0])
            return super().take(given, hidden) + self.extra

        def fork(self) -> Self:
            other = super().fork()
            other.extra = self.extra
            return other

    part = Secret


class Aliased(ToySubject):
    """Its snapshot is a window on the living state."""

    name = "aliased"

    class Window(Toy):
        def snapshot(self) -> Snapshot:
            made = super().snapshot()
            made.arrays["hidden/value"] = self.hidden.value.numpy()
            return made

    part = Window


class Lasting(ToySubject):
    """Keeps something over a reset."""

    name = "lasting"

    class Stays(Toy):
        def reset(self) -> None:
            counted = self.count
            super().reset()
            counted.add()

    part = Stays


class Leftover(ToySubject):
    """Restoring does not clear what was there."""

    name = "leftover"

    class Dirty(Toy):
        def restore(self, snapshot: Snapshot) -> None:
            used = self.count.value
            super().restore(snapshot)
            if used:
                self.count.add()

    part = Dirty


class Single(ToySubject):
    """Computes angles of positions, not of their difference, in float32."""

    name = "single"

    class Angles(Toy):
        def look(self, now: int) -> Tensor:
            angle = torch.tensor(float(now)) * 0.7 - self.born.view().float() * 0.7
            return (self.last.view() * torch.cos(angle)[:, None]).sum(0)

    part = Angles


class Other(ToySubject):
    """Is not the model that it says it is."""

    name = "other"

    class Scaled(Toy):
        def look(self, now: int) -> Tensor:
            return super().look(now) * 1.001

    part = Scaled


class Leaks(ToySubject):
    """Takes the mean of the batch away."""

    name = "leaks"

    def step(self, rows: Sequence[tuple[Any, Sequence[Any]]]) -> list[list[Any]]:
        outputs = super().step(rows)
        if len(rows) > 1:
            mean = torch.stack([part.hidden.value for part, _ in rows]).mean(0)
            for part, _ in rows:
                part.hidden.set(part.hidden.value - 1e-12 * mean)
        return outputs


class MaskedByZero(ToySubject):
    """Hides its neighbours by a factor of zero, which NaN survives."""

    name = "masked by zero"

    def step(self, rows: Sequence[tuple[Any, Sequence[Any]]]) -> list[list[Any]]:
        outputs = super().step(rows)
        sums = [part.last.view().sum(0) for part, _ in rows]
        for k, row in enumerate(outputs):
            for output in row:
                output["seen"] = output["seen"] + 0.0 * sum(other for j, other in enumerate(sums) if j != k)
        return outputs


class Trace(ToySubject):
    """Counts what is rolled back."""

    name = "trace"

    class Counts(Toy):
        def rollback(self) -> None:
            super().rollback()
            self.count.add()

    part = Counts


class KeepsAll(ToySubject):
    """Keeps all of what was proposed, whatever is committed."""

    name = "keeps all"

    def commits(self, n: int) -> Iterable[int]:
        return range(n + 1)


class Siamese(ToySubject):
    """Its forks share the recurrence."""

    name = "siamese"
    room = None  # type: ignore[assignment]

    class Twin(Toy):
        def fork(self) -> Self:
            other = super().fork()
            other.hidden = self.hidden
            return other

    part = Twin


CHEATS = [
    (1, Ahead, "inputs in chunks of 7 differ from one at a time at output"),
    (2, Masked, "in the step without inputs at input 6 of others, its meta parts.count.meta.value changed"),
    (2, Together, "not in the step at input 5 of others, its array hidden/value changed"),
    (3, Grows, "bytes after input 16, "),
    (3, WorksMore, "is aten.cat.default [(16, 3), (1, 3)], after input 48 aten.cat.default [(48, 3), (1, 3)]"),
    (3, Reallocates, "tensors went and"),
    (3, Hides, "its snapshot takes"),
    (3, Endless, "it has no bound and took all 100 inputs without a CapacityError"),
    (3, HalfRefused, "it refused input 90, but its array born/items changed"),
    (4, Forgets, "restored into a fresh part after 5 inputs, its array hidden/value is another"),
    (4, Silent, "restored into a used part after 0 inputs, output 0 is another"),
    (4, Aliased, "changed afterwards: array hidden/value"),
    (4, Lasting, "its meta parts.count.meta.value is not that of a fresh part"),
    (4, Leftover, "restored into a used part after 0 inputs, its meta parts.count.meta.value is another"),
    (5, Single, "begun at 2147483648, output"),
    (6, Other, "differs from the reference: 0.001 > 1e-06"),
    (7, Leaks, "is another when neighbours are reset after 8 inputs"),
    (7, MaskedByZero, "output 8 is another when neighbours are full of NaN after 8 inputs"),
    (8, Trace, "1 inputs after 0 were rolled back, but its meta parts.count.meta.value changed"),
    (8, KeepsAll, "commit(0) of 5 after 0 inputs: its "),
    (8, Siamese, "advancing a fork changed array hidden/value of the original"),
]


@pytest.mark.parametrize(("law", "cheat", "told"), CHEATS, ids=[cheat.name for _, cheat, _ in CHEATS])
def test_a_law_catches_the_part_that_breaks_it(law: int, cheat: type[ToySubject], told: str) -> None:
    subject = cheat()
    with pytest.raises(AssertionError) as caught:
        check_laws(subject, [law])
    message = str(caught.value)
    assert message.startswith(f"law {law} (")
    assert f", {cheat.name}: " in message
    assert told in message
    assert "\n" not in message


def test_an_exact_stream_that_begins_at_zero_does_not_hide_a_drift() -> None:
    """Law 5 fails at the oldest start alone if the angles are of float64 positions."""

    class Double(ToySubject):
        name = "double"

        class Angles(Toy):
            def look(self, now: int) -> Tensor:
                angle = torch.tensor(now * 0.7, dtype=torch.float64) - self.born.view().double() * 0.7
                return (self.last.view() * torch.cos(1e3 * angle)[:, None]).sum(0)

        part = Angles

    with pytest.raises(AssertionError, match=r"law 5 \(shift\), double: begun at "):
        check_laws(Double(), [5])


def test_a_law_that_would_test_nothing_is_refused() -> None:
    class Constant(ToySubject):
        def step(self, rows: Sequence[tuple[Any, Sequence[Any]]]) -> list[list[Any]]:
            return [[1.0] * len(inputs) for _, inputs in rows]

    class Excused(ToySubject):
        exempt: ClassVar[dict[int, str]] = {5: " "}

    with pytest.raises(ConfigError, match="outputs are all alike"):
        check_laws(Constant())
    with pytest.raises(ConfigError, match=r"law 5 \(shift\) without a reason"):
        check_laws(Excused())
    with pytest.raises(ConfigError, match="there is no law 9; the laws are 1 chunk, 2 absence"):
        check_laws(ToySubject(), [9])
    subject = ToySubject()
    subject.plain = None  # type: ignore[assignment]
    with pytest.raises(ConfigError, match=r"law 6 \(plain\) cannot be tried on toy"):
        check_laws(subject, [6])


def test_a_digest_is_of_every_tensor_and_counter() -> None:
    part, other = Toy(), Toy()
    assert digest(part) == digest(other)
    other.count.add()
    assert digest(part) != digest(other)
    other = Toy()
    other.hidden.set(torch.full((WIDTH,), -0.0, dtype=torch.float64))
    assert digest(part) != digest(other)
    assert digest(part) == digest(part.snapshot())


#: The first goes on in another process, the second does not.
MIXED = [ToySubject(), Forgets()]


def test_another_process_tells_who_does_not_go_on(tmp_path: Path) -> None:
    with pytest.raises(
        AssertionError, match=r"law 4 \(snapshot\), forgets: restored in another process after 19 inputs"
    ):
        law_saved(tmp_path, "tests.laws.test_cheats:MIXED")


def test_the_weights_of_the_toy_forget() -> None:
    assert torch.linalg.matrix_norm(WEIGHT, 2) < 1
