"""Launch: pieces of several sessions in one forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from headrace.core.errors import HeadraceError, StateError
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
        if session.inbox:
            first = session.inbox[0]
            n = min(len(first.data), session.container.room(first.stream, first.kind))
            piece = replace(first, data=first.data[:n])
            return [Work(session, "tokens", n, piece, atomic=True)]
        return [Work(session, "tokens", 1, None, atomic=True)] if session.wanted else []

    def run(self, work: Sequence[Work[Session]]) -> list[Outcome | HeadraceError]:
        """One forward pass over all pieces; each row is left within its transaction, for `apply` to end."""
        outs: list[Outcome | HeadraceError] = [StateError("not run")] * len(work)
        begun: list[int] = []
        pieces: list[Any] = []
        tokens: dict[int, int] = {}
        for i, one in enumerate(work):
            try:
                pieces.append(self._begin(one, i, tokens))
                begun.append(i)
            except HeadraceError as error:
                _rollback(one.session)
                outs[i] = error
            except BaseException:
                for started in work:
                    _abandon(started.session)
                raise
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

    def apply(self, work: Work[Session], out: Outcome | HeadraceError) -> None:
        """End the transaction: commit what was run, or roll it back and raise."""
        session, piece = work.session, work.payload
        sampler = _sampler(session)
        if isinstance(out, HeadraceError):
            _abandon(session)
            raise out
        session.container.commit()
        if piece is None:
            assert out.token is not None
            sampler.note(out.token)
            sampler.commit()
            session.wanted -= 1
        else:
            waiting = session.inbox[0]
            waiting.data = waiting.data[work.units :]
            if not len(waiting.data):
                session.inbox.popleft()
            if not isinstance(piece.data, Tensor) and not piece.known:
                for token in piece.data:
                    sampler.note(token)
        logits = session.parts["logits"]
        assert isinstance(logits, Fixed)
        logits.set(out.logits[-1].float())
        if not self._every(work):
            session.outbox.clear()
        session.outbox.append(out)

    def _begin(self, work: Work[Session], i: int, tokens: dict[int, int]) -> Any:
        """Begin the row's transaction; returns its ids or embeddings."""
        session, piece = work.session, work.payload
        if piece is None:
            sampler = _sampler(session)
            sampler.begin()
            logits = session.parts["logits"]
            assert isinstance(logits, Fixed)
            tokens[i] = sampler.pick(logits.value)
            segment = session.container.last
            stream, kind = (segment.stream, segment.kind) if segment is not None else ("main", "text")
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
