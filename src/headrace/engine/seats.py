"""Seats: what may be asked of the sessions of an engine between two ticks."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from headrace.core.errors import CapacityError, ConfigError, InputError, StateError
from headrace.core.stateful import Snapshot
from headrace.engine.admission import Admission, Demand
from headrace.engine.exchanges import Exchanges
from headrace.engine.host import Inputs, Spoken
from headrace.engine.ladder import Ladder
from headrace.engine.opening import Opening
from headrace.engine.past import Past, part
from headrace.engine.seat import Held, Seat

S = TypeVar("S")
#: Characters that a token has at most, of a text that is not looked at for being too long.
LONGEST = 8


class Seats(Exchanges[S]):
    """Sessions come and go, are given input and asked to speak; nothing here runs the model. See `Exchanges`."""

    # ── coming and going ─────────────────────────────────────────────────────────────────────────────────────────

    def open(self, name: str, opening: Opening, now: int, admission: Admission | None = None) -> Seat[S]:
        """A new session.

        Args:
            admission: instead of the engine's, for who was let in before.

        Raises:
            CapacityError: it is not admitted; says why.
            ConfigError: the opening does not fit the model.
        """
        return self._sit(name, self.host.open(opening, self.lane.limits.bytes), opening, now, admission, holds=False)

    def restore(
        self, name: str, snapshot: Snapshot, opening: Opening, now: int, admission: Admission | None = None
    ) -> Seat[S]:
        """A session that was saved; its past is not remembered, and a reply that was under way goes on when asked."""
        session = self.host.restore(snapshot, opening, self.lane.limits.bytes)
        seat = self._sit(name, session, opening, now, admission)
        if (unread := self._unread(seat)) > opening.waiting:
            self.close(name)
            raise CapacityError(f"the snapshot has {unread} tokens that wait, and {opening.waiting} may")
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
        if all(other.opening.program != seat.opening.program for other in self):
            self.served.pop(seat.opening.program, None)

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
        rule, limit = seat.opening.meanwhile, seat.opening.waiting
        if isinstance(data, str) and len(data) > max(LONGEST * limit, LONGEST * 8):
            raise CapacityError(
                f"session {name}: a text of {len(data)} characters, and {limit} tokens may wait; push less"
            )
        data, n = self.host.prepare(seat.session, data, role, stream, kind, pts)
        waiting = self._unread(seat) if rule != "latest" else 0
        if waiting + n > limit:
            raise CapacityError(
                f"session {name}: {waiting} tokens wait to be read and {n} come, but {limit} may wait; "
                "push less, or slower"
            )
        if seat.talking and rule == "queue":
            if len(seat.held) >= 1024:
                raise CapacityError(f"session {name}: {len(seat.held)} inputs wait for the end of the reply already")
            seat.held.append(Held(data, role, stream, kind, pts, n))
            return 0
        self._queue_held(seat, now)
        if seat.talking and rule == "interrupt":
            self.interrupt(name, now)
        if rule == "latest":
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
        if isinstance(data, str) and len(data) > LONGEST * (seat.opening.waiting + seat.opening.remember):
            raise CapacityError(f"session {name}: a text of {len(data)} characters is more than it may read; give less")
        whole = self.host.whole(seat.session, data)
        if not whole:
            raise InputError("update: the new input is empty; close the session instead")
        self.host.prepare(seat.session, whole, None, "main", None, 0)
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

    def leave(self, name: str, tag: int, now: int) -> None:
        """Nobody listens to a reply any more: end it if it is under way, take it out if it waits; else nothing."""
        seat = self.seats.get(name)
        if seat is None:
            return
        if seat.talking and seat.tag == tag:
            spoken = self.host.interrupt(seat.session, len(seat.spoken))
            self._cut_off(seat, spoken or Spoken(None, ""), now, tag)
            self._after_reply(seat, now)
            return
        waits = [wish for wish in seat.asks if wish.tag != tag]
        if len(waits) < len(seat.asks):
            seat.asks = deque(waits)
            self._cut_off(seat, Spoken(None, ""), now, tag)

    def figures(self, name: str) -> Mapping[str, Any]:
        """What there is to know of a session; see `Live.figures`."""
        seat = self.seat(name)
        return {
            "tokens_read": seat.read,
            "tokens_said": seat.said,
            "waiting": self._unread(seat),
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

    def _sit(
        self, name: str, session: S, opening: Opening, now: int, admission: Admission | None = None, holds: bool = True
    ) -> Seat[S]:
        if name in self.seats:
            self.host.close(session)
            raise StateError(f"session {name} is open already")
        demand = Demand(self.host.max_bytes(session), self.host.most_entries(session), opening.slo)
        held = [seat.demand for seat in self]
        rule = admission or self.admission
        why = rule.refusal(demand, held, self.lane.cost, self.lane.limits, self.storage.room)
        if why:
            self.host.close(session)
            self.meter.add("admission_rejections")
            never = rule.refusal(demand, [], self.lane.cost, self.lane.limits, self.storage.room)
            raise ConfigError(f"it can never be admitted: {never}") if never else CapacityError(f"not admitted: {why}")
        past = Past(opening.remember)
        seat = self.seats[name] = Seat(name, session, opening, demand, past, since=now, created=now)
        seat.tier = "device" if holds else "recompute"
        try:
            self._squeeze(seat)
        except CapacityError:
            self.close(name)
            raise
        if rungs := self.host.rungs(session):
            seat.ladder = Ladder(rungs)
        return seat

    def _unread(self, seat: Seat[S]) -> int:
        """Tokens that wait and were never read, those that wait for the end of a reply included."""
        held = sum(one.units for one in seat.held)
        return self.host.waiting(seat.session) - self.host.again(seat.session) + held

    def _unsay(self, seat: Seat[S], places: Sequence[int]) -> None:
        """Take tokens out of the past, from the first of these places on; what came in between is read again.

        So is the token before them, since what follows it is to be known.
        """
        history, first = self._history(seat), max(places[0] - 1, 0)
        ends = [*places, sum(len(one.ids) for one in history)]
        anew = part(history, first, places[0])
        for said, end in zip(places, ends[1:], strict=True):
            anew += part(history, said + 1, end)
        stays = [one for one in seat.spoken if one[1] < places[0]]
        self._rewind(seat, first, anew)
        seat.spoken = stays
