"""Follow: many policies read the same streams, token by token, in shared launches."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from headrace.core.errors import HeadraceError, StateError
from headrace.recipes.language.places import Losses

if TYPE_CHECKING:
    from torch import Tensor

    from headrace.models.hf.lm import LM
    from headrace.state import Policy, Session

#: Tokens of every row that go into one launch, so that logits take little memory however long the streams are.
PIECE = 64
#: Bytes of logits that one launch gives at most; beyond it rows take turns.
LOGITS = 256 << 20
#: One-token steps that are timed for each row; their median counts.
STEPS = 32

#: Told how many more tokens were read, over all rows.
Progress = Callable[[int], None]


@dataclass
class Track:
    """What one method did on one stream.

    Attributes:
        loss: float64 [n], nats of each token given those before it; NaN where it was not read, and at 0.
        hit: bool [n], whether the token was the most probable one.
        tokens: that were read.
        peak: bytes of the session, at most.
        held: (tokens read, bytes of entries) after every piece.
        cpu_ms: median CPU time of a one-token step; NaN if none was timed.
        alone: why the beginning of the stream was not taken over from the shared session; "": it was.
        ended: why it ended before the stream; "": it did not.
    """

    loss: Losses
    hit: npt.NDArray[np.bool_]
    tokens: int = 0
    peak: int = 0
    held: list[tuple[int, int]] = field(default_factory=list)
    cpu_ms: float = float("nan")
    alone: str = ""
    ended: str = ""

    @property
    def slope(self) -> float:
        """Bytes of entries per 1,000 tokens, over the second half of what was read.

        Whole pieces of that half are cut into two parts. Growth is what both the least and the most that was held grew
        by, from one part to the other: a window that fills and drops a block in turn has none, wherever the parts are
        cut. 0 if the half has less than two pieces.
        """
        points = [(n, held) for n, held in self.held if n % PIECE == 0 and 2 * n > self.tokens]
        cut = -(-len(points) // 2)
        before, after = points[:cut], points[cut:]
        if not after:
            return 0.0
        least, most = (of(held for _, held in after) - of(held for _, held in before) for of in (min, max))
        if least * most <= 0:
            return 0.0
        return 1000 * min(least, most, key=abs) / (after[-1][0] - before[-1][0])


def follow(
    lm: LM,
    policies: Mapping[str, Policy],
    streams: Sequence[Sequence[int]],
    *,
    shared: int = 0,
    timed_at: int = 0,
    progress: Progress | None = None,
) -> dict[str, list[Track]]:
    """Read every stream under every policy.

    What no policy has dropped yet is read once a stream, and taken over by fork; a policy that would have kept, scored
    or laid it out differently reads it itself. Scores count from the first token, so a policy that scores always does.

    Args:
        lm: the model.
        policies: by name of the method.
        streams: token ids, of equal length, with what comes before a text.
        shared: tokens that are read once for all, in whole pieces; 0: none.
        timed_at: after so many tokens, in whole pieces, steps are timed on forks; 0: they are not.
        progress: told of progress.

    Returns:
        By method, one track a stream.
    """
    roots = [_Root.read(lm, ids, shared // PIECE * PIECE, progress) for ids in streams]
    rows = {name: [_Row(root, policy) for root in roots] for name, policy in policies.items()}
    for root in roots:
        root.session.close()
    every = [row for named in rows.values() for row in named]
    width = max(1, LOGITS // (4 * PIECE * lm.vocabulary))
    for at in range(0, len(streams[0]), PIECE):
        live = [row for row in every if row.track.tokens == at and not row.track.ended]
        for begin in range(0, len(live), width):
            _read(lm, live[begin : begin + width])
        if progress is not None:
            progress(len(live) * len(streams[0][at : at + PIECE]))
        if at + PIECE == timed_at // PIECE * PIECE:
            for row in every:
                row.time()
    for row in every:
        row.session.close()
    return {name: [row.track for row in named] for name, named in rows.items()}


class _Root:
    """The beginning of one stream, read once.

    Attributes:
        ids: of the whole stream.
        track: of what was read.
        session: after it.
    """

    def __init__(self, lm: LM, ids: Sequence[int]) -> None:
        from headrace.state import Policy, absolute, everything

        self.lm, self.ids = lm, list(ids)
        self.track = Track(np.full(len(ids), np.nan), np.zeros(len(ids), bool))
        policy = Policy(everything(), place=absolute(), block=PIECE, bounded=False, max_bytes=1 << 50)
        self.session: Session = lm.session(policy, opening=False)

    @classmethod
    def read(cls, lm: LM, ids: Sequence[int], n: int, progress: Progress | None) -> _Root:
        root = cls(lm, ids)
        for at in range(0, min(n, len(ids)), PIECE):
            piece = root.ids[at : at + PIECE]
            (logits,) = lm.read([(root.session, piece)])
            _note(root.track, root.ids, logits)
            if progress is not None:
                progress(len(piece))
        return root


class _Row:
    """One method on one stream."""

    def __init__(self, root: _Root, policy: Policy) -> None:
        self.lm, self.ids, shared = root.lm, root.ids, root.track
        self.track = Track(np.full(len(self.ids), np.nan), np.zeros(len(self.ids), bool))
        try:
            if any(keep.score is not None for keep in policy.keeps.values()):
                raise StateError("its scores count from the first token")
            self.session = root.session.fork(policy)
            self.track.loss[:], self.track.hit[:], self.track.tokens = shared.loss, shared.hit, shared.tokens
        except StateError as error:
            self.session = root.lm.session(policy, opening=False)
            self.track.alone = str(error)
        self.entry = sum(root.lm.attached.layout.entry_bytes(site) for site in root.lm.attached.layout.sites)

    def note(self, logits: Tensor) -> None:
        """Take down what followed the last inputs, and what is held now."""
        _note(self.track, self.ids, logits)
        self.track.peak = max(self.track.peak, self.session.nbytes())
        self.track.held.append((self.track.tokens, self.session.container.entries * self.entry))

    def time(self) -> None:
        """Time one-token steps on a fork."""
        if self.track.ended:
            return
        fork, took = self.session.fork(), []
        for token in self.ids[:STEPS]:
            began = time.process_time()
            self.lm.step([(fork, [token])])
            took.append(1000 * (time.process_time() - began))
        fork.close()
        self.track.cpu_ms = median(took)


def _read(lm: LM, rows: Sequence[_Row]) -> None:
    """Read the next piece of every row in one launch; rows that fail end there, the others go on."""
    pieces = [(row.session, row.ids[row.track.tokens : row.track.tokens + PIECE]) for row in rows]
    before = [row.session.container.count for row in rows]
    try:
        for row, logits in zip(rows, lm.read(pieces), strict=True):
            row.note(logits)
    except HeadraceError as error:
        import torch

        for row, (session, piece), count in zip(rows, pieces, before, strict=True):
            if session.outbox:
                row.note(torch.cat([one.logits for one in session.outbox]))
            if session.container.count - count < len(piece):
                row.track.ended = f"after {session.container.count:,} tokens: {error}"


def _note(track: Track, ids: Sequence[int], logits: Tensor) -> None:
    """Losses and hits of the tokens that follow the inputs whose logits [n, vocabulary] these are."""
    import torch

    first = track.tokens + 1
    track.tokens += len(logits)
    told = torch.tensor(ids[first : track.tokens + 1], dtype=torch.int64, device=logits.device)
    if not len(told):
        return
    wide = logits[: len(told)].float()
    loss = wide.logsumexp(1) - wide.gather(1, told[:, None])[:, 0]
    track.loss[first : first + len(told)] = loss.double().cpu().numpy()
    track.hit[first : first + len(told)] = (wide.argmax(1) == told).cpu().numpy()
