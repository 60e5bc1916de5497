"""A past is shared where it is the same past, and refused where it is not."""

from __future__ import annotations

import pytest
import torch

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
    origin,
    overlap,
    pin,
    random,
    realign,
    recent,
    top,
)
from headrace.state.advance import Row, advance
from headrace.state.laws import digest, marks, relative
from headrace.state.probe import Probe

PROBE = Probe()
TEXT = torch.randint(64, (90,), generator=torch.Generator().manual_seed(5)).tolist()
DENSE = Policy(everything(), block=4, bounded=False, max_bytes=1 << 20)
SINKS = pin(tokens=4) + recent(tokens=8)


def fed(policy: Policy, n: int, **options: int) -> Container:
    part = Container(PROBE.layout, policy, **options)
    advance(PROBE, [Row(part, TEXT[:n])])
    return part


@pytest.mark.parametrize("n", [0, 3, 8, 12])
@pytest.mark.parametrize(
    "policy",
    [
        Policy(SINKS, block=4),
        Policy(SINKS, place=absolute(), block=4),
        Policy(SINKS, place=realign(), block=4),
        Policy(recent(tokens=12), block=4, max_bytes=1 << 20),
        Policy(SINKS, fold=ema(0.5), block=4),
        DENSE,
    ],
)
def test_it_goes_on_as_if_it_had_been_there_from_the_start(policy: Policy, n: int) -> None:
    source, part = fed(DENSE, n), Container(PROBE.layout, policy)
    before = digest(source)
    part.adopt(source)
    part.check()
    found, expected = (advance(PROBE, [Row(one, TEXT[n:])]) for one in (part, fed(policy, n)))
    assert relative(found, expected)[0] < 1e-9
    assert digest(source) == before
    assert part.policy == policy


REFUSED = {
    "other blocks": (Policy(SINKS, block=2), "block"),
    "by layer": (Policy(SINKS, block=4, grain="layer"), "grain"),
    "queries": (Policy(SINKS + top(tokens=4, score=attention(queries=2)), block=4), "scores"),
    "not all is seen": (Policy(SINKS, see=causal & deny("a", "b"), block=4), "see"),
    "inputs": (Policy(SINKS, redo=on("prompt", last=1), block=4), "redo"),
    "kinds": (Policy({"*": SINKS}, block=4), "by_kind"),
    "streams": (Policy(SINKS, place=group(), block=4), "by_stream"),
    "too little room": (Policy(recent(tokens=4), block=4), "would have dropped"),
    "regions": (Policy(SINKS, place=origin(pinned=0, text=4), block=4), "by_kind"),
    "nowhere": (Policy(SINKS, place=none(), block=4), "place"),
}


@pytest.mark.parametrize(("policy", "told"), REFUSED.values(), ids=REFUSED)
def test_what_would_have_been_another_past_is_refused(policy: Policy, told: str) -> None:
    part, source = fed(policy, 5), fed(DENSE, 11)
    before = marks(part)
    with pytest.raises(StateError, match=f"nothing to share; .*{told}"):
        part.adopt(source)
    assert marks(part) == before
    part.check()


def test_what_was_dropped_cannot_be_shared() -> None:
    for wide in (Policy(recent(tokens=64), block=4), Policy(SINKS, block=4)):
        with pytest.raises(StateError, match="something was dropped already"):
            Container(PROBE.layout, wide).adopt(fed(Policy(SINKS, block=4), 40))


def test_streams_that_began_elsewhere_are_refused() -> None:
    """A lone stream stands the same under both; a second one does not."""
    source = Container(PROBE.layout, Policy(recent(tokens=32), place=group(), block=4))
    part = Container(PROBE.layout, Policy(recent(tokens=32), place=overlap(), block=4))
    advance(PROBE, [Row(source, TEXT[:6], "a")])
    part.adopt(source)
    advance(PROBE, [Row(source, TEXT[6:9], "b")])
    with pytest.raises(StateError, match="stands elsewhere"):
        part.adopt(source)
    assert part.count == 6


def test_not_within_a_step() -> None:
    source, part = fed(DENSE, 5), Container(PROBE.layout, Policy(SINKS, block=4))
    source.begin(1)
    with pytest.raises(StateError, match="to be adopted within a step"):
        part.adopt(source)
    source.rollback()
    part.adopt(source)


def test_any_age() -> None:
    source, part = fed(DENSE, 7, start=10**12), Container(PROBE.layout, Policy(SINKS, place=cache(), block=4))
    part.adopt(source)
    assert (part.start, part.count) == (10**12, 7)


SCORED = [random(1), attention(queries=4, decay=0.0)]


@pytest.mark.parametrize("score", SCORED)
def test_scores_are_those_of_the_new_policy_or_nothing_is_shared(score: object) -> None:
    keep = pin(tokens=4) + recent(tokens=4)
    others = {random(1): keep + recent(tokens=8), SCORED[1]: keep + top(tokens=8, score=attention(4, decay=1.0))}
    policy = Policy(keep + top(tokens=8, score=score), block=4)
    part = Container(PROBE.layout, policy)
    try:
        part.adopt(fed(Policy(others[score], block=4), 12))
    except StateError:
        return
    assert [s.score for s in part.segments] == [s.score for s in fed(policy, 12).segments]
