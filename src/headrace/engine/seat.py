"""Seat: what an engine knows of one session."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from headrace.core.stateful import Snapshot
from headrace.engine.admission import Demand
from headrace.engine.job import Job
from headrace.engine.ladder import Ladder
from headrace.engine.opening import Ask, Opening
from headrace.engine.past import Past

S = TypeVar("S")


@dataclass(slots=True)
class Held:
    """Input that waits for the end of the reply ("queue")."""

    data: Any
    role: str | None
    stream: str
    kind: str | None
    pts: int
    units: int


@dataclass(frozen=True, slots=True)
class Wish:
    """A reply that waits for the one under way.

    Attributes:
        ask, role: see `Exchanges.say`.
        since: when it was asked for, ns.
        tag: what its outputs are known by.
    """

    ask: Ask
    role: str | None
    since: int
    tag: int


@dataclass(slots=True)
class Seat(Generic[S]):
    """One session of an engine; touched by the engine's thread alone.

    Attributes:
        id: its name.
        session: of the host.
        opening: how it was opened.
        demand: what it may want at most.
        past: what it has read and said.
        job: the exchange it is at, or None.
        talking: a reply is under way.
        tag: what the outputs of the reply under way are known by.
        asks: replies that wait for it.
        held: input that waits for it too.
        read: tokens that were read, again or for the first time.
        heard: tokens of the conversation that were read since its last reply.
        said: number of its last output.
        begun: number of the last output before the last reply.
        spoken: of each token of it, its number and its place in the past.
        tier: where its state is: "device", "host", "disk" or "recompute".
        stowed: the state, or the file it is in; `stowed_bytes` of it.
        since: when it last ran, ns.
        created: ns.
        chain: names of the blocks that it begins with.
        follows: it waits for this session to read what both begin with.
        reused: of those that it heard, how many were copied.
        first: when the first output of this exchange came, ns; None: not yet.
        last: when the last output came, ns.
        started: when the exchange first ran, ns; None: not yet.
        hits, steps: outputs in time, and outputs.
        drops: tokens that were replaced before they were read.
        parkings: how often it was parked.
        ladder: where it stands, if its host has rungs.
    """

    id: str
    session: S
    opening: Opening
    demand: Demand
    past: Past
    job: Job | None = None
    talking: bool = False
    tag: int = 0
    asks: deque[Wish] = field(default_factory=deque)
    held: deque[Held] = field(default_factory=deque)
    read: int = 0
    heard: int = 0
    said: int = 0
    begun: int = 0
    spoken: list[tuple[int, int]] = field(default_factory=list)
    tier: str = "device"
    stowed: Snapshot | Path | None = None
    stowed_bytes: int = 0
    since: int = 0
    created: int = 0
    chain: tuple[int, ...] = ()
    follows: str | None = None
    reused: int = 0
    first: int | None = None
    last: int = 0
    started: int | None = None
    hits: int = 0
    steps: int = 0
    drops: int = 0
    parkings: int = 0
    ladder: Ladder | None = None


@dataclass(frozen=True, slots=True)
class Row(Generic[S]):
    """One row of a tick that is being run."""

    seat: Seat[S]
    work: Any
    units: int
    reading: bool
