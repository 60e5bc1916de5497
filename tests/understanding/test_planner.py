"""The plan of reading: whole lines, once, when they hold still; and what never does, now and then."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.understanding.blockadmission import Box
from headrace.understanding.gates.lumasettle import LumaSettle
from headrace.understanding.planner import ReadingPlan, join_boxes
from tests.understanding.pictures import SIZE, Plane, admissions, item, noisy, page

FIRST = page(("First line", (20, 60)), ("Second line", (20, 150)))
INK = ((18, 36, 190, 68), (18, 126, 210, 158))


def planned(pictures: list[Plane], plan: ReadingPlan | None = None) -> list[list[tuple[Box, bool]]]:
    """The regions of each frame."""
    plan = plan or ReadingPlan()
    return [plan.plan(admission) for admission in admissions(LumaSettle(), pictures)]


def covers(box: Box, ink: Box) -> bool:
    return box[0] <= ink[0] and box[1] <= ink[1] and box[2] >= ink[2] and box[3] >= ink[3]


def test_each_line_is_read_once_and_whole() -> None:
    found = planned([FIRST] * 30)
    regions = [(tick, box, forced) for tick, frame in enumerate(found) for box, forced in frame]
    assert {tick for tick, _, _ in regions} == {2}
    assert not any(forced for _, _, forced in regions)
    for ink in INK:
        assert any(covers(box, ink) for _, box, _ in regions)


def test_an_empty_page_is_never_read() -> None:
    assert not any(planned([page()] * 10 + [page(ground=40)] * 10))


def test_a_word_that_changes_is_read_with_its_line() -> None:
    other = page(("First word", (20, 60)), ("Second line", (20, 150)))
    found = planned([FIRST] * 20 + [other] * 20)
    regions = [box for frame in found[20:] for box, _ in frame]
    assert len(regions) == 1
    assert covers(regions[0], (18, 36, 190, 68))
    assert regions[0][3] < 126  # not the other line


def test_a_digit_that_changes_again_and_again_is_read_each_time() -> None:
    pictures = [page((f"Level 4.{k // 6}", (20, 60))) for k in range(48)]
    found = planned(pictures)
    read = [tick for tick, frame in enumerate(found) if frame]
    assert len(read) == 8
    assert all(1 <= tick - 6 * k <= 5 for k, tick in enumerate(read))


def test_a_region_waits_while_its_neighbourhood_moves_but_not_for_ever() -> None:
    rng = np.random.default_rng(4)
    pictures = []
    for _ in range(30):
        luma = page(("Caption", (100, 60)))
        luma[40:72, 20:84] = rng.integers(0, 256, (32, 64))
        pictures.append(luma)
    ticks = [tick for tick, frame in enumerate(planned(pictures)) if any(not forced for _, forced in frame)]
    assert ticks
    assert 3 <= ticks[0] <= 10


def test_what_never_holds_still_is_read_by_force_ever_more_rarely() -> None:
    rng = np.random.default_rng(5)
    plan, gate = ReadingPlan(), LumaSettle()
    forced = []
    for tick in range(600):
        luma = page()
        luma[32:96, 64:160] = rng.integers(0, 256, (64, 96))
        admission = gate.admit(item(luma, tick))
        for box, by_force in plan.plan(admission):
            if by_force:
                forced.append(tick)
                plan.learn(admission, box, 0)
    gaps = np.diff(forced) / 6
    assert 1 <= forced[0] / 6 <= 3
    assert len(forced) <= 9  # of 100 s: every 1.5 s would be 66
    assert gaps[-1] >= 3 * gaps[0]
    assert gaps.max() <= 32


def test_what_moves_and_holds_text_is_read_often() -> None:
    plan = ReadingPlan()
    forced = 0
    scrolling = [page(("Breaking news", (300 - 3 * k, 60)), size=SIZE) for k in range(60)]
    for admission in admissions(LumaSettle(follow=False), scrolling):
        for box, by_force in plan.plan(admission):
            forced += by_force
            plan.learn(admission, box, 2)
    assert forced >= 4


def test_what_could_not_be_read_is_planned_again() -> None:
    plan = ReadingPlan()
    seen = admissions(LumaSettle(), [FIRST] * 12)
    first = [plan.plan(admission) for admission in seen[:3]][-1]
    assert first
    for box, _ in first:
        plan.postpone(seen[2], box)
    again = plan.plan(seen[3])
    for box, _ in first:
        assert any(covers(other, box) for other, _ in again)
    assert not any(plan.plan(admission) for admission in seen[4:])


def test_postponing_before_any_plan_or_out_of_sight_is_harmless() -> None:
    (admission,) = admissions(LumaSettle(), [FIRST])
    plan = ReadingPlan()
    plan.postpone(admission, (0, 0, 50, 50))
    plan.plan(admission)
    plan.postpone(admission, (5000, 5000, 5050, 5050))
    plan.learn(admission, (5000, 5000, 5050, 5050), 1)


@pytest.mark.parametrize("size", [(1, 1), (17, 16), (640, 32), (1410, 40)])
def test_frames_of_any_size(size: tuple[int, int]) -> None:
    plan = ReadingPlan()
    for admission in admissions(LumaSettle(), [noisy(page(size=size), 60, k // 6) for k in range(24)]):
        for box, _ in plan.plan(admission):
            assert 0 <= box[0] < box[2] <= size[0]
            assert 0 <= box[1] < box[3] <= size[1]
    assert plan.nbytes() <= plan.max_bytes()


def test_the_plan_follows_the_scene() -> None:
    """What was planned but could not be read while the camera moved is planned where it is now."""
    plan, canvas = ReadingPlan(), page(("Notice", (200, 100)), size=(700, 192))
    textured = np.asarray(np.clip(canvas.astype(int) - np.arange(700)[None, :] % 37, 0, 255), np.uint8)
    pictures = [np.ascontiguousarray(textured[:, 6 * k : 6 * k + 320]) for k in range(24)]
    for k, admission in enumerate(admissions(LumaSettle(), pictures)):
        for box, _ in plan.plan(admission):
            assert 0 <= box[0] < box[2] <= 320
            plan.postpone(admission, box)
        assert plan.snapshot().meta["origin"] == list(admission.origin), k


BOXES = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(1, 90), st.integers(1, 90)), max_size=12
)


@given(boxes=BOXES, seed=st.integers(0, 9))
def test_joined_boxes_hold_all_and_lie_apart(boxes: list[tuple[int, int, int, int]], seed: int) -> None:
    given_boxes = [(x, y, x + w, y + h) for x, y, w, h in boxes]
    joined = join_boxes(given_boxes, gap=16)
    assert all(any(covers(box, one) for box in joined) for one in given_boxes)
    for i, a in enumerate(joined):
        for b in joined[i + 1 :]:
            apart_x, apart_y = max(a[0], b[0]) - min(a[2], b[2]), max(a[1], b[1]) - min(a[3], b[3])
            assert max(apart_x, apart_y) >= 16
    shuffled = given_boxes.copy()
    Random(seed).shuffle(shuffled)
    assert sorted(join_boxes(shuffled, gap=16)) == sorted(joined)
