"""The published baseline: what differs from the frame before enters, and nothing else."""

from __future__ import annotations

import cv2
import numpy as np

from headrace.understanding.gates.lumadrop import LumaDrop
from tests.understanding.pictures import admissions, page

FIRST, OTHER = page(("First line", (20, 60))), page(("Other words", (20, 130)))


def test_the_first_frame_enters_whole_and_what_stands_does_not() -> None:
    seen = admissions(LumaDrop(), [FIRST] * 5)
    assert seen[0].admitted.all()
    assert not any(one.admitted.any() for one in seen[1:])


def test_what_differs_from_the_frame_before_enters_at_once() -> None:
    seen = admissions(LumaDrop(), [FIRST, FIRST, OTHER, OTHER])
    assert 0.1 < seen[2].share < 0.9
    assert not seen[3].admitted.any()


def test_steady_motion_always_enters_and_slow_change_never() -> None:
    rng = np.random.default_rng(1)
    restless = [rng.integers(0, 256, (96, 96)).astype(np.uint8) for _ in range(10)]
    assert all(one.share > 0.9 for one in admissions(LumaDrop(), restless))
    slow = [np.asarray(cv2.addWeighted(OTHER, k / 60, FIRST, 1 - k / 60, 0), np.uint8) for k in range(61)]
    assert not any(one.admitted.any() for one in admissions(LumaDrop(threshold=6.0), slow)[1:])


def test_the_threshold_is_in_levels_of_luma() -> None:
    brighter = np.asarray(FIRST + 8, np.uint8)
    share = [admissions(LumaDrop(threshold), [FIRST, brighter])[1].share for threshold in (7.5, 8.5)]
    assert share[0] > 0.95
    assert share[1] == 0
