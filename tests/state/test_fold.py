"""What leaves goes into the pinned entries as the formula says."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from headrace.core.errors import ConfigError
from headrace.state import Container, Policy, Tick, ema, pin, recent
from headrace.state.advance import Row, advance
from headrace.state.laws import digest, relative
from headrace.state.oracle import dense
from headrace.state.probe import Probe

PROBE = Probe(layers=1)
BLOCK = 4


def raw(ids: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values of the one layer, not turned."""
    seen: list[tuple[Tensor, Tensor, Tensor]] = []

    def attend(site: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        seen.append((q, k, v))
        return torch.zeros(q.shape[1], q.shape[0], v.shape[2], dtype=v.dtype)

    PROBE(torch.tensor(ids), attend)
    return seen[0]


def after(part: Container, ids: list[int], sinks: int) -> Tensor:
    """What the last of `ids` attends to, by the formula: the average is over keys that are not turned."""
    q, k, v = raw(ids)
    alpha, blocks = part.policy.fold.alpha, len(ids) // BLOCK
    own = [(k[:, i * BLOCK : (i + 1) * BLOCK], v[:, i * BLOCK : (i + 1) * BLOCK]) for i in range(blocks)]
    pinned, newest = own[:sinks], own[blocks - 2 :]
    for number, gone in enumerate(own[sinks : blocks - 2]):
        old = pinned[number % sinks]
        pinned[number % sinks] = tuple(alpha * a + (1 - alpha) * b for a, b in zip(old, gone, strict=True))
    keys, values = (torch.cat([pair[i] for pair in (*pinned, *newest)], 1) for i in (0, 1))
    n = keys.shape[1]
    queries = torch.cat([torch.zeros(q.shape[0], n - 1, q.shape[2], dtype=q.dtype), q[:, -1:]], 1)
    read = dense(queries, keys, values, PROBE.frequencies, PROBE.SCALING, lambda p: list(range(p + 1)), lambda p, j: j)
    return read[-1]


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("sinks", [1, 2, 3])
def test_an_average_is_over_keys_that_are_not_turned(sinks: int, alpha: float) -> None:
    """Blocks that leave go into the pinned ones in turn; here they are 1 to 6 of them."""
    policy = Policy(pin(tokens=sinks * BLOCK) + recent(tokens=BLOCK), fold=ema(alpha), block=BLOCK)
    ids = torch.randint(64, (40,), generator=torch.Generator().manual_seed(sinks)).tolist()
    part = Container(PROBE.layout, policy)
    advance(PROBE, [Row(part, ids[:-1])])
    seen: list[Tensor] = []
    part.begin(1)

    def attend(site: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        seen.append(Tick([part]).attend(site, q, k, v, scaling=PROBE.SCALING))
        return seen[0]

    PROBE(torch.tensor(ids[-1:]), attend)
    assert relative(seen, [after(part, ids, sinks)[None]])[0] < 1e-12
    folds = len(ids) // BLOCK - 1 - sinks - 1
    assert part.folded == folds
    weights = [segment.weight for segment in part.segments[:sinks]]
    assert weights == [1 + len(range(i, folds, sinks)) for i in range(sinks)]


def test_all_of_the_old_is_as_if_nothing_were_folded() -> None:
    keep, ids = pin(tokens=4) + recent(tokens=8), list(range(40))
    parts = [Container(PROBE.layout, Policy(keep, block=BLOCK, **fold)) for fold in ({"fold": ema(1.0)}, {})]
    one, other = (advance(PROBE, [Row(part, ids)])[0] for part in parts)
    assert relative([one], [other])[0] < 1e-12
    assert (parts[0].folded, parts[1].folded) == (7, 0)


def test_what_is_shorter_than_the_pins_leaves_without_a_trace() -> None:
    policy = Policy(pin(tokens=4) + recent(tokens=4), fold=ema(0.5), block=BLOCK)
    part = Container(PROBE.layout, policy)
    for n in (4, 3, 4, 4):
        advance(PROBE, [Row(part, range(n))])
        part.boundary()
    assert part.folded == 1
    assert part.evicted == 7
    assert part.segments[0].weight == 2


def test_a_rollback_unfolds() -> None:
    """What a change of kind folds, a rollback takes back; a commit does not."""
    keep = pin(tokens=4) + recent(tokens=4)
    part = Container(PROBE.layout, Policy({"a": keep, "b": keep}, fold=ema(0.5), block=BLOCK))
    advance(PROBE, [Row(part, range(11), kind="a")])
    before, told = digest(part), part.folded
    part.begin(2, kind="b")
    PROBE(torch.arange(2), Tick([part]))
    assert part.folded == told + 1
    part.rollback()
    assert digest(part) == before
    advance(PROBE, [Row(part, range(2), kind="b")])
    assert part.folded == told + 1


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_a_share_is_within_0_and_1(alpha: float) -> None:
    with pytest.raises(ConfigError, match="lies within 0 and 1"):
        ema(alpha)


@pytest.mark.parametrize("keep", [recent(tokens=8), pin(tokens=3) + recent(tokens=8), pin(tokens=6)])
def test_a_fold_needs_whole_pinned_segments(keep: object) -> None:
    with pytest.raises(ConfigError, match="pin a multiple of block=4"):
        Policy(keep, fold=ema(0.5), block=BLOCK)
