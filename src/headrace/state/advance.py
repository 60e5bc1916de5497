"""Advance: feed rows of inputs to containers, several in one pass, cut where segments end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from headrace.state.container import Container
from headrace.state.tick import Tick


@dataclass(slots=True)
class Row:
    """What one container is fed.

    Attributes:
        container: outside a transaction.
        inputs: token ids.
        stream, kind: of the inputs.
    """

    container: Container
    inputs: Sequence[int]
    stream: str = "main"
    kind: str = "text"


def advance(forward: Callable[[Tensor, Tick], Tensor], rows: Sequence[Row]) -> list[Tensor]:
    """Feed all rows to their ends, every pass a transaction.

    Args:
        forward: outputs [n, …] of the packed ids [n], which attends by the tick.
        rows: their containers all differ.

    Returns:
        Of each row, its outputs by input, [len(inputs), …].
    """
    done = [0] * len(rows)
    found: list[list[Tensor]] = [[] for _ in rows]
    while live := [i for i, row in enumerate(rows) if done[i] < len(row.inputs)]:
        ids: list[int] = []
        begun: list[Container] = []
        try:
            for i in live:
                row = rows[i]
                piece = list(row.inputs[done[i] : done[i] + row.container.room(row.stream, row.kind)])
                row.container.begin(len(piece), stream=row.stream, kind=row.kind, inputs=piece)
                begun.append(row.container)
                ids += piece
            tick = Tick(begun)
            out = forward(torch.tensor(ids), tick)
        except BaseException:
            for container in begun:
                container.rollback()
            raise
        for i, container, (a, b) in zip(live, begun, tick.spans, strict=True):
            container.commit()
            found[i].append(out[a:b])
            done[i] += b - a
    return [torch.cat(pieces) if pieces else torch.zeros(0) for pieces in found]
