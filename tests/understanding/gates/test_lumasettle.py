"""The settle gate admits once what has come to rest and is new."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from headrace.understanding.gates.lumasettle import LumaSettle
from tests.understanding.pictures import SIZE, Plane, admissions, blocks, noisy, page, wall

FIRST = page(("First line", (20, 60)), ("Second line", (20, 130)))
OTHER = page(("Something else", (20, 60)), ("Second line", (20, 130)))
HELD = 20


def grid(size: tuple[int, int] = SIZE) -> tuple[int, int]:
    return -(-size[1] // 16), -(-size[0] // 16)


def changed(a: Plane, b: Plane) -> np.ndarray:
    """The blocks in which two pictures differ by enough to matter."""
    rows, cols = grid()
    difference = np.abs(a.astype(int) - b).reshape(rows, 16, cols, 16).transpose(0, 2, 1, 3)
    return difference.reshape(rows, cols, 256).mean(axis=2) > 16


def test_a_picture_enters_once_it_has_stood_for_the_window() -> None:
    seen = admissions(LumaSettle(), [FIRST] * HELD)
    assert [bool(one.admitted.any()) for one in seen] == [False, False, True] + [False] * (HELD - 3)
    assert seen[2].admitted.all()
    assert (seen[-1].version == 2).all()


def test_only_what_changed_enters_again() -> None:
    seen = admissions(LumaSettle(), [FIRST] * HELD + [OTHER] * HELD)
    entered = np.logical_or.reduce([one.admitted for one in seen[HELD:]])
    assert seen[HELD + 2].admitted.any()
    assert entered[changed(FIRST, OTHER)].all()
    assert not entered[6:].any()
    assert not any(one.admitted.any() for one in seen[HELD + 3 :])


def test_what_shows_for_a_moment_only_never_enters() -> None:
    seen = admissions(LumaSettle(), [FIRST] * HELD + [OTHER] * 2 + [FIRST] * HELD)
    assert not any(one.admitted.any() for one in seen[HELD:])


@pytest.mark.parametrize("sigma", [2.0, 7.0])
def test_noise_admits_nothing_but_change_under_noise_enters(sigma: float) -> None:
    stream = [noisy(FIRST if k < 40 else OTHER, sigma, k) for k in range(80)]
    seen = admissions(LumaSettle(), stream)
    quiet = [one.share for one in (*seen[8:40], *seen[48:])]
    assert np.mean(quiet) < 0.002
    entered = np.logical_or.reduce([one.admitted for one in seen[40:48]])
    assert entered[changed(FIRST, OTHER)].mean() > 0.9


def flicker(k: int) -> float:
    """8.3 Hz mains light seen 6 times a second."""
    return 0.92 + 0.07 * float(np.sin(2 * np.pi * 8.3 * k / 6))


def test_flicker_of_the_whole_picture_does_not_admit_it_again() -> None:
    seen = admissions(LumaSettle(), [np.asarray(FIRST * flicker(k), np.uint8) for k in range(60)])
    assert np.logical_or.reduce([one.admitted for one in seen[:8]]).all()
    assert sum(one.share for one in seen[8:]) < 0.02


def test_text_that_appears_under_flicker_enters() -> None:
    stream = [np.asarray((FIRST if k < 30 else OTHER) * flicker(k), np.uint8) for k in range(60)]
    entered = np.logical_or.reduce([one.admitted for one in admissions(LumaSettle(), stream)[30:]])
    assert entered[changed(FIRST, OTHER)].mean() > 0.9


def test_rolling_bands_do_not_admit_the_picture_again() -> None:
    """As mains light makes them on a rolling shutter, 500 lines long; without the gate's compensation all enters."""
    first, rows = FIRST * 0.9, np.arange(SIZE[1])[:, None]
    stream = [
        np.asarray(first * (1 + 0.08 * np.sin(2 * np.pi * (rows / 500 + 2.3 * k / 6))), np.uint8) for k in range(60)
    ]
    seen = admissions(LumaSettle(), stream)
    assert np.logical_or.reduce([one.admitted for one in seen[:8]]).all()
    assert sum(one.share for one in seen[8:]) < 0.3


