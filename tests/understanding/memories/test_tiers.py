"""SemanticTiers: what goes from tier to tier, and what a cue gets."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.core.item import SECOND
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.otsu import BINS, otsu
from headrace.understanding.memories.tiers import SemanticTiers
from headrace.understanding.tokens import Cue
from tests.understanding.memories.every import frame, scene, unit

GRID = Grid(3, 4, 16)
VISITOR = unit(np.random.default_rng(8).normal(size=16))
OTHER = unit(np.random.default_rng(9).normal(size=16))


def picture(i: int, visits: dict[int, np.ndarray], number: int = 0) -> np.ndarray:
    """A scene that stands still, with somebody in cell (1, 2) at some times."""
    features = scene(number, GRID) + 0.05 * np.random.default_rng([i, 6]).normal(size=(3, 4, 16))
    features = unit(features)
    if i in visits:
        features[1, 2] = visits[i]
    return features


def told(visits: dict[int, np.ndarray], count: int = 120, **given: object) -> SemanticTiers:
    memory = SemanticTiers(GRID, **{"budget": 120, "short": 3, "middle": 4} | given)  # type: ignore[arg-type]
    for i in range(count):
        memory.write(frame(picture(i, visits), i * SECOND))
    return memory


VISITS = dict.fromkeys(range(20, 24), VISITOR)


@pytest.mark.parametrize("seed", range(5))
def test_otsu_leaves_the_greatest_variance_between(seed: int) -> None:
    draw = np.random.default_rng(seed)
    values = np.concatenate([draw.normal(0, 1, 40), draw.normal(5, 1, 20)])
    cuts = values.min() + np.ptp(values) * np.arange(1, BINS) / BINS
    bins = np.minimum((values - values.min()) * BINS / np.ptp(values), BINS - 1).astype(int)
    between = [
        (bins < k).sum() * (bins >= k).sum() * (bins[bins < k].mean() - bins[bins >= k].mean()) ** 2
        for k in range(1, BINS)
    ]
    assert otsu(values) == pytest.approx(cuts[int(np.argmax(between))])
    assert otsu(np.full(7, 0.3)) == 0.3


def test_what_stands_still_leaves_and_who_came_stays() -> None:
    memory = told(VISITS)
    rows = memory.read(Cue(), 120 * SECOND).rows
    old = rows[rows.first < 117 * SECOND]
    assert len(rows) - len(old) == 3 * GRID.cells
    visits = old.first[(old.features @ VISITOR) > 0.8]
    assert {20 * SECOND, 23 * SECOND} == set(visits.tolist())
    between = old[(old.first > 30 * SECOND) & (old.first < 100 * SECOND)]
    assert len(between) == 0
    assert memory.forgotten == pytest.approx(120 * 12 - memory.held())


def test_a_cue_for_who_was_here_finds_the_moment_and_for_what_is_here_the_present() -> None:
    memory = told(VISITS)
    found = memory.read(Cue(features=VISITOR[None]), 120 * SECOND).rows
    assert (found.features @ VISITOR).max() > 0.95
    now = memory.read(Cue(features=picture(119, {})[:1, 0]), 120 * SECOND).rows
    assert now.first.min() == 117 * SECOND
    never = told(VISITS, ratio=0.0).read(Cue(features=VISITOR[None]), 120 * SECOND).rows
    assert never.first.min() == 117 * SECOND


def test_no_more_moments_than_the_top_are_looked_up() -> None:
    visits = {i: VISITOR if i % 10 == 5 else OTHER for i in range(5, 100, 5)}
    found = told(visits, top=3, ratio=9.0, floor=0.0, even=0.0).read(Cue(features=VISITOR[None]), 120 * SECOND).rows
    old = found[found.first < 117 * SECOND]
    assert len(np.unique(old.first)) == 3
    assert all((old[old.first == t].features @ VISITOR).max() > 0.9 for t in np.unique(old.first))


def test_the_published_floor_looks_up_nearly_all_and_all_where_scores_are_even() -> None:
    visits = {i: VISITOR if i % 10 == 5 else OTHER for i in range(5, 100, 5)}

    def moments(**given: object) -> int:
        rows = told(visits, top=1, ratio=9.0, **given).read(Cue(features=VISITOR[None]), 120 * SECOND).rows
        return len(np.unique(rows.first[rows.first < 117 * SECOND]))

    rows = told(visits).read(Cue(), 120 * SECOND).rows
    every = len(np.unique(rows.first[rows.first < 117 * SECOND]))
    assert every > 20
    assert moments(floor=0.0, even=0.0) == 1
    assert moments() == int(np.ceil(0.9 * every))
    assert moments(floor=0.5) == int(np.ceil(0.5 * every))
    assert moments(floor=0.0, even=9.0) == every


def test_what_is_asked_changes_no_later_answer() -> None:
    quiet, asked = told(VISITS), told(VISITS)
    for _ in range(20):
        asked.read(Cue(features=picture(119, {})[:1, 0]), 120 * SECOND)
    one, two = (memory.read(Cue(features=VISITOR[None]), 120 * SECOND).rows for memory in (quiet, asked))
    assert np.array_equal(one.first, two.first)


@pytest.mark.parametrize("questions", [None, VISITOR[None]])
def test_over_budget_the_least_semantic_leave(questions: np.ndarray | None) -> None:
    visits = VISITS | {
        i: OTHER if i % 2 else unit(np.random.default_rng([i, 7]).normal(size=16)) for i in range(30, 118)
    }
    rows = told(visits, budget=80, questions=questions).read(Cue(), 120 * SECOND).rows
    assert len(rows) <= 80
    assert ((rows.features @ VISITOR) > 0.95).any() == (questions is not None)


def test_a_scene_that_changes_whole_keeps_the_best_of_each_quadrant() -> None:
    grid = Grid(6, 8, 16)
    question = unit(scene(2, grid)[1, 1])[None]
    memory = SemanticTiers(grid, 400, short=1, middle=1, questions=question)
    for i in range(12):
        memory.write(frame(unit(scene(i // 4, grid)), i * SECOND))
    for i in range(12, 16):
        memory.write(frame(unit(scene(5, grid)), i * SECOND))
    rows = memory.read(Cue(), 16 * SECOND).rows
    kept = rows[(rows.first >= 8 * SECOND) & (rows.first < 12 * SECOND)]
    assert 0 < len(kept) < 24
    assert ((kept.features @ question[0]) > 0.99).any()
    assert len({(int(r) >= 3, int(c) >= 4) for r, c in kept.place}) == 4
