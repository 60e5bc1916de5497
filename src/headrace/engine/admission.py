"""Admission: whether one more session can be served, decided before it costs anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headrace.engine.cost import Cost
from headrace.engine.limits import Limits
from headrace.engine.parking import Room
from headrace.engine.request import NEVER, Slo


@dataclass(frozen=True, slots=True)
class Demand:
    """What a session will want at most.

    Attributes:
        bytes: of its state.
        entries: that a read goes over at most.
        slo: what was promised to it.
    """

    bytes: int
    entries: int
    slo: Slo


@dataclass(frozen=True, slots=True)
class Admission:
    """A bound on the promises that are made.

    A session is taken if its state fits, and if a tick in which all sessions with a pace say a token stays within its
    share of every pace: sum over them of (seconds of such a tick / its rows) / pace <= utilisation. Sessions without
    a pace are taken as long as there is room; they run when others do not need the time.

    Attributes:
        sessions: at most.
        utilisation: share of the time that may be promised, below 1 since predictions err.
    """

    sessions: int = 1024
    utilisation: float = 0.8

    def refusal(self, new: Demand, held: Sequence[Demand], cost: Cost, limits: Limits, room: Room) -> str:
        """Why one more is not taken; "" if it is.

        Args:
            held: all sessions that were taken and are not closed, wherever their state is.
            room: bytes elsewhere, in all.
        """
        if len(held) >= self.sessions:
            return f"{len(held)} sessions are open, the most there may be; close one or raise the limit of sessions"
        if new.bytes > limits.bytes:
            return f"its state takes up to {new.bytes} bytes of {limits.bytes} for all; ask for a smaller budget"
        total, most = new.bytes + sum(one.bytes for one in held), limits.bytes + room.host + room.disk
        if total > most:
            return (
                f"the state of all sessions would take {total} bytes of {most}; ask for a smaller budget or come later"
            )
        if total > limits.bytes and len(held) + 1 > (places := _places(new, held, limits, room)):
            return (
                f"{len(held)} sessions are open, and {places} such states find a place, on the device or parked whole "
                "in memory or on disk; ask for a smaller budget or come later"
            )
        paced = [one for one in (*held, new) if one.slo.every < NEVER]
        if new.slo.every == NEVER:
            return ""
        tick = _seconds([(1, one.entries) for one in paced], cost, limits)
        promised = sum(tick / len(paced) * 1e9 / one.slo.every for one in paced)
        if promised > self.utilisation:
            pace = new.slo.every / 1e6
            return (
                f"a token every {pace:g} ms for {len(paced)} sessions needs {promised:.0%} of the time, and "
                f"{self.utilisation:.0%} may be promised; ask for a slower pace or come later"
            )
        return ""


def _places(new: Demand, held: Sequence[Demand], limits: Limits, room: Room) -> int:
    """How many states as large as the largest there is room for, one place left free to change places."""
    largest = max(new.bytes, max((one.bytes for one in held), default=1), 1)
    return limits.bytes // largest + room.host // largest + room.disk // largest - 1


def _seconds(rows: list[tuple[int, int]], cost: Cost, limits: Limits) -> float:
    """Seconds in which every row has run once, in as many ticks as the limits make of them."""
    most = min(limits.rows, limits.units)
    return sum(cost.seconds(rows[at : at + most]) for at in range(0, len(rows), most))
