"""The grid of blocks stays on what the camera sees."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.understanding.scene import Scene, roll
from tests.understanding.pictures import Plane, noisy, page, wall


def views(path: list[tuple[float, float]], size: tuple[int, int] = (320, 256)) -> list[Plane]:
    """A wall seen by a camera that stands at these places."""
    canvas = wall(size[0] + 240, size[1] + 240, seed=9)
    return [
        np.asarray(cv2.warpAffine(canvas, np.array([[1, 0, -120 - x], [0, 1, -120 - y]], np.float32), size), np.uint8)
        for x, y in path
    ]


@pytest.mark.parametrize("step", [(8.0, 0.0), (-8.0, 0.0), (0.0, 6.0), (0.0, -6.0), (5.0, -7.0)])
def test_a_pan_in_any_direction_is_followed(step: tuple[float, float]) -> None:
    path = [(step[0] * k, step[1] * k) for k in range(14)]
    scene = Scene()
    for (x, y), picture in zip(path, views(path), strict=True):
        cut = scene.align(picture)
        assert cut.luma.shape[0] % 16 == cut.luma.shape[1] % 16 == 0
        # The scene begins where the camera's first picture began, to 15 % of the way.
        assert cut.corner[0] - 16 * cut.origin[0] == pytest.approx(-x, abs=5.0, rel=0.15)
        assert cut.corner[1] - 16 * cut.origin[1] == pytest.approx(-y, abs=5.0, rel=0.15)
    assert cut.moving


def test_the_moves_add_up_to_the_origin() -> None:
    scene, at = Scene(), (0, 0)
    for picture in views([(7.0 * k, 3.0 * (k % 5)) for k in range(20)]):
        cut = scene.align(picture)
        at = (at[0] + cut.moved[0], at[1] + cut.moved[1])
        assert at == cut.origin


def test_pictures_line_up_once_aligned() -> None:
    """What a piece of the scene shows changes little from one picture to the next, while the pan goes on."""
    path = [(6.0 * k, 2.0 * k) for k in range(24)]
    pictures, scene, plain, aligned = views(path), Scene(), [], []
    before = scene.align(pictures[0])
    for last, picture in pairwise(pictures):
        cut = scene.align(picture)
        x, y = (96 - 16 * moved for moved in cut.moved)
        now, then = cut.luma[y : y + 96, x : x + 96], before.luma[96:192, 96:192]
        aligned.append(np.abs(now.astype(int) - then).mean())
        plain.append(np.abs(picture[96:192, 96:192].astype(int) - last[96:192, 96:192]).mean())
        before = cut
    assert np.mean(aligned) < 0.35 * np.mean(plain)


def test_a_still_camera_stands_still() -> None:
    scene = Scene()
    for k in range(12):
        cut = scene.align(noisy(views([(0.0, 0.0)])[0], 6.0, k))
        assert (cut.origin, cut.corner, cut.moving) == ((0, 0), (0.0, 0.0), False)


def test_a_cut_is_no_pan() -> None:
    scene = Scene()
    for picture in [page(("Before", (20, 60)))] * 3 + [wall(320, 192, 4)] * 3 + [page(("After", (90, 150)))] * 3:
        cut = scene.align(picture)
        assert (cut.origin, cut.moving) == ((0, 0), False)


def test_something_that_moves_before_a_still_scene_is_no_pan() -> None:
    scene, ground = Scene(), views([(0.0, 0.0)])[0]
    for k in range(20):
        picture = ground.copy()
        picture[90:160, 10 * k : 10 * k + 70] = 250
        cut = scene.align(picture)
        assert (cut.origin, cut.moving) == ((0, 0), False)


def test_the_camera_counts_as_moving_for_a_while() -> None:
    path = [(6.0 * min(k, 5), 0.0) for k in range(16)]
    scene = Scene(linger=4)
    moving = [scene.align(picture).moving for picture in views(path)]
    assert moving == [False] + [True] * 8 + [False] * 7


@pytest.mark.parametrize("size", [(1, 1), (63, 200), (200, 63), (65, 65), (159, 200)])
def test_pictures_too_small_to_follow_still_have_a_grid(size: tuple[int, int]) -> None:
    scene = Scene()
    for k in range(3):
        cut = scene.align(wall(*size, seed=k))
        assert cut.luma.shape == (-(-size[1] // 16) * 16, -(-size[0] // 16) * 16)


@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    move=st.tuples(st.integers(-8, 8), st.integers(-8, 8)),
)
def test_roll_keeps_each_cell_on_its_place_in_the_scene(shape: tuple[int, int], move: tuple[int, int]) -> None:
    array = np.arange(shape[0] * shape[1]).reshape(shape)
    cols, rows = move
    rolled = roll(array, cols, rows, -1)
    for row in range(shape[0]):
        for col in range(shape[1]):
            inside = 0 <= row + rows < shape[0] and 0 <= col + cols < shape[1]
            assert rolled[row, col] == (array[row + rows, col + cols] if inside else -1)
