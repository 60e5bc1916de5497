"""World's pictures: they show what the truth says, and each regime makes them hard in its own way."""

from __future__ import annotations

import tracemalloc
from itertools import islice, pairwise

import numpy as np
import pytest

from headrace.core.item import SECOND, Item
from headrace.evaluation.millrace import REGIMES, UNSEEN, World
from headrace.evaluation.millrace.card import SIDE
from headrace.evaluation.millrace.identity import COURIER, EVERYBODY

EVERY = (*REGIMES, UNSEEN)
STREAMS = {regime: World(4, regime, 300) for regime in EVERY}


@pytest.fixture(scope="module")
def films() -> dict[str, list[Item]]:
    return {regime: list(world.items(sound=False)) for regime, world in STREAMS.items()}


def cut(item: Item, cell: tuple[int, int], moved: int = 0) -> np.ndarray:
    """The luma of a cell."""
    left = cell[1] * SIDE + moved
    return item.data.y[cell[0] * SIDE : (cell[0] + 1) * SIDE, max(0, left) : left + SIDE].astype(int)


@pytest.mark.parametrize("regime", EVERY)
def test_a_stream_is_its_seed(regime: str, films: dict[str, list[Item]]) -> None:
    world, film = STREAMS[regime], films[regime]
    assert len(film) == world.frames == 600
    assert [item.pts for item in film] == [world.pts(index) for index in range(600)]
    assert all(item.arrival == item.pts for item in film)
    for one, other in zip(film, islice(World(4, regime, 300).items(sound=False), 200), strict=False):
        for plane in ("y", "u", "v"):
            assert np.array_equal(getattr(one.data, plane), getattr(other.data, plane))
    assert not np.array_equal(film[0].data.y, next(World(6, regime, 300).items(sound=False)).data.y)


def test_every_visitor_stands_in_its_cell_while_it_is_there(films: dict[str, list[Item]]) -> None:
    """Calm noise has a deviation of 2 levels; what two identities differ in is five times as many or more."""
    for regime in ("calm", "cut", "busy", "fade"):
        world = STREAMS[regime]
        for visit in world.visits:
            looks = world.portrait(visit.identity).y.astype(int)
            for item in films[regime]:
                far = np.abs(cut(item, visit.cell) - looks).mean()
                if visit.start <= item.pts < visit.end:
                    assert far < 3
                elif not any(
                    other.trace[0] <= item.pts < other.trace[1] for other in world.visits if other.cell == visit.cell
                ):
                    assert far > 15


def test_nobody_else_is_there(films: dict[str, list[Item]]) -> None:
    """Ink is as dark as nothing else in a calm stream: it is seen where somebody is, and only there."""
    world = STREAMS["calm"]
    for item in films["calm"]:
        people = {v.cell for v in world.visits if v.start <= item.pts < v.end} | {world.courier.at(item.pts)}
        inked = item.data.y.reshape(4, SIDE, 6, SIDE).min(axis=(1, 3)) < 26
        assert {(int(row), int(column)) for row, column in np.argwhere(inked)} == people


def test_the_courier_is_where_the_series_says(films: dict[str, list[Item]]) -> None:
    world = STREAMS["calm"]
    looks = world.portrait(COURIER).y.astype(int)
    assert len({world.courier.at(item.pts) for item in films["calm"]}) > 2
    for item in films["calm"]:
        assert np.abs(cut(item, world.courier.at(item.pts)) - looks).mean() < 3


def test_identities_that_fade_come_slowly(films: dict[str, list[Item]]) -> None:
    world = STREAMS["fade"]
    visit = next(v for v in world.visits if v.end < world.duration)
    looks = world.portrait(visit.identity).y.astype(int)
    far = [
        np.abs(cut(item, visit.cell) - looks).mean()
        for item in films["fade"]
        if visit.trace[0] <= item.pts <= visit.start
    ]
    assert len(far) == 21
    assert all(b < a + 1 for a, b in pairwise(far))
    assert max(abs(b - a) for a, b in pairwise(far)) < 0.15 * far[0]


def test_the_camera_pans_within_its_reach(films: dict[str, list[Item]]) -> None:
    world = STREAMS["pan"]
    standing = max(world.visits, key=lambda v: v.end)
    found = set()
    for item in films["pan"]:
        if item.pts < standing.start:
            continue
        fits = {}
        for moved in range(-5, 6):
            part = cut(item, standing.cell, moved)
            looks = world.portrait(standing.identity).y.astype(int)[:, : part.shape[1]]
            if part.shape[1] == SIDE:
                fits[moved] = np.abs(part - looks).mean()
        best = min(fits, key=fits.__getitem__)
        assert fits[best] < 3
        found.add(best)
    assert len(found) > 4
    assert min(np.diff(sorted(found))) == 1


