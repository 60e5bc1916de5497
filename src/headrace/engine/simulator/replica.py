"""Replica: one machine of a cluster: an engine, and the requests that are at it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from headrace.core.errors import CapacityError
from headrace.engine.admission import Admission
from headrace.engine.engine import Engine, Step
from headrace.engine.event import Event
from headrace.engine.lane import Lane
from headrace.engine.opening import Ask, Meanwhile, Opening
from headrace.engine.parking import Room, Storage
from headrace.engine.request import Chunk, Request, Served
from headrace.engine.simulator.subject import Figures, Subject
from headrace.engine.simulator.synthetic import Residence


@dataclass(frozen=True)
class Machine:
    """What a simulated machine is like.

    Attributes:
        lane: its scheduler, cost model and limits.
        most: entries of a session at most.
        residence: entries that a read goes over, by tokens read and said; None: all, up to `most`.
        opening: tokens that every session reads before everything else.
        block: tokens of a piece at most; 0: an input is one piece.
        entry_bytes: bytes of an entry.
        grain: tokens of a block of a prefix.
        prefixes: bytes of closed sessions that are kept for their beginnings.
        share: beginnings are copied from session to session.
        assumed: outputs that schedulers expect of a request whose length nobody foresaw.
        remember: tokens of a past that is remembered.
        room: bytes elsewhere, for sessions that make room.
        admission: who is let in; the default lets everybody in, since what a load does is to be seen.
        meanwhile: what happens to the next request of a session while it replies.
    """

    lane: Lane
    most: int = 4096
    residence: Residence | None = None
    opening: int = 0
    block: int = 0
    entry_bytes: int = 1
    grain: int = 16
    prefixes: int = 0
    share: bool = False
    assumed: int = 256
    remember: int = 0
    room: Room = field(default_factory=Room)
    admission: Admission = field(default_factory=lambda: Admission(sessions=1 << 30, utilisation=1e9))
    meanwhile: Meanwhile = "queue"


class Replica:
    """An engine and its requests. What arrives while a tick runs is seen when it is over, as by a worker.

    Args:
        machine: what it is like.
        number: which replica it is.
        subject: what it runs; None: figures.
    """

    def __init__(self, machine: Machine, number: int = 0, subject: Subject | None = None) -> None:
        self.subject = subject or Figures(
            most=machine.most,
            residence=machine.residence,
            opening=machine.opening,
            block=machine.block,
            entry_bytes=machine.entry_bytes,
            grain=machine.grain,
        )
        self.machine, self.number = machine, number
        self.engine: Engine[Any] = Engine(
            self.subject.host,
            machine.lane,
            admission=machine.admission,
            storage=Storage(machine.room),
            prefixes=machine.prefixes,
        )
        self.step: Step[Any] | None = None
        self._at: dict[str, deque[Served]] = {}
        self._later: list[Callable[[], None]] = []
        self._parked: dict[str, int] = {}

    def arrive(self, served: Served, name: str, now: int) -> None:
        """A request comes in; it may be refused."""
        served.replica = self.number
        self._when_idle(lambda: self._take(served, name, now))

    def more(self, served: Served, name: str, chunk: Chunk, now: int) -> None:
        """More input of a request."""
        self._when_idle(lambda: self._add(served, name, chunk, now))

    def begin(self, now: int) -> float | None:
        """Begin a tick: the seconds that it takes, as predicted; None if nothing is ready."""
        self.step = self.engine.plan(now)
        return self.step.plan.seconds if self.step is not None else None

    def finish(self, now: int, seconds: float) -> list[Served]:
        """A tick is over; the requests that ended with it."""
        assert self.step is not None
        step, self.step = self.step, None
        self.run(step)
        self.engine.finish(step, now, seconds)
        ended: list[Served] = []
        for row in step.rows:
            at = self._at.get(row.seat.id)
            if row.reading and at and not self.engine.host.waiting(row.seat.session):
                at[0].read = now
        for event in self.engine.events:
            at = self._at.get(event.session)
            while at and _ends(at[0], event):
                served = at.popleft()
                served.end = event.time if not served.refused else None
                parkings = self.engine.seats[event.session].parkings
                served.parked = parkings - self._parked.get(event.session, 0)
                self._parked[event.session] = parkings
                ended.append(served)
                if not served.request.session:
                    self.engine.close(event.session)
                    del self._at[event.session], self._parked[event.session]
                if event.kind != "read":
                    break
        self.engine.events.clear()
        later, self._later = self._later, []
        for call in later:
            call()
        return ended

    def sit(self, request: Request, name: str, now: int) -> None:
        """A session that is new here; CapacityError if it is not admitted."""
        opening = self.subject.opening(
            Opening(
                slo=request.slo,
                meanwhile=self.machine.meanwhile,
                program=request.program,
                value=request.value,
                waiting=1 << 60,
                remember=self.machine.remember,
                share=self.machine.share,
            )
        )
        if request.brought:
            self.engine.restore(name, self.subject.state(request.brought), opening, now)
        else:
            self.engine.open(name, opening, now)

    def run(self, step: Step[Any]) -> None:
        """Run the rows of a tick."""
        self.engine.run(step)

    @property
    def queued(self) -> float:
        """Seconds that all it has to do would take in full ticks, predicted: work, not the end of its longest reply."""
        cost = self.machine.lane.cost
        jobs = [seat.job for seat in self.engine if seat.job is not None]
        read = sum(cost.seconds([(job.todo_in, job.resident)]) for job in jobs if job.todo_in)
        said = sum(job.todo_out for job in jobs)
        if not said:
            return read
        rows = [(1, job.resident) for job in jobs if job.todo_out][: machine_rows(self.machine)]
        return read + said / max(len(rows), 1) * cost.seconds(rows)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _when_idle(self, call: Callable[[], None]) -> None:
        if self.step is None:
            call()
        else:
            self._later.append(call)

    def _take(self, served: Served, name: str, now: int) -> None:
        request, at = served.request, self._at.setdefault(name, deque())
        at.append(served)
        try:
            if name not in self.engine.seats:
                self.sit(request, name, now)
            seat = self.engine.seat(name)
            if seat.opening.slo != request.slo:
                seat.opening = replace(seat.opening, slo=request.slo)
            if request.units:
                self.engine.push(name, self.subject.first(name, request), now)
            if not request.chunks:
                self._complete(served, name, now)
        except CapacityError as error:
            served.refused = str(error)
            at.remove(served)

    def _add(self, served: Served, name: str, chunk: Chunk, now: int) -> None:
        if served.refused:
            return
        if chunk.kept is None:
            self.engine.push(name, self.subject.more(name, chunk.units), now)
        else:
            self.engine.update(name, self.subject.whole(name, chunk.kept, chunk.units), now)
        if chunk is served.request.chunks[-1]:
            self._complete(served, name, now)

    def _complete(self, served: Served, name: str, now: int) -> None:
        """All input is there."""
        served.release = now
        if served.request.outputs:
            ask = Ask(
                max_tokens=served.request.outputs,
                min_tokens=served.request.outputs,
                ignore_end=True,
                foreseen=self.machine.assumed if served.request.foreseen is None else served.request.foreseen,
            )
            self.engine.say(name, ask, now)


def machine_rows(machine: Machine) -> int:
    """Rows that a tick of a machine may hold."""
    return min(machine.lane.limits.rows, machine.lane.limits.units)


def _ends(served: Served, event: Event) -> bool:
    """Note what an event brought the first request of its session; whether that was all it wanted."""
    if event.kind == "said" and event.said is not None and served.request.outputs:
        if event.said.token is not None:
            served.times.append(event.time)
            served.due.append(served.request.slo.due(served.release, len(served.due)))
        if event.said.ended:
            served.reused = event.said.reused
        return bool(event.said.ended)
    if event.kind == "failed":
        served.refused = event.error
        return True
    if event.kind == "read" and not served.request.outputs and served.release <= event.time:
        served.times.append(event.time)
        served.due.append(served.request.slo.due(served.release, 0))
        return True
    return False
