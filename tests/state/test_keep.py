"""What stays of a group of segments, and that it is never more than was declared."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import ConfigError
from headrace.state import (
    Container,
    Grid,
    Keep,
    Policy,
    Score,
    Segment,
    Tick,
    absolute,
    attention,
    causal,
    deny,
    everything,
    group,
    pin,
    random,
    recent,
    top,
)
from headrace.state.advance import Row, advance
from headrace.state.laws import digest
from headrace.state.probe import Probe

PROBE = Probe(layers=1, heads=1, kv_heads=1, dim=2)
GRID = Grid(4)


def table(*lengths: int, scores: tuple[float, ...] = ()) -> list[Segment]:
    """Closed segments of these lengths, in blocks of 4."""
    filled = zip(lengths, scores or [0.0] * len(lengths), strict=True)
    return [
        Segment(i, "main", "text", 0, 0, slots=list(range(-(-n // 4))), length=n, extent=n, closed=True, score=score)
        for i, (n, score) in enumerate(filled)
    ]


def best(n: int) -> Keep:
    return top(tokens=n, score=random())


@pytest.mark.parametrize(
    ("keep", "lengths", "kept"),
    [
        (recent(tokens=8), (4, 4, 4), [0, 4, 4]),
        (recent(tokens=5), (4, 4, 4), [0, 4, 4]),
        (recent(tokens=4), (4, 4, 4), [0, 0, 4]),
        (recent(tokens=8), (4, 1, 1), [0, 1, 1]),
        (pin(tokens=4), (4, 4, 4), [4, 0, 0]),
        (pin(tokens=6), (4, 4, 4), [4, 2, 0]),
        (pin(tokens=3), (4, 4, 4), [3, 0, 0]),
        (pin(tokens=3) + recent(tokens=4), (4,), [4]),
        (pin(tokens=6) + recent(tokens=4), (4, 4), [4, 4]),
        (pin(tokens=4) + recent(tokens=4), (4, 4, 4, 4), [4, 0, 0, 4]),
        (pin(tokens=4) + recent(tokens=4), (2, 4, 4, 4), [2, 0, 0, 4]),
        (everything(), (4, 2, 4), [4, 2, 4]),
        (recent(tokens=4), (), []),
    ],
)
def test_what_stays(keep: Keep, lengths: tuple[int, ...], kept: list[int]) -> None:
    assert keep.choose(table(*lengths), GRID) == kept


@pytest.mark.parametrize(
    ("keep", "lengths", "kept"),
    [
        (recent(frames=2), (5, 5, 5), [0, 5, 5]),
        (recent(frames=2), (5, 0, 5), [0, 0, 5]),
        (recent(frames=3, tokens=7), (5, 2, 5), [0, 2, 5]),
        (recent(frames=3, tokens=6), (5, 2, 5), [0, 0, 5]),
        (pin(frames=1) + recent(frames=1), (5, 3, 2), [5, 0, 2]),
        (pin(frames=2), (1, 2, 3), [1, 2, 0]),
    ],
)
def test_frames_stay_whole(keep: Keep, lengths: tuple[int, ...], kept: list[int]) -> None:
    assert keep.choose(table(*lengths), Grid(4, 5)) == kept


@pytest.mark.parametrize(
    ("keep", "scores", "kept"),
    [
        (best(4), (1.0, 3.0, 2.0), [0, 4, 0]),
        (best(8), (1.0, 3.0, 2.0), [0, 4, 4]),
        (best(4), (1.0, 1.0, 1.0), [0, 0, 4]),
        (recent(tokens=4) + best(4), (1.0, 2.0, 9.0), [0, 4, 4]),
        (pin(tokens=4) + best(4), (9.0, 1.0, 2.0), [4, 0, 4]),
        (pin(tokens=2) + best(4), (9.0, 1.0, 2.0), [4, 0, 0]),
    ],
)
def test_the_best_of_the_rest_stay(keep: Keep, scores: tuple[float, ...], kept: list[int]) -> None:
    assert keep.choose(table(4, 4, 4, scores=scores), GRID) == kept


def test_pins_are_known_by_their_row() -> None:
    segments = table(4, 4, 4)
    (pin(tokens=6) + recent(tokens=4)).choose(segments, GRID)
    assert [segment.pinned for segment in segments] == [4, 2, 0]


SCORES: list[Score] = [random(0), attention(queries=2), attention(queries=1, decay=1.0)]
COUNT = st.integers(1, 12)


@st.composite
def keeps(draw: st.DrawFn, frames: bool) -> Keep:
    unit = "frames" if frames else "tokens"
    tokens = {"tokens": 6 + draw(COUNT)} if frames and draw(st.booleans()) else {}
    keep = recent(**({unit: draw(COUNT)} | tokens))
    if draw(st.booleans()):
        keep = pin(**{unit: draw(COUNT)}) + keep
    if draw(st.booleans()):
        keep = keep + top(**{unit: draw(COUNT)}, score=draw(st.sampled_from(SCORES)))
    return keep


@given(keeps(frames=False), st.lists(st.tuples(st.integers(1, 4), st.floats(0, 1)), max_size=40))
def test_token_by_token_no_more_than_declared(keep: Keep, closed: list[tuple[int, float]]) -> None:
    holds(keep, closed, GRID)


@given(keeps(frames=True), st.lists(st.tuples(st.integers(1, 6), st.floats(0, 1)), max_size=40))
def test_frame_by_frame_no_more_than_declared(keep: Keep, closed: list[tuple[int, float]]) -> None:
    holds(keep, closed, Grid(4, 6))


def holds(keep: Keep, closed: list[tuple[int, float]], grid: Grid) -> None:
    """As segments close one by one: slots within the bound, pins for ever, the newest whole while it may fit."""
    segments: list[Segment] = []
    pinned: dict[int, int] = {}
    newest = max(term.tokens for term in keep.terms if type(term).__name__ == "Recent")
    for index, (length, score) in enumerate(closed):
        slots = list(range(-(-length // grid.block)))
        segments.append(Segment(index, "main", "text", 0, 0, slots=slots, length=length, closed=True, score=score))
        kept = keep.choose(segments, grid)
        assert all(0 <= n <= segment.length for n, segment in zip(kept, segments, strict=True))
        if grid.unit == 1 or not newest or length <= newest:
            assert kept[-1] == length
        for n, segment in zip(kept, segments, strict=True):
            segment.length, segment.slots = n, segment.slots[: -(-n // grid.block)]
        segments = [segment for segment in segments if segment.length]
        assert sum(len(segment.slots) for segment in segments) <= keep.slots(grid)
        there = {segment.index: segment for segment in segments}
        for number, entries in pinned.items():
            assert number in there, f"the pinned segment {number} left"
            assert there[number].length >= entries
        pinned = {segment.index: segment.pinned for segment in segments if segment.pinned}


@given(
    st.fixed_dictionaries(
        {"video": keeps(frames=True), "text": keeps(frames=False)}, optional={"*": keeps(frames=False)}
    ),
    st.booleans(),
    st.lists(
        st.tuples(
            st.sampled_from(["video", "text"]), st.sampled_from("abc"), st.integers(1, 6), st.booleans(), st.booleans()
        ),
        max_size=30,
    ),
)
def test_no_order_of_kinds_and_streams_is_too_much_for_a_container(kinds: dict, streams: bool, fed: list) -> None:
    """However short its segments are, a bounded session neither refuses nor grows beyond its bytes."""
    see = causal & deny("a", "b") if streams else causal
    policy = Policy(kinds, see=see, block=4, place=absolute())
    part = Container(PROBE.layout, policy, tokens_per_unit=6)
    for kind, stream, n, cut, undone in fed:
        if undone:
            before, n = digest(part), min(n, part.room(stream, kind))
            part.begin(n, stream=stream, kind=kind)
            PROBE(torch.arange(n), Tick([part]))
            part.rollback()
            assert digest(part) == before
        advance(PROBE, [Row(part, range(n), stream, kind)])
        part.check()
        assert part.last.kind == kind
        if cut:
            part.boundary()
            part.check()


@given(keeps(frames=False), st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=25), st.booleans())
def test_nor_are_early_boundaries_in_one_stream(keep: Keep, fed: list[tuple[int, bool]], by_layer: bool) -> None:
    policy = Policy(keep, block=4, grain="layer" if by_layer else "row", place=group() if by_layer else absolute())
    part = Container(PROBE.layout, policy)
    for n, shot in fed:
        advance(PROBE, [Row(part, range(n))])
        part.boundary(shot)
        part.check()
        assert part.last.length


def test_half_full_segments_do_not_cost_entries() -> None:
    """Where streams take turns every two inputs, 8 recent ones are 8 still."""
    part = Container(PROBE.layout, Policy(recent(tokens=8), place=group(), block=4))
    for turn in range(12):
        advance(PROBE, [Row(part, range(2), "ab"[turn % 2])])
    assert part.entries == 8 + 2


def test_a_rollback_brings_back_what_a_change_of_stream_dropped() -> None:
    part = Container(PROBE.layout, Policy(recent(tokens=4), place=group(), block=4))
    advance(PROBE, [Row(part, range(7), "a")])
    before, dropped = digest(part), part.evicted
    part.begin(4, stream="b")
    PROBE(torch.arange(4), Tick([part]))
    assert part.evicted > dropped
    part.rollback()
    assert digest(part) == before


def test_more_is_kept_than_asked_for_but_never_less() -> None:
    """n to n + block - 1 of the newest stay, besides those of the open segment."""
    part = Container(PROBE.layout, Policy(recent(tokens=6), block=4))
    seen = []
    for token in range(30):
        advance(PROBE, [Row(part, [token])])
        seen.append(part.entries)
    assert seen[:12] == [*range(1, 12), 8]
    assert set(seen[12:]) == {8, 9, 10, 11}


@pytest.mark.parametrize("make", [pin, recent, lambda **n: top(score=random(), **n)])
def test_a_count_is_above_0(make: type) -> None:
    for count in ({}, {"tokens": 0}, {"tokens": -1}, {"frames": -2}, {"tokens": 4, "frames": -1}, {"tokens": 2.5}):
        with pytest.raises(ConfigError, match=r"\(tokens=.*, frames=.*\): say how many, whole numbers above 0"):
            make(**count)


def test_a_segment_has_one_score() -> None:
    with pytest.raises(ConfigError, match=r"one top\(...\) a sum"):
        best(4) + best(8)
    for wrong in ({"queries": 0}, {"decay": -0.1}, {"decay": 1.1}):
        with pytest.raises(ConfigError, match="use queries >= 1, 0 <= decay <= 1"):
            attention(**wrong)
