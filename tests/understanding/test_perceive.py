"""Perceive: which event each frame belongs to; and how waiting moments are merged."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.item import Item, emission_id
from headrace.understanding.blockadmission import BlockAdmission
from headrace.understanding.gates.lumasettle import LumaSettle
from headrace.understanding.perceive import Moment, Perceive, merge_moments
from headrace.understanding.scene import roll
from tests.understanding.pictures import frame, items, page, wall

A, B = page(("First", (20, 60))), wall(320, 192, 3)


def test_the_first_frame_opens_the_first_event() -> None:
    first, second = (moment for one in items([A] * 2) for moment in Perceive(LumaSettle()).step(one))
    assert first.kind == "moment"
    assert first.data.boundary.score == 0
    assert first.data.boundary.pts == first.pts == 0
    assert first.data.segment == emission_id("camera", "event", 0)
    assert second.data.admission.tick == 0  # of another gate: each Perceive has its own


def test_an_event_lasts_until_the_next_boundary() -> None:
    perceive = Perceive(LumaSettle())
    moments = [moment for one in items([A] * 18 + [B] * 18) for moment in perceive.step(one)]
    opened = [moment for moment in moments if moment.data.boundary is not None]
    assert [moment.data.boundary.pts // 10**8 for moment in opened] == [0, 30]
    second = moments.index(opened[1])
    assert 18 <= second <= 20
    names = [moment.data.segment for moment in moments]
    assert set(names[:second]) == {opened[0].data.segment}
    assert (
        set(names[second:]) == {opened[1].data.segment} == {emission_id("camera", "event", opened[1].data.boundary.pts)}
    )


def test_a_moment_weighs_what_its_frame_weighs() -> None:
    (moment,) = Perceive(LumaSettle()).step(items([A])[0])
    assert moment.data.nbytes == frame(A).nbytes


def moment(tick: int, admitted: np.ndarray, jumped: np.ndarray, origin: tuple[int, int] = (0, 0)) -> Item:
    shape = admitted.shape
    admission = BlockAdmission(
        admitted=admitted, tick=tick, frame=frame(A), unstable=np.zeros(shape, bool), jumped=jumped,
        texture=np.zeros(shape, np.float32), version=np.zeros(shape, np.int32), origin=origin,
    )  # fmt: skip
    return Item(tick, "moment", Moment(admission, "event"), tick, source="camera")


def masks(seed: int, shape: tuple[int, int] = (6, 9)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random(shape) < 0.2, rng.random(shape) < 0.3


@given(
    moves=st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), min_size=1, max_size=8), seed=st.integers(0, 999)
)
def test_merging_loses_no_block_that_is_still_in_sight(moves: list[tuple[int, int]], seed: int) -> None:
    """However many moments wait, and however the camera moved meanwhile."""
    origin, made = (0, 0), []
    for tick, (dx, dy) in enumerate(moves):
        origin = (origin[0] + dx, origin[1] + dy)
        made.append(moment(tick, *masks(seed + tick), origin))
    expected_admitted, expected_jumped = (np.zeros((6, 9), bool) for _ in range(2))
    at = made[0].data.admission.origin
    for one in made:
        admission = one.data.admission
        move = (admission.origin[0] - at[0], admission.origin[1] - at[1])
        # What was admitted before and has since left the frame is lost with it.
        expected_jumped = roll(expected_jumped & expected_admitted, *move, False) | admission.jumped
        expected_admitted = roll(expected_admitted, *move, False) | admission.admitted
        at = admission.origin
    merged = made[0]
    for one in made[1:]:
        merged = merge_moments(merged, one)
    assert merged.pts == len(moves) - 1
    assert (merged.data.admission.admitted == expected_admitted).all()
    assert (merged.data.admission.jumped == expected_jumped).all()


def test_a_new_frame_size_leaves_the_old_moment_behind() -> None:
    older, newer = moment(0, *masks(1)), moment(1, *masks(2, (4, 4)))
    admitted = newer.data.admission.admitted.copy()
    assert merge_moments(older, newer) is newer
    assert (newer.data.admission.admitted == admitted).all()


def test_merging_keeps_the_boundary_of_what_waited() -> None:
    """Else its lines would be told of the wrong event."""
    perceive = Perceive(LumaSettle())
    moments = [made for one in items([A] * 18 + [B] * 6) for made in perceive.step(one)]
    found = next(k for k, made in enumerate(moments) if k and made.data.boundary is not None)
    boundary = moments[found].data.boundary
    merged = merge_moments(moments[found], moments[found + 1])
    assert merged.data.boundary == boundary
    assert merge_moments(moments[1], moments[2]).data.boundary is None
