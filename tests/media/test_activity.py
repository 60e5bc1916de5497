"""Stretches of speech: where they begin, end, and are cut."""

from itertools import pairwise

import numpy as np
import pytest

from headrace.core.item import MS, SECOND
from headrace.media.activity import FRAME, Activity, Stretch
from headrace.media.heard import RATE

LONG = FRAME * SECOND // RATE  # ns of a frame


def found(odds: list[float], samples: np.ndarray | None = None, start: int = 0) -> list[Stretch]:
    if samples is None:
        samples = np.random.default_rng(0).standard_normal(len(odds) * FRAME).astype(np.float32)
    activity = Activity()
    seen = [activity.see(start + k * LONG, samples[k * FRAME :][:FRAME], p) for k, p in enumerate(odds)]
    return [one for one in (*seen, activity.finish()) if one is not None]


def test_speech_is_padded_and_carries_its_own_samples() -> None:
    samples = np.random.default_rng(0).standard_normal(60 * FRAME).astype(np.float32)
    (one,) = found([0.1] * 10 + [0.9] * 20 + [0.1] * 30, samples, start=7 * SECOND)
    assert one.first == 7 * SECOND + 10 * LONG - 30 * MS
    assert one.last == 7 * SECOND + 30 * LONG + 30 * MS
    assert one.score == pytest.approx(0.9)
    begin = 10 * FRAME - 480
    np.testing.assert_array_equal(one.samples, samples[begin : 30 * FRAME + 480])


def test_between_the_thresholds_speech_goes_on_but_does_not_begin() -> None:
    assert found([0.1] + [0.45] * 40) == []
    (one,) = found([0.1] + [0.9] * 10 + [0.45] * 20 + [0.1] * 20)
    assert one.last == 31 * LONG + 30 * MS


def test_once_below_only_the_higher_threshold_takes_it_back() -> None:
    (ended,) = found([0.1] + [0.9] * 10 + [0.3] + [0.45] * 20)
    assert ended.last == 11 * LONG + 30 * MS
    (went_on,) = found([0.1] + [0.9] * 10 + [0.3] + [0.9] * 10 + [0.1] * 20)
    assert went_on.last == 22 * LONG + 30 * MS


def test_a_pause_parts_from_300_ms_on() -> None:
    assert len(found([0.1] + [0.9] * 10 + [0.1] * 9 + [0.9] * 10 + [0.1] * 20)) == 1
    assert len(found([0.1] + [0.9] * 10 + [0.1] * 10 + [0.9] * 10 + [0.1] * 20)) == 2


def test_speech_shorter_than_250_ms_is_dropped() -> None:
    assert found([0.1] + [0.9] * 7 + [0.1] * 20) == []
    assert len(found([0.1] + [0.9] * 8 + [0.1] * 20)) == 1


def test_speech_may_begin_with_the_first_frame_and_end_with_the_last() -> None:
    (one,) = found([0.9] * 20, start=SECOND)
    assert (one.first, one.last) == (SECOND, SECOND + 20 * LONG)
    assert len(one.samples) == 20 * FRAME
    assert found([0.9] * 3) == []


def test_endless_speech_is_cut_at_the_quietest_place() -> None:
    samples = np.random.default_rng(0).standard_normal(1000 * FRAME).astype(np.float32)
    quiet = (300, 700)
    for place in quiet:
        samples[(place - 1) * FRAME : (place + 2) * FRAME] *= 0.01
    parts = found([0.9] * 1000, samples)
    assert [part.last for part in parts[:2]] == [place * LONG for place in quiet]
    assert all(before.last == after.first for before, after in pairwise(parts))
    assert (parts[0].first, parts[-1].last) == (0, 1000 * LONG)
    np.testing.assert_array_equal(np.concatenate([part.samples for part in parts]), samples)


@pytest.mark.parametrize("seed", range(20))
def test_stretches_are_in_order_short_enough_and_as_long_as_their_samples(seed: int) -> None:
    random = np.random.default_rng(seed)
    odds = [
        float(p)
        for k in range(40)
        for p in np.clip(random.random() + random.normal(0, 0.2, random.integers(1, 120)), 0, 1)
    ]
    parts = found(odds)
    assert parts
    for part in parts:
        assert 0 < part.last - part.first <= 15 * SECOND
        assert len(part.samples) * SECOND == (part.last - part.first) * RATE
    assert all(before.last <= after.first for before, after in pairwise(parts))


def test_the_end_of_a_word_behind_a_cut_is_kept() -> None:
    """What follows a cut may be shorter than the least speech; a pause under way at the limit is the place to cut."""
    most = (15 * SECOND - 60 * MS) // LONG
    parts = found([0.1] + [0.9] * (most - 2) + [0.2] * 2 + [0.9] * 3 + [0.1] * 20)
    assert [part.last for part in parts] == [(most - 1) * LONG, (most + 4) * LONG + 30 * MS]
    (alone,) = found([0.1] + [0.9] * (most - 2) + [0.2] * 30)
    assert alone.last == (most - 1) * LONG
