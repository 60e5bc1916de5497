"""Rewind: a session that went back is one that never went on."""

from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.core.errors import StateError
from headrace.state import (
    Container,
    Policy,
    absolute,
    attention,
    cache,
    causal,
    deny,
    ema,
    everything,
    group,
    none,
    on,
    pin,
    recent,
    top,
)
from headrace.state.advance import Row, advance
from headrace.state.laws import digest, relative
from headrace.state.probe import Probe

PROBE = Probe()
#: Entries that each keeps before it loses the first one.
POLICIES: dict[str, tuple[Policy, int]] = {
    "sinks": (Policy(pin(tokens=4) + recent(tokens=12), place=cache(), block=4), 16),
    "split pins": (Policy(pin(tokens=3) + recent(tokens=9), place=cache(), block=4), 15),
    "absolute": (Policy(recent(tokens=16), place=absolute(), block=4), 16),
    "one by one": (Policy(pin(tokens=2) + recent(tokens=10), place=none(), block=1), 12),
    "everything": (Policy(everything(), place=absolute(), block=4, bounded=False, max_bytes=1 << 20), 1 << 20),
    "kinds": (
        Policy({"text": pin(tokens=4) + recent(tokens=12), "*": recent(tokens=12)}, place=cache(), block=4),
        12,
    ),
    "streams": (
        Policy(
            everything(),
            place=group(main=0, other=0),
            see=causal & deny("other", "main"),
            block=4,
            bounded=False,
            max_bytes=1 << 20,
        ),
        1 << 20,
    ),
    "layers": (Policy(pin(tokens=4) + recent(tokens=12), place=cache(), block=4, grain="layer"), 16),
    "folds": (Policy(pin(tokens=4) + recent(tokens=12), place=cache(), block=4, fold=ema(0.9)), 16),
    "redoes": (Policy(pin(tokens=4) + recent(tokens=12), place=absolute(), block=4, redo=on("prompt", last=2)), 16),
}
#: One input: its id, its stream and its kind.
INPUT = tuple[int, str, str]


def drawn(draw: random.Random, n: int) -> list[INPUT]:
    """Inputs in runs of one stream and kind."""
    found: list[INPUT] = []
    while len(found) < n:
        stream, kind = draw.choice(["main", "other"]), draw.choice(["text", "video"])
        found += [(draw.randrange(64), stream, kind) for _ in range(draw.randint(1, 7))]
    return found[:n]


def read(part: Container, inputs: list[INPUT], draw: random.Random) -> list[torch.Tensor]:
    """Read them in steps of random length."""
    out: list[torch.Tensor] = []
    at = 0
    while at < len(inputs):
        n, (_, stream, kind) = 1, inputs[at]
        most = draw.randint(1, 6)
        while n < most and at + n < len(inputs) and inputs[at + n][1:] == (stream, kind):
            n += 1
        row = Row(part, [token for token, *_ in inputs[at : at + n]], stream, kind)
        out += list(advance(PROBE, [row])[0])
        part.check()
        at += n
    return out


@settings(max_examples=6)
@given(st.sampled_from(sorted(POLICIES)), st.integers(0, 2**32))
def test_what_comes_after_is_as_if_the_rest_had_never_been(name: str, seed: int) -> None:
    policy, most = POLICIES[name]
    draw = random.Random(seed)
    history = drawn(draw, draw.randint(1, min(most, 30)))
    after = drawn(draw, 24)
    part = Container(PROBE.layout, policy)
    read(part, history, draw)
    assert part.evicted == part.folded == 0
    for count in sorted({*draw.sample(range(len(history) + 1), min(3, len(history))), 0}, reverse=True):
        back, straight = part.fork(), Container(PROBE.layout, policy)
        read(straight, history[:count], draw)
        assert back.rewind(count)
        back.check()
        assert back.count == count
        far, _ = relative(read(back, after, draw), read(straight, after, draw))
        assert far <= 1e-9, f"{name}: back from {len(history)} to {count}, then off by {far:.2g}"
        assert (back.evicted, back.folded) == (straight.evicted, straight.folded)
        assert [vars_of(one) for one in back.segments] == [vars_of(one) for one in straight.segments]


def vars_of(segment: object) -> dict[str, object]:
    """A row of the table, but for where its entries lie."""
    return {name: getattr(segment, name) for name in type(segment).__slots__ if name != "slots"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(POLICIES))
@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 8, 9])
def test_to_every_kind_of_place_to_the_bit(name: str, count: int) -> None:
    policy, _ = POLICIES[name]
    draw = random.Random(count)
    history = [(draw.randrange(64), "main", "text") for _ in range(11)]
    part, straight = Container(PROBE.layout, policy), Container(PROBE.layout, policy)
    for token in history:
        read(part, [token], draw)
    for token in history[:count]:
        read(straight, [token], draw)
    assert part.rewind(count)
    assert digest(part) == digest(straight)
    assert torch.equal(*(torch.stack(read(one, history[:3], random.Random(1))) for one in (part, straight)))


def test_to_where_a_change_of_kind_closed_a_short_segment() -> None:
    policy, _ = POLICIES["kinds"]
    draw = random.Random(5)
    text = [(token, "main", "text") for token in range(3)]
    part, straight = Container(PROBE.layout, policy), Container(PROBE.layout, policy)
    read(part, [*text, (9, "main", "video"), (8, "main", "video")], draw)
    read(straight, text, draw)
    assert part.rewind(3)
    assert digest(part) == digest(straight)
    more = [(token, "main", "text") for token in range(20, 26)]
    far, _ = relative(read(part, more, draw), read(straight, more, draw))
    assert far <= 1e-9
    assert [one.length for one in part.segments] == [4, 4, 1]


SCORED = Policy(pin(tokens=4) + top(tokens=4, score=attention(queries=4)) + recent(tokens=8), block=4)


@pytest.mark.parametrize(("policy", "n"), [(POLICIES["sinks"][0], 24), (POLICIES["folds"][0], 24), (SCORED, 8)])
def test_it_is_refused_once_something_was_lost(policy: Policy, n: int) -> None:
    part, draw = Container(PROBE.layout, policy), random.Random(3)
    read(part, [(draw.randrange(64), "main", "text") for _ in range(n)], draw)
    before = digest(part)
    assert not any(part.rewind(count) for count in (0, 1, 4, n - 1))
    assert digest(part) == before
    assert part.count == n


def test_it_is_refused_beyond_what_was_read_and_in_a_step() -> None:
    part, draw = Container(PROBE.layout, POLICIES["sinks"][0]), random.Random(3)
    read(part, [(draw.randrange(64), "main", "text") for _ in range(6)], draw)
    before = digest(part)
    assert not part.rewind(7)
    assert not part.rewind(-1)
    assert digest(part) == before
    part.begin(1)
    with pytest.raises(StateError, match="within a step"):
        part.rewind(2)


def test_a_frame_is_forgotten_whole_or_not_at_all() -> None:
    policy = Policy({"video": recent(frames=3), "text": recent(tokens=8)}, place=cache(), block=4)
    parts = [Container(PROBE.layout, policy, tokens_per_unit=3) for _ in range(2)]
    rows = [([1, 2, 3], "video"), ([4, 5], "text"), ([6, 7, 8], "video")]
    for part, most in zip(parts, (3, 2), strict=True):
        for ids, kind in rows[:most]:
            advance(PROBE, [Row(part, ids, kind=kind)])
    before = digest(parts[0])
    assert not parts[0].rewind(6)
    assert not parts[0].rewind(2)
    assert digest(parts[0]) == before
    assert parts[0].rewind(5)
    assert digest(parts[0]) == digest(parts[1])
