"""Control: the loss of a model that is always in length, on the same tokens.

Every piece of the stream is read by a fresh session that begins with what the tokenizer puts before a text and the
tokens right before the piece. That is window recompute in steps of a piece: what a text costs where nothing was ever
dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from headrace.recipes.language.follow import PIECE, Progress
from headrace.recipes.language.places import Losses

if TYPE_CHECKING:
    from headrace.models.hf.lm import LM

#: Fresh sessions in one launch.
ROWS = 12


def in_length(lm: LM, ids: Sequence[int], context: int, since: int = 0, progress: Progress | None = None) -> Losses:
    """Nats of each token given at most `context` + `PIECE` - 1 tokens before it, as a text of its own; float64 [n].

    Args:
        lm: the model.
        ids: the stream, with what comes before a text.
        context: tokens right before a piece that are read with it.
        since: no piece before this position is read; its losses are NaN, as is that of position 0.
        progress: told how many tokens of the stream are done.
    """
    from headrace.state import Policy, everything

    opening = list(ids[: len(lm.opening)])
    length = len(opening) + context + PIECE
    policy = Policy(everything(), block=length, bounded=False, max_bytes=1 << 50)
    losses = np.full(len(ids), np.nan)
    starts = list(range(max(since // PIECE, 1) * PIECE, len(ids), PIECE))
    for at in range(0, len(starts), ROWS):
        rows = []
        for start in starts[at : at + ROWS]:
            before = list(ids[max(start - context, len(opening)) : start])
            rows.append((start, lm.session(policy, opening=False), [*opening, *before, *ids[start : start + PIECE]]))
        found = lm.read([(session, tokens) for _, session, tokens in rows])
        for (start, session, tokens), logits in zip(rows, found, strict=True):
            session.close()
            n = len(ids[start : start + PIECE])
            losses[start : start + n] = _nats(logits[-n - 1 : -1], tokens[-n:])
        if progress is not None:
            progress(sum(len(ids[start : start + PIECE]) for start, _, _ in rows))
    return losses


def _nats(logits: object, told: Sequence[int]) -> Losses:
    import torch
    from torch.nn.functional import cross_entropy

    assert isinstance(logits, torch.Tensor)
    found = cross_entropy(logits.float(), torch.tensor(told, device=logits.device), reduction="none")
    return np.asarray(found.double().cpu().numpy())
