"""What holds for every gate on tokens: no look at the future, one answer, a bound, any grid, its items untouched."""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace.understanding.gates
from headrace.core.errors import InputError
from headrace.core.graph import Graph
from headrace.core.item import SECOND, Emission, Item
from headrace.core.op import Op
from headrace.testing import Recorder, assert_deterministic, leak_test, run_graph
from headrace.understanding.gates.tokengate import LARGEST_GRID, Judged, TokenGate
from headrace.understanding.tokens import TokenAdmission, Tokens
from tests.laws.fed import Fed
from tests.laws.gates import GATES, item, mark, stream, told, unit

EVERY = pytest.mark.parametrize("gate", GATES, ids=[gate.name for gate in GATES])


class Judge(Op):
    """A gate in a graph: what it says of each item, as a digest."""

    def __init__(self, gate: Any) -> None:
        self.gate = gate

    def step(self, one: Item) -> Iterable[Item]:
        return [one.derive(mark(told(self.gate.admit(one))), "said")]


def judged(gate: Any, items: list[Item]) -> list[Emission]:
    def build(graph: Graph) -> Recorder:
        seen = Recorder(graph.clock)
        graph.sink(seen, graph.map(Judge(gate), graph.source(items)))
        return seen

    records = run_graph(build).records
    return [Emission(str(one.pts), "said", one.data, one.pts, one.pts, now, one.pts) for now, one in records]


def noise(future: list[Item], rng: random.Random) -> list[Item]:
    draw = np.random.default_rng(rng.randrange(1 << 30))
    other = [replace(one, data=Tokens(unit(draw.normal(size=one.data.features.shape)))) for one in future]
    return [*other, replace(other[-1], pts=other[-1].pts + SECOND, arrival=other[-1].arrival + SECOND)]


@EVERY
def test_nothing_depends_on_the_future(gate: Fed) -> None:
    items = list(stream(48))
    cuts = [items[k].arrival + late for k in (1, 4, 17, 30, 41) for late in (0, 7)]
    leak_test(lambda given: judged(gate.make(), given), items, noise=noise, cuts=cuts)


class Peeks(TokenGate):
    """A gate that would know what comes: it reads the item after the one it is given."""

    kind = "peeks"

    def __init__(self, items: list[Item]) -> None:
        self.items = items
        super().__init__()

    def admit(self, item: Item) -> TokenAdmission:
        made = super().admit(item)
        after = [one.data.features.mean() for one in self.items if one.pts > item.pts]
        return replace(made, score=float(after[0]) if after else 0.0)

    def judge(self, features: Any) -> Judged:
        return Judged(admitted=np.ones(features.shape[:2], bool))

    def _new(self) -> Peeks:
        return Peeks(self.items)


def test_a_gate_that_looks_ahead_is_caught() -> None:
    items = list(stream(24))
    with pytest.raises(AssertionError):
        leak_test(lambda given: judged(Peeks(given), given), items, noise=noise, cuts=[items[9].arrival])


@EVERY
def test_two_of_a_kind_say_the_same(gate: Fed) -> None:
    assert_deterministic(lambda: judged(gate.make(), list(stream(40))))


@EVERY
def test_it_tells_something(gate: Fed) -> None:
    """Else the tests above would pass for a gate that says nothing: it lets in some, and not the same of all."""
    part = gate.make()
    said = [part.admit(one) for one in stream()]
    seen = [one for one in said if one.tokens.sense == "sight"]
    shares = {one.share for one in seen}
    assert max(shares) > 0
    assert gate.name == "admit all" or len(shares | {one.detail for one in seen} | {one.computed for one in seen}) > 1
    assert [one.tick for one in said] == list(range(len(said)))
    assert [one.pts for one in said] == [one.pts for one in stream()]
    for one in seen:
        assert (one.admitted.dtype, one.admitted.shape) == (np.dtype(bool), one.tokens.grid)
        assert one.tokens.features.dtype == np.float32
        assert np.isfinite(one.score)
        assert 0 < one.computed <= 1
        assert 0 < one.detail <= 1
        rows = one.rows()
        assert len(rows) == one.admitted.sum()
        assert (rows.first == one.pts).all()
        assert rows.weight.sum() == (one.admitted.sum() if one.tokens.grid == (3, 4) else 12)


@EVERY
def test_sound_enters_whole_and_changes_nothing_of_what_is_seen(gate: Fed) -> None:
    with_sound, without = gate.make(), gate.make()
    for one in stream():
        said = with_sound.admit(one)
        if one.data.sense == "sound":
            assert said.admitted.all()
            assert (said.tokens.features == one.data.features).all()
            assert (said.rows().place == -1).all()
            assert (said.rows().sense == 1).all()
        else:
            alone = without.admit(one)
            assert mark(told(replace(said, tick=0))) == mark(told(replace(alone, tick=0)))


