"""TileTurnover: what was replaced, whatever the light does and however the picture shifts."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.understanding.boundary import BoundaryDetector
from headrace.understanding.tiles import TileTurnover
from tests.understanding.pictures import RATE, Plane, items, page

SIZE = (640, 360)


def slide(*words: str) -> Plane:
    """A template with a few lines of its own: a coarse picture of it hardly differs from another one."""
    return page(*((word, (40, 60 + 40 * row)) for row, word in enumerate(words)), size=SIZE)


A = slide("Harbour report", "Sluice gates", "Lock keeper", "Turbines")
B = slide("Ferry delays", "Night service", "Mild weather", "Questions")


def shares(pictures: list[Plane]) -> tuple[list[float], bool]:
    tiles = TileTurnover()
    return [tiles.see(picture) for picture in pictures], tiles.shifted()


def test_another_slide_of_one_template_is_seen_as_replaced() -> None:
    told, shifted = shares([A] * 4 + [B])
    assert told[:4] == [0, 0, 0, 0]
    assert told[4] > 0.4
    assert not shifted


def test_light_is_no_change() -> None:
    dimmer = np.asarray(A.astype(np.int16) - 20, np.int16).clip(0, 255).astype(np.uint8)
    assert max(shares([A, A, dimmer, dimmer])[0]) < 0.1


@pytest.mark.parametrize("shift", [(0, 24), (0, -24), (12, 0)], ids=["down", "up", "sideways"])
def test_what_scrolls_or_pans_is_known_again(shift: tuple[int, int]) -> None:
    moved = np.roll(A, shift[::-1], axis=(0, 1))
    told, shifted = shares([A, A, moved])
    assert told[-1] > 0.3
    assert shifted


def test_a_word_in_an_empty_picture_is_no_new_scene() -> None:
    assert max(shares([slide("Go"), slide("Go"), slide("Stop")])[0]) < 0.4


def test_the_detector_tells_a_change_of_slides_a_moment_later() -> None:
    detector = BoundaryDetector()
    found = [detector.see(one.pts, one.data) for one in items([A] * 20 + [B] * 20)]
    (boundary,) = [one for one in found if one is not None]
    assert boundary.pts * RATE / 1e9 == pytest.approx(19.5, abs=0.6)
    assert boundary.known - boundary.pts <= 1.5e9
