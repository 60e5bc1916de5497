"""Scores are what they say: attention of the last queries, worked out entry by entry, or a draw."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from headrace.state import Container, Policy, attention, pin, random, recent, top
from headrace.state.advance import Row, advance
from headrace.state.probe import Probe
from headrace.state.rng import Rng

PROBE = Probe(layers=1)
BLOCK, TEXT = 4, torch.randint(64, (16,), generator=torch.Generator().manual_seed(2)).tolist()


def looks() -> Tensor:
    """[heads, queries, entries]: softmax weights of all inputs over those before, at their numbers."""
    seen: list[Tensor] = []

    def attend(site: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        angles = torch.arange(len(TEXT)).double()[:, None] * PROBE.frequencies
        turn = torch.polar(torch.ones_like(angles), angles)
        half = q.shape[-1] // 2
        k = k.repeat_interleave(len(q) // len(k), 0)
        q, k = (torch.complex(x[..., :half], x[..., half:]) * turn for x in (q, k))
        logits = (q @ k.conj().transpose(1, 2)).real
        seen.append(logits.masked_fill(~torch.ones(len(TEXT), len(TEXT)).tril().bool(), -torch.inf).softmax(-1))
        return seen[0] @ v.repeat_interleave(len(q) // len(v), 0)

    PROBE(torch.tensor(TEXT), lambda *given: attend(*given).transpose(0, 1))
    return seen[0]


def masses(end: int, queries: int) -> list[float]:
    """Of each segment, attention an entry from the last queries before `end`."""
    mean = looks()[:, end - queries : end, :end].mean((0, 1))
    return mean.view(-1, BLOCK).mean(1).tolist()


def scores(score: object, chunk: int) -> list[float]:
    keep = pin(tokens=4) + recent(tokens=4) + top(tokens=32, score=score)
    part = Container(PROBE.layout, Policy(keep, block=BLOCK))
    for start in range(0, len(TEXT), chunk):
        advance(PROBE, [Row(part, TEXT[start : start + chunk])])
    assert part.evicted == 0
    return [segment.score for segment in part.segments]


@pytest.mark.parametrize("chunk", [1, 3, 16])
@pytest.mark.parametrize("queries", [1, 3, 4])
@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0])
def test_attention_of_the_last_queries_is_added_up(queries: int, decay: float, chunk: int) -> None:
    """A segment has the masses of all closings since its own, each older one `decay` times less."""
    ends = range(BLOCK, len(TEXT) + 1, BLOCK)
    told = [masses(end, queries) for end in ends]
    last = len(told) - 1
    expected = [sum(decay ** (last - at) * told[at][i] for at in range(i, last + 1)) for i in range(last + 1)]
    assert scores(attention(queries, decay), chunk) == pytest.approx(expected, rel=1e-9)


def test_a_draw_is_of_the_seed_and_the_serial_number() -> None:
    found = scores(random(7), 3)
    assert found == [Rng(7, index).uniform() for index in range(4)] == scores(random(7), 16)
    assert len({*found, *scores(random(8), 3)}) == 8
