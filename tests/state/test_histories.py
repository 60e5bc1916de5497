"""Whatever happens to sessions that share their steps, each says what its own history comes to."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from headrace.core.stateful import Snapshot
from headrace.state import Container, Policy, Tick, absolute, cache, everything, none, pin, recent
from headrace.state.advance import Row, advance
from headrace.state.laws import digest, relative
from headrace.state.oracle import Sees, Stands, dense, streaming
from headrace.state.place import Place
from headrace.state.probe import Probe

PROBE = Probe()
#: Pinned and recent entries, block, place and number of the first input; no entry is ever dropped if `recent` is None.
MAKES: list[tuple[int, int | None, int, Place, int]] = [
    (4, 8, 4, cache(), 0),
    (3, 5, 4, cache(), 10**12),
    (0, 6, 3, cache(), 0),
    (2, 4, 1, cache(), 0),
    (4, 8, 4, absolute(), 2**31),
    (5, 7, 2, absolute(), 0),
    (1, 9, 5, none(), 0),
    (0, None, 4, absolute(), 7),
]


def policy(make: int) -> Policy:
    pins, newest, block, place, _ = MAKES[make]
    if newest is None:
        return Policy(everything(), place=place, block=block, bounded=False, max_bytes=1 << 20)
    return Policy((pin(tokens=pins) if pins else recent(tokens=1)) + recent(tokens=newest), place=place, block=block)


def oracle(make: int, ids: list[int]) -> list[Tensor]:
    """What inputs 0 to n - 1 come to, entry by entry."""
    pins, newest, block, place, _ = MAKES[make]
    sees, stands = streaming(pins, len(ids) if newest is None else newest, block)
    places: Stands = stands if place == cache() else (lambda _, j: j)
    turning = PROBE.frequencies if place.rotates else torch.zeros(0)

    def attend(site: int, q: Tensor, k: Tensor, v: Tensor, seen: Sees = sees) -> Tensor:
        return dense(q, k, v, turning, Probe.SCALING, seen, places)

    return list(PROBE(torch.tensor(ids), attend)) if ids else []


@dataclass
class Told:
    """A session and all that it has read and said."""

    make: int
    part: Container = field(init=False)
    ids: list[int] = field(default_factory=list)
    said: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.part = Container(PROBE.layout, policy(self.make), start=MAKES[self.make][4])

    def holds(self) -> None:
        """It is consistent, within its bytes, and said what its history comes to."""
        self.part.check()
        far, at = relative(self.said, oracle(self.make, self.ids))
        assert far <= 1e-9, f"output {at} of {MAKES[self.make]} is off by {far:.2g}"
        assert self.part.count == len(self.ids)

    def fork(self) -> Told:
        other = Told(self.make, list(self.ids), list(self.said))
        other.part = self.part.fork()
        return other

    def become(self, saved: tuple[Snapshot, Told]) -> None:
        self.part.restore(saved[0])
        self.ids, self.said = list(saved[1].ids), list(saved[1].said)


def read(rows: list[tuple[Told, list[int]]]) -> None:
    """In common steps."""
    for (told, ids), out in zip(rows, advance(PROBE, [Row(told.part, ids) for told, ids in rows]), strict=True):
        told.ids += ids
        told.said += list(out)
        told.part.check()


def attempt(rows: list[tuple[Told, list[int], int]]) -> None:
    """In one step: each row writes its ids on trial and keeps so many of them."""
    rows = [(told, ids[: told.part.room()], kept) for told, ids, kept in rows]
    before = [digest(told.part) for told, _, _ in rows]
    for told, ids, _ in rows:
        told.part.begin(len(ids))
    tick = Tick([told.part for told, _, _ in rows])
    out = PROBE(torch.tensor([token for _, ids, _ in rows for token in ids]), tick)
    for (told, ids, kept), was, (a, b) in zip(rows, before, tick.spans, strict=True):
        kept = min(kept, len(ids))
        trial = Told(told.make, told.ids + ids, told.said + list(out[a:b]))
        far, at = relative(trial.said, oracle(told.make, trial.ids))
        assert far <= 1e-9, f"output {at} on trial is off by {far:.2g}"
        told.part.commit(kept) if kept else told.part.rollback()
        told.ids, told.said = told.ids + ids[:kept], told.said + list(out[a : a + kept])
        assert kept or digest(told.part) == was


WHO = st.integers(0, 3)
ACTS = st.one_of(
    st.tuples(st.just("read"), st.lists(st.integers(0, 11), min_size=4, max_size=4)),
    st.tuples(st.just("attempt"), st.lists(st.tuples(WHO, st.integers(1, 5), st.integers(0, 5)), min_size=1)),
    st.tuples(st.sampled_from(["fork", "reset", "save", "restore", "boundary"]), st.tuples(WHO, WHO)),
)


@given(
    st.lists(st.integers(0, len(MAKES) - 1), min_size=2, max_size=4),
    st.lists(ACTS, min_size=2, max_size=14),
    st.integers(0, 2**32),
)
def test_a_session_says_what_its_own_history_comes_to(makes: list[int], acts: list, seed: int) -> None:
    draw = random.Random(seed)
    sessions = [Told(make) for make in makes]
    saved: dict[int, tuple[Snapshot, Told]] = {}
    for what, told in acts:
        some = {i % len(sessions) for i, *_ in told} if what == "attempt" else set()
        match what:
            case "read":
                counts = zip(sessions, told, strict=False)
                read([(one, [draw.randrange(64) for _ in range(n)]) for one, n in counts if n])
            case "attempt":
                sizes = {i % len(sessions): (n, kept) for i, n, kept in told}
                attempt(
                    [(sessions[i], [draw.randrange(64) for _ in range(sizes[i][0])], sizes[i][1]) for i in sorted(some)]
                )
            case "fork":
                sessions[told[1] % len(sessions)].holds()
                sessions[told[1] % len(sessions)] = sessions[told[0] % len(sessions)].fork()
            case "reset":
                one = sessions[told[0] % len(sessions)]
                one.holds()
                one.part.reset()
                one.ids, one.said = [], []
            case "save":
                one = sessions[told[0] % len(sessions)]
                saved[one.make] = one.part.snapshot(), one.fork()
            case "restore":
                one = sessions[told[0] % len(sessions)]
                one.holds()
                if one.make in saved:
                    one.become(saved[one.make])
            case "boundary":
                one = sessions[told[0] % len(sessions)]
                if one.part.last is None or one.part.last.closed:
                    one.part.boundary()
    for one in sessions:
        one.holds()