def test_a_corner_that_always_moves_does_not_flood() -> None:
    rng = np.random.default_rng(3)
    corner = (slice(0, 64), slice(240, 320))
    stream = []
    for _ in range(120):
        luma = FIRST.copy()
        luma[corner] = rng.integers(0, 256, (64, 80))
        stream.append(luma)
    seen = admissions(LumaSettle(), stream)
    moving = blocks(corner)
    assert sum(int(one.admitted[moving].sum()) for one in seen) <= 0.02 * 120 * 20
    assert all(one.unstable[moving].all() for one in seen)
    entered = np.logical_or.reduce([one.admitted for one in seen])
    entered[moving] = True
    assert entered.all()


def test_a_slow_fade_is_admitted_and_ends_up_whole() -> None:
    """Four seconds from nothing to full: each step is below the band of stillness."""
    blank = page()
    stream = [blank] * 12 + [
        np.asarray(cv2.addWeighted(FIRST, k / 24, blank, 1 - k / 24, 0), np.uint8) for k in range(25)
    ]
    gate = LumaSettle()
    seen = admissions(gate, stream + [FIRST] * 12)
    inked = changed(FIRST, blank)
    entered = [one.admitted for one in seen]
    assert np.logical_or.reduce(entered[12:])[inked].all()
    # What was admitted last in each inked block is within the threshold of what stands there now.
    assert (np.abs(gate.memory["reference"] - gate.memory["previous"]).max(axis=2)[inked] <= 5).all()


def test_the_threshold_of_change_is_for_the_user_to_set() -> None:
    darker = np.asarray(FIRST - 6.0, np.uint8)
    patch = FIRST.copy()
    patch[32:96, 32:128] = darker[32:96, 32:128]
    entered = {
        change: sum(one.share for one in admissions(LumaSettle(change=change), [FIRST] * 8 + [patch] * 8)[8:])
        for change in (4.0, 12.0)
    }
    assert entered[4.0] > 0 == entered[12.0]


def test_jumped_tells_another_picture_from_the_same_one_lit_otherwise() -> None:
    lit = np.asarray(np.clip(FIRST * 0.93, 0, 255), np.uint8)
    seen = admissions(LumaSettle(), [FIRST] * 8 + [lit] * 8 + [255 - lit] * 8)
    assert not seen[15].jumped.any()
    assert seen[18].jumped.mean() > 0.9


def pan(step: float, count: int, height: int = 256, width: int = 480) -> list[Plane]:
    canvas = wall(width + round(step * count) + 2, height, seed=5)
    return [
        np.asarray(
            cv2.warpAffine(canvas, np.array([[1, 0, -step * k], [0, 1, 0]], np.float32), (width, height)), np.uint8
        )
        for k in range(count)
    ]


@pytest.mark.parametrize("step", [6.0, 3.4])
def test_a_pan_admits_what_comes_into_the_frame_and_little_else(step: float) -> None:
    still, moving = pan(step, 1)[0], pan(step, 40)
    following = admissions(LumaSettle(), [still] * 8 + moving)[8:]
    ignorant = admissions(LumaSettle(follow=False), [still] * 8 + moving)[8:]
    assert all(one.moving for one in following[1:])
    assert not any(one.moving for one in ignorant)
    # Where the picture begins in the scene: it stays there to half a block over 40 frames.
    places = [16 * one.origin[0] - one.corner[0] - step * k for k, one in enumerate(following)]
    assert max(places) - min(places) <= 8
    # A pan that begins changes all edges a little; from then on, what was there does not enter again.
    old, new = np.s_[:, :-6], np.s_[:, -6:-1]
    assert np.mean([one.admitted[old].mean() for one in following[4:]]) < 0.05
    assert np.mean([one.unstable[old].mean() for one in following[4:]]) < 0.1
    assert np.mean([one.unstable[old].mean() for one in ignorant[4:]]) > 0.9
    entered = np.mean([one.admitted[new].mean() for one in following[4:]])
    assert entered > np.mean([one.admitted[old].mean() for one in following[4:]])
    assert np.mean([one.version[new].max() for one in following[-8:]]) > 30


def test_the_grid_stays_where_it_is_when_the_pan_is_over() -> None:
    moving = pan(6.0, 30)
    seen = admissions(LumaSettle(), [*moving, *[moving[-1]] * 20])
    assert not seen[-1].moving
    assert len({one.origin for one in seen[30:]}) == 1
    assert not any(one.admitted.any() for one in seen[-8:])
