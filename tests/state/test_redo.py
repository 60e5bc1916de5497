"""Kept inputs go through the model again, and what they come to is what they would have come to."""

from __future__ import annotations

import pytest
import torch

from headrace.core.errors import ConfigError, InputError, StateError
from headrace.state import Container, Piece, Policy, attention, everything, group, on, pin, recent, top
from headrace.state.advance import Row, advance
from headrace.state.laws import digest, relative
from headrace.state.laws.compare import distance
from headrace.state.probe import Probe

PROBE = Probe()
SINKS = pin(tokens=4) + recent(tokens=8)
POLICY = Policy(SINKS, redo=on("prompt", last=2), block=4)
TEXT = torch.randint(64, (80,), generator=torch.Generator().manual_seed(3)).tolist()


def fed(ids: list[int], policy: Policy = POLICY, **options: int) -> Container:
    part = Container(PROBE.layout, policy, **options)
    advance(PROBE, [Row(part, ids)])
    return part


def again(part: Container) -> list[Piece]:
    pieces = part.redo("prompt")
    for piece in pieces:
        advance(PROBE, [Row(part, piece.inputs, piece.stream, piece.kind)])
    return pieces


@pytest.mark.parametrize(
    ("n", "pieces"),
    [(0, []), (2, [2]), (4, [4]), (7, [4, 3]), (8, [4, 4]), (11, [4, 4, 3]), (38, [4, 4, 2]), (40, [4, 4])],
)
def test_the_last_closed_segments_and_the_open_one_are_given_back(n: int, pieces: list[int]) -> None:
    part = fed(TEXT[:n])
    before = part.count
    given = part.redo("prompt")
    assert [len(piece.inputs) for piece in given] == pieces
    assert [token for piece in given for token in piece.inputs] == TEXT[n - sum(pieces) : n]
    assert part.count == before - sum(pieces)
    part.check()


def test_while_nothing_was_dropped_it_changes_nothing() -> None:
    part = fed(TEXT[:11])
    before = part.snapshot()
    again(part)
    assert distance(part.snapshot(), before)[0] < 1e-12


def test_what_was_dropped_is_out_of_what_stays() -> None:
    """After 38 inputs 0-3 and 28-37 are kept; run again, they are as if no others had ever been."""
    part, other = fed(TEXT[:38]), fed(TEXT[:4] + TEXT[28:38])
    stale = advance(PROBE, [Row(part.fork(), TEXT[38:60])])
    again(part)
    found, expected = (advance(PROBE, [Row(one, TEXT[38:60])]) for one in (part, other))
    assert relative(found, expected)[0] < 1e-9
    assert relative(stale, expected)[0] > 1e-3
    assert (part.count, other.count) == (60, 36)


def test_it_sees_the_new_beginning() -> None:
    """A prompt that is read in place of the last segments stands before what is read again."""
    part, prompt = fed(TEXT[:38]), TEXT[70:78]
    pieces = part.redo("prompt")
    advance(PROBE, [Row(part, prompt)])
    for piece in pieces:
        advance(PROBE, [Row(part, piece.inputs)])
    other = fed(TEXT[:4] + prompt + TEXT[28:38])
    found, expected = (advance(PROBE, [Row(one, TEXT[38:60])]) for one in (part, other))
    assert relative(found, expected)[0] < 1e-9


def test_it_can_be_done_again_and_again_at_any_age() -> None:
    parts = [fed(TEXT[:38], start=start) for start in (0, 10**12)]
    for part in parts:
        for _ in range(5):
            again(part)
            part.check()
        assert part.count == 38
    one, other = (advance(PROBE, [Row(part, TEXT[38:60])]) for part in parts)
    assert relative(one, other)[0] < 1e-9


def test_streams_come_back_as_they_were() -> None:
    policy = Policy(recent(tokens=32), place=group(), redo=on("prompt", last=3), block=4)
    part = Container(PROBE.layout, policy)
    for stream, n in (("a", 3), ("b", 2), ("a", 2)):
        advance(PROBE, [Row(part, TEXT[:n], stream)])
    before = part.snapshot()
    assert [(piece.stream, len(piece.inputs)) for piece in again(part)] == [("a", 3), ("b", 2), ("a", 2)]
    assert distance(part.snapshot(), before)[0] < 1e-12


def test_by_layer_too() -> None:
    keep = pin(tokens=4) + recent(tokens=8) + top(tokens=8, score=attention(queries=4))
    part = fed(TEXT[:38], Policy(keep, redo=on("prompt", last=2), block=4, grain="layer"))
    kept, before = part.entries, part.count
    again(part)
    part.check()
    assert (part.entries, part.count) == (kept, before)


def test_other_events_and_other_policies_change_nothing() -> None:
    for part, event in ((fed(TEXT[:38]), "scene"), (fed(TEXT[:38], Policy(SINKS, block=4)), "prompt")):
        before = digest(part)
        assert part.redo(event) == []
        assert digest(part) == before


def test_inputs_are_needed_and_no_step_may_be_under_way() -> None:
    part = Container(PROBE.layout, POLICY)
    for wrong in (None, [], [1]):
        with pytest.raises(InputError, match="a step of 2 brings 2 token ids"):
            part.begin(2, inputs=wrong)
    part.begin(2, inputs=[1, 2])
    with pytest.raises(StateError, match="a redo within a step"):
        part.redo("prompt")
    part.rollback()
    part.check()


def test_no_more_is_redone_than_is_sure_to_be_there() -> None:
    for keep in (pin(tokens=8), recent(tokens=4), recent(tokens=8), recent(frames=2)):
        with pytest.raises(ConfigError, match="redo of the last 3 segments, but only"):
            Policy(keep, redo=on("prompt", last=3), block=4)
    Policy(recent(tokens=12), redo=on("prompt", last=3), block=4)
    Policy(recent(frames=3), redo=on("prompt", last=3), block=4)
    Policy(everything(), redo=on("prompt", last=3), bounded=False, max_bytes=1 << 20)
    with pytest.raises(ConfigError, match="redo one segment or more"):
        on("prompt", last=0)


def test_nor_where_tokens_limit_the_frames() -> None:
    with pytest.raises(ConfigError, match="redo of the last 12 segments"):
        Policy(recent(frames=12, tokens=8), redo=on("prompt", last=12), block=4)
