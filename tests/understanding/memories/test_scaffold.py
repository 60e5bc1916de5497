"""Scaffold and Segmenter: events, levels, and that nothing is forgotten."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.scaffold import Scaffold, consolidated
from headrace.understanding.memories.segmenter import Segmenter
from headrace.understanding.tokens import Cue, Rows
from tests.understanding.memories.every import SMALL, frame, scene, unit

GRID = Grid(2, 3, 8)


def picture(i: int, every: int = 20) -> np.ndarray:
    return unit(scene(i // every, GRID) + 0.1 * np.random.default_rng([i, 3]).normal(size=(2, 3, 8)))


def test_events_begin_where_scenes_do() -> None:
    segmenter = Segmenter(8)
    begins = [i for i in range(400) if segmenter.see(i * SECOND, picture(i).mean(axis=(0, 1)))]
    changes = set(range(20, 400, 20))
    assert len(changes & set(begins)) >= 17
    assert len(set(begins) - changes) <= 8


def test_events_are_coarser_the_longer_a_stream_goes_on() -> None:
    segmenter = Segmenter(8)
    segmenter.see(0, np.ones(8, np.float32))
    bounds = [segmenter.threshold(t * 60 * SECOND) for t in (0, 1, 3, 600)]
    assert bounds[:3] == [3.0, 3.5, 4.0]
    assert bounds == sorted(bounds)
    with pytest.raises(ConfigError):
        Segmenter(8, scale=0)

    def begun(growth: float) -> int:
        draw, one = np.random.default_rng(4), Segmenter(8, deviations=1.5, growth=growth)
        return sum(one.see(i * SECOND, draw.normal(size=8).astype(np.float32)) for i in range(3000))

    assert begun(0.5) < 0.5 * begun(0.0)


def test_a_scene_is_a_row_a_cell_however_long_it_lasts() -> None:
    memory = Scaffold(GRID, 60, levels=2)
    for i in range(100):
        memory.write(frame(picture(i, every=100), i * SECOND))
    rows = memory.read(Cue(), 100 * SECOND).rows
    assert len(rows) == 6
    assert rows.weight.tolist() == [100] * 6
    assert rows.first.tolist() == [0] * 6
    assert rows.last.tolist() == [99 * SECOND] * 6
    assert np.allclose(unit(rows.features).reshape(2, 3, 8), unit(scene(0, GRID)), atol=0.06)


@pytest.mark.parametrize("levels", [1, 2, 4])
def test_levels_stay_in_budget_reach_back_to_the_begin_and_forget_nothing(levels: int) -> None:
    memory = Scaffold(SMALL, 90, levels=levels)
    for i in range(1200):
        memory.write(frame(picture(i, every=7), i * SECOND))
        assert memory.nbytes() <= memory.max_bytes()
    rows = memory.read(Cue(), 1200 * SECOND).rows
    assert 45 <= len(rows) <= 90
    assert rows.first.min() == 0
    assert memory.forgotten == 0
    assert memory.held() == pytest.approx(7200)
    spans = (rows.last - rows.first) / SECOND
    recent, distant = spans[rows.last > 1190 * SECOND], spans[rows.first < 300 * SECOND]
    assert distant.mean() > 4 * recent.mean()


def test_the_most_alike_are_merged_and_cells_apart_only_if_they_must() -> None:
    axes = np.eye(8, dtype=np.float32)
    features = np.stack([axes[0], axes[1], unit(axes[0] + 0.4 * axes[3]), axes[0]])
    rows = Rows.of(features, np.array([[0, 0], [0, 0], [0, 0], [1, 1]]), 0)
    three, two = consolidated(rows, 3), consolidated(rows, 2)
    assert sorted(three.weight.tolist()) == [1, 1, 2]
    assert three.place[three.weight == 2].tolist() == [[0, 0]]
    assert sorted(two.weight.tolist()) == [1, 3]
    assert len(consolidated(rows, 1)) == 1
    assert consolidated(rows, 9).weight.tolist() == [1] * 4
