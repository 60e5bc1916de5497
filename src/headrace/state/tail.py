"""Tail: what a transaction of a container has written and nobody has committed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from headrace.state.progress import Progress
from headrace.state.storage import Mark


@dataclass(slots=True)
class Before:
    """What a boundary at the begin of a transaction changed."""

    storage: Mark
    progress: Progress


@dataclass(slots=True)
class Tail:
    """One transaction.

    Attributes:
        offset: of its first entry in the open segment.
        n: how many inputs were begun.
        steps: int64 [n, axes], their positions from the base of the segment.
        inputs: their token ids, if the policy keeps them.
        pts: their media time, ns.
        before: what to return to, if a boundary came with the begin.
        queries: of each site that has read, if the policy scores by attention.
        biases: masks, by table, window and rows for each input.
    """

    offset: int
    n: int
    steps: Tensor
    inputs: Sequence[int] | None
    pts: int
    before: Before | None
    queries: dict[int, Tensor] = field(default_factory=dict)
    biases: dict[tuple[int, int | None, int], Tensor] = field(default_factory=dict)
