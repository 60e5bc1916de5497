"""Flash: k-means against Lloyd's algorithm written out, and what each of the four memories holds."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.core.item import SECOND
from headrace.state.rng import Rng
from headrace.understanding.memories.flash import Flash
from headrace.understanding.memories.gist import RATE, Gist
from headrace.understanding.memories.grid import Grid
from headrace.understanding.tokens import Cue
from tests.understanding.memories.every import frame, scene, unit

GRID = Grid(2, 4, 8)


def pictures(count: int) -> list[np.ndarray]:
    """Scenes that come back, under noise."""
    draw = np.random.default_rng(5)
    return [unit(scene(int(draw.integers(9)), GRID) + 0.4 * draw.normal(size=(2, 4, 8))) for _ in range(count)]


def flash(clusters: int = 6, **given: int) -> Flash:
    looked_up = given.pop("looked_up", 2)
    return Flash(GRID, (1 + looked_up) * 8 + 3 + 2 * clusters, (1, 2), looked_up=looked_up, slots=3, **given)


def pooled(picture: np.ndarray) -> np.ndarray:
    return np.array([picture[:, :2].mean(axis=(0, 1)), picture[:, 2:].mean(axis=(0, 1))]).ravel()


def lloyd(points: np.ndarray, weight: np.ndarray, left_out: int) -> tuple[np.ndarray, np.ndarray]:
    """Weighted k-means from all points but one."""
    centres = np.delete(points, left_out, axis=0)
    for _ in range(30):
        labels = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        fresh = np.array(
            [np.average(points[labels == k], axis=0, weights=weight[labels == k]) for k in range(len(centres))]
        )
        if np.allclose(fresh, centres):
            break
        centres = fresh
    return centres, np.bincount(labels, weight, len(centres))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_temporal_memory_is_weighted_k_means_that_knows_old_weights(seed: int) -> None:
    memory, rng = flash(seed=seed), Rng(seed)
    for i, picture in enumerate(pictures(60)):
        held = memory.snapshot().arrays
        points, weight = np.vstack([held["points"], pooled(picture)]), np.append(held["weight"], 1.0)
        memory.write(frame(picture, i * SECOND))
        if len(points) > 6:
            points, weight = lloyd(points.astype(float), weight, int(rng.uniform() * 7))
        rows = memory.temporal()
        mine = rows.features.reshape(-1, 16)
        nearest = ((mine[:, None] - points) ** 2).sum(axis=2).argmin(axis=1)
        assert sorted(nearest) == list(range(len(points)))
        assert np.allclose(mine, points[nearest], atol=1e-4)
        assert np.allclose(rows.weight.reshape(-1, 2).sum(axis=1), 8 * weight[nearest])
    assert weight.sum() == 60


def test_all_four_can_be_read_while_frames_arrive() -> None:
    memory, seen = flash(), pictures(40)
    for i, picture in enumerate(seen):
        memory.write(frame(picture, i * SECOND))
        assert np.array_equal(memory.spatial().features, picture.reshape(8, 8))
        assert len(memory.temporal()) == 2 * min(i + 1, 6)
        assert len(memory.abstract()) == min(i + 1, 3)
        assert len(memory.retrieved()) == 8 * min(i + 1, 2)
        parts = (memory.spatial(), memory.temporal(), memory.abstract(), memory.retrieved())
        assert len(memory.read(Cue(), 0).rows) == sum(map(len, parts)) <= memory.budget


def test_retrieved_frames_were_seen_and_stand_for_the_heaviest_clusters() -> None:
    memory, seen = flash(looked_up=1), pictures(80)
    for i, picture in enumerate(seen):
        memory.write(frame(picture, i * SECOND))
    found, temporal = memory.retrieved(), memory.temporal()
    at = int(found.first[0] // SECOND)
    assert np.array_equal(found.features, seen[at].reshape(8, 8))
    heaviest = int(temporal.weight.reshape(-1, 2).sum(axis=1).argmax())
    centre = temporal.features.reshape(-1, 16)[heaviest]
    gaps = np.array([((pooled(picture) - centre) ** 2).sum() for picture in seen])
    assert gaps[at] <= np.sort(gaps)[9]
    assert set(memory.tiers()) == {"device", "host"}


def test_cells_that_did_not_enter_are_as_they_were_and_count_nothing() -> None:
    memory, (one, two) = flash(), pictures(2)
    left = np.array([[True, True, False, False]] * 2)
    memory.write(frame(one, 0, left))
    assert len(memory.spatial()) == 4
    memory.write(frame(two, SECOND, ~left))
    rows = memory.spatial()
    assert np.array_equal(rows.features, np.where(left[..., None], one, two).reshape(8, 8))
    assert rows.first.tolist() == [0, 0, SECOND, SECOND] * 2
    assert memory.temporal().weight.tolist() == [4, 4]


def test_the_gist_writes_most_where_a_frame_is_likest() -> None:
    gist, axes = Gist(2, 8), np.eye(8, dtype=np.float32)
    gist.add(axes[0], 6, 0)
    gist.add(axes[1], 6, SECOND)
    gist.add(unit(axes[0] + axes[2]), 6, 2 * SECOND)
    scores = np.exp(np.sqrt(8) * np.array([np.sqrt(0.5), 0]))
    share = RATE * scores / scores.sum()
    moved = gist.rows("sight").features[:, 2] / np.sqrt(0.5)
    assert np.allclose(moved, share, atol=1e-6)
    assert gist.rows("sight").last.tolist() == [2 * SECOND] * 2
