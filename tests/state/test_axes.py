"""Positions on several axes: frames whose entries stand at (time, row, column)."""

import torch
from torch import Tensor

from headrace.state import Container, Layout, Policy, Rotary, Site, Tick, cache, pin, recent

DIM, HEADS = 12, 2
FREQUENCIES = 50.0 ** -(torch.arange(0, DIM, 2, dtype=torch.float64) / DIM)
AXES = torch.tensor([0, 0, 1, 1, 2, 2])
LAYOUT = Layout((Site("one", HEADS, HEADS, DIM, DIM, Rotary(FREQUENCIES, DIM, "half", AXES)),), torch.float64)
#: A frame of 2 x 3 entries; the next one begins behind its largest position.
STEPS = torch.tensor([[0, row, column] for row in range(2) for column in range(3)])
EXTENT = 3


def turned(x: Tensor, positions: Tensor) -> Tensor:
    """x [heads, n, dim] turned by positions [n, axes], straight from the definition."""
    angles = positions[:, AXES].double() * FREQUENCIES
    a, b = x[..., : DIM // 2], x[..., DIM // 2 :]
    return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)


def test_frames_on_three_axes_equal_the_definition() -> None:
    draw = torch.Generator().manual_seed(2)
    frames = [[torch.randn(HEADS, 6, DIM, dtype=torch.float64, generator=draw) for _ in "qkv"] for _ in range(9)]
    part = Container(LAYOUT, Policy(pin(frames=1) + recent(frames=3), place=cache(), block=4), tokens_per_unit=6)
    for number, (q, k, v) in enumerate(frames):
        part.begin(6, steps=STEPS)
        found = Tick([part]).attend(0, q, k, v, scaling=0.3)
        part.commit()
        seen = [*sorted({0, *range(max(0, number - 3), number)} - {number}), number]
        places = torch.cat([STEPS + EXTENT * place for place in range(len(seen))])
        keys = turned(torch.cat([frames[i][1] for i in seen], 1), places)
        values = torch.cat([frames[i][2] for i in seen], 1)
        logits = turned(q, places[-6:]) @ keys.transpose(1, 2) * 0.3
        causal = torch.arange(len(places)) > torch.arange(len(places) - 6, len(places))[:, None]
        expected = (logits.masked_fill(causal, -torch.inf).softmax(-1) @ values).transpose(0, 1)
        assert (found - expected).abs().max() < 1e-12
    part.check()
