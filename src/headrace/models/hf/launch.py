"""Launch: pieces of several sessions in one forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from headrace.core.errors import ConfigError, StateError
from headrace.models.hf.attached import Attached
from headrace.models.hf.sampling import Sampler
from headrace.state import Fixed, Session, Tick, Work


@dataclass(slots=True)
class Outcome:
    """What one step brought a session.

    Attributes:
        token: the token that was said, if one was asked for.
        logits: [n, vocabulary] of what follows each input that was read, or [1, vocabulary] of what follows the last.
    """

    token: int | None
    logits: Tensor


class Launcher:
    """The Runner of a model: what a session may run next, and how several run together.

    Args:
        attached: the model.
    """

    def __init__(self, attached: Attached) -> None:
        self.attached = attached

    @property
    def vocabulary(self) -> int:
        return self.attached.vocabulary

    def ready(self, session: Session) -> list[Work[Session]]:
        """The next input up to the boundary of the segment; else, if a token is wanted, that."""
        waiting = session.inbox[0] if session.inbox else None
        if session.opening is not None and (waiting or session.wanted > 0):
            waiting = session.opening
        if waiting is not None:
            n = min(len(waiting.data), session.container.room(waiting.stream, waiting.kind))
            whole = session.policy.atomic(waiting.kind)
            return [Work(session, "tokens", n, replace(waiting, data=waiting.data[:n]), atomic=whole)]
        return [Work(session, "tokens", 1, None, atomic=True)] if session.wanted > 0 else []

    def cut(self, work: Work[Session], units: int) -> Work[Session]:
        """The first so many tokens of a piece."""
        if work.atomic or not 1 <= units <= work.units:
            raise StateError(f"a piece of {work.units} tokens cannot be cut to {units}")
        return replace(work, units=units, payload=replace(work.payload, data=work.payload.data[:units]))

    def run(self, work: Sequence[Work[Session]]) -> list[Outcome | Exception]:
        """One forward pass over all pieces; each row is left within its transaction, for `apply` to end."""
        outs: list[Outcome | Exception] = [StateError("not run")] * len(work)
        begun: list[int] = []
        pieces: list[Any] = []
        tokens: dict[int, int] = {}
        for i, one in enumerate(work):
            try:
                pieces.append(self._begin(one, i, tokens))
                begun.append(i)
            except Exception as error:
                _rollback(one.session)
                outs[i] = error
        if not begun:
            return outs
        tick = Tick([work[i].session.container for i in begun])
        spans = [
            range(a, b) if self._every(work[i]) else range(b - 1, b)
            for i, (a, b) in zip(begun, tick.spans, strict=True)
        ]
        encoded = [self._encoded(work[i].session) for i in begun] if self.attached.has_encoder else None
        try:
            logits = self.attached.forward(self._pack(pieces), tick, [at for span in spans for at in span], encoded)
        except BaseException:
            for i in begun:
                _abandon(work[i].session)
            raise
        start = 0
        finite = logits.sum(1, dtype=torch.float32).isfinite().tolist()
        for i, span in zip(begun, spans, strict=True):
            rows = slice(start, start + len(span))
            start += len(span)
            if all(finite[rows]):
                outs[i] = Outcome(tokens.get(i), logits[rows])
            else:
                outs[i] = StateError("the model gave NaN or infinity for this session; the step was rolled back")
        return outs

    def apply(self, work: Work[Session], out: Outcome | Exception) -> None:
        """End the transaction: commit what was run, or roll it back and raise."""
        session, piece = work.session, work.payload
        sampler = _sampler(session)
        if isinstance(out, Exception):
            _abandon(session)
            raise out
        session.container.commit()
        if piece is None:
            assert out.token is not None
            sampler.note(out.token)
            sampler.commit()
            session.wanted = max(session.wanted - 1, 0)
        else:
            self._consume(session, work.units)
            if not isinstance(piece.data, Tensor) and not piece.known:
                for token in piece.data:
                    sampler.note(token)
        logits = session.parts["logits"]
        assert isinstance(logits, Fixed)
        logits.set(out.logits[-1].float())
        if not self._every(work):
            session.outbox.clear()
        session.outbox.append(out)

    @staticmethod
    def _consume(session: Session, n: int) -> None:
        """Take n inputs that were run from what waits."""
        waiting = session.inbox[0] if session.opening is None else session.opening
        waiting.data = waiting.data[n:]
        if len(waiting.data):
            return
        if session.opening is None:
            session.inbox.popleft()
        session.opening = None

    def _begin(self, work: Work[Session], i: int, tokens: dict[int, int]) -> Any:
        """Begin the row's transaction; returns its ids or embeddings."""
        session, piece = work.session, work.payload
        if piece is None:
            sampler = _sampler(session)
            sampler.begin()
            logits = session.parts["logits"]
            assert isinstance(logits, Fixed)
            tokens[i] = sampler.pick(logits.value)
            stream, kind = _speaks_as(session)
            session.container.begin(1, stream=stream, kind=kind, inputs=[tokens[i]])
            return [tokens[i]]
        ids = None if isinstance(piece.data, Tensor) else piece.data
        session.container.begin(work.units, stream=piece.stream, kind=piece.kind, inputs=ids, pts=piece.pts)
        return piece.data

    def _pack(self, pieces: Sequence[Any]) -> Tensor:
        """Ids [n], or embeddings [n, hidden] if any piece is one."""
        if not any(isinstance(piece, Tensor) for piece in pieces):
            return torch.tensor([token for piece in pieces for token in piece])
        embed = self.attached.embed
        return torch.cat([p if isinstance(p, Tensor) else embed(torch.tensor(p)) for p in pieces])

    @staticmethod
    def _every(work: Work[Session]) -> bool:
        return work.payload is not None and work.payload.every

    @staticmethod
    def _encoded(session: Session) -> Tensor:
        states = session.parts["encoded"]
        assert isinstance(states, Fixed)
        return states.value


def _sampler(session: Session) -> Sampler:
    sampler = session.parts["sampler"]
    assert isinstance(sampler, Sampler)
    return sampler


def _speaks_as(session: Session) -> tuple[str, str]:
    """Stream and kind of what a session says: those of what it read last, unless that came in frames."""
    policy, segment = session.policy, session.container.last
    stream, kind = (segment.stream, segment.kind) if segment is not None else ("main", "text")
    if policy.atomic(kind):
        others = [name for name in policy.keeps if not policy.atomic("text" if name == "*" else name)]
        if not others:
            raise ConfigError("this policy keeps frames only, so nothing can be said; give it a budget for text")
        kind = "text" if others[0] == "*" else others[0]
    return stream, kind


def _abandon(session: Session) -> None:
    """Roll back, and forget what else was asked for."""
    _rollback(session)
    session.inbox.clear()
    session.wanted = 0


def _rollback(session: Session) -> None:
    if session.container.pending:
        session.container.rollback()
    if _sampler(session).begun:
        _sampler(session).rollback()
