from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.item import MS, SECOND
from headrace.media.stats import Stats
from headrace.media.timeline import Ticks, Timeline


def placed(ticks: list[int | None], base: Fraction = Fraction(1, 1000)) -> tuple[list[int], int]:
    stats = Stats()
    timeline = Timeline(stats)
    timeline.restart(base, 40 * MS)
    return [timeline.place(t) for t in ticks], stats.bad_pts


def test_first_frame_is_at_zero_and_rounding_never_adds_up():
    times, bad = placed([7 + i for i in range(30_001)], Fraction(1001, 30_000))
    assert bad == 0
    assert times[0] == 0
    assert times[30_000] == 1001 * SECOND
    assert times[1] == 1001 * SECOND // 30_000


@pytest.mark.parametrize(
    ("ticks", "expected", "bad"),
    [
        ([0, 40, None, 120], [0, 40, 80, 120], 1),
        ([None, None, 500, 540], [0, 40, 80, 120], 2),
        ([0, 40, 40, 80], [0, 40, 45, 80], 1),  # repeated: nudged, the clock keeps its anchor
        ([0, 40, 10**9, 120], [0, 40, 45, 120], 1),  # one absurd stamp
        ([0, 40, 10**9, 10**9 + 40, 10**9 + 80], [0, 40, 45, 85, 125], 2),  # a jump for good
        ([0, 40, 80, 0, 40, 80], [0, 40, 80, 85, 125, 165], 2),  # a concatenation starts over
        ([0, 0, 0, 0], [0, 5, 45, 85], 3),
        ([-80, -40, 0], [0, 40, 80], 0),
    ],
)
def test_bad_stamps_are_mended_and_counted(ticks, expected, bad):
    assert placed(ticks) == ([t * MS for t in expected], bad)


@given(st.lists(st.none() | st.integers(-(2**62), 2**62) | st.integers(0, 5000), max_size=60))
def test_times_strictly_increase_whatever_comes(ticks):
    times, _ = placed(ticks)
    assert all(a < b for a, b in pairwise(times))


def test_restart_goes_on_after_the_gap():
    stats = Stats()
    timeline = Timeline(stats)
    timeline.restart(Fraction(1, 1000), 40 * MS)
    timeline.place(0)
    timeline.restart(Fraction(1, 90_000), 40 * MS, gap=3 * SECOND)
    assert [timeline.place(t) for t in (900_000, 903_600)] == [3 * SECOND, 3 * SECOND + 40 * MS]


@given(
    st.lists(st.integers(1, 3 * SECOND), min_size=1, max_size=50),
    st.integers(1, 2 * SECOND),
    st.integers(0, 49),
)
def test_ticks_keep_one_frame_a_cell_wherever_reading_begins(steps, every, start):
    times = [sum(steps[: i + 1]) for i in range(len(steps))]
    whole = Ticks(every)
    kept = [t for t in times if whole.due(t)]
    assert len({t // every for t in kept}) == len(kept)
    assert {t // every for t in kept} == {t // every for t in times}
    begin = times[min(start, len(times) - 1)] // every * every
    later = Ticks(every)
    assert [t for t in times if t >= begin and later.due(t)] == [t for t in kept if t >= begin]
