"""Exchanges: the sessions of an engine and where each of them is: idle, reading, talking, parked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeVar

from headrace.core.errors import CapacityError, InputError, StateError
from headrace.engine.admission import Admission
from headrace.engine.drift import Drift
from headrace.engine.event import Event
from headrace.engine.host import Host, Inputs, Spoken
from headrace.engine.job import Job
from headrace.engine.lane import Lane
from headrace.engine.lodgings import Lodgings
from headrace.engine.meter import Meter
from headrace.engine.opening import Ask, Said
from headrace.engine.parking import Storage
from headrace.engine.past import part
from headrace.engine.plan import Parking
from headrace.engine.prefixes import Prefixes
from headrace.engine.request import NEVER
from headrace.engine.seat import Seat, Wish

S = TypeVar("S")


class Exchanges(Lodgings[S]):
    """The sessions of an engine, each at an exchange or idle; nothing here runs the model.

    Args:
        host: runs the sessions.
        lane: decides about ticks.
        admission: who is let in.
        storage: for sessions that make room.
        prefixes: bytes of closed sessions that are kept for those that begin like them.
        meter: counts.
    """

    def __init__(
        self,
        host: Host[S],
        lane: Lane,
        *,
        admission: Admission | None = None,
        storage: Storage | None = None,
        prefixes: int = 0,
        meter: Meter | None = None,
    ) -> None:
        super().__init__(host, lane, storage or Storage(), meter if meter is not None else Meter())
        self.admission = admission or Admission()
        self.events: list[Event] = []
        self.served: defaultdict[str, float] = defaultdict(float)
        self.prefixes: Prefixes[S] = Prefixes(prefixes)
        self._jobs: dict[str, Job] = {}
        self._seq = 0
        self.last, self.drift = 0.0, Drift()
        self._calibrated, self._scale = lane.cost, 1.0

    def __len__(self) -> int:
        return len(self.seats)

    def __iter__(self) -> Iterator[Seat[S]]:
        return iter(self.seats.values())

    def seat(self, name: str) -> Seat[S]:
        """The seat of a session; StateError if it is not here."""
        try:
            return self.seats[name]
        except KeyError:
            raise StateError(f"session {name} is closed, or was never opened here") from None

    def say(
        self, name: str, ask: Ask, now: int, role: str | None = None, since: int | None = None, tag: int = 0
    ) -> None:
        """Ask for a reply; it begins when that under way has ended.

        Args:
            since: what was promised counts from here, ns; None: from now.
            tag: what its outputs are known by, in events and to `leave`.

        Raises:
            StateError: nothing was pushed yet. CapacityError: too many replies wait.
        """
        seat = self.seat(name)
        if seat.talking:
            if len(seat.asks) >= 64:
                raise CapacityError(f"session {name}: {len(seat.asks)} replies wait already; read them first")
            seat.asks.append(Wish(ask, role, now, tag))
            return
        self.host.begin(seat.session, ask, role)
        seat.talking, seat.tag, seat.begun, seat.spoken = True, tag, seat.said, []
        self._begin(seat, now, ask.max_tokens if ask.foreseen is None else max(ask.foreseen, 1))
        if seat.job is not None and since is not None:
            seat.job.release = since

    def _begin(self, seat: Seat[S], now: int, outputs: int = 0) -> None:
        """An exchange begins, or goes on with more input or a reply."""
        job = seat.job
        if job is None:
            self._seq += 1
            seat.job = job = Job(seat.id, self._seq, now, seat.opening.slo, 0, 0)
            job.bytes, job.value, job.program = (
                self.host.max_bytes(seat.session),
                seat.opening.value,
                seat.opening.program,
            )
            seat.first = seat.started = None
            self._catch_up(job.program)
            self._jobs[seat.id] = job
            if seat.opening.share and seat.past.count == 0 and not seat.chain:
                self._look_up(seat)
        if outputs:
            job.release, job.todo_out = now, outputs
        job.last_chunk = now
        self._refresh(seat)

    def _catch_up(self, program: str) -> None:
        """A program that had nothing to do is not owed the time of others meanwhile (start-time fair queueing)."""
        busy = {job.program for job in self._jobs.values()}
        if busy and program not in busy:
            self.served[program] = max(self.served[program], min(self.served[other] for other in busy))

    def _look_up(self, seat: Seat[S]) -> None:
        """Tell what it begins with, and whom it may follow; it copies what others have read when it first runs."""
        chain = self.host.chain(seat.session)
        if not chain:
            return
        seat.chain = chain
        job = seat.job
        assert job is not None
        job.group = chain[0]
        self.meter.add("prefix_cache_queries", len(chain) * self.host.grain)
        if getattr(self.lane.scheduler, "gathers", False):
            coming = self.prefixes.coming(chain)
            if coming is not None:
                seat.follows = coming[0]
        self.prefixes.announce(seat.id, seat.session, chain)

    def _borrow(self, seat: Seat[S]) -> bool:
        """Copy the longest beginning that somebody has read, into a session that has read nothing."""
        found = self.prefixes.longest(seat.chain) if seat.past.count == 0 else None
        if found is None:
            return False
        lender, tokens = self.prefixes.lender(found[0]), found[1] * self.host.grain
        owner = self.seats.get(found[0])
        if (owner is not None and owner.tier != "device") or not self.host.lends(lender.session, tokens):
            return False
        seat.past.add(self.host.lend(lender.session, seat.session, tokens), tokens)
        seat.reused = tokens
        seat.heard += tokens
        self.meter.add("prefix_cache_hits", tokens)
        self._refresh(seat)
        return True

    def _refresh(self, seat: Seat[S]) -> None:
        """Bring the job up to date with its session; without anything to do, the exchange is over."""
        job = seat.job
        if job is None:
            return
        job.todo_in = self.host.waiting(seat.session)
        if not job.todo_in and not seat.talking:
            self._leave(seat)
            return
        ready = self.host.ready(seat.session)
        if not ready:
            self._leave(seat)
            return
        job.piece, job.atomic, job.shape = ready[0].units, ready[0].atomic, ready[0].shape
        job.resident = self.host.entries(seat.session)
        job.open = not seat.talking
        job.resides = seat.tier == "device"
        job.away = 0.0
        if not job.resides:
            swap = {"host": self.lane.cost.swap, "disk": self.lane.cost.disk}.get(seat.tier)
            job.away = swap(job.bytes) if swap else 0.0

    def _leave(self, seat: Seat[S]) -> None:
        seat.job = None
        self._jobs.pop(seat.id, None)

    def _end(self, seat: Seat[S]) -> None:
        """Nothing more is done for it, and whoever waits for this session waits no more."""
        self._leave(seat)
        self._release(seat)

    def _release(self, seat: Seat[S]) -> None:
        """Let those go on that wait for what it reads."""
        for other in self:
            if other.follows == seat.id:
                other.follows = None

    def _disown(self, seat: Seat[S]) -> None:
        """It does not begin as was announced, or its state is elsewhere: nobody can copy from it."""
        self.prefixes.forget(seat.id)
        seat.chain, seat.follows = (), None
        self._release(seat)

    def _ended(self, seat: Seat[S], spoken: Spoken, now: int, error: str = "") -> None:
        """A reply is over before its time, and those that waited for its end: one last output of each says why."""
        waited = list(seat.asks)
        seat.asks.clear()
        self._cut_off(seat, spoken, now, seat.tag, error)
        for wish in waited:
            self._cut_off(seat, Spoken(None, "", spoken.ended), now, wish.tag, error)
        self._after_reply(seat, now)

    def _cut_off(self, seat: Seat[S], spoken: Spoken, now: int, tag: int, error: str = "") -> None:
        """A last output that says why there are no more."""
        seat.said += 1
        ended = spoken.ended or "interrupted"
        said = Said(seat.said, None, spoken.text, now, NEVER, ended, error, prompt=seat.heard, reused=seat.reused)
        seat.heard = seat.reused = 0
        self.events.append(Event(seat.id, "said", now, NEVER, said, reply=tag))
        self.meter.add("request_success", 1, {"finished_reason": "error" if error else "abort"})

    def _after_reply(self, seat: Seat[S], now: int) -> None:
        """What waited for the end of the reply."""
        seat.talking = False
        if seat.job is not None:
            seat.job.todo_out = 0
        self._queue_held(seat, now)
        again = seat.asks.popleft() if seat.asks else None
        waiting = self.host.waiting(seat.session)
        self._leave(seat)
        if waiting:
            self._begin(seat, now)
        if again is not None:
            self.say(seat.id, again.ask, now, again.role, again.since, again.tag)

    def _queue_held(self, seat: Seat[S], now: int) -> None:
        """Input that waited for the end of a reply waits to be read now, if none is under way."""
        while seat.held and not seat.talking:
            one = seat.held.popleft()
            try:
                self.host.queue(seat.session, one.data, one.role, one.stream, one.kind, one.pts)
            except (InputError, StateError, CapacityError) as error:
                self.events.append(Event(seat.id, "failed", now, NEVER, None, str(error)))

    def _history(self, seat: Seat[S]) -> list[Inputs]:
        """All that it has read and said, what waits to be read again included."""
        again = [one for one in self.host.pending(seat.session) if one.known]
        return [*seat.past.first(seat.past.count), *again]

    def _rewind(self, seat: Seat[S], count: int, anew: Sequence[Inputs] = ()) -> None:
        """Back to the first so many tokens; what has to be read again is counted as never read.

        Args:
            anew: what is read then, before all that waits.
        """
        kept = part(self._history(seat), 0, count)
        seat.past.cut(count if self.host.rewind(seat.session, kept, anew) else 0)
        seat.spoken = []
        self._disown(seat)
        self._refresh(seat)

    def _park(self, parking: Parking) -> None:
        """As `Lodgings`; whoever would have copied from it looks elsewhere."""
        seat = self.seats[parking.session]
        self._disown(seat)
        super()._park(parking)
        self._refresh(seat)
