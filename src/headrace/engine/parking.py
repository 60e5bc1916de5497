"""Parking: which sessions make room for others, and where their state goes meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headrace.engine.cost import Cost
from headrace.engine.job import Job
from headrace.engine.plan import Parking, Share


@dataclass(frozen=True, slots=True)
class Lodger:
    """A session whose state is on the device.

    Attributes:
        session: its name.
        bytes: that its state takes there.
        compact: that it takes elsewhere: entries only, without the room kept for more.
        past: tokens that would have to be read again, or None if they are not remembered.
        since: when it last ran, ns.
    """

    session: str
    bytes: int
    compact: int
    past: int | None
    since: int


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes that are free elsewhere."""

    host: int = 0
    disk: int = 0


@dataclass(frozen=True)
class Storage:
    """Where sessions go that have to make room.

    Attributes:
        room: bytes that they may take there.
        folder: of the disk tier; None: there is none.
    """

    room: Room = field(default_factory=Room)
    folder: Path | None = None


def make_room(
    shares: Sequence[Share],
    order: Sequence[Job],
    lodgers: Iterable[Lodger],
    room: Room,
    cost: Cost,
    limit: int,
) -> tuple[tuple[Share, ...], tuple[Parking, ...]]:
    """Park sessions until those of a tick fit on the device.

    Idle sessions go first, the longest idle before the others; then those at the tail of the order, which would run
    last. Whether a victim is written out or forgotten and read again is decided by the price of its own tokens, never
    by those of the one it makes room for. Shares for which no room can be made leave the tick, the least urgent first;
    those whose state is on the device stay.

    Args:
        shares: of the tick.
        order: all ready jobs, most urgent first.
        lodgers: all sessions on the device.
        room: elsewhere.
        cost: prices recomputing and swapping.
        limit: bytes of state on the device.
    """
    held = {one.session: one for one in lodgers}
    used = sum(one.bytes for one in held.values())
    rank = {job.session: at for at, job in enumerate(order)}
    while any(not share.job.resides for share in shares):
        running = {share.job.session for share in shares}
        need = used + sum(share.job.bytes for share in shares if not share.job.resides) - limit
        idle = sorted((v for v in held.values() if v.session not in rank), key=lambda v: (v.since, v.session))
        waiting = sorted((v for v in held.values() if v.session in rank), key=lambda v: -rank[v.session])
        parked: list[Parking] = []
        host, disk = room.host, room.disk
        for victim in (*idle, *waiting):
            if need <= 0:
                break
            if victim.session in running:
                continue
            tier = _tier(victim, host, disk, cost)
            if tier is None:
                continue
            host -= victim.compact if tier == "host" else 0
            disk -= victim.compact if tier == "disk" else 0
            parked.append(Parking(victim.session, tier))
            need -= victim.bytes
        if need <= 0:
            return tuple(shares), tuple(parked)
        away = max(at for at, share in enumerate(shares) if not share.job.resides)
        shares = [share for at, share in enumerate(shares) if at != away]
    return tuple(shares), ()


def _tier(victim: Lodger, host: int, disk: int, cost: Cost) -> str | None:
    """Where a victim's state goes; None if it can go nowhere."""
    swap = "host" if victim.compact <= host else "disk" if victim.compact <= disk else None
    if victim.past is None:
        return swap
    if swap is None:
        return "recompute"
    away = cost.swap(victim.bytes) if swap == "host" else cost.disk(victim.bytes)
    return "recompute" if cost.recompute(victim.past) < away else swap
