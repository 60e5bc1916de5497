"""Every policy that the laws are tried on, and what a subject must be told about each.

`POLICIES` has every verb, every place, both grains and both ends of `bounded`; `subject(name, model)` is the subject of
one. Budgets are small: C is 8 to 16 entries, blocks hold 4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

from headrace.state import (
    Container,
    Policy,
    absolute,
    attention,
    causal,
    deny,
    ema,
    everything,
    gap,
    group,
    jump,
    none,
    on,
    origin,
    overlap,
    pin,
    random,
    realign,
    recent,
    top,
    whole,
)
from headrace.state.advance import Row, advance
from headrace.state.keep import Keep
from headrace.state.laws import DenseSubject, PolicySubject
from headrace.state.laws.policy import Given, Model
from headrace.state.oracle import Sees, Stands
from headrace.state.probe import Probe

BLOCK = 4
SINKS = pin(tokens=4) + recent(tokens=4)
SOURCES = (("source", "text"), ("target", "text"))
KINDS = (("main", "system"), ("main", "text"))
#: From the inputs, token by token, where each stands.
Told = Callable[[Sequence[Given]], Stands]


@dataclass(frozen=True)
class Case:
    """A policy and the rest of its subject's arguments; `make` is the kind of subject."""

    policy: Policy
    told: Mapping[str, Any] = field(default_factory=dict)
    make: Callable[..., PolicySubject] = PolicySubject


@dataclass
class Eventful(PolicySubject):
    """Where the kind of the inputs changes, something happens to the container before it reads on.

    Args:
        event: what happens; it is given the subject and the container.
    """

    event: Callable[[PolicySubject, Container], None] = lambda subject, part: None
    exempt: Mapping[int, str] = field(default_factory=lambda: {8: "what happens, happens between transactions"})

    def step(self, rows: Sequence[tuple[Any, Sequence[Given]]]) -> list[list[Any]]:
        waiting = [[list(run) for _, run in groupby(inputs, lambda one: one.kind)] for _, inputs in rows]
        outputs: list[list[Any]] = [[] for _ in rows]
        while live := [i for i, runs in enumerate(waiting) if runs]:
            runs = {i: waiting[i].pop(0) for i in live}
            for i, run in runs.items():
                part = rows[i][0]
                if part.last is not None and part.last.kind != run[0].kind:
                    self.event(self, part)
            for i, out in zip(live, super().step([(rows[i][0], run) for i, run in runs.items()]), strict=True):
                outputs[i] += out
        return outputs


def cut(subject: PolicySubject, part: Container) -> None:
    """Another shot begins."""
    part.boundary(shot=True)


def prompt(subject: PolicySubject, part: Container) -> None:
    """What was kept goes through the model again."""
    for piece in part.redo("prompt"):
        advance(subject.model, [Row(part, piece.inputs, piece.stream, piece.kind)])


# -- where inputs stand while nothing is dropped, worked out from the inputs alone ------------------


def counted(starts: Mapping[str, int]) -> Told:
    """Each stream counts its own inputs from a number of its own."""

    def told(flat: Sequence[Given]) -> Stands:
        streams = [one.stream for one in flat]
        places = [starts.get(name, 0) + streams[:j].count(name) for j, name in enumerate(streams)]
        return lambda _, j: places[j]

    return told


def over(flat: Sequence[Given]) -> Stands:
    """Each stream counts on from where the furthest of the others stood when it began."""
    streams = [one.stream for one in flat]
    before = {name: streams[: streams.index(name)] for name in streams}
    begun = {name: max((seen.count(other) for other in set(seen)), default=0) for name, seen in before.items()}
    return counted(begun)(flat)


def apart(flat: Sequence[Given]) -> Stands:
    """What is pinned, the first block, counts from 0 once it is closed, the rest from 10."""
    return lambda p, j: 6 + j if p >= BLOCK <= j else j


def shots(phi: int) -> Told:
    """Each change of kind is a jump."""

    def told(flat: Sequence[Given]) -> Stands:
        cuts = [0, *(a.kind != b.kind for a, b in pairwise(flat))]
        places = [j + phi * sum(cuts[: j + 1]) for j in range(len(flat))]
        return lambda _, j: places[j]

    return told


