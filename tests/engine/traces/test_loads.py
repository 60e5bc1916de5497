"""Loads have the distributions that they state, and nothing but their arguments decides them."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from headrace.core.errors import ConfigError
from headrace.core.item import MS, SECOND
from headrace.engine.request import NEVER, Request, Slo
from headrace.engine.traces import (
    Arrivals,
    chat,
    clip,
    live,
    mixed,
    promise,
    rate_of,
    rescale,
    shared_prefix,
    streamed,
)

LOADS: dict[str, Callable[[int], list[Request]]] = {
    "chat": lambda seed: chat(20, 60, exchanges=2.5, seed=seed),
    "live": lambda seed: live(9, 0.5, 32, 8, 0.4, 20, seed=seed),
    "mixed": lambda seed: mixed(20, 60, seed=seed),
    "shared_prefix": lambda seed: shared_prefix(10, 8, arrivals=Arrivals(5), seed=seed),
    "streamed": lambda seed: streamed(20, 60, update=0.4, seed=seed),
}


@pytest.mark.parametrize("name", LOADS)
def test_the_seed_decides_all(name: str) -> None:
    load = LOADS[name]
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    found = load(3)
    assert found == load(3)
    assert found != load(4)
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
    assert found == sorted(found, key=lambda one: one.arrival)
    assert all(type(one.arrival) is type(one.units) is type(one.outputs) is int for one in found)


@pytest.mark.parametrize("cv", [0.0, 0.5, 1.0, 3.0])
def test_gaps_have_the_rate_and_the_variation(cv: float) -> None:
    gaps = np.diff([0, *Arrivals(rate=8, cv=cv, seed=5).times(60_000)]) / SECOND
    assert gaps.mean() == pytest.approx(1 / 8, rel=0.04)
    assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.04, abs=1e-6)


def test_times_within_are_the_same_times_cut() -> None:
    arrivals = Arrivals(rate=50, seed=2)
    cut = arrivals.within(100)
    assert 4500 < len(cut) < 5500
    assert cut == arrivals.times(len(cut))
    assert cut[-1] < 100 * SECOND <= arrivals.times(len(cut) + 1)[-1]
    assert arrivals.within(0) == []


def test_chat_has_its_medians_and_its_turns() -> None:
    found = chat(30, 300, prompt=200, reply=50, spread=0.7, exchanges=3, think=5, seed=1)
    for lengths, median in (([one.units for one in found], 200), ([one.outputs for one in found], 50)):
        assert np.median(lengths) == pytest.approx(median, rel=0.03)
        assert np.log(lengths).std() == pytest.approx(0.7, rel=0.03)
    by_session: dict[str, list[Request]] = {}
    for one in found:
        by_session.setdefault(one.session, []).append(one)
    assert len(by_session) == pytest.approx(30 * 300, rel=0.04)
    assert len(found) / len(by_session) == pytest.approx(3, rel=0.04)
    gaps = [(b.arrival - a.arrival) / SECOND for mine in by_session.values() for a, b in pairwise(mine)]
    assert np.mean(gaps) == pytest.approx(5, rel=0.04)
    assert {one.slo for one in found} == {Slo(first=SECOND, every=100 * MS)}
    assert {one.units for one in chat(9, 50, prompt=77, spread=0)} == {77}


def test_live_is_a_beat() -> None:
    found = live(7, 0.5, 40, 12, 0.3, 10, every=2, seed=2)
    by_session: dict[str, list[Request]] = {}
    for one in found:
        by_session.setdefault(one.session, []).append(one)
    assert len(by_session) == 7
    for mine in by_session.values():
        assert 0 <= mine[0].arrival < SECOND // 2
        assert {b.arrival - a.arrival for a, b in pairwise(mine)} == {SECOND // 2}
        assert len(mine) == 20
        assert [one.outputs for one in mine] == [0, 12] * 10
    assert len({mine[0].arrival for mine in by_session.values()}) == 7
    assert {one.units for one in found} == {40}
    assert {one.slo for one in found if one.outputs} == {Slo(whole=300 * MS)}
    assert {one.slo for one in found if not one.outputs} == {Slo(first=300 * MS)}
    assert {one.arrival for one in live(7, 0.5, 40, 12, 0.3, 0.5, spread=0)} == {0}


def test_mixed_has_its_shares() -> None:
    found = mixed(40, 250, latency=0.3, long=0.25, times=10, prompt=100, reply=30, spread=0.1, error=0.5, seed=4)
    fast = [one.slo.first < NEVER for one in found]
    long = [one.units > 300 for one in found]
    assert np.mean(fast) == pytest.approx(0.3, abs=0.02)
    assert np.mean(long) == pytest.approx(0.25, abs=0.02)
    assert np.corrcoef(fast, long)[0, 1] == pytest.approx(0, abs=0.04)
    assert long == [one.outputs > 90 for one in found]
    assert {one.slo for one in found} == {Slo(first=SECOND, every=100 * MS), Slo(whole=20 * SECOND)}
    wrong = np.log([one.foreseen / one.outputs for one in found if one.outputs > 90 and one.foreseen])
    assert wrong.std() == pytest.approx(0.5, rel=0.06)
    assert all(one.foreseen == one.outputs for one in mixed(9, 50, error=0.0))
    assert all(one.foreseen is None for one in mixed(9, 50, error=None))


def test_shared_prefixes_are_shared_within_a_group_only() -> None:
    found = shared_prefix(6, 9, prefix=400, block=16, seed=3)
    assert {one.arrival for one in found} == {0}
    groups: dict[tuple[int, ...], int] = {}
    for one in found:
        assert one.units > len(one.prefix) * one.block
        groups[one.prefix] = groups.get(one.prefix, 0) + 1
    assert list(groups.values()) == [9] * 6
    names = [name for prefix in groups for name in prefix]
    assert len(names) == len(set(names))
    neighbours = sum(a.prefix == b.prefix for a, b in pairwise(found))
    assert neighbours < 20
    later = shared_prefix(6, 9, prefix=400, block=16, arrivals=Arrivals(3, seed=1), seed=3)
    assert [one.arrival for one in later] == Arrivals(3, seed=1).times(54)
    assert [one.prefix for one in later] == [one.prefix for one in found]


def test_streamed_prompts_grow_and_change() -> None:
    found = streamed(20, 200, head=50, chunks=6, chunk=90, gap=0.4, update=0.3, seed=6)
    assert np.mean([len(one.chunks) for one in found]) == pytest.approx(6, rel=0.03)
    assert min(len(one.chunks) for one in found) == 1
    chunks = [chunk for one in found for chunk in one.chunks]
    assert np.mean([chunk.kept is not None for chunk in chunks]) == pytest.approx(0.3, abs=0.01)
    assert np.median([chunk.units for chunk in chunks]) == pytest.approx(90, rel=0.03)
    gaps, shares = [], []
    for one in found:
        before, standing = 0, one.units
        for chunk in one.chunks:
            gaps.append((chunk.after - before) / SECOND)
            if chunk.kept is not None:
                assert 50 <= chunk.kept <= standing
                if standing > 200:
                    shares.append((chunk.kept - 50) / (standing - 50))
            before, standing = chunk.after, (standing if chunk.kept is None else chunk.kept) + chunk.units
    assert min(gaps) > 0
    assert np.median(gaps) == pytest.approx(0.4, rel=0.03)
    assert np.mean(shares) == pytest.approx(0.5, abs=0.02)
    assert all(chunk.kept is None for one in streamed(9, 50) for chunk in one.chunks)


@pytest.mark.parametrize(
    "make",
    [
        lambda: chat(0, 10),
        lambda: chat(1, -1),
        lambda: chat(1, math.inf),
        lambda: chat(1, 10, exchanges=0.5),
        lambda: chat(1, 10, think=math.nan),
        lambda: chat(1, 10, prompt=0),
        lambda: chat(1, 10, spread=-1),
        lambda: chat(1e6, 1e6),
        lambda: live(0, 1, 1, 1, 1, 1),
        lambda: live(1, 0, 1, 1, 1, 1),
        lambda: live(1, 1, 1, -1, 1, 1),
        lambda: live(1, 1, 1, 1, 1, 1, spread=2),
        lambda: live(1, 1, 1, 1, 1, 1, every=0),
        lambda: live(10**6, 1e-3, 1, 1, 1, 1e6),
        lambda: mixed(1, 10, latency=1.5),
        lambda: mixed(1, 10, error=-1),
        lambda: mixed(1, 10, pace=0),
        lambda: shared_prefix(0, 1),
        lambda: shared_prefix(10**6, 10**6),
        lambda: streamed(1, 10, chunks=0.5),
        lambda: streamed(1, 10, update=-0.1),
        lambda: streamed(1, 10, gap=0),
        lambda: rescale([Request(0, 1, 1), Request(9, 1, 1)], rate=0),
        lambda: rescale([Request(0, 1, 1), Request(0, 1, 1)], rate=1),
        lambda: clip([], seconds=-1),
        lambda: clip([], most=-1),
        lambda: clip([], begin=math.nan),
    ],
)
def test_figures_out_of_bounds(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigError) as caught:
        make()
    assert "give" in str(caught.value)


def test_rescaling_changes_the_rate_and_nothing_else() -> None:
    found = streamed(5, 100, seed=1)
    faster = rescale(found, 20)
    assert rate_of(faster) == pytest.approx(20)
    ratio = [b.arrival / a.arrival for a, b in zip(found, faster, strict=True)]
    assert max(ratio) == pytest.approx(min(ratio))
    assert [one.chunks for one in faster] == [one.chunks for one in found]
    assert rescale([], 3) == []
    assert rate_of([]) == rate_of(found[:1]) == 0


def test_clipping() -> None:
    found = [Request(time * SECOND, 1, 1) for time in range(10)]
    assert clip(found) == found
    assert clip(found, seconds=3) == found[:3]
    assert clip(found, most=4) == found[:4]
    assert clip(found, seconds=2, begin=5) == [Request(0, 1, 1), Request(SECOND, 1, 1)]
    assert clip(found, seconds=0) == []


def test_a_promise_for_all() -> None:
    slo = Slo(whole=SECOND)
    assert {one.slo for one in promise(mixed(5, 20), slo)} == {slo}
