"""Window and Reservoir: which rows stay."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.core.item import SECOND
from headrace.state.rng import Rng
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.reservoir import Reservoir
from headrace.understanding.memories.senses import Senses
from headrace.understanding.memories.window import Window
from headrace.understanding.tokens import Cue
from tests.understanding.memories.every import HEARD, SMALL, admission, told


@pytest.mark.parametrize("sinks", [0, 7])
def test_a_window_keeps_the_newest_and_the_first(sinks: int) -> None:
    memory, rows = Window(SMALL, 20, sinks), []
    for i in range(50):
        memory.write(admission(i))
        rows += [(i * SECOND, *place) for place in np.argwhere(admission(i).admitted)]
        held = memory.read(Cue(), i * SECOND).rows
        expected = rows[:sinks] + rows[sinks:][-(20 - sinks) :]
        assert [(t, *place) for t, place in zip(held.first, held.place, strict=True)] == expected
        assert memory.forgotten == len(rows) - len(expected)


def test_more_rows_than_a_window_holds_leave_the_last() -> None:
    memory = Window(Grid(8, 8, 8), 10)
    memory.write(admission(1, Grid(8, 8, 8), share=1.0))
    assert memory.read(Cue(), 0).rows.place.tolist() == [[6, 6], [6, 7], *([7, k] for k in range(8))]
    assert memory.forgotten == 54


def test_a_reservoir_draws_uniformly_over_all_time_and_has_the_newest() -> None:
    grid, runs, count = Grid(1, 2, 4), 400, 31
    times = np.zeros(count)
    stream = [admission(i, grid, share=1.1) for i in range(count + 4) if i % 10 != 9][:count]
    for seed in range(runs):
        memory = Reservoir(grid, 14, seed)
        for item in stream:
            memory.write(item)
        first = memory.read(Cue(), 0).rows.first
        assert first[-1] == stream[-1].pts
        kept = np.isin([item.pts for item in stream], first)
        assert kept.sum() == 7
        times += kept
    share = times[:-1] / runs
    expected = 6 / (count - 1)
    assert abs(share - expected).max() < 4.5 * np.sqrt(expected * (1 - expected) / runs)
    assert abs(np.corrcoef(np.arange(count - 1), share)[0, 1]) < 0.5


def test_a_reservoir_keeps_exactly_the_smallest_keys_whatever_the_sizes() -> None:
    for seed in range(20):
        memory, rng = Reservoir(SMALL, 30, seed), Rng(seed)
        stream = [admission(i, share=(0.2, 1.1)[i % 3 == 0]) for i in range(80)]
        stream = [one for one in stream if one.admitted.any()]
        for one in stream:
            memory.write(one)
        keys = np.array([rng.uniform() for _ in stream[:-1]])
        kept = np.isin([one.pts for one in stream[:-1]], memory.read(Cue(), 0).rows.first)
        assert keys[kept].max() < keys[~kept].min()


def test_a_reservoir_uses_its_room_where_items_are_small() -> None:
    memory = Reservoir(SMALL, 40)
    for i in range(300):
        memory.write(admission(i, share=0.2))
    rows = memory.read(Cue(), 0).rows
    assert len(rows) >= 40 - SMALL.cells - 1
    assert len(np.unique(rows.first)) > 15


def test_senses_go_to_their_memories() -> None:
    memory = Senses(Window(SMALL, 12), Window(HEARD, 3))
    for i in range(20):
        memory.write(admission(i))
        memory.write(admission(i, HEARD, share=1.1))
    rows = memory.read(Cue(features=np.ones((1, 8), np.float32)), 0).rows
    assert np.bincount(rows.sense).tolist() == [12, 3]
    assert (rows.place[rows.sense == 1] == -1).all()
    assert (np.diff(rows.first) >= 0).all()
    alone = Window(SMALL, 12)
    for i in range(20):
        alone.write(admission(i))
    expected = told(alone.read(Cue(), 0).rows)
    assert all(np.array_equal(*pair) for pair in zip(told(rows[rows.sense == 0]), expected, strict=True))
    assert memory.tiers() == {"device": memory.sight.nbytes() + memory.sound.nbytes()}
