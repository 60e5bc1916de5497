"""Lodgings: where the states of sessions are: on the device, in memory beside it, on disk, or to be read again."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Generic, TypeVar

from headrace.core.errors import CapacityError
from headrace.core.stateful import Snapshot
from headrace.engine.host import Host
from headrace.engine.job import Job
from headrace.engine.lane import Lane
from headrace.engine.meter import Meter
from headrace.engine.parking import Lodger, Room, Storage, make_room
from headrace.engine.plan import Parking, Share
from headrace.engine.request import Slo
from headrace.engine.seat import Seat

S = TypeVar("S")
log = logging.getLogger("headrace.engine")


class Lodgings(Generic[S]):
    """The states of sessions, and how they make room for one another; see `Exchanges` for arguments."""

    def __init__(self, host: Host[S], lane: Lane, storage: Storage, meter: Meter) -> None:
        self.host, self.lane, self.storage, self.meter = host, lane, storage, meter
        self.seats: dict[str, Seat[S]] = {}

    def _lodgers(self) -> list[Lodger]:
        """Sessions whose state is on the device."""
        return [
            Lodger(
                seat.id,
                self.host.max_bytes(seat.session),
                self.host.nbytes(seat.session),
                seat.past.count if seat.past.whole else None,
                seat.since,
            )
            for seat in self.seats.values()
            if seat.tier == "device"
        ]

    def _room(self) -> Room:
        """Bytes that are free in memory and on disk."""
        seats = self.seats.values()
        used = {tier: sum(seat.stowed_bytes for seat in seats if seat.tier == tier) for tier in ("host", "disk")}
        room = self.storage.room
        return Room(room.host - used["host"], room.disk - used["disk"] if self.storage.folder else 0)

    def _fetch(self, seat: Seat[S]) -> None:
        """Bring a state back between two ticks, with room made for it; CapacityError if there is none."""
        if seat.tier in ("host", "disk"):
            job = Job(seat.id, 0, 0, Slo(), 0, 0, bytes=self.host.max_bytes(seat.session), resides=False)
            lane = self.lane
            shares, parked = make_room(
                [Share(job, 1)], [job], self._lodgers(), self._room(), lane.cost, lane.limits.bytes
            )
            if not shares:
                raise CapacityError(f"session {seat.id} is parked, and there is no room for its state now; try again")
            for parking in parked:
                self._park(parking)
        self._bring(seat)

    def _squeeze(self, seat: Seat[S]) -> None:
        """Let others make room for a state that came onto the device at once; CapacityError if they cannot."""
        limit, lodgers = self.lane.limits.bytes, self._lodgers()
        if sum(one.bytes for one in lodgers) <= limit:
            return
        job = Job(seat.id, 0, 0, Slo(), 0, 0, resides=False)
        shares, parked = make_room([Share(job, 1)], [job], lodgers, self._room(), self.lane.cost, limit)
        if not shares:
            raise CapacityError("there is no room for another state now; try again, or close a session")
        for parking in parked:
            self._park(parking)

    def _bring(self, seat: Seat[S]) -> None:
        """Put the state of a parked session back on the device; nothing, if its past is read again instead."""
        if seat.tier in ("host", "disk"):
            state = seat.stowed if isinstance(seat.stowed, Snapshot) else Snapshot.load(seat.stowed or "")
            self.host.bring(seat.session, state)
        self._unstow(seat)
        seat.tier = "device"

    def _unstow(self, seat: Seat[S]) -> None:
        if isinstance(seat.stowed, Path):
            seat.stowed.unlink(missing_ok=True)
        seat.stowed, seat.stowed_bytes = None, 0

    def _park(self, parking: Parking) -> None:
        """Take a session's state off the device."""
        seat = self.seats[parking.session]
        seat.parkings += 1
        self.meter.add("parked", 1, {"tier": parking.tier})
        if seat.job is not None:
            self.meter.add("num_preemptions")
        seat.tier = parking.tier
        if parking.tier == "recompute":
            self._forget(seat)
        else:
            state = self.host.stow(seat.session)
            seat.stowed, seat.stowed_bytes = state, state.nbytes()
            if parking.tier == "disk":
                self._write(seat, state)

    def _forget(self, seat: Seat[S]) -> None:
        """Let its past be read again."""
        self.host.reread(seat.session, seat.past.first(seat.past.count))
        seat.past.cut(0)

    def _write(self, seat: Seat[S], state: Snapshot) -> None:
        """Put a state on the disk; if that refuses, its past is read again, or else the state stays in memory."""
        assert self.storage.folder is not None
        path = self.storage.folder / f"{seat.id}.parked"
        try:
            state.save(path)
            seat.stowed = path
        except Exception as error:
            log.warning("the state of session %s cannot be parked in %s: %s", seat.id, self.storage.folder, error)
            self.meter.add("parking_failures")
            seat.tier = "host"
            if seat.past.whole:
                seat.stowed, seat.stowed_bytes, seat.tier = None, 0, "recompute"
                self._forget(seat)
