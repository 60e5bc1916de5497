"""Episodes: one row for each time that something was there; the ground runs together before a visit is given up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.understanding.gates.curvature import PooledAdmission
from headrace.understanding.memories.episodes import VISITS, Episodes
from headrace.understanding.memories.grid import Grid
from headrace.understanding.tokens import Cue, Rows, Tokens
from tests.understanding.memories.every import SMALL, admission, frame, told, unit

GAP = 3 * SECOND
PAIR = Grid(1, 2, 24)
LOOKS = unit(np.random.default_rng(4).normal(size=(200, 24)))
assert (LOOKS @ LOOKS.T - np.eye(200)).max() < 0.84


def show(memory: Episodes, look: Any, t: int, cell: int = 0, wide: bool = False) -> None:
    """One look in one cell, at `t` ns; where `wide`, as of a change of the whole picture."""
    features = np.stack([look, look])[None]
    memory.write(frame(features, t, [[True, True]] if wide else [[cell == 0, cell == 1]]))


def rows(memory: Episodes) -> Rows:
    return memory.read(Cue(), 0).rows


def test_what_stays_extends_its_row() -> None:
    memory = Episodes(PAIR, 9)
    for k in range(5):
        show(memory, unit(LOOKS[0] + 0.05 * LOOKS[k + 1]), k * SECOND)
    show(memory, LOOKS[0], 4 * SECOND, cell=1)
    held = rows(memory)
    assert list(zip(held.first, held.last, held.time, held.weight, strict=True)) == [
        (0, 4 * SECOND, 2 * SECOND, 5),
        (4 * SECOND, 4 * SECOND, 4 * SECOND, 1),
    ]
    mean = unit(sum(unit(LOOKS[0] + 0.05 * LOOKS[k + 1]) for k in range(5)))
    assert held.features[0] == pytest.approx(mean, abs=2e-3)
    assert memory.forgotten == 0


@pytest.mark.parametrize(("away", "episodes"), [(GAP, 1), (GAP + 1, 2)])
def test_what_comes_back_after_a_gap_is_another_episode(away: int, episodes: int) -> None:
    memory = Episodes(PAIR, 9)
    show(memory, LOOKS[0], 0)
    show(memory, LOOKS[0], away)
    assert len(rows(memory)) == episodes


@pytest.mark.parametrize(("early", "episodes"), [(GAP, 1), (GAP + 1, 2)])
def test_what_comes_late_is_of_an_episode_no_further_than_a_gap_from_it(early: int, episodes: int) -> None:
    memory = Episodes(PAIR, 9)
    for t in (100 * SECOND, 101 * SECOND, 100 * SECOND - early):
        show(memory, LOOKS[0], t)
    held = rows(memory)
    assert len(held) == episodes
    assert (held.first[0], held.last[-1]) == (100 * SECOND - early, 101 * SECOND)
    assert held.time[-1] == (held.first[-1] + held.last[-1]) // 2


def pooled(look: Any, t: int, weight: int) -> PooledAdmission:
    """A picture that a gate made one token of."""
    return PooledAdmission(
        admitted=np.ones((1, 1), bool), tick=1, pts=t, tokens=Tokens(look[None, None]), weight=weight
    )


def test_a_token_counts_by_its_weight_in_the_mean() -> None:
    memory = Episodes(PAIR, 9)
    other = unit(LOOKS[0] + 0.3 * LOOKS[1])
    for t, (look, weight) in enumerate([(LOOKS[0], 4), (other, 12)]):
        memory.write(pooled(look, t * SECOND, weight))
    held = rows(memory)
    assert (len(held), held.weight[0]) == (1, 16)
    assert held.features[0] == pytest.approx(unit(LOOKS[0] + 3 * other), abs=1e-6)


def test_a_full_memory_that_also_holds_a_pooled_picture_stays_within_its_bound() -> None:
    memory = Episodes(PAIR, 5)
    show(memory, LOOKS[0], 0, wide=True)
    memory.write(pooled(LOOKS[1], SECOND, 2))
    show(memory, LOOKS[2], 2 * SECOND, wide=True)
    assert len(rows(memory)) == 5
    assert memory.nbytes() <= memory.max_bytes()


def test_what_looks_other_is_another_episode_and_so_is_what_was_there_before() -> None:
    memory = Episodes(PAIR, 9)
    for t, look in enumerate((0, 0, 1, 1, 0)):
        show(memory, LOOKS[look], t * SECOND)
    held = rows(memory)
    assert held.first.tolist() == [0, 2 * SECOND, 4 * SECOND]
    assert held.weight.tolist() == [2, 2, 1]


def test_a_view_stays_as_it_was_while_its_row_goes_on() -> None:
    memory = Episodes(PAIR, 9)
    show(memory, LOOKS[0], 0)
    view = rows(memory)
    before = told(view)
    show(memory, LOOKS[0], SECOND)
    assert all(np.array_equal(one, two) for one, two in zip(told(view), before, strict=True))


@given(
    seen=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1), st.integers(1, 5)), max_size=40),
)
def test_with_room_for_all_it_is_what_lists_give(seen: list[tuple[int, int, int]]) -> None:
    memory, expected, newest, t = Episodes(PAIR, 99), [], {}, 0
    for look, cell, later in seen:
        t += later * SECOND
        show(memory, LOOKS[look], t, cell)
        if cell in newest and newest[cell][1] == look and t - newest[cell][3] <= GAP:
            newest[cell][3:] = [t, newest[cell][4] + 1]
        else:
            newest[cell] = [cell, look, t, t, 1]
            expected.append(newest[cell])
    held = rows(memory)
    likest = (held.features @ LOOKS[:5].T).argmax(axis=1) if len(held) else []
    assert [list(row) for row in zip(held.place[:, 1], likest, held.first, held.last, held.weight, strict=True)] == (
        expected
    )


@given(
    numbers=st.lists(st.tuples(st.integers(0, 300), st.sampled_from((0.1, 0.4, 1.0))), min_size=20, max_size=60),
    budget=st.integers(2 * SMALL.cells, 40),
    same=st.sampled_from((-1.0, 0.5, 0.85)),
)
def test_no_weight_is_lost_and_what_is_there_now_is_never_given_up(
    numbers: list[tuple[int, float]], budget: int, same: float
) -> None:
    memory, written, newest = Episodes(SMALL, budget, same, gap=2 * SECOND), 0, {}
    for k, (number, share) in enumerate(numbers):
        one = admission(number, share=share)
        one.pts = k * SECOND
        memory.write(one)
        written += int(one.admitted.sum())
        newest |= {(int(row), int(column)): one.pts for row, column in np.argwhere(one.admitted)}
        held = rows(memory)
        assert len(held) <= budget
        assert held.weight.sum() == memory.held()
        assert memory.held() + memory.forgotten == written
        for cell, pts in newest.items():
            assert held.last[(held.place == cell).all(axis=1)].max() == pts
    assert (np.linalg.norm(held.features, axis=1) <= 1 + 1e-5).all()


def comings(memory: Episodes, visits: int, every: int = 10 * SECOND) -> None:
    """Guests, each once, and after each of them the ground of the cell."""
    for k in range(visits):
        show(memory, LOOKS[1 + k], 2 * k * every)
        show(memory, LOOKS[0], (2 * k + 1) * every)


def test_the_ground_runs_together_before_a_visit_is_touched() -> None:
    memory = Episodes(PAIR, 40)
    comings(memory, 28)
    held = rows(memory)
    ground = held.features @ LOOKS[0] > 0.9
    guests = held[~ground]
    assert guests.first.tolist() == [20 * k * SECOND for k in range(28)]
    assert (guests.first == guests.last).all()
    assert (guests.weight == 1).all()
    assert held[ground].weight.sum() == 28
    assert held[ground].weight.max() > 1
    assert memory.forgotten == 0
    assert held[ground].last.max() == 550 * SECOND


def test_what_is_there_now_stays_a_row_of_its_own() -> None:
    memory = Episodes(PAIR, 20)
    for k in range(15):
        show(memory, LOOKS[1 + k], 10 * k * SECOND)
    for k in range(15, 21):
        show(memory, LOOKS[0], 10 * k * SECOND)
    held = rows(memory)
    assert len(held) == 18
    assert (held.first[-1], held.last[-1], held.weight[-1]) == (200 * SECOND, 200 * SECOND, 1)


def test_visits_of_one_guest_stay_apart_up_to_a_number() -> None:
    """They are many only where they are the ground."""
    for returns, apart in ((VISITS, True), (VISITS + 4, False)):
        memory = Episodes(PAIR, 20)
        for k in range(returns):
            show(memory, LOOKS[0], 10 * k * SECOND)
        for k in range(20 - returns + 1):
            show(memory, LOOKS[1 + k], (200 + 10 * k) * SECOND, cell=1)
        held = rows(memory)
        mine = held[held.place[:, 1] == 0]
        assert (mine.weight == 1).all() == apart
        assert memory.held() + memory.forgotten == 21


def test_without_ground_the_oldest_is_forgotten() -> None:
    memory = Episodes(PAIR, 20)
    for k in range(21):
        show(memory, LOOKS[k], 10 * k * SECOND)
    assert rows(memory).first.tolist() == [10 * k * SECOND for k in range(3, 21)]
    assert memory.forgotten == 3


def test_what_came_with_the_whole_picture_is_forgotten_before_older_visits() -> None:
    memory = Episodes(Grid(2, 3, 24), 40)
    visit = np.zeros((2, 3), bool)
    visit[0, 0] = True
    for k in range(10):
        memory.write(frame(np.tile(LOOKS[k], (2, 3, 1)), 10 * k * SECOND, visit))
    for k in range(6):  # cuts
        memory.write(frame(LOOKS[20 + 6 * k : 26 + 6 * k].reshape(2, 3, 24), (200 + 10 * k) * SECOND))
    held = rows(memory)
    assert held.first[:10].tolist() == [10 * k * SECOND for k in range(10)]
    assert held.first[10:].min() > 200 * SECOND
    assert (held.last == 250 * SECOND).sum() == 6
    assert memory.forgotten == 46 - len(held)


def test_a_full_memory_makes_room_for_a_while() -> None:
    """It is thinned once in many writes, not at each."""
    memory, sizes = Episodes(PAIR, 100), []
    for k in range(200):
        show(memory, LOOKS[k], 10 * k * SECOND)
        sizes.append(len(rows(memory)))
    falls = np.flatnonzero(np.diff(sizes) < 0)
    assert max(sizes) == 100
    assert (np.diff(falls) >= 10).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Episodes(SMALL, 2 * SMALL.cells - 1),
        lambda: Episodes(SMALL, 40, same=1.1),
        lambda: Episodes(SMALL, 40, same=float("nan")),
        lambda: Episodes(SMALL, 40, gap=-1),
    ],
)
def test_what_cannot_be_built_is_refused(make: Any) -> None:
    with pytest.raises(ConfigError, match="episodes: "):
        make()
