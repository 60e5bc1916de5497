"""simulated: one trace under one scheduler after the other, on machines that are cost models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from headrace.apps.capacity.figures import Figures, document, figures
from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND
from headrace.engine.calibration import Calibration
from headrace.engine.cost import Cost
from headrace.engine.lane import Lane
from headrace.engine.limits import Limits
from headrace.engine.parking import Room
from headrace.engine.request import NEVER, Request
from headrace.engine.schedulers.registry import scheduler_of
from headrace.engine.simulator import Machine, simulate
from headrace.engine.simulator.published import TOKEN_BYTES, Published
from headrace.engine.simulator.route import over, route_of

#: A cost model that was published by others, by name, and what it is of.
PUBLISHED = "opt-13b"
_OPT = "an A100 of 80 GB with OPT-13B, by the fits that the authors of DistServe published"
#: Bytes that are there for the state of all sessions of a machine, unless told.
UNLIMITED = 1 << 62


@dataclass(frozen=True)
class Priced:
    """A cost model, and what it is of.

    Attributes:
        cost: predicts seconds.
        told: machine and model in words.
        block: tokens of a block of a session's state; 0: none.
        ratios: measured / predicted of launches, that noise is drawn from; none: there is none.
        entry_bytes: bytes of state a token, which say what it takes to make room.
    """

    cost: Cost
    told: str
    block: int = 0
    ratios: tuple[float, ...] = ()
    entry_bytes: int = 1024

    @classmethod
    def of(cls, made: Calibration) -> Priced:
        return cls(made.cost, f"{made.model} on {made.machine}", made.cost.piece, made.ratios)


def priced(given: str) -> Priced:
    """The cost model that a file holds, that ships for a model, or that was published.

    Raises:
        InputError: there is none.
    """
    if given == PUBLISHED:
        return Priced(Published.load().cost(1), _OPT, entry_bytes=TOKEN_BYTES)
    if given.startswith("zoo:"):
        return Priced.of(Calibration.measured(given.removeprefix("zoo:")))
    try:
        return Priced.of(Calibration.load(given))
    except InputError as error:
        raise InputError(
            f"--cost: {error}; give a file of `headrace calibrate`, zoo:tiny-llama or {PUBLISHED}"
        ) from None


@dataclass(frozen=True)
class Setting:
    """What is simulated.

    Attributes:
        trace: name of the trace.
        requests: of it.
        priced: the machines.
        schedulers: names.
        replicas: machines; route: which takes a request.
        limits: of a tick and of state.
        budget: tokens that a session keeps at most.
        shared: entries of closed sessions that are kept for those that begin like them.
    """

    trace: str
    requests: Sequence[Request]
    priced: Priced
    schedulers: tuple[str, ...]
    replicas: int = 1
    route: str = "least"
    limits: Limits = field(default_factory=Limits)
    budget: int = 2004
    shared: int = 65_536


@dataclass(frozen=True)
class Simulation:
    """What came of a setting.

    Attributes:
        setting: it.
        found: figures by scheduler.
    """

    setting: Setting
    found: Mapping[str, Figures]

    def to_json(self) -> dict[str, Any]:
        of = self.setting
        return {
            "simulated": True,
            "trace": of.trace,
            "requests": len(of.requests),
            "machine": of.priced.told,
            "replicas": of.replicas,
            "route": of.route,
            "rows": of.limits.rows,
            "units": of.limits.units,
            "entries": None if of.limits.bytes >= UNLIMITED else of.limits.bytes // of.priced.entry_bytes,
            "budget": of.budget,
            "schedulers": document(self.found),
        }

    def title(self) -> str:
        of = self.setting
        machines = "1 replica" if of.replicas == 1 else f"{of.replicas} replicas ({of.route})"
        return f"simulated: {len(of.requests):,} requests of {of.trace} on {machines} of {of.priced.told}"


def run(setting: Setting, told: Callable[[str, int, int], None] | None = None) -> Simulation:
    """Simulate all of it; see `each`."""
    return Simulation(setting, dict(each(setting, told)))


def each(setting: Setting, told: Callable[[str, int, int], None] | None = None) -> Iterator[tuple[str, Figures]]:
    """Simulate one scheduler after the other; every one is given when it is done.

    Args:
        setting: what.
        told: called with what is done now, the second of the trace that it is at, and its last one.

    Raises:
        ConfigError: there is no such scheduler or route, or a number is too small.
    """
    if setting.replicas < 1 or setting.budget < 1:
        raise ConfigError("give 1 replica and a budget of 1 token or more")
    limits, route = setting.limits, over(route_of(setting.route))
    schedulers = {name: scheduler_of(name) for name in setting.schedulers}
    returns = any(chunk.kept is not None for one in setting.requests for chunk in one.chunks)
    alike = any(one.prefix for one in setting.requests)
    last = max(one.arrival for one in setting.requests) // SECOND + 1
    for number, (name, scheduler) in enumerate(schedulers.items(), 1):
        which = name if len(schedulers) == 1 else f"{name} ({number} of {len(schedulers)})"
        machine = Machine(
            Lane(scheduler, setting.priced.cost, limits),
            most=setting.budget,
            block=setting.priced.block,
            grain=max((one.block for one in setting.requests), default=0) or 16,
            share=alike,
            entry_bytes=setting.priced.entry_bytes,
            prefixes=setting.shared * setting.priced.entry_bytes if alike else 0,
            remember=1 << 40 if returns or limits.bytes < UNLIMITED else 0,
            room=Room(host=UNLIMITED),
        )

        def clock(now: int, which: str = which) -> None:
            if told is None:
                return
            if now < last * SECOND:
                told(f"simulating {which}", now // SECOND, last)
            else:
                told(f"simulating {which}, {now // SECOND - last:,} s past the last request", 0, 1)

        outcome = simulate(setting.requests, [machine] * setting.replicas, route=route, told=clock)
        yield name, figures(outcome)


def names(text: str) -> tuple[str, ...]:
    """`edf,fcfs` as names.

    Raises:
        ConfigError: there is none, or one is unknown or given twice.
    """
    found = tuple(filter(None, (part.strip() for part in text.split(","))))
    if not found or len(set(found)) < len(found):
        raise ConfigError(f"--scheduler {text!r}: give names with commas between them, each once, such as edf,fcfs")
    for name in found:
        scheduler_of(name)
    return found


def promised(requests: Sequence[Request]) -> bool:
    """Whether anything was promised."""
    return any(time < NEVER for one in requests for time in (one.slo.first, one.slo.every, one.slo.whole))


def slower(made: Priced, factor: float) -> Priced:
    """The same machine, so many times as slow."""
    return replace(made, cost=made.cost.scaled(factor))
