"""Where segments stand, by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from headrace.core.errors import ConfigError
from headrace.state import (
    Container,
    Layout,
    Place,
    Policy,
    Rotary,
    Segment,
    Site,
    Tick,
    absolute,
    cache,
    gap,
    group,
    jump,
    none,
    origin,
    overlap,
    pin,
    realign,
    recent,
    whole,
)
from headrace.state.advance import Row, advance
from headrace.state.laws import relative
from headrace.state.probe import Probe

PROBE = Probe(layers=1)


def row(index: int, t0: int, extent: int, **rest: object) -> Segment:
    return Segment(index, str(rest.pop("stream", "main")), "text", t0, t0, extent=extent, length=extent, **rest)


#: Entries 4 to 7 are gone; the last segment has two entries and is another shot.
EVICTED = [row(0, 0, 4, pinned=4, closed=True), row(2, 8, 4, closed=True), row(3, 12, 2, shot=1)]
#: A frame of six entries that spans three positions, then one of four that spans two.
FRAMES = [row(0, 0, 3, closed=True), row(1, 6, 2, closed=True), row(2, 10, 3, closed=True)]


@pytest.mark.parametrize(
    ("place", "segments", "bases"),
    [
        (absolute(), EVICTED, [0, 8, 12]),
        (cache(), EVICTED, [0, 4, 8]),
        (cache(), FRAMES, [0, 3, 5]),
        (cache(), [], []),
        (realign(), EVICTED, [4, 8, 12]),
        (realign(), EVICTED[1:], [8, 12]),
        (realign(), [row(0, 0, 4, pinned=4), row(1, 4, 4, pinned=2), row(9, 40, 1)], [32, 36, 40]),
        (realign(), [row(0, 0, 4, pinned=4)], [0]),
        (jump(5), EVICTED, [0, 8, 17]),
        (jump(-3), EVICTED, [0, 8, 9]),
        (none(), EVICTED, [0, 0, 0]),
        (origin(), EVICTED, [0, 4, 8]),
        (origin(pinned=0, text=10), EVICTED, [0, 10, 14]),
        (origin(pinned=100), EVICTED, [100, 0, 4]),
    ],
)
def test_a_place_is_worked_out_from_the_table(place: Place, segments: list[Segment], bases: list[int]) -> None:
    assert place.bases(segments) == bases


@pytest.mark.parametrize(
    ("place", "bases"),
    [
        # source 0..4, target 0..2, source 5..6, other 0, target 3: in blocks of 4
        (group(source=0, target=30), [0, 4, 30, 5, 0, 33]),
        (group(), [0, 4, 0, 5, 0, 3]),
        (gap(10), [0, 4, 10, 5, 20, 13]),
        (gap(0), [0, 4, 0, 5, 0, 3]),
        (overlap(), [0, 4, 5, 5, 7, 8]),
        (cache(), [0, 4, 8]),
        (absolute(), [0, 4, 8]),
    ],
)
@pytest.mark.parametrize("start", [0, 10**15])
def test_streams_of_a_container(place: Place, bases: list[int], start: int) -> None:
    part = Container(PROBE.layout, Policy(recent(tokens=64), place=place, block=4), start=start)
    for stream, n in (("source", 5), ("target", 3), ("source", 2), ("other", 1), ("target", 1)):
        advance(PROBE, [Row(part, range(n), stream)])
    found = part.bases
    assert [base - found[0] for base in found] == bases if place in (cache(), absolute()) else found[0] == start
    if place not in (cache(), absolute()):
        assert [base - start for base in found] == bases


def test_sinks_move_along_and_the_rest_stays() -> None:
    part = Container(PROBE.layout, Policy(pin(tokens=4) + recent(tokens=8), place=realign(), block=4))
    seen = []
    for _ in range(6):
        advance(PROBE, [Row(part, range(4))])
        seen.append(part.bases)
    assert seen == [[0], [0, 4], [0, 4, 8], [4, 8, 12], [8, 12, 16], [12, 16, 20]]


def test_streams_cannot_begin_before_position_0() -> None:
    with pytest.raises(ConfigError, match=r"gap\(-1\)"):
        gap(-1)


def test_an_empty_table_has_no_bases() -> None:
    for place in (absolute(), cache(), origin(), group(), gap(1), overlap(), jump(1), none(), realign()):
        assert list(place.bases([])) == []


# -- two axes -------------------------------------------------------------------------------------


def turned(x: Tensor, positions: Tensor, rotary: Rotary) -> Tensor:
    """x [heads, n, 4] with pair f = (f, f + 2) turned along axis f of positions [n, 2]."""
    angles = positions.double() * rotary.frequencies
    a, b = x[..., :2], x[..., 2:]
    return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)


def test_a_frame_stands_on_two_axes() -> None:
    """Frames of 2 x 3 entries follow each other by what they span, 3 positions, on both axes."""
    rotary = Rotary(torch.tensor([0.7, 0.3]), 4, axes=torch.tensor([0, 1]))
    layout = Layout((Site("site", 2, 1, 4, 4, rotary),), torch.float64)
    assert layout.axes == 2
    policy = Policy(pin(frames=1) + recent(frames=2), place=cache(), see=whole, block=4)
    part = Container(layout, policy, tokens_per_unit=6)
    steps = torch.tensor([(y, x) for y in range(2) for x in range(3)])
    draw = torch.Generator().manual_seed(0)
    frames = []
    for _ in range(5):
        q, k, v = (torch.randn(heads, 6, 4, dtype=torch.float64, generator=draw) for heads in (2, 1, 1))
        part.begin(6, steps=steps)
        found = Tick([part]).attend(0, q, k, v, scaling=0.5)
        part.commit()
        frames.append((k, v))
        kept = frames[:1] + frames[max(1, len(frames) - 3) :]
        places = torch.cat([steps + 3 * i for i in range(len(kept))])
        keys = turned(torch.cat([k for k, _ in kept], 1), places, rotary)
        weights = (turned(q, places[-6:], rotary) @ keys.transpose(1, 2) * 0.5).softmax(-1)
        expected = (weights @ torch.cat([v for _, v in kept], 1)).transpose(0, 1)
        assert relative([found], [expected])[0] < 1e-12
