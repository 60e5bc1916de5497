"""Engine: sessions of one model on one device, tick by tick. It knows no clock: its driver says what time it is."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from headrace.core.errors import HeadraceError, StateError
from headrace.engine.event import Event
from headrace.engine.host import Spoken
from headrace.engine.opening import Said
from headrace.engine.plan import Plan
from headrace.engine.request import NEVER
from headrace.engine.seat import Row, Seat
from headrace.engine.seats import Seats
from headrace.state.work import Work

S = TypeVar("S")
log = logging.getLogger("headrace.engine")
#: Share by which the machine's pace must have changed before predictions follow.
NOTED = 0.02


@dataclass
class Step(Generic[S]):
    """A tick that was planned and is run.

    Attributes:
        now: when it was planned, ns.
        plan: the decision.
        rows: what runs.
        outs: by row, once it was run.
    """

    now: int
    plan: Plan
    rows: list[Row[S]]
    outs: list[Any] = field(default_factory=list)


class Engine(Seats[S]):
    """Seats, and the tick: `plan(now)`, `run(step)`, `finish(step, now, seconds)`; see `Seats` for arguments.

    A worker runs a step and measures it; the simulator takes its time from the cost model. Both hold this one class, so
    a plan does not know which of the two it is in.
    """

    def plan(self, now: int) -> Step[S] | None:
        """Decide about a tick and make room for it; None if nothing is ready."""
        plan, tried = self._decide(now), set[str]()
        while fresh := [share.job.session for share in plan.shares if share.job.session not in tried]:
            tried.update(fresh)
            seats = [self.seats[name] for name in fresh]
            borrowed = [self._borrow(seat) for seat in seats if seat.started is None and seat.chain]
            if not any(borrowed):
                break
            plan = self._decide(now)  # there is room for more now
        rows = []
        for share in plan.shares:
            seat = self.seats[share.job.session]
            work = self.host.ready(seat.session)[0]
            if share.units < work.units:
                work = self.host.cut(work, share.units)
            rows.append(Row(seat, work, work.units, share.job.todo_in > 0))
            if seat.started is None:
                seat.started = now
                self.meter.observe("request_queue_time_seconds", (now - share.job.release) / 1e9)
        return Step(now, plan, rows) if rows else None

    def _decide(self, now: int) -> Plan:
        """What the lane says, with room made for it."""
        jobs = [job for id_, job in self._jobs.items() if self.seats[id_].follows is None]
        needs = any(not job.resides for job in jobs)
        plan = self.lane.tick(
            now,
            jobs,
            served=self.served,
            last=self.last,
            lodgers=self._lodgers() if needs else (),
            room=self._room() if needs else None,
        )
        for parking in plan.parked:
            self._park(parking)
        return plan

    def run(self, step: Step[S]) -> None:
        """Run the rows, those of equal shape in one launch. The only call that takes long."""
        step.outs = [None] * len(step.rows)
        groups: dict[Hashable, list[int]] = {}
        for at, row in enumerate(step.rows):
            try:
                self._bring(row.seat)
                groups.setdefault(row.work.shape, []).append(at)
            except (HeadraceError, OSError) as error:
                step.outs[at] = StateError(f"the state of session {row.seat.id} was parked and cannot be read: {error}")
        for group in groups.values():
            work: list[Work[S]] = [step.rows[at].work for at in group]
            try:
                outs: list[Any] = self.host.run(work)
            except Exception as error:  # the launch as a whole; its rows were rolled back
                outs = [error] * len(work)
            for at, out in zip(group, outs, strict=True):
                step.outs[at] = out

    def finish(self, step: Step[S], now: int, seconds: float) -> None:
        """Take over what was run: state, replies, events, accounts.

        Args:
            now: when it was over, ns.
            seconds: that it took.
        """
        cost = self.lane.cost
        alone = [cost.alone(units, resident) for units, resident in step.plan.rows]
        total = sum(alone) or 1.0
        self.last = seconds
        self._observe(step, seconds)
        self.meter.add("ticks")
        self.meter.observe("iteration_tokens_total", sum(row.units for row in step.rows))
        for row, out, part in zip(step.rows, step.outs, alone, strict=True):
            self.served[row.seat.opening.program] += step.plan.seconds * part / total
            row.seat.since = now
            if self.seats.get(row.seat.id) is not row.seat:
                continue
            try:
                self.host.apply(row.work, out)
                self._took(row, out, now)
                self._degrade(row.seat, seconds)
            except Exception as error:  # one session's fault is its own
                self._failed(row.seat, error, now)

    @property
    def waiting(self) -> int:
        """Sessions that have something to do."""
        return len(self._jobs)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _took(self, row: Row[S], out: Any, now: int) -> None:
        seat, job = row.seat, row.seat.job
        seat.past.add(self.host.inputs(row.work, out), row.units)
        seat.read += row.units if row.reading else 0
        seat.heard += row.units if row.reading and not self.host.known(row.work) else 0
        if job is None:
            return
        if row.reading:
            job.done_in += row.units
            self.meter.add("prompt_tokens", row.units)
            self._progress(seat)
            if not self.host.waiting(seat.session) and not seat.held:
                if not seat.talking:
                    self._count(seat, now, job.due)
                self.events.append(Event(seat.id, "read", now, job.due))
        else:
            self._spoke(seat, now)
        self._refresh(seat)

    def _spoke(self, seat: Seat[S], now: int) -> None:
        """A token more."""
        job = seat.job
        assert job is not None
        spoken, due = self.host.take(seat.session), job.due
        seat.said += 1
        seat.spoken.append((seat.said, seat.past.count - 1))
        job.done_out += 1
        job.todo_out = max(job.todo_out - 1, 1)
        self._count(seat, now, due)
        self.meter.add("generation_tokens")
        if seat.first is None:
            seat.first = now
            self.meter.observe("time_to_first_token_seconds", (now - job.release) / 1e9)
            self.meter.observe("request_prefill_time_seconds", (now - max(seat.started or now, job.release)) / 1e9)
        else:
            self.meter.observe("inter_token_latency_seconds", (now - seat.last) / 1e9)
        seat.last = now
        said = Said(seat.said, spoken.token, spoken.text, now, due, spoken.ended, "", spoken.logprob, spoken.top)
        if spoken.ended:
            said = replace(said, prompt=seat.heard, reused=seat.reused)
            self._account(seat, spoken.ended, now)
            seat.heard = seat.reused = 0
        self.events.append(Event(seat.id, "said", now, due, said, reply=seat.tag))
        if spoken.ended:
            self._after_reply(seat, now)

    def _degrade(self, seat: Seat[S], seconds: float) -> None:
        """Step down the ladder before it misses its pace, or up again; a step is taken to be what the rung costs."""
        ladder, pace = seat.ladder, seat.opening.slo.every
        if ladder is None or pace == NEVER:
            return
        seat.ladder = ladder.step(seconds / ladder.rung.cost, pace / 1e9)
        if seat.ladder.at != ladder.at:
            self.host.degrade(seat.session, seat.ladder.at)
            self.meter.add("rung_changes", 1, {"to": seat.ladder.rung.name})
            self.meter.gauge("rung", max(one.ladder.at for one in self if one.ladder is not None))

    def _account(self, seat: Seat[S], ended: str, now: int) -> None:
        """The figures of a reply that is over."""
        job, first = seat.job, seat.first or now
        assert job is not None
        reason = "length" if ended == "length" else "stop"
        self.meter.add("request_success", 1, {"finished_reason": reason})
        self.meter.observe("e2e_request_latency_seconds", (now - job.release) / 1e9)
        self.meter.observe("request_decode_time_seconds", (now - first) / 1e9)
        self.meter.observe("request_inference_time_seconds", (now - max(seat.started or now, job.release)) / 1e9)
        if job.done_out > 1:
            pace = (now - first) / 1e9 / (job.done_out - 1)
            self.meter.observe("request_time_per_output_token_seconds", pace)

    def _count(self, seat: Seat[S], now: int, due: int) -> None:
        """One more output, in time or not; what was never promised is neither."""
        if due == NEVER:
            return
        seat.steps += 1
        seat.hits += now <= due
        self.meter.add("deadline_hits" if now <= due else "deadline_misses")

    def _progress(self, seat: Seat[S]) -> None:
        """Tell those that begin alike how far it has read, and let those go on for which it can read no more."""
        if not seat.chain or seat.id not in self.prefixes:
            return
        self.prefixes.read(seat.id, seat.past.count // self.host.grain)
        for other in [one for one in self if one.follows == seat.id]:
            alike = sum(a == b for a, b in zip(seat.chain, other.chain, strict=False)) * self.host.grain
            if seat.past.count < alike and self.host.waiting(seat.session):
                continue
            other.follows = None
            self._borrow(other)

    def _observe(self, step: Step[S], seconds: float) -> None:
        """Predict from now on as the machine is now."""
        self.drift = self.drift.observe(step.plan.seconds / self._scale, seconds)
        scale = self.drift.scale
        if abs(scale / self._scale - 1) > NOTED:
            self._scale = scale
            self.lane = replace(self.lane, cost=self._calibrated.scaled(scale))

    def _failed(self, seat: Seat[S], error: Exception, now: int) -> None:
        """What a session had asked for is forgotten; what it had read stands."""
        told = f"{type(error).__name__}: {error}" if not isinstance(error, HeadraceError) else str(error)
        seat.held.clear()
        self._disown(seat)
        if seat.talking:
            spoken = self.host.interrupt(seat.session, None)
            self._ended(seat, replace(spoken or Spoken(None, ""), ended="failed"), now, told)
        else:
            self.events.append(Event(seat.id, "failed", now, NEVER, None, told))
        self._end(seat)
