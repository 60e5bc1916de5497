"""Hosted: a language model as the Host of an engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from torch import Tensor

from headrace.core.errors import CapacityError, ConfigError, StateError
from headrace.core.stateful import Snapshot
from headrace.engine.host import Inputs, Spoken
from headrace.engine.ladder import Rung
from headrace.engine.opening import Ask, Opening
from headrace.state import Fixed, Input, Policy, Session, Work, cache, pin, policy_from_data, recent, to_data

if TYPE_CHECKING:
    from headrace.models.hf import LM

#: Tokens that never leave, of a session that is opened with a budget.
SINKS = 4


class Hosted:
    """Sessions of a language model that an engine drives.

    Args:
        lm: the model.
        grain: tokens of a block by which beginnings are compared.
    """

    def __init__(self, lm: LM, grain: int = 16) -> None:
        self.lm, self.grain = lm, grain
        self._odds: dict[int, Tensor] = {}
        self._logprobs: dict[int, int] = {}

    # ── Runner ───────────────────────────────────────────────────────────────────────────────────────────────────

    def ready(self, session: Session) -> list[Work[Session]]:
        return self.lm.ready(session)

    def cut(self, work: Work[Session], units: int) -> Work[Session]:
        return self.lm.cut(work, units)

    def run(self, work: Sequence[Work[Session]]) -> list[Any]:
        for one in work:
            if one.payload is None and id(one.session) in self._logprobs:
                logits = one.session.parts["logits"]
                assert isinstance(logits, Fixed)
                self._odds[id(one.session)] = logits.value.log_softmax(-1)
        return self.lm.run(work)

    def apply(self, work: Work[Session], out: Any) -> None:
        work.session.outbox.clear()
        self.lm.apply(work, out)

    def inputs(self, work: Work[Session], out: Any) -> Inputs | None:
        if work.payload is None:
            last = work.session.container.last
            assert last is not None
            return Inputs([out.token], last.stream, last.kind, 0)
        piece = work.payload
        if isinstance(piece.data, Tensor):
            return None
        return Inputs(list(piece.data), piece.stream, piece.kind, piece.pts)

    # ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, opening: Opening, most: int = 1 << 62) -> Session:
        policy = self._policy(opening)
        if policy is not None:
            needed = policy.bind(self.lm.attached.layout, 0).max_bytes
            if needed > most:
                raise ConfigError(f"its state may take {needed} bytes of {most} for all; ask for a smaller budget")
        return self.lm.session(policy, sampling=self._sampling(opening), seed=opening.seed)

    def fork(self, session: Session, seed: int | None) -> Session:
        other = session.fork()
        if seed is not None:
            _sampler(other).reseed(seed)
        return other

    def save(self, session: Session) -> Snapshot:
        return session.snapshot()

    def restore(self, snapshot: Snapshot, opening: Opening, most: int = 1 << 62) -> Session:
        try:
            return self.lm.restore(snapshot, max_bytes=most)
        except CapacityError as error:  # it would not fit if it were the only one either
            raise ConfigError(str(error)) from error

    def close(self, session: Session) -> None:
        self._logprobs.pop(id(session), None)
        self._odds.pop(id(session), None)
        session.close()

    # ── input and output ─────────────────────────────────────────────────────────────────────────────────────────

    def queue(self, session: Session, data: Any, role: str | None, stream: str, kind: str | None, pts: int) -> int:
        known = kind or self.lm.kind_of(session)
        if role is None:
            return session.queue(data, stream=stream, kind=known, pts=pts)
        self.lm.take(session, data, stream, known, pts)  # refuse before the turn is changed
        n = session.queue_turn(role)
        if isinstance(data, str):
            turns = session.parts["turns"]
            data = turns.content(data)  # type: ignore[attr-defined]
        return n + (session.queue(data, stream=stream, kind=known, pts=pts) if len(data) else 0)

    def prepare(
        self, session: Session, data: Any, role: str | None, stream: str, kind: str | None, pts: int
    ) -> tuple[Any, int]:
        if role is not None:
            if "turns" not in session.parts:
                raise ConfigError(f"{self.lm.name} has no chat template to write turns by; leave out the role")
            turns: Any = session.parts["turns"].fork()
            if turns.role is not None:
                turns.close("")
            turns.open(role)
            data = turns.content(data) if isinstance(data, str) else data
        taken = self.lm.take(session, data, stream, kind or self.lm.kind_of(session), pts)
        if isinstance(data, str):
            data = [token for one in taken for token in one.data]
        return data, sum(len(one.data) for one in taken)

    def plain(self, session: Session) -> None:
        turns: Any = session.parts.get("turns")
        if turns is not None:
            turns.reset()
        session.reply = None

    def drop(self, session: Session, stream: str | None) -> int:
        if stream is None:
            session.opening = None
        stays = [one for one in session.inbox if stream is not None and (one.known or one.stream != stream)]
        dropped = sum(len(one.data) for one in session.inbox) - sum(len(one.data) for one in stays)
        session.inbox = deque(stays)
        return dropped

    def waiting(self, session: Session) -> int:
        return session.waiting

    def again(self, session: Session) -> int:
        return sum(len(one.data) for one in session.inbox if one.known)

    def begin(self, session: Session, ask: Ask, role: str | None) -> None:
        ends = () if ask.ignore_end else None
        options = {"max_tokens": ask.max_tokens, "min_tokens": ask.min_tokens, "stop": ask.stop, "ends": ends}
        if role is not None:
            self.lm.reply(session, options)  # refuse before the turn is changed
            session.queue_turn(role)
        reply = session.say(**options)
        reply.want()  # type: ignore[attr-defined]
        self._logprobs.pop(id(session), None)
        if ask.logprobs is not None:
            self._logprobs[id(session)] = ask.logprobs

    def take(self, session: Session) -> Spoken:
        token = session.reply.take()
        session.reply.want()
        odds = self._odds.pop(id(session), None)
        if odds is None:
            return Spoken(token.id, token.text, session.reply.ended)
        best = odds.topk(min(self._logprobs[id(session)], len(odds)))
        top = tuple((int(i), self._text(int(i)), float(p)) for i, p in zip(best.indices, best.values, strict=True))
        return Spoken(token.id, token.text, session.reply.ended, float(odds[token.id]), top)

    def interrupt(self, session: Session, keep: int | None) -> Spoken | None:
        session.interrupt()
        reply = session.reply
        if reply is None:
            return None
        under_way = not reply.ended
        reply.want()
        if keep is not None and keep < len(reply.tokens):
            reply.forget(keep)
            return Spoken(None, "", "interrupted")
        return Spoken(None, reply.flush() if under_way else "", "interrupted")

    def known(self, work: Work[Session]) -> bool:
        return work.payload is not None and work.payload.known

    # ── the past ─────────────────────────────────────────────────────────────────────────────────────────────────

    def rewind(self, session: Session, kept: Sequence[Inputs], anew: Sequence[Inputs] = ()) -> bool:
        session.inbox = deque(one for one in session.inbox if not one.known)
        for one in reversed(anew):
            session.inbox.appendleft(Input(list(one.ids), one.stream, one.kind, one.pts, known=True))
        rewound = session.container.rewind(sum(len(one.ids) for one in kept))
        if not rewound:
            self.reread(session, kept)
        _sampler(session).recall([token for one in (*kept, *anew) for token in one.ids])
        return rewound

    def reread(self, session: Session, kept: Sequence[Inputs]) -> None:
        session.container.reset()
        _sampler(session).recall([token for one in kept for token in one.ids])
        for one in reversed(kept):
            session.inbox.appendleft(Input(list(one.ids), one.stream, one.kind, one.pts, known=True))

    def whole(self, session: Session, data: Any) -> list[int]:
        ids = self.lm.tokens(data) if isinstance(data, str) else [int(i) for i in data]
        return [*self.lm.opening, *ids]

    def chain(self, session: Session) -> tuple[int, ...]:
        waiting = [session.opening, *session.inbox] if session.opening is not None else list(session.inbox)
        ids: list[int] = []
        for one in waiting:
            if isinstance(one.data, Tensor) or (one.stream, one.kind) != (waiting[0].stream, waiting[0].kind):
                break
            ids += one.data
        if not ids or session.policy.atomic(waiting[0].kind):
            return ()
        name = repr((to_data(session.policy), waiting[0].stream, waiting[0].kind))
        names: list[int] = []
        for at in range(0, (len(ids) - 1) // self.grain * self.grain, self.grain):
            name = blake2b(f"{name}{ids[at : at + self.grain]}".encode(), digest_size=8).hexdigest()
            names.append(int(name, 16))
        return tuple(names)

    def lends(self, session: Session, tokens: int) -> bool:
        return not session.closed and session.container.rewinds(tokens)

    def lend(self, donor: Session, session: Session, tokens: int) -> Inputs:
        copy = donor.container.fork()
        if not copy.rewind(tokens):
            raise StateError("the beginning of this session cannot be copied any more")
        session.container = copy
        read: list[int] = []
        first = session.opening or session.inbox[0]
        while len(read) < tokens:
            waiting = session.opening or session.inbox[0]
            taken = list(waiting.data[: tokens - len(read)])
            waiting.data = waiting.data[len(taken) :]
            read += taken
            for token in () if waiting.known else taken:
                _sampler(session).note(token)
            if len(waiting.data):
                continue
            if session.opening is not None:
                session.opening = None
            else:
                session.inbox.popleft()
        return Inputs(read, first.stream, first.kind, first.pts)

    # ── after a crash ────────────────────────────────────────────────────────────────────────────────────────────

    def pending(self, session: Session) -> list[Inputs]:
        waiting = [*([session.opening] if session.opening is not None else []), *session.inbox]
        return [
            Inputs(list(one.data), one.stream, one.kind, one.pts, one.known)
            for one in waiting
            if not isinstance(one.data, Tensor)
        ]

    def turns(self, session: Session) -> Any:
        held = session.parts.get("turns")
        return None if held is None else held.snapshot().meta

    def recover(
        self, session: Session, turns: Any, known: Sequence[Inputs], waiting: Sequence[Inputs], said: Sequence[int]
    ) -> None:
        if turns is not None and "turns" in session.parts:
            session.parts["turns"].restore(Snapshot("turns", turns))
        session.opening, session.reply, session.wanted = None, None, 0
        session.inbox = deque(one for one in session.inbox if one.known)
        for one in known:
            session.inbox.append(Input(list(one.ids), one.stream, one.kind, one.pts, known=True))
            for token in one.ids:
                _sampler(session).note(token)
        for one in waiting:
            session.inbox.append(Input(list(one.ids), one.stream, one.kind, one.pts))
        if said:
            reply = session.say()
            reply.tokens, reply.ended = list(said), "interrupted"  # type: ignore[attr-defined]

    # ── size and place ───────────────────────────────────────────────────────────────────────────────────────────

    def entries(self, session: Session) -> int:
        return session.container.entries

    def most_entries(self, session: Session) -> int:
        return session.container.budget.slots * session.policy.block

    def nbytes(self, session: Session) -> int:
        return session.nbytes()

    def max_bytes(self, session: Session) -> int:
        return session.max_bytes()

    def rungs(self, session: Session) -> tuple[Rung, ...]:
        return ()

    def degrade(self, session: Session, rung: int) -> None:
        raise StateError("a session of a language model has nothing to give up")

    def stow(self, session: Session) -> Snapshot:
        return session.container.release()

    def bring(self, session: Session, state: Snapshot) -> None:
        session.container.restore(state)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _policy(self, opening: Opening) -> Policy | None:
        if opening.policy is not None:
            try:
                return policy_from_data(dict(opening.policy))
            except StateError as error:
                raise ConfigError(f"policy: {error}") from error
        if opening.budget:
            if opening.budget <= SINKS:
                raise ConfigError(f"budget={opening.budget}: {SINKS} tokens never leave; give more")
            return Policy(pin(tokens=SINKS) + recent(tokens=opening.budget - SINKS), place=cache())
        return None

    @staticmethod
    def _sampling(opening: Opening) -> Any:
        if opening.sampling is None:
            return None
        from headrace.models.hf import Sampling

        try:
            return Sampling(**opening.sampling)
        except TypeError as error:
            raise ConfigError(f"sampling: {error}") from None

    def _text(self, token: int) -> str:
        return self.lm.tokenizer.decode([token]) if self.lm.tokenizer is not None else ""


def _sampler(session: Session) -> Any:
    return session.parts["sampler"]
