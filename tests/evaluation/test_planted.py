"""Planted streams: the pictures show what the truth says; EventRecall counts what a gate lets in."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND, Item
from headrace.evaluation.planted import REGIMES, SLOW, Planted, box_at
from headrace.evaluation.planted_recall import EventRecall
from headrace.evaluation.truth import Event, from_json, to_json


def luma(items: list[Item]) -> np.ndarray:
    return np.stack([item.data.y for item in items]).astype(np.float32)


def inside(picture: np.ndarray, event: Event, pts: int) -> np.ndarray:
    """The middle of the object's box, which every shape fills."""
    x0, y0, x1, y1 = box_at(event, pts)
    w, h = (x1 - x0) / 4, (y1 - y0) / 4
    return picture[round(y0 + h) : round(y1 - h), round(x0 + w) : round(x1 - w)]


@pytest.mark.parametrize("regime", REGIMES)
def test_a_stream_is_its_seed_and_a_longer_one_begins_alike(regime: str) -> None:
    short, long = Planted(4, regime, 14), Planted(4, regime, 30)
    first, again = list(short.items()), list(short.items())
    assert len(first) == short.frames == 84
    assert all(b.pts > a.pts for a, b in pairwise(first))
    for a, b, c in zip(first, again, long.items(), strict=False):
        for one, two, three in zip(*((i.data.y, i.data.u, i.data.v) for i in (a, b, c)), strict=True):
            assert np.array_equal(one, two)
            assert np.array_equal(one, three)
    assert not np.array_equal(first[0].data.y, next(Planted(5, regime, 14).items()).data.y)


@pytest.mark.parametrize("regime", REGIMES)
def test_the_truth_lies_within_the_stream(regime: str) -> None:
    stream = Planted(1, regime, 60)
    width, height = stream.size
    assert stream.boundaries == Planted(1, "calm", 60).boundaries
    assert len(stream.objects) >= len(stream.scenes)
    for event in stream.objects:
        x0, y0, x1, y1 = event.content["box"]
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        assert event.start <= event.content["full"] < event.end <= stream.duration
        assert event.content["contrast"] >= 20
        assert from_json(to_json(event)) == event


def test_pictures_change_where_a_cut_is_and_fade_where_a_fade_is() -> None:
    stream = Planted(2, "calm", 60)
    items = list(stream.items())
    change = np.abs(np.diff(luma(items), axis=0)).mean(axis=(1, 2))
    at = {b.pts: value for (_, b), value in zip(pairwise(items), change, strict=True)}
    assert {event.content["transition"] for event in stream.boundaries} == {"cut", "fade"}
    for event in stream.boundaries:
        around = [value for pts, value in at.items() if event.start <= pts <= event.end + SECOND]
        assert sum(around) > 10 * np.median(change)
        if event.content["transition"] == "cut":
            assert at[event.start] == max(around)
        else:
            assert max(around) < 0.7 * sum(around)


@pytest.mark.parametrize("regime", ["calm", "slow", "pan"])
def test_objects_are_where_the_truth_says(regime: str) -> None:
    stream = Planted(6, regime, 40)
    pictures = {item.pts: item.data.y.astype(np.float32) for item in stream.items()}
    step = SECOND // stream.fps
    for event in stream.objects:
        full = event.content["full"]
        assert full - event.start == (SLOW if regime == "slow" else 0)
        there = min(pictures, key=lambda pts: abs(pts - full))
        before = min(pictures, key=lambda pts: abs(pts - event.start + step))
        later = min(pictures, key=lambda pts: abs(pts - full - SECOND))
        now = inside(pictures[there], event, there).mean()
        assert abs(now - inside(pictures[before], event, before).mean()) > 8
        assert abs(now - inside(pictures[later], event, later).mean()) < 3


def test_regimes_film_alike_what_they_should() -> None:
    """Change from frame to frame while nothing happens: the first second of a scene."""
    change = {}
    for regime in REGIMES:
        pictures = luma(list(Planted(3, regime, 2).items()))[:4]
        change[regime] = np.abs(np.diff(pictures, axis=0)).mean(axis=0)
    assert change["calm"].mean() < 2
    assert np.array_equal(change["slow"], change["calm"])
    assert change["noise"].mean() > 3
    assert change["flicker"].mean() > 3
    assert change["pan"].mean() > 3
    assert change["corner"][-40:, -50:].mean() > 10
    assert np.array_equal(change["corner"][:100], change["calm"][:100])


@pytest.mark.parametrize(
    "wrong", [{"regime": "fog"}, {"seconds": 0}, {"fps": 0}, {"size": (161, 96)}, {"size": (64, 64)}, {"seed": -1}]
)
def test_wrong_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(ConfigError, match="planted stream"):
        Planted(**wrong)


def test_event_recall_counts_area_in_time() -> None:
    event = Event(SECOND, 9 * SECOND, {"box": [32, 16, 96, 48], "full": 3 * SECOND})
    recall = EventRecall([event])
    blocks = np.zeros((4, 8), bool)
    blocks[1, 2] = True  # an eighth of the box
    recall.see(SECOND, np.ones((4, 8), bool))  # too early: not half there
    assert recall.coverage == 0
    recall.see(2 * SECOND, blocks)
    assert (recall.coverage, recall.recall) == (1 / 8, 0)
    recall.see(2 * SECOND, blocks)  # the same part again
    assert recall.coverage == 1 / 8
    recall.see(4 * SECOND, np.roll(blocks, 1, axis=1))
    assert (recall.coverage, recall.recall, recall.found) == (1 / 4, 1, [True])
    recall.see(4 * SECOND + 1, ~blocks)  # too late
    assert recall.coverage == 1 / 4
    assert recall.dropped == pytest.approx(1 - (32 + 1 + 1 + 1 + 31) / (5 * 32))


def test_event_recall_follows_what_moves_and_the_grid() -> None:
    event = Event(0, SECOND, {"box": [0, 0, 16, 16], "drift": 32.0})
    recall = EventRecall([event], least=1.0)
    blocks = np.array([[False, False, True, False]])
    recall.see(0, blocks)
    assert recall.recall == 0
    recall.see(SECOND, blocks)  # now it stands at 32
    assert recall.recall == 1
    shifted = EventRecall([event])
    shifted.see(0, np.array([[True]]), corner=(16.0, 0.0))
    assert shifted.coverage == 0
    shifted.see(0, np.array([[True]]), corner=(-16.0, 0.0), pitch=32.0)
    assert shifted.coverage == 1
