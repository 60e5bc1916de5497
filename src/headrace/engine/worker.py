"""Worker: an engine that is told what to do by messages, and keeps its durable sessions on disk."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from headrace.core.errors import CapacityError, HeadraceError, StateError
from headrace.core.stateful import Snapshot
from headrace.engine.admission import Admission
from headrace.engine.engine import Engine
from headrace.engine.event import Event
from headrace.engine.host import Inputs
from headrace.engine.ledger import LONG, Ledger
from headrace.engine.opening import Ask, Opening, Said
from headrace.engine.request import Slo
from headrace.engine.seat import Seat

S = TypeVar("S")
log = logging.getLogger("headrace.engine")
#: Outputs of a durable session that are remembered for clients that are behind.
TAIL = 256
#: For sessions that were let in before a crash: their states have to find a place, and that is all.
LET_IN = Admission(sessions=1 << 62, utilisation=math.inf)


class Worker(Generic[S]):
    """One engine, its messages and its ledgers; one thread.

    A message is (number, call, arguments); its answer (number, None, what it returns) or (number, class of the error,
    its text). What sessions do meanwhile comes as events. An output of a durable session is on the disk before its
    event is given away.

    Args:
        engine: runs the sessions.
        now: the clock, ns.
        folder: of durable sessions; None: there are none.
    """

    def __init__(
        self,
        engine: Engine[S],
        now: Callable[[], int],
        folder: Path | None = None,
    ) -> None:
        self.engine, self.now, self.folder = engine, now, folder
        self._ledgers: dict[str, Ledger] = {}
        self._tails: dict[str, list[Said]] = {}

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────

    def handle(self, message: tuple[int, str, tuple[Any, ...]]) -> tuple[int, str | None, Any]:
        """Do what a message says; errors that its sender can mend are answers."""
        number, call, arguments = message
        try:
            return number, None, getattr(self, f"do_{call}")(*arguments)
        except HeadraceError as error:
            return number, type(error).__name__, str(error)
        except Exception as error:  # a fault of ours in one call is that call's
            return number, "StateError", f"{call} failed: {type(error).__name__}: {error}"

    def do_open(self, name: str, opening: Opening) -> dict[str, Any]:
        seat = self.engine.open(name, opening, self.now())
        self._keep(seat)
        return self.do_figures(name)

    def do_take_up(self, name: str, snapshot: bytes, opening: Opening) -> dict[str, Any]:
        seat = self.engine.restore(name, Snapshot.unpack(snapshot), opening, self.now())
        self._keep(seat)
        return self.do_figures(name)

    def do_recover(self, name: str) -> dict[str, Any]:
        """Take up a durable session after a crash."""
        if self.folder is None:
            raise StateError("sessions are kept nowhere; give a folder")
        ledger = Ledger(self.folder, name)
        (self.folder / f"{name}.parked").unlink(missing_ok=True)
        found, now = ledger.load(), self.now()
        if found.state is None:
            self.engine.open(name, found.opening, now, LET_IN)
        else:
            self.engine.restore(name, found.state, found.opening, now, LET_IN)
        self._ledgers[name], self._tails[name] = ledger, found.said[-TAIL:]
        said = [one.token for one in found.said if one.token is not None]
        self.engine.resume(name, found.turns, found.known, found.waiting, said[-32:], found.number, found.held, now)
        return self.do_figures(name)

    def do_push(self, name: str, data: Any, role: str | None, stream: str, kind: str | None, pts: int) -> int:
        self._note(name)
        n = self.engine.push(name, data, self.now(), role=role, stream=stream, kind=kind, pts=pts)
        self._waits(name, turned=role is not None)
        return n

    def do_update(self, name: str, data: Any) -> int:
        kept = self.engine.update(name, data, self.now())
        self._checkpoint(name)
        return kept

    def do_say(self, name: str, ask: Ask, role: str | None, tag: int = 0) -> int:
        """Ask for a reply; the number of the last output before."""
        self._note(name)
        before = self.engine.seat(name).said
        self.engine.say(name, ask, self.now(), role, tag=tag)
        self._waits(name, turned=role is not None)
        return before

    def do_leave(self, name: str, tag: int) -> None:
        self.engine.leave(name, tag, self.now())
        self._note(name)

    def do_interrupt(self, name: str, said: int | None) -> int:
        before = self.engine.seat(name).said
        stands = self.engine.interrupt(name, self.now(), said)
        if said is not None and stands < before:
            if name in self._tails:
                self._tails[name] = [one for one in self._tails[name] if not stands < one.number <= before]
            self._checkpoint(name)
        self._note(name)
        return stands

    def do_fork(self, name: str, new: str, seed: int | None, slo: Slo | None, durable: bool) -> dict[str, Any]:
        opening = self.engine.seat(name).opening
        opening = replace(opening, slo=slo or opening.slo, durable=durable)
        seat = self.engine.fork(name, new, self.now(), seed, opening)
        self._keep(seat)
        return self.do_figures(new)

    def do_snapshot(self, name: str) -> bytes:
        return self.engine.save(name).pack()

    def do_missed(self, name: str, after: int) -> list[Said]:
        self.engine.seat(name)
        return [one for one in self._tails.get(name, ()) if one.number > after]

    def do_figures(self, name: str) -> dict[str, Any]:
        return dict(self.engine.figures(name))

    def do_meter(self) -> dict[str, Any]:
        meter, engine = self.engine.meter, self.engine
        running = sum(1 for seat in engine if seat.job is not None and seat.started is not None)
        meter.gauge("num_requests_running", running)
        meter.gauge("num_requests_waiting", engine.waiting - running)
        meter.gauge("sessions", len(engine))
        used = sum(engine.host.nbytes(seat.session) for seat in engine if seat.tier == "device")
        meter.gauge("state_bytes", used)
        meter.gauge("kv_cache_usage_perc", min(used / engine.lane.limits.bytes, 1.0))
        meter.gauge("tick_drift", engine.drift.scale)
        return meter.figures()

    def do_close(self, name: str) -> None:
        self.engine.close(name)
        self._tails.pop(name, None)
        ledger = self._ledgers.pop(name, None)
        if ledger is not None:
            ledger.remove()

    # ── ticks ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def busy(self) -> bool:
        """Something is ready to run."""
        return self.engine.waiting > 0

    def tick(self) -> bool:
        """Run one tick; False if nothing could run."""
        begin = self.now()
        step = self.engine.plan(begin)
        if step is None:
            return False
        self.engine.run(step)
        end = self.now()
        self.engine.finish(step, end, (end - begin) / 1e9)
        for row, out in zip(step.rows, step.outs, strict=True):
            name = row.seat.id
            if name not in self._ledgers:
                continue
            failed = isinstance(out, Exception) and name in self.engine.seats
            with self._writing(name):  # what a failed session had asked for is forgotten, not read
                self._waits(name, turned=False) if failed else self._note(name)
        return True

    def events(self) -> list[Event]:
        """What happened since the last call; of durable sessions only what is on the disk."""
        out, self.engine.events = self.engine.events, []
        for event in out:
            ledger = self._ledgers.get(event.session)
            if ledger is None or event.said is None:
                continue
            seat = self.engine.seats.get(event.session)
            last = seat.past.last if seat is not None else None
            stream, kind = (last.stream, last.kind) if last is not None else ("main", "text")
            with self._writing(event.session):
                ledger.say(event.said, stream, kind)
            tail = self._tails[event.session]
            tail.append(event.said)
            del tail[:-TAIL]
        for name in {event.session for event in out}:
            ledger = self._ledgers.get(name)
            if ledger is not None:
                with self._writing(name):
                    ledger.sync()
                    if ledger.lines > LONG:
                        self._checkpoint(name)
        return out

    # ── durable sessions ─────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        """A disk that refuses costs a session its durability, and nobody anything else."""
        try:
            yield
        except CapacityError as error:
            log.error("session %s is durable no more: %s", name, error)
            self.engine.meter.add("ledger_failures")
            self._ledgers.pop(name).close()

    def _keep(self, seat: Seat[S]) -> None:
        if not seat.opening.durable:
            return
        if self.folder is None:
            self.engine.close(seat.id)
            raise StateError("durable sessions need a folder to be kept in; start the server with one (--state)")
        self._ledgers[seat.id], self._tails[seat.id] = Ledger(self.folder, seat.id), []
        self._checkpoint(seat.id)

    def _waits(self, name: str, turned: bool) -> None:
        ledger = self._ledgers.get(name)
        if ledger is not None:
            seat = self.engine.seat(name)
            session = seat.session
            if len(seat.held) != ledger.held:
                ledger.holds(seat.held)
            ledger.waits(self._unread(session), self.engine.host.turns(session) if turned else None)
            ledger.sync()

    def _note(self, name: str) -> None:
        """Write down what was read since the last time, or copied from others; or that more waits by itself."""
        ledger, seat = self._ledgers.get(name), self.engine.seats.get(name)
        if ledger is None or seat is None:
            return
        if len(seat.held) != ledger.held:
            ledger.holds(seat.held)
        left = sum(len(one.ids) for one in self._unread(seat.session))
        if left < ledger.left:
            ledger.read(ledger.left - left)
        elif left > ledger.left:
            self._waits(name, turned=True)

    def _unread(self, session: S) -> list[Inputs]:
        """What waits and was never read; what is to be read again is part of the past."""
        return [one for one in self.engine.host.pending(session) if not one.known]

    def _checkpoint(self, name: str) -> None:
        """Save the state of a durable session, and begin its ledger anew."""
        ledger = self._ledgers.get(name)
        if ledger is None:
            return
        seat, host = self.engine.seat(name), self.engine.host
        fresh = not host.entries(seat.session) and not host.again(seat.session)
        state = None if fresh else self.engine.save(name)
        waiting, turns = self._unread(seat.session), host.turns(seat.session)
        ledger.begin(seat.opening, state, waiting, turns, self._tails[name], seat.said, seat.held)
