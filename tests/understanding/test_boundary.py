"""Boundaries: found online where the picture surprises, and nowhere else."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from headrace.core.graph import Graph
from headrace.core.item import SECOND, Emission, Item
from headrace.core.op import Op
from headrace.testing import Recorder, leak_test, run_graph
from headrace.understanding.boundary import Boundary, BoundaryDetector, surprise
from tests.understanding.pictures import RATE, Plane, frame, items, noisy, page, wall

A, B, C = page(("First", (20, 60))), 255 - page(("Second", (60, 120))), wall(320, 192, 3)


def boundaries(pictures: Iterable[Plane], detector: BoundaryDetector | None = None) -> list[Boundary]:
    detector = detector or BoundaryDetector()
    stream = items(pictures)
    found = [detector.see(one.pts, one.data) for one in stream]
    return [one for one in (*found, detector.finish(stream[-1].pts)) if one is not None]


def at(found: list[Boundary]) -> list[float]:
    return [one.pts * RATE / SECOND for one in found]


def test_cuts_are_found_where_they_are() -> None:
    found = boundaries([A] * 20 + [B] * 20 + [C] * 20)
    assert at(found) == pytest.approx([20, 40], abs=0.5)
    assert all(0 < one.score <= 1 for one in found)
    assert all(one.pts <= one.known <= one.pts + 1.5 * SECOND for one in found)


@pytest.mark.parametrize(
    "pictures",
    [
        [A] * 60,
        [noisy(C, 7.0, k) for k in range(60)],
        [np.asarray(C * (0.92 + 0.07 * np.sin(2.4 * k)), np.uint8) for k in range(60)],
        [np.full((192, 320), 16 + k % 2, np.uint8) for k in range(60)],
        [np.asarray(cv2.addWeighted(page(), 1 - k / 60, A, k / 60, 0), np.uint8) for k in range(61)],
    ],
    ids=["still", "noise", "flicker", "nearly empty", "slow fade"],
)
def test_what_is_no_event_is_no_boundary(pictures: list[Plane]) -> None:
    assert boundaries(pictures) == []


def test_a_fade_is_one_boundary_inside_it() -> None:
    fade = [np.asarray(cv2.addWeighted(C, k / 6, B, 1 - k / 6, 0), np.uint8) for k in range(1, 6)]
    (one,) = boundaries([B] * 20 + fade + [C] * 20)
    assert 19 <= one.pts * RATE / SECOND <= 26


def test_a_corner_that_always_moves_does_not_hide_a_cut_nor_make_one() -> None:
    rng = np.random.default_rng(2)
    pictures = []
    for k in range(90):
        luma = (A if k < 60 else C).copy()
        luma[:56, 250:] = rng.integers(0, 256, (56, 70))
        pictures.append(luma)
    assert at(boundaries(pictures)) == pytest.approx([60], abs=0.5)


def test_lasting_unrest_becomes_usual() -> None:
    restless = [wall(320, 192, seed) for seed in range(80)]
    assert len(boundaries([A] * 20 + restless)) <= 4


def test_boundaries_keep_their_distance() -> None:
    found = boundaries([picture for k in range(20) for picture in [(A, B, C)[k % 3]] * 3], BoundaryDetector(gap=SECOND))
    assert all(b.pts - a.pts >= SECOND for a, b in pairwise(found))


def test_a_burst_that_the_end_cuts_short_is_told() -> None:
    detector = BoundaryDetector()
    assert [detector.see(one.pts, one.data) for one in items([A] * 10 + [B])] == [None] * 11
    last = detector.finish(2 * SECOND)
    assert last is not None
    assert last.pts == pytest.approx(10 * SECOND / RATE, abs=SECOND / RATE)
    assert detector.finish(2 * SECOND) is None


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (17, 33), (3840, 2160)])
def test_frames_of_any_size(size: tuple[int, int]) -> None:
    found = boundaries([np.full(size[::-1], 30, np.uint8)] * 8 + [wall(*size, seed=1)] * 8)
    assert len(found) <= 1
    assert found or min(size) < 8  # too small to hold a picture


def test_a_change_of_size_alone_is_no_event() -> None:
    assert boundaries([C] * 20 + [np.asarray(cv2.resize(C, (640, 384)), np.uint8)] * 20) == []


def test_grey_frames_have_no_chroma() -> None:
    detector = BoundaryDetector()
    for k, luma in enumerate([A] * 8 + [B] * 8):
        detector.see(k, replace(frame(luma), u=None, v=None))
    assert detector.nbytes() <= detector.max_bytes()


def test_its_size_is_bounded_however_close_the_frames_are() -> None:
    detector = BoundaryDetector()
    for k in range(4000):
        detector.see(1000 * k, frame((A, B)[k % 2]))
        assert detector.nbytes() <= detector.max_bytes()


def test_surprise_lies_between_nothing_and_one() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        a, b = rng.normal(0, 30, (2, 576)).astype(np.float32)
        assert 0 <= surprise(a, b) <= 1
        assert surprise(a, a) == 0
        assert surprise(a, -a) == pytest.approx(1)


class Detect(Op):
    def __init__(self) -> None:
        self.detector = BoundaryDetector()

    def step(self, one: Item) -> Iterable[Item]:
        found = self.detector.see(one.pts, one.data)
        return [] if found is None else [one.derive([found.pts, found.score], "boundary")]


def test_nothing_depends_on_the_future() -> None:
    def run(stream: list[Item]) -> list[Emission]:
        def build(graph: Graph) -> Recorder:
            seen = Recorder(graph.clock)
            graph.sink(seen, graph.map(Detect(), graph.source(stream)))
            return seen

        records = run_graph(build).records
        return [Emission(str(one.pts), "event", one.data, one.pts, one.pts, now, one.pts) for now, one in records]

    def noise(future: list[Item], rng: random.Random) -> list[Item]:
        return [replace(one, data=frame(wall(320, 192, rng.randrange(999)))) for one in future]

    stream = items([A] * 15 + [B] * 15 + [noisy(C, 5, k) for k in range(15)])
    assert len(run(stream)) == 2
    leak_test(run, stream, noise=noise, cuts=[stream[k].arrival + late for k in (8, 15, 16, 31, 40) for late in (0, 5)])
