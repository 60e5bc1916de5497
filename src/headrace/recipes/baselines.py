"""Baselines: what recipes that keep a language model's past are compared with, each a Policy at a budget of tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.state import Layout, Policy

#: First tokens that the pinning baselines keep, as StreamingLLM does.
SINKS = 4
#: Queries at the end of each segment from which H2O-style scores are taken.
QUERIES = 16


@dataclass(frozen=True)
class Setting:
    """What a baseline is built for.

    Attributes:
        tokens: that it may keep.
        block: entries of a segment.
        seed: of those that draw.
        max_bytes: where those that are not bounded end.
    """

    tokens: int
    block: int
    seed: int
    max_bytes: int


@dataclass(frozen=True)
class Baseline:
    """A reference method.

    Attributes:
        name: as it is called on the command line.
        what: it keeps, in one line.
        make: its Policy.
        bounded: its memory has an upper limit that it never meets.
        approximate: in what it differs from the method it is named after.
    """

    name: str
    what: str
    make: Callable[[Setting], Policy]
    bounded: bool = True
    approximate: str = ""


def window(tokens: int, block: int = 64) -> Policy:
    """The newest tokens, and nothing else."""
    from headrace.state import Policy, cache, recent

    return Policy(recent(tokens=tokens), place=cache(), block=block)


def dense(max_bytes: int, block: int = 64) -> Policy:
    """Everything, as a model by itself; CapacityError where that would take more than `max_bytes`."""
    from headrace.state import Policy, absolute, everything

    return Policy(everything(), place=absolute(), block=block, bounded=False, max_bytes=max_bytes)


def random_eviction(tokens: int, block: int = 64, seed: int = 0) -> Policy:
    """Sinks, the newest half, and blocks of the rest that are drawn; of `tokens` in all, in whole blocks."""
    from headrace.state import Policy, cache, pin, random, recent, top

    newest, rest = _halves(tokens, block)
    keep = pin(tokens=SINKS) + recent(tokens=newest) + top(tokens=rest, score=random(seed))
    return Policy(keep, place=cache(), block=block)


def h2o(tokens: int, block: int = 64) -> Policy:
    """Sinks, the newest half, and the blocks of the rest that got most attention (after arXiv 2306.14048).

    Of `tokens` in all, in whole blocks.
    """
    from headrace.state import Policy, attention, cache, pin, recent, top

    newest, rest = _halves(tokens, block)
    score = attention(queries=min(QUERIES, block), decay=1.0)
    keep = pin(tokens=SINKS) + recent(tokens=newest) + top(tokens=rest, score=score)
    return Policy(keep, place=cache(), block=block)


def _halves(tokens: int, block: int) -> tuple[int, int]:
    """Tokens beside the sinks, which count: the newest and the others, in whole blocks, one of each at least."""
    blocks = -(-(tokens - SINKS) // block)
    others = max(blocks // 2, 1)
    return max(blocks - others, 1) * block, others * block


def room_for(tokens: int, layout: Layout, block: int = 64) -> int:
    """Bytes that a session takes in which so many tokens are kept, and a block is written."""
    return window(tokens, block).bind(layout).max_bytes


#: By name, in the order of tables.
BASELINES = {
    baseline.name: baseline
    for baseline in (
        Baseline("window", "the newest tokens", lambda s: window(s.tokens, s.block)),
        Baseline(
            "window+block",
            "the newest tokens, one block more: as many bytes as sinks take",
            lambda s: window(s.tokens - SINKS + s.block, s.block),
        ),
        Baseline(
            "dense", "everything, at the positions it came with", lambda s: dense(s.max_bytes, s.block), bounded=False
        ),
        Baseline(
            "random",
            "4 sinks, the newest half, blocks drawn from the rest",
            lambda s: random_eviction(s.tokens, s.block, s.seed),
        ),
        Baseline(
            "h2o",
            "4 sinks, the newest half, the blocks of the rest that got most attention",
            lambda s: h2o(s.tokens, s.block),
            approximate=(
                f"scores from the last {QUERIES} queries of each block, for all layers and heads together, and whole "
                "blocks leave; H2O sums over every query and evicts single tokens a head"
            ),
        ),
    )
}
