"""Seats: what may be asked of the sessions of an engine between two ticks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from headrace.core.errors import CapacityError, InputError, StateError
from headrace.core.stateful import Snapshot
from headrace.engine.admission import Demand
from headrace.engine.exchanges import Exchanges
from headrace.engine.host import Inputs, Spoken
from headrace.engine.ladder import Ladder
from headrace.engine.opening import Opening
from headrace.engine.past import Past, part
from headrace.engine.seat import Held, Seat

S = TypeVar("S")


class Seats(Exchanges[S]):
    """Sessions come and go, are given input and asked to speak; nothing here runs the model. See `Exchanges`."""

    # ── coming and going ─────────────────────────────────────────────────────────────────────────────────────────

    def open(self, name: str, opening: Opening, now: int) -> Seat[S]:
        """A new session.

        Raises:
            CapacityError: it is not admitted; says why.
            ConfigError: the opening does not fit the model.
        """
        return self._sit(name, self.host.open(opening, self.lane.limits.bytes), opening, now, holds=False)

    def restore(self, name: str, snapshot: Snapshot, opening: Opening, now: int) -> Seat[S]:
        """A session that was saved; its past is not remembered, and a reply that was under way goes on when asked."""
        seat = self._sit(name, self.host.restore(snapshot, opening, self.lane.limits.bytes), opening, now)
        seat.past = Past(0)
        seat.past.add(None, self.host.entries(seat.session))
        if self.host.waiting(seat.session):
            self._begin(seat, now)
        return seat

    def fork(self, name: str, new: str, now: int, seed: int | None = None, opening: Opening | None = None) -> Seat[S]:
        """Another session with the same past; what waits to be read and the reply under way are not copied.

        Raises:
            CapacityError: it is not admitted.
        """
        seat = self.seat(name)
        self._fetch(seat)
        other = self._sit(new, self.host.fork(seat.session, seed), opening or seat.opening, now)
        other.past, other.heard, other.reused = seat.past.fork(), seat.heard, seat.reused
        if self.host.again(seat.session):
            self.host.reread(other.session, self._history(seat))
            other.past.cut(0)
            self._begin(other, now)
        return other

    def resume(
        self,
        name: str,
        turns: Any,
        known: Sequence[Inputs],
        waiting: Sequence[Inputs],
        said: Sequence[int],
        number: int,
        held: Sequence[Held],
        now: int,
    ) -> None:
        """Let a session that was opened or restored after a crash go on from where its ledger ends."""
        seat = self.seat(name)
        self.host.recover(seat.session, turns, known, waiting, said)
        seat.said = seat.begun = number
        seat.held.extend(held)
        if self.host.waiting(seat.session):
            self._begin(seat, now)

    def save(self, name: str) -> Snapshot:
        """Everything of a session, what waits to be read included."""
        seat = self.seat(name)
        if seat.tier in ("host", "disk"):
            self._fetch(seat)
        return self.host.save(seat.session)

    def close(self, name: str) -> None:
        """Let go of a session; closing twice is fine."""
        seat = self.seats.pop(name, None)
        if seat is None:
            return
        self._end(seat)
        self._unstow(seat)
        kept = seat.tier == "device" and seat.id in self.prefixes
        gone = self.prefixes.retire(name, self.host.nbytes(seat.session)) if kept else [seat.session]
        if not kept:
            self.prefixes.forget(name)
        for session in gone:
            self.host.close(session)

    # ── input ────────────────────────────────────────────────────────────────────────────────────────────────────

    def push(
        self,
        name: str,
        data: Any,
        now: int,
        *,
        role: str | None = None,
        stream: str = "main",
        kind: str | None = None,
        pts: int = 0,
    ) -> int:
        """Let input wait to be read, by the rule of `Opening.meanwhile`; how many tokens (0: once the reply is over).

        Raises:
            CapacityError: too many tokens wait. InputError, ConfigError: it does not fit. Nothing was changed.
        """
        seat = self.seat(name)
        if seat.talking and seat.opening.meanwhile == "queue":
            if len(seat.held) >= 1024:
                raise CapacityError(f"session {name}: {len(seat.held)} inputs wait for the end of the reply already")
            n = self.host.takes(seat.session, data, role, stream, kind, pts)
            if n + sum(one.units for one in seat.held) > seat.opening.waiting:
                raise CapacityError(f"session {name}: more than {seat.opening.waiting} tokens wait for the reply's end")
            seat.held.append(Held(data, role, stream, kind, pts, n))
            return 0
        n = self.host.takes(seat.session, data, role, stream, kind, pts)
        waiting = self._unread(seat) if seat.opening.meanwhile != "latest" else 0
        if waiting + n > seat.opening.waiting:
            raise CapacityError(
                f"session {name}: {waiting} tokens wait to be read and {n} come, but {seat.opening.waiting} may wait; "
                "push less, or slower"
            )
        self._queue_held(seat, now)
        if seat.talking and seat.opening.meanwhile == "interrupt":
            self.interrupt(name, now)
        if seat.opening.meanwhile == "latest":
            dropped = self.host.drop(seat.session, stream)
            seat.drops += dropped
            if dropped:
                self._disown(seat)
                self.meter.add("drops", dropped, {"why": "replaced"})
        n = self.host.queue(seat.session, data, role, stream, kind, pts)
        self._begin(seat, now)
        return n

    def update(self, name: str, data: Any, now: int) -> int:
        """Make the whole input of a session this; what was read and said stays as far as both begin alike.

        A reply under way is ended. At least the last token is read again, so that there is something to say.

        Returns:
            Tokens that were kept.

        Raises:
            StateError: the past is not remembered that far; nothing was changed.
        """
        seat = self.seat(name)
        whole = self.host.whole(seat.session, data)
        if not whole:
            raise InputError("update: the new input is empty; close the session instead")
        self.host.takes(seat.session, whole, None, "main", None, 0)
        if seat.past.count and not seat.past.whole:
            raise StateError(
                f"session {name}: its {seat.past.count} tokens are more than the {seat.past.most} that are remembered "
                "(none of those before a snapshot); open another, with a larger remember="
            )
        self._fetch(seat)
        if seat.talking:
            self.interrupt(name, now)
        kept = min(seat.past.common(whole), len(whole) - 1)
        self.host.drop(seat.session, None)
        self._rewind(seat, kept)
        self.host.plain(seat.session)
        self.host.queue(seat.session, whole[kept:], None, "main", None, 0)
        self._begin(seat, now)
        return kept

    # ── output ───────────────────────────────────────────────────────────────────────────────────────────────────

    def interrupt(self, name: str, now: int, said: int | None = None) -> int:
        """End the reply under way, and those that wait; see `Live.interrupt`."""
        seat = self.seat(name)
        stands = seat.said if said is None else max(min(said, seat.said), seat.begun)
        back = [place for number, place in seat.spoken if number > stands]
        if back and not seat.past.whole:
            stands, back = seat.said, []
        if not seat.talking and not back:
            return stands
        if back:
            self._fetch(seat)
        spoken = self.host.interrupt(seat.session, len(seat.spoken) - len(back))
        if back:
            self._unsay(seat, back)
        if seat.talking:
            self._ended(seat, spoken or Spoken(None, "", "interrupted"), now)
        else:
            self._begin(seat, now)
        return stands

    def figures(self, name: str) -> Mapping[str, Any]:
        """What there is to know of a session; see `Live.figures`."""
        seat = self.seat(name)
        return {
            "tokens_read": seat.read,
            "tokens_said": seat.said,
            "waiting": self._unread(seat) + len(seat.held),
            "resident": seat.tier if seat.past.count or self.host.waiting(seat.session) else "none",
            "state_bytes": self.host.nbytes(seat.session),
            "max_bytes": self.host.max_bytes(seat.session),
            "hits": seat.hits,
            "steps": seat.steps,
            "drops": seat.drops,
            "parked": seat.parkings,
            "rung": seat.ladder.rung.name if seat.ladder else "",
            "meanwhile": seat.opening.meanwhile,
            "program": seat.opening.program,
            "created": seat.created,
        }

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _sit(self, name: str, session: S, opening: Opening, now: int, holds: bool = True) -> Seat[S]:
        if name in self.seats:
            self.host.close(session)
            raise StateError(f"session {name} is open already")
        demand = self._demand(session, opening)
        held = [self._demand(seat.session, seat.opening) for seat in self]
        why = self.admission.refusal(demand, held, self.lane.cost, self.lane.limits, self.storage.room)
        if why:
            self.host.close(session)
            self.meter.add("admission_rejections")
            raise CapacityError(f"not admitted: {why}")
        seat = self.seats[name] = Seat(name, session, opening, Past(opening.remember), since=now, created=now)
        seat.tier = "device" if holds else "recompute"
        if rungs := self.host.rungs(session):
            seat.ladder = Ladder(rungs)
        return seat

    def _unread(self, seat: Seat[S]) -> int:
        """Tokens that wait and were never read."""
        return self.host.waiting(seat.session) - self.host.again(seat.session)

    def _unsay(self, seat: Seat[S], places: Sequence[int]) -> None:
        """Take tokens out of the past, from the first of these places on; what came in between is read again.

        So is the token before them, since what follows it is to be known.
        """
        history, first = self._history(seat), max(places[0] - 1, 0)
        ends = [*places, sum(len(one.ids) for one in history)]
        anew = part(history, first, places[0])
        for said, end in zip(places, ends[1:], strict=True):
            anew += part(history, said + 1, end)
        self._rewind(seat, first, anew)

    def _demand(self, session: S, opening: Opening) -> Demand:
        return Demand(self.host.max_bytes(session), self.host.most_entries(session), opening.slo)