@EVERY
def test_items_are_not_changed_nor_is_what_was_said(gate: Fed) -> None:
    items = stream(40, 3)
    before = mark([one.data.features.copy() for one in items])
    for one in items:
        one.data.features.flags.writeable = False
    part, said, then = gate.make(), [], []
    for one in items:
        said.append(part.admit(one))
        then.append(mark(told(said[-1])))
    assert mark([one.data.features for one in items]) == before
    assert [mark(told(one)) for one in said] == then


@EVERY
def test_what_becomes_of_an_item_later_is_no_matter(gate: Fed) -> None:
    """A source may write its next picture into the array of the last one."""
    part, fresh = gate.make(), gate.make()
    for tick, one in enumerate(stream(40, 4)):
        own = replace(one, data=Tokens(one.data.features.copy(), one.data.sense))
        assert mark(told(part.admit(own))) == mark(told(fresh.admit(one))), f"at {tick}"
        own.data.features[:] = 7.0


@EVERY
@given(
    grids=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 9)), min_size=1, max_size=10),
    seed=st.integers(0, 99),
)
def test_the_grid_may_change_at_any_item(gate: Fed, grids: list[tuple[int, int, int]], seed: int) -> None:
    draw, part = np.random.default_rng(seed), gate.make()
    for tick, grid in enumerate(grids):
        said = part.admit(item(unit(draw.normal(size=grid)), tick))
        assert said.tick == tick
        assert said.admitted.shape == said.tokens.grid
        assert part.nbytes() <= part.max_bytes(grid) <= part.max_bytes()


@EVERY
def test_the_bound_for_a_grid_is_what_a_gate_comes_to_hold(gate: Fed) -> None:
    part, most = gate.make(), 0
    for one in stream():
        part.admit(one)
        most = max(most, part.nbytes())
    assert 0.9 * part.max_bytes((3, 4, 16)) <= most <= part.max_bytes((3, 4, 16))


@EVERY
def test_a_new_grid_begins_anew(gate: Fed) -> None:
    draw = np.random.default_rng(5)
    after = [item(unit(draw.normal(size=(2, 3, 16))), tick) for tick in range(12)]
    part, fresh = gate.make(), gate.make()
    for one in stream(20):
        part.admit(one)
    for one in after:
        found, expected = (replace(made.admit(one), tick=0) for made in (part, fresh))
        assert mark(told(found)) == mark(told(expected))


@EVERY
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (np.zeros((2, 2, 4)), "tokens are needed, got ndarray"),
        (Tokens(np.zeros((2, 4), np.float32)), r"features of shape \(2, 4\)"),
        (Tokens(np.full((2, 2, 4), np.nan, np.float32)), "a feature is not finite"),
        (Tokens(np.zeros((1, LARGEST_GRID + 1, 1), np.float32)), "a gate takes at most"),
    ],
    ids=["no tokens", "no grid", "not finite", "too large"],
)
def test_what_cannot_be_judged_is_refused_in_one_line(gate: Fed, data: Any, says: str) -> None:
    part = gate.make()
    part.admit(stream()[0])
    before = mark([part.snapshot().meta, part.snapshot().arrays])
    with pytest.raises(InputError, match=says) as error:
        part.admit(Item(7, "tokens", data, 7, source="door"))
    assert str(error.value).startswith("'door' at 7 ns: ")
    assert "\n" not in str(error.value)
    assert mark([part.snapshot().meta, part.snapshot().arrays]) == before


def test_features_of_length_0_do_no_harm() -> None:
    for gate in GATES:
        part = gate.make()
        for tick in range(12):
            said = part.admit(item(np.zeros((2, 3, 8)), tick))
            assert np.isfinite(said.tokens.features).all()
            assert np.isfinite(said.score)


def test_no_gate_is_forgotten() -> None:
    """Whatever judges tokens in the room of gates is in the list by which they are tested."""
    room, found = headrace.understanding.gates, set()
    for module in iter_modules(room.__path__):
        if module.name.startswith("luma"):
            continue
        for name, kind in vars(import_module(f"{room.__name__}.{module.name}")).items():
            if inspect.isclass(kind) and hasattr(kind, "admit") and not inspect.isabstract(kind):
                found.add(name)
    found -= {"Gate"}
    assert found == {type(gate.make()).__name__ for gate in GATES}
    assert len({gate.make().kind for gate in GATES}) == len(found)
