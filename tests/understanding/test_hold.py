"""Rare frames are held: gates see media time."""

from itertools import pairwise

import numpy as np
import pytest

from headrace.core import SECOND, Frame, Item
from headrace.core.stateful import load, save
from headrace.understanding.hold import Hold

LOOK = SECOND // 6


def frame(pts: int, level: int = 0) -> Item:
    planes = [np.full(shape, level, np.uint8) for shape in ((32, 32), (16, 16), (16, 16))]
    return Item(pts, "video", Frame(*planes), arrival=pts, source="s")


def held(*times: int) -> list[int]:
    hold = Hold(LOOK)
    items = [item for k, t in enumerate(times) for item in hold.step(frame(t, k))] + list(hold.finish())
    levels = [int(item.data.y[0, 0]) for item in items]
    assert levels == [
        max(k for k, t in enumerate(times) if t <= item.pts) for item in items
    ]  # always what is on screen
    pts = [item.pts for item in items]
    assert pts == sorted(set(pts))
    return pts


def test_frames_that_come_often_pass_as_they_are() -> None:
    times = [k * LOOK for k in range(20)]
    assert held(*times) == times


def test_one_frame_is_shown_until_it_has_settled() -> None:
    assert held(0) == [k * LOOK for k in range(7)]


def test_a_frame_a_second_is_looked_at_as_often_as_a_film() -> None:
    pts = held(0, SECOND, 2 * SECOND)
    assert all(b - a <= LOOK + 10 for a, b in pairwise(pts))


def test_a_long_gap_costs_little_and_ends_just_before_the_next_frame() -> None:
    pts = held(0, 60 * SECOND)
    assert len([t for t in pts if t < 60 * SECOND]) == 8
    assert 60 * SECOND - 2 * LOOK <= pts[7] < 60 * SECOND


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_restored_hold_goes_on_alike(tmp_path, count: int) -> None:
    hold, other = Hold(LOOK), Hold(LOOK)
    for k in range(count):
        list(hold.step(frame(k * SECOND, k)))
    save(tmp_path / "hold.safetensors", hold.snapshot())
    other.restore(load(tmp_path / "hold.safetensors"))
    for one in (other, hold.fork()):
        a, b = list(hold.fork().step(frame(9 * SECOND))), list(one.step(frame(9 * SECOND)))
        assert [(i.pts, i.arrival, i.source, i.data.y.tobytes()) for i in a] == [
            (i.pts, i.arrival, i.source, i.data.y.tobytes()) for i in b
        ]
    assert hold.nbytes() <= hold.max_bytes()