def blind(flat: Sequence[Given]) -> Sees:
    """The source does not see the target."""
    return lambda p: [j for j in range(p + 1) if (flat[p].stream, flat[j].stream) != ("source", "target")]


def framed(size: int) -> Callable[[Sequence[Given]], Sees]:
    """A frame sees all of itself."""
    return lambda flat: lambda p: list(range((p // size + 1) * size))


def kept(score: Any, **options: Any) -> Case:
    """Half of what is recent makes room for the best of the rest."""
    keep = pin(tokens=4) + recent(tokens=4) + top(tokens=4, score=score)
    return Case(Policy(keep, block=BLOCK, **options))


def placed(place: Any, keep: Keep = SINKS, **told: Any) -> Case:
    return Case(Policy(keep, place=place, block=BLOCK), told)


def two(place: Any, stands: Told | None = None, **told: Any) -> Case:
    """Two streams in turn."""
    return placed(place, recent(tokens=8), sources=SOURCES, stands=stands, **told)


POLICIES: dict[str, Case] = {
    "sinks": Case(Policy(pin(tokens=4) + recent(tokens=8), block=BLOCK)),
    "split pin": Case(Policy(pin(tokens=6) + recent(tokens=4), block=BLOCK)),
    "window": Case(Policy(recent(tokens=8), block=BLOCK)),
    "block of one": Case(Policy(pin(tokens=2) + recent(tokens=6), block=1)),
    "absolute": placed(absolute(), recent(tokens=8)),
    "origin": placed(origin(pinned=0, text=10), stands=apart),
    "realign": placed(realign()),
    "nowhere": placed(none()),
    "jump": Case(
        Policy(SINKS, place=jump(5), block=BLOCK), {"sources": KINDS, "stands": shots(5), "event": cut}, Eventful
    ),
    "group": two(group(source=0, target=3), counted({"target": 3})),
    "gap": two(gap(10), counted({"target": 10})),
    "overlap": two(overlap(), over),
    "deny": Case(
        Policy(recent(tokens=8), place=group(), see=causal & deny("source", "target"), block=BLOCK),
        {"sources": SOURCES, "stands": counted({}), "sees": blind},
    ),
    "random": kept(random(1)),
    "attention": kept(attention(queries=4)),
    "heavy hitters": kept(attention(queries=3, decay=1.0)),
    "attention by layer": kept(attention(queries=4, decay=0.5), grain="layer"),
    "ema": Case(Policy(SINKS, fold=ema(0.9), block=BLOCK)),
    "ema by layer": Case(Policy(pin(tokens=8) + recent(tokens=4), fold=ema(0.5), block=BLOCK, grain="layer")),
    "kinds": Case(
        Policy({"system": pin(tokens=4) + recent(tokens=4), "*": recent(tokens=8)}, block=BLOCK), {"sources": KINDS}
    ),
    "frames": Case(Policy(pin(frames=1) + recent(frames=3), block=BLOCK), {"unit": 5}),
    "frames that see themselves": Case(
        Policy(pin(frames=1) + recent(frames=3), see=whole, block=5), {"unit": 5, "sees": framed(5)}
    ),
    "frames and words": Case(
        Policy({"video": recent(frames=2), "text": pin(tokens=5) + recent(tokens=10)}, block=5),
        {"unit": 5, "sources": (("main", "video"), ("main", "text"))},
    ),
    "redo": Case(
        Policy(pin(tokens=4) + recent(tokens=8), redo=on("prompt", last=2), block=BLOCK),
        {"sources": KINDS, "event": prompt},
        Eventful,
    ),
    "redo, not yet": Case(Policy(SINKS, redo=on("prompt", last=1), block=BLOCK)),
    "dense": Case(Policy(everything(), bounded=False, max_bytes=60_000, block=BLOCK), {}, DenseSubject),
}


def subject(name: str, model: Model | None = None, **told: Any) -> PolicySubject:
    """The subject of one of `POLICIES`, on a model (None: a fresh `Probe`)."""
    case = POLICIES[name]
    made = case.make(name, case.policy, **({} if model is None else {"model": model}), **{**case.told, **told})
    if not case.policy.bounded:
        made.capacity = 2 * BLOCK
    return made


def on_probe() -> list[PolicySubject]:
    """All of them, on one model."""
    probe = Probe()
    return [subject(name, probe) for name in POLICIES]
