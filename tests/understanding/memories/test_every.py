"""What holds of every memory of tokens: counts, budgets, purity, causality, the bytes of a day."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from hashlib import blake2b
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headrace.understanding.memories
from headrace.core.errors import CapacityError, ConfigError, InputError, StateError
from headrace.core.item import SECOND, Emission, Item
from headrace.state.laws import digest
from headrace.state.laws.isolation import poisoned
from headrace.testing import assert_deterministic, leak_test
from headrace.understanding.memories.everything import Everything
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.window import Window
from headrace.understanding.tokens import Cue, Rows
from tests.understanding.memories.every import (
    BOUNDED,
    COUNTING,
    HEARD,
    MEMORIES,
    SMALL,
    admission,
    frame,
    scene,
    told,
    unit,
)

EACH = pytest.mark.parametrize("name", MEMORIES)
CUES = (Cue(), Cue(features=np.eye(8, dtype=np.float32)[:2]), Cue(since=20 * SECOND, until=40 * SECOND))
HOUR = 3600 * SECOND


def filled(name: str, count: int = 60) -> Any:
    memory = MEMORIES[name]()
    for i in range(count):
        memory.write(admission(i))
    return memory


@given(
    streams=st.lists(st.tuples(st.integers(0, 400), st.sampled_from((0.05, 0.3, 1.0))), min_size=1, max_size=50),
    name=st.sampled_from(COUNTING),
)
@settings(max_examples=120, deadline=None, derandomize=True)
def test_no_count_is_lost(streams: list[tuple[int, float]], name: str) -> None:
    memory, written = MEMORIES[name](), 0
    for at, (number, share) in enumerate(streams):
        one = replace(admission(number, share=share), pts=at * SECOND)
        memory.write(one)
        written += int(one.admitted.sum())
        assert memory.held() + memory.forgotten == pytest.approx(written, rel=1e-5)
    if name not in ("flash", "everything", "window", "reservoir"):
        assert memory.read(Cue(), 0).rows.weight.sum() == pytest.approx(memory.held(), rel=1e-5)


@EACH
def test_a_reader_gets_no_more_than_the_budget_and_only_what_has_been(name: str) -> None:
    memory = MEMORIES[name]()
    for i in range(90):
        memory.write(admission(i))
        rows = memory.read(Cue(), i * SECOND).rows
        assert len(rows) <= (memory.budget if name != "senses" else 40)
        assert (rows.first <= rows.time).all()
        assert (rows.time <= rows.last).all()
        assert (rows.last <= i * SECOND).all()
        assert (np.diff(rows.first) >= 0).all()
        assert (rows.weight > 0).all()
        assert np.isfinite(rows.features).all()
        assert sum(memory.tiers().values()) == memory.nbytes() <= memory.max_bytes()


@EACH
def test_reading_changes_nothing_and_a_view_stays_as_it_was(name: str) -> None:
    memory, twin = filled(name), filled(name)
    before = digest(memory)
    views = [memory.read(cue, 60 * SECOND).rows for cue in CUES]
    kept = [told(rows) for rows in views]
    assert digest(memory) == before
    for i in range(60, 90):
        memory.write(admission(i))
        twin.write(admission(i))
    assert digest(memory) == digest(twin)
    for rows, old in zip(views, kept, strict=True):
        assert all(np.array_equal(one, two) for one, two in zip(told(rows), old, strict=True))


@EACH
def test_a_cue_for_a_stretch_of_time_gets_what_reaches_into_it(name: str) -> None:
    memory = filled(name)
    whole = memory.read(Cue(), 60 * SECOND).rows
    reach = (whole.last >= 20 * SECOND) & (whole.first <= 40 * SECOND)
    part = memory.read(CUES[2], 60 * SECOND).rows
    assert [one.tobytes() for one in told(part)] == [one.tobytes() for one in told(whole[reach])]


@EACH
def test_nothing_admitted_changes_nothing(name: str) -> None:
    memory = filled(name)
    before = digest(memory)
    memory.write(admission(99))
    assert not admission(99).admitted.any()
    assert digest(memory) == before


@EACH
def test_what_comes_late_is_in_its_row_all_the_same(name: str) -> None:
    """As bursts of sound do, which are known when they are over: until something is forgotten, rows reach from the
    earliest to the latest token of a look."""
    memory, draw = MEMORIES[name](), np.random.default_rng(7)
    for look in range(2):
        begin, seen = (10 + 20 * look) * SECOND, list[int]()
        features = unit(scene(look, SMALL))
        for late in (1.0, 0.2, 1.8, *draw.uniform(0.2, 1.8, 30), 0.1):
            seen.append(begin + int(late * SECOND))
            memory.write(frame(features, seen[-1]))
            rows = memory.abstract() if name == "flash" else memory.read(Cue(), begin + 2 * SECOND).rows
            assert (rows.first <= rows.time).all()
            assert (rows.time <= rows.last).all()
            if getattr(memory, "forgotten", 1) == 0 and not (name == "flash" and look):
                mine = rows[rows.last >= begin]
                assert (mine.first.min(), mine.last.max()) == (min(seen), max(seen))


@EACH
def test_tokens_of_another_make_are_refused(name: str) -> None:
    memory = filled(name)
    before = digest(memory)
    for grid in (Grid(2, 3, 9), Grid(4, 3, 8), Grid(1, 6, 8), Grid(3, 2, 8), Grid(1, 2, 8), Grid(1, 1, 9)):
        with pytest.raises(InputError, match="was built for"):
            memory.write(admission(61, grid))
    if name != "senses":
        with pytest.raises(InputError, match="holds sight; use Senses"):
            memory.write(admission(61, HEARD))
    assert digest(memory) == before


@EACH
def test_a_picture_that_was_pooled_is_taken_or_refused_for_what_it_is(name: str) -> None:
    memory = filled(name)
    before = digest(memory)
    if getattr(memory, "whole", False):
        with pytest.raises(InputError, match="a gate pooled it to 1 x 1; this memory needs whole pictures"):
            memory.write(admission(61, Grid(1, 1, 8), share=1.1))
        assert digest(memory) == before
        return
    memory.write(admission(61, Grid(1, 1, 8), share=1.1))
    rows = memory.read(Cue(), 61 * SECOND).rows
    assert (rows.last == 61 * SECOND).sum() == 1


@EACH
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(name: str, wrong: float) -> None:
    memory = filled(name)
    before = digest(memory)
    spoilt = admission(61).tokens.features.copy()
    spoilt[1, 2, 3] = wrong
    with pytest.raises(InputError, match="at 61000000000 ns: a feature is not finite"):
        memory.write(frame(spoilt, 61 * SECOND))
    assert digest(memory) == before


@EACH
def test_a_snapshot_full_of_nonsense_is_refused(name: str) -> None:
    held = filled(name).snapshot()
    held.arrays = {key: poisoned(array) for key, array in held.arrays.items()}
    with pytest.raises(StateError, match=r"is damaged: .* is not a number; take another"):
        MEMORIES[name]().restore(held)


def entry(i: int) -> Item:
    return Item(i * SECOND, "tokens", admission(i), arrival=i * SECOND)


def run(name: str, items: list[Item]) -> list[Emission]:
    """After each item, a digest of what can be read."""
    memory, made = MEMORIES[name](), []
    for number, item in enumerate(items):
        memory.write(item.data)
        views = b"".join(part.tobytes() for cue in CUES for part in told(memory.read(cue, item.pts).rows))
        content = blake2b(views, digest_size=8).hexdigest()
        made.append(Emission(str(number), "view", content, item.pts, item.pts, item.pts, item.pts))
    return made


@EACH
def test_nothing_looks_ahead(name: str) -> None:
    items = [entry(i) for i in range(60)]

    def noise(future: list[Item], _: Any) -> list[Item]:
        return [replace(item, data=replace(admission(500 + k), pts=item.pts)) for k, item in enumerate(future)]

    leak_test(lambda given: run(name, given), items, noise=noise, cuts=(9 * SECOND, 25 * SECOND, 44 * SECOND))


@EACH
def test_two_runs_are_the_same(name: str) -> None:
    assert_deterministic(lambda: [json.dumps(one.content) for one in run(name, [entry(i) for i in range(60)])])


def growth(name: str, count: int) -> float:
    """Share of its most bytes by which a memory grows in an hour of the second half of ten, by least squares; what
    can be read counts, too."""
    memory, times, held = MEMORIES[name](), [], []
    stream, every = [admission(i) for i in range(660)], 10 * HOUR // count
    for i in range(count):
        memory.write(replace(stream[i % 660], pts=i * every))
        if i >= count // 2 and i % 16 == 0:
            times.append(i * every / HOUR)
            held.append(memory.nbytes() + memory.read(Cue(), i * every).rows.nbytes)
    return float(np.polyfit(times, held, 1)[0]) / memory.max_bytes()


@pytest.mark.parametrize("name", BOUNDED)
def test_ten_hours_take_no_more_bytes_than_five(name: str) -> None:
    assert abs(growth(name, 1200)) < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in BOUNDED if " " not in name])
def test_ten_hours_at_two_a_second(name: str) -> None:
    assert abs(growth(name, 72_000)) < 0.005


def test_what_does_not_forget_says_so_and_stops_at_its_limit() -> None:
    memory = Everything(SMALL, 50)
    assert not memory.bounded
    stream = [admission(i, share=1.1) for i in range(9)]
    for one in stream[:8]:
        memory.write(one)
    before = digest(memory)
    with pytest.raises(CapacityError, match="the limit is 50; give more"):
        memory.write(stream[8])
    assert digest(memory) == before
    assert memory.held() == 48
    grown = Everything(SMALL, 20_000)
    sizes = []
    for i in range(3000):
        grown.write(admission(i))
        sizes.append(grown.nbytes())
    assert sizes[-1] > sizes[0]
    assert sizes[-1] <= grown.max_bytes()
    assert len(grown.read(Cue(), 0).rows) == grown.held()


@pytest.mark.parametrize("name", COUNTING)
def test_a_snapshot_of_another_make_is_refused(name: str) -> None:
    memory = filled(name)
    held = memory.snapshot()
    held.meta["budget"] += 1
    with pytest.raises(StateError, match="this one has"):
        MEMORIES[name]().restore(held)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Grid(0, 3, 8),
        lambda: Grid(2, 3, 8, "touch"),
        lambda: Window(SMALL, 4, sinks=4),
        lambda: Window(SMALL, 0),
        lambda: MEMORIES["reservoir"]().__class__(SMALL, 11),
        lambda: MEMORIES["adjacent"]().__class__(SMALL, 5),
        lambda: MEMORIES["flash"]().__class__(SMALL, 48, (3, 3)),
        lambda: MEMORIES["flash"]().__class__(SMALL, 30, (1, 3)),
        lambda: MEMORIES["tiers"]().__class__(SMALL, 40, short=7),
        lambda: MEMORIES["tiers"]().__class__(SMALL, 40, short=2, questions=np.ones((2, 9))),
        lambda: MEMORIES["tiers"]().__class__(SMALL, 40, short=2, floor=1.1),
        lambda: MEMORIES["scaffold"]().__class__(SMALL, 35, levels=2),
    ],
)
def test_what_cannot_be_built_is_refused(make: Any) -> None:
    with pytest.raises(ConfigError):
        make()


def test_no_memory_is_forgotten() -> None:
    """Whatever keeps tokens in the room of memories is exported, and in the list by which all are tested."""
    room, found = headrace.understanding.memories, set()
    for module in iter_modules(room.__path__):
        for name, kind in vars(import_module(f"{room.__name__}.{module.name}")).items():
            if inspect.isclass(kind) and {"write", "read", "tiers"} <= set(dir(kind)) and not inspect.isabstract(kind):
                found.add(name)
    found -= {"Memory"}
    assert found <= set(room.__all__)
    assert found == {type(make()).__name__ for make in MEMORIES.values()}


def test_rows_of_no_memory_are_rows() -> None:
    for make in MEMORIES.values():
        rows = make().read(Cue(features=np.ones((1, 8), np.float32)), 0).rows
        assert isinstance(rows, Rows)
        assert len(rows) == 0