def test_regimes_make_pictures_hard_in_their_own_way(films: dict[str, list[Item]]) -> None:
    """Change from frame to frame while nothing happens: the first 8 s."""
    change = {}
    for regime in EVERY:
        luma = np.stack([item.data.y for item in films[regime][:16]]).astype(int)
        change[regime] = np.abs(np.diff(luma, axis=0)).mean(axis=0)
    calm = change["calm"].mean()
    assert 1 < calm < 4
    assert change["noisy"].mean() > 10 * calm
    assert change["flicker"].mean() > 2 * calm
    assert np.array_equal(change["cut"], change["calm"])
    blocks = change["busy"].reshape(4, SIDE, 6, SIDE).mean(axis=(1, 3))
    assert {(int(r), int(c)) for r, c in np.argwhere(blocks > 5 * calm)} == set(STREAMS["busy"].plan.moving)
    mean = [float(item.data.y.mean()) for item in films["night"]]
    assert min(mean) < 0.35 * mean[0]
    assert films["night"].index(min(films["night"], key=lambda item: float(item.data.y.mean()))) > 590


def test_scenes_change_when_the_truth_says(films: dict[str, list[Item]]) -> None:
    world, film = STREAMS["cut"], films["cut"]
    assert len(world.scenes) > 20
    for start, end in pairwise(world.scenes):
        assert 8 * SECOND <= end - start <= 15 * SECOND
    level = np.stack([item.data.y for item in film]).astype(int)
    change = np.median(np.abs(np.diff(level, axis=0)), axis=(1, 2))
    cuts = {start * world.fps // SECOND - 1 for start in world.scenes[1:]}
    assert min(change[sorted(cuts)]) > max(np.delete(change, sorted(cuts)))


def test_scenes_that_fade_become_each_other_slowly(films: dict[str, list[Item]]) -> None:
    world, film = STREAMS["fade"], films["fade"]
    begin = world.scenes[1] * world.fps // SECOND
    assert 180 * SECOND <= world.scenes[1] <= 280 * SECOND
    level = np.stack([item.data.y for item in film]).astype(int)
    far = np.median(np.abs(level - level[begin - 1]), axis=(1, 2))
    whole = far[begin + 20]
    assert whole > 10
    assert max(far[begin - 10 : begin]) < 0.3 * whole
    assert 0.3 * whole < far[begin + 10] < 0.7 * whole
    assert np.abs(far[begin + 20 : begin + 30] - whole).max() < 0.3 * whole


def test_portraits_tell_everybody_apart() -> None:
    world = World(0, "pan", 300)
    looks = [world.portrait(who) for who in EVERYBODY]
    pixels = np.stack([np.concatenate([f.y.ravel(), f.u.ravel(), f.v.ravel()]).astype(int) for f in looks])
    for index, one in enumerate(pixels[:-1]):
        assert (np.abs(pixels[index + 1 :] - one) > 20).sum(axis=1).min() >= 12
    whole = world.portrait(EVERYBODY[0]).y
    assert np.array_equal(world.portrait(EVERYBODY[0], 5).y[:, 5:], whole[:, :-5])
    assert np.array_equal(world.portrait(EVERYBODY[0], -5).y[:, :-5], whole[:, 5:])
    assert len(set(world.portrait(EVERYBODY[0], 15).y[:, :15].ravel())) == 1


def test_frames_are_made_one_at_a_time() -> None:
    """What is held does not grow: less than 3 MB, of 10 hours that would take 660 MB."""
    world = World(2, "cut", 36000)
    stream = world.items()
    next(stream)
    tracemalloc.start()
    for _ in islice(stream, 600):
        pass
    early = tracemalloc.get_traced_memory()[0]
    for _ in islice(stream, 1200):
        pass
    late, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert late - early < 200_000
    assert peak < 3_000_000


def test_sound_and_pictures_come_in_order() -> None:
    items = list(World(2, "calm", 120).items())
    assert {item.kind for item in items} == {"video", "audio"}
    assert all(b.arrival >= a.arrival for a, b in pairwise(items))
    assert sum(item.kind == "video" for item in items) == 240
    assert sum(item.kind == "audio" for item in items) == 1200
