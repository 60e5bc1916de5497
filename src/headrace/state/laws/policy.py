"""PolicySubject: a policy, told so that the laws can try it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Protocol

import torch
from torch import Tensor

from headrace.core.errors import ConfigError
from headrace.state.advance import Row, advance
from headrace.state.container import Container
from headrace.state.keep import recent
from headrace.state.layout import Layout
from headrace.state.oracle import Sees, Stands, dense
from headrace.state.place import Absolute, Cache, absolute
from headrace.state.policy import Policy
from headrace.state.probe import Attend, Probe
from headrace.state.tick import Tick

#: Entries that a policy under trial may keep.
LARGEST = 128


class Model(Protocol):
    """What carries the policy: `Probe`, or any model that attends by a tick or by a function."""

    layout: Layout
    vocabulary: int

    def __call__(self, ids: Tensor, attend: Attend | Tick) -> Tensor:
        """Outputs [n, …] for ids [n]."""
        ...


@dataclass(frozen=True)
class Given:
    """An input: one token, or the tokens of one frame."""

    ids: tuple[int, ...]
    stream: str = "main"
    kind: str = "text"


@dataclass
class PolicySubject:
    """Containers of one policy under a small model, as a subject of all eight laws.

    `check_laws(PolicySubject("mine", Policy(...)))` is all there is to it. Keep the budget small: 32 entries or so.

    Args:
        name: for messages.
        policy: under trial.
        model: None: a `Probe`.
        sources: streams and kinds of input, (stream, kind); inputs come in runs of them.
        unit: tokens of a frame, for policies that count frames: an input is then a frame.
        sees, stands: which entries an input sees and where they stand while nothing was evicted, by input number (see
            `oracle`); None: those before it, at their numbers, which is right for one stream in absolute or cache
            places.
        exempt: why a law does not apply.
    """

    name: str
    policy: Policy
    model: Model = field(default_factory=Probe)
    sources: Sequence[tuple[str, str]] = (("main", "text"),)
    unit: int = 0
    sees: Callable[[Sequence[Given]], Sees] | None = None
    stands: Callable[[Sequence[Given]], Stands] | None = None
    exempt: Mapping[int, str] = field(default_factory=dict)
    capacity: int = field(init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.policy, Policy):
            raise ConfigError(
                f"{self.name}: {type(self.policy).__name__} is no Policy; of a recipe give what it builds"
            )
        entries = self.policy.bind(self.model.layout, self.unit).slots * self.policy.block
        if self.policy.bounded and entries > LARGEST:
            hint = "try it smaller, such as block=4 and recent(tokens=12)"
            raise ConfigError(f"{self.name}: with {entries} entries the laws would see little evicted; {hint}")
        most = 32 // max(self.unit, 1)
        kept = self._until_eviction(most) if self.policy.bounded else most
        period = 1 if self.unit else self.policy.block if len(self.sources) == 1 else sum(self._runs_of())
        self.capacity = max(kept // period, 1) * period

    def open(self, start: int = 0, seed: int = 0) -> Container:
        return Container(self.model.layout, self.policy, start=start, tokens_per_unit=self.unit)

    def inputs(self, n: int, seed: int) -> list[Given]:
        draw = random.Random(f"{self.name}/{seed}")
        made: list[Given] = []
        for (stream, kind), run in cycle(zip(self.sources, self._runs_of(), strict=True)):
            for _ in range(run):
                ids = [draw.randrange(self.model.vocabulary) for _ in range(self.unit or 1)]
                made.append(Given(tuple(ids), stream, kind))
            if len(made) >= n:
                return made[:n]
        raise AssertionError("there is always another input")

    def step(self, rows: Sequence[tuple[Any, Sequence[Given]]]) -> list[list[Any]]:
        waiting = [self._runs(inputs) for _, inputs in rows]
        outputs: list[list[Any]] = [[] for _ in rows]
        while live := [i for i, runs in enumerate(waiting) if runs]:
            runs = [waiting[i].pop(0) for i in live]
            fed = [
                Row(rows[i][0], [token for one in run for token in one.ids], run[0].stream, run[0].kind)
                for i, run in zip(live, runs, strict=True)
            ]
            for i, out, run in zip(live, advance(self.model, fed), runs, strict=True):
                outputs[i] += out.split([len(one.ids) for one in run])
        return outputs

    def plain(self, inputs: Sequence[Given]) -> list[Tensor]:
        """The outputs of one dense forward, by the oracle."""
        flat = [Given((token,), one.stream, one.kind) for one in inputs for token in one.ids]
        sees = self.sees(flat) if self.sees else lambda p: list(range(p + 1))
        stands = self.stands(flat) if self.stands else lambda _, j: j

        def attend(site: int, queries: Tensor, keys: Tensor, values: Tensor, scaling: float = 1.0) -> Tensor:
            rotary = self.model.layout.sites[site].rotary
            turning = rotary is not None and self.policy.place.rotates
            frequencies = rotary.frequencies if rotary is not None and turning else torch.zeros(0)
            return dense(queries, keys, values, frequencies, scaling, sees, stands)

        ids = torch.tensor([one.ids[0] for one in flat])
        return list(self.model(ids, attend).split([len(one.ids) for one in inputs]))

    def tensors(self, part: Container) -> list[Tensor]:
        return part.tensors()

    def strangers(self, seed: int) -> list[Container]:
        groups = {kind: recent(tokens=4 * self.policy.block) for _, kind in self.sources}
        other = Policy(groups if self.policy.by_kind else recent(tokens=8), place=absolute(), block=self.policy.block)
        return [Container(self.model.layout, other, tokens_per_unit=self.unit) for _ in range(2)]

    # ── the transaction ──────────────────────────────────────────────────────────────────────────────────────────

    def room(self, part: Container) -> int:
        return part.room(*self.sources[0]) if len(self.sources) == 1 and not self.unit else 1

    def propose(self, part: Container, inputs: Sequence[Given]) -> list[Any]:
        run = self._runs(inputs)[0]
        ids = [token for one in run for token in one.ids]
        part.begin(len(ids), stream=run[0].stream, kind=run[0].kind, inputs=ids)
        out = self.model(torch.tensor(ids), Tick([part]))
        return list(out.split([len(one.ids) for one in run]))

    def commits(self, n: int) -> Iterable[int]:
        return range(n + 1)

    def commit(self, part: Container, n: int) -> None:
        part.commit(n * (self.unit or 1))

    def rollback(self, part: Container) -> None:
        part.rollback()

    def _runs_of(self) -> list[int]:
        """How many inputs come in a row from each source: a block and one more, then ever fewer."""
        return [max(1, self.policy.block + 1 - 2 * k) for k in range(len(self.sources))]

    def _until_eviction(self, most: int) -> int:
        """Inputs, up to so many, before anything is dropped."""
        part = self.open()
        for n, one in enumerate(self.inputs(most, 0)):
            self.step([(part, [one])])
            if part.evicted:
                return n
        return most

    def _runs(self, inputs: Sequence[Given]) -> list[list[Given]]:
        """Inputs of one stream and kind that follow each other; frames one by one."""
        runs: list[list[Given]] = []
        for one in inputs:
            last = runs[-1][-1] if runs else None
            joins = last is not None and (last.stream, last.kind) == (one.stream, one.kind)
            if joins and not self.policy.atomic(one.kind):
                runs[-1].append(one)
            else:
                runs.append([one])
        return runs


class DenseSubject(PolicySubject):
    """The same for a policy with `bounded=False`: by `limit` inputs it must have refused."""

    @property
    def limit(self) -> int:
        return self.policy.bind(self.model.layout, self.unit).slots * self.policy.block + 1


def plain_places(policy: Policy) -> bool:
    """Whether a policy, while nothing is evicted, is the untouched model itself."""
    return isinstance(policy.place, Absolute | Cache) and not policy.see.denied and not policy.see.whole
