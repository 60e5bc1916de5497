"""Where the kind of sound changes, and where it does not."""

import numpy as np
import pytest

from headrace.core.item import SECOND
from headrace.media.loudness import BLOCK, LASTING, Mark, level_db
from headrace.media.novelty import Novelty, profile, shape, surprise
from tests.media.narration import RATE, music, noise

QUIETER = np.float32(0.1)


def told(*parts: np.ndarray) -> list[Mark]:
    samples, novelty = np.concatenate(parts), Novelty()
    blocks = (samples[k * BLOCK :][:BLOCK] for k in range(len(samples) // BLOCK))
    marks = [novelty.see(k * LASTING, block, level_db(block) < -60) for k, block in enumerate(blocks)]
    return [mark for mark in (*marks, novelty.finish()) if mark is not None]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_change_is_told_once_and_where_it_is(seed: int) -> None:
    marks = told(
        noise(12 * RATE, seed, pink=True) * QUIETER, music(12 * RATE, seed) * QUIETER, noise(9 * RATE, seed) * QUIETER
    )
    assert [mark.first / SECOND for mark in marks] == [pytest.approx(12, abs=0.5), pytest.approx(24, abs=0.5)]
    assert all(mark.what == "change" and mark.new and mark.first == mark.last for mark in marks)
    assert all(0.12 < mark.score <= 1 for mark in marks)


def test_a_change_does_not_hide_itself() -> None:
    """The errors on the way to its peak do not raise the threshold that it must pass."""
    samples, novelty = np.concatenate([noise(12 * RATE, 1), music(2 * RATE, 2)]) * QUIETER, Novelty()
    for k in range(138):
        novelty.see(k * LASTING, samples[k * BLOCK :][:BLOCK], False)
    assert novelty.threshold() == novelty.floor


def test_loudness_is_no_change() -> None:
    assert told(noise(15 * RATE, 1) * QUIETER, noise(15 * RATE, 2) * np.float32(0.02)) == []


def test_a_pause_is_no_change() -> None:
    assert told(music(12 * RATE, 1) * QUIETER, np.zeros(6 * RATE, np.float32), music(12 * RATE, 4) * QUIETER) == []


def test_a_change_across_a_pause_is_where_the_new_begins() -> None:
    (mark,) = told(noise(12 * RATE, 1) * QUIETER, np.zeros(6 * RATE, np.float32), music(12 * RATE, 4) * QUIETER)
    assert mark.first / SECOND == pytest.approx(18, abs=0.5)


def test_what_alternates_becomes_usual() -> None:
    parts = [part * QUIETER for k in range(10) for part in (noise(3 * RATE, k), music(3 * RATE, k))]
    assert 2 <= len(told(*parts)) < 10  # of 19


def test_the_end_of_the_stream_tells_a_change_under_way() -> None:
    (mark,) = told(noise(12 * RATE, 1) * QUIETER, music(round(2.1 * RATE), 4) * QUIETER)
    assert mark.first / SECOND == pytest.approx(12, abs=0.5)


def test_surprise_is_zero_for_the_same_and_one_for_the_opposite() -> None:
    one = profile(np.stack([shape(music(BLOCK, seed)) for seed in range(4)]))
    assert surprise(one, one) == 0.0
    assert surprise(one, -one) == pytest.approx(1.0)
    assert surprise(np.full(48, 0.01, np.float32), np.full(48, -0.01, np.float32)) < 0.001
