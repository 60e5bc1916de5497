"""What holds for every gate: any size of frame, no look at the future, coordinates that fit together."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import InputError
from headrace.core.graph import Graph
from headrace.core.item import SECOND, Emission, Item
from headrace.testing import Recorder, leak_test, run_graph
from headrace.understanding.blockadmission import BlockAdmission, BlockGate
from headrace.understanding.blocks import LARGEST_SIDE
from headrace.understanding.gates.lumadrop import LumaDrop
from headrace.understanding.gates.lumasettle import LumaSettle
from headrace.understanding.perceive import Perceive
from tests.understanding.pictures import SIZE, admissions, frame, item, items, noisy, page, varied, wall

GATES: dict[str, Callable[[], BlockGate]] = {"settle": LumaSettle, "differential drop": LumaDrop}


@pytest.fixture(params=GATES, ids=str)
def make(request: pytest.FixtureRequest) -> Callable[[], BlockGate]:
    return GATES[request.param]


def check(admission: BlockAdmission) -> None:
    """One grid for all arrays; it covers the frame but for a block at each border."""
    rows, cols = admission.admitted.shape
    for mask in (admission.admitted, admission.unstable, admission.jumped):
        assert (mask.dtype, mask.shape) == (np.dtype(bool), (rows, cols))
    assert (admission.texture.dtype, admission.texture.shape) == (np.dtype(np.float32), (rows, cols))
    assert (admission.version.dtype, admission.version.shape) == (np.dtype(np.int32), (rows, cols))
    assert (admission.version[admission.admitted] == admission.tick).all()
    assert (admission.version <= admission.tick).all()
    assert 0 <= admission.share <= 1
    assert np.isfinite(admission.texture).all()
    assert np.isfinite(admission.score)
    x, y = admission.corner
    assert 0 <= x < admission.pitch
    assert 0 <= y < admission.pitch
    assert x + cols * admission.pitch >= admission.frame.width // 2
    assert y + rows * admission.pitch >= admission.frame.height // 2
    box = admission.box(0, 0, cols, rows)
    assert 0 <= box[0] <= box[2] <= admission.frame.width
    assert 0 <= box[1] <= box[3] <= admission.frame.height


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 37), (37, 1), (16, 16), (17, 33), (63, 64), (641, 359), (1409, 64), (3840, 2160)]
)
def test_frames_of_any_size(make: Callable[[], BlockGate], size: tuple[int, int]) -> None:
    gate = make()
    pictures = [wall(*size, seed=tick // 4) for tick in range(8)]
    seen = admissions(gate, pictures)
    for admission in seen:
        check(admission)
    assert any(admission.admitted.any() for admission in seen)
    assert gate.nbytes() <= gate.max_bytes()


@given(
    sizes=st.lists(st.tuples(st.integers(1, 90), st.integers(1, 90)), min_size=1, max_size=12), seed=st.integers(0, 99)
)
def test_the_size_may_change_at_any_frame(sizes: list[tuple[int, int]], seed: int) -> None:
    for make in GATES.values():
        gate = make()
        for tick, admission in enumerate(admissions(gate, [wall(*size, seed=seed) for size in sizes])):
            assert admission.tick == tick
            check(admission)


def test_a_new_size_begins_anew(make: Callable[[], BlockGate]) -> None:
    after = [page(("Second", (20, 60)), size=(200, 120))] * 8
    gate, fresh = make(), make()
    admissions(gate, varied(20))
    for tick, expected in enumerate(admissions(fresh, after)):
        found = gate.admit(item(after[tick], 20 + tick))
        assert (found.admitted == expected.admitted).all()
        assert found.origin == expected.origin == (0, 0)


@pytest.mark.parametrize("data", [None, "a text", np.zeros((4, 4), np.uint8)])
def test_what_is_no_frame_is_refused(make: Callable[[], BlockGate], data: object) -> None:
    with pytest.raises(InputError, match=r"needs video frames; got \w+ from 'door'"):
        make().admit(Item(0, "video", data, source="door"))


@pytest.mark.parametrize("shape", [(1, LARGEST_SIDE + 1), (LARGEST_SIDE + 1, 1), (0, 5), (5, 0)])
def test_absurd_sizes_are_refused(make: Callable[[], BlockGate], shape: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="from 'camera': a side must have 1 to"):
        make().admit(item(np.zeros(shape, np.uint8), 0))


def test_the_longest_sides_are_bounded(make: Callable[[], BlockGate]) -> None:
    gate = make()
    for tick in range(4):
        gate.admit(item(np.full((LARGEST_SIDE, 1400), 10 * tick, np.uint8), tick))
        assert gate.nbytes() <= gate.max_bytes()


def test_frames_are_not_changed(make: Callable[[], BlockGate]) -> None:
    stream = items(varied(30))
    before = [one.data.y.copy() for one in stream]
    for one in stream:
        one.data.y.flags.writeable = False
    gate = make()
    for one in stream:
        gate.admit(one)
    assert all((one.data.y == luma).all() for one, luma in zip(stream, before, strict=True))


def judge(make: Callable[[], BlockGate], stream: list[Item]) -> list[Emission]:
    """What a gate and the boundary detector say of each frame, as emissions."""

    def build(graph: Graph) -> Recorder:
        seen = Recorder(graph.clock)
        graph.sink(seen, graph.map(Perceive(make()), graph.source(stream), name="perceive"))
        return seen

    told = []
    for now, one in run_graph(build).records:
        moment = one.data
        masks = b"".join(mask.tobytes() for mask in (moment.admission.admitted, moment.admission.unstable))
        boundary = moment.boundary and (moment.boundary.pts, moment.boundary.score)
        content = [blake2b(masks).hexdigest(), moment.segment, boundary, moment.admission.origin]
        told.append(Emission(str(one.pts), "moment", content, one.pts, one.pts, now, one.pts))
    return told


def chaos(future: list[Item], rng: random.Random) -> list[Item]:
    """Other pictures at the same times, and one more."""
    other = [
        replace(one, data=frame(noisy(wall(*SIZE, seed=rng.randrange(1000)), 20, rng.randrange(1000))))
        for one in future
    ]
    last = other[-1]
    return [*other, replace(last, pts=last.pts + SECOND, arrival=last.arrival + SECOND)]


def test_nothing_depends_on_the_future(make: Callable[[], BlockGate]) -> None:
    stream = items(varied(48))
    cuts = [stream[k].arrival + late for k in (2, 9, 21, 33, 40) for late in (0, 7)]
    leak_test(lambda given: judge(make, given), stream, noise=chaos, cuts=cuts)


@given(
    box=st.tuples(st.integers(0, 300), st.integers(0, 180), st.integers(1, 60), st.integers(1, 60)),
    shift=st.tuples(st.integers(0, 15), st.integers(0, 15)),
    origin=st.tuples(st.integers(-30, 30), st.integers(-30, 30)),
    pitch=st.sampled_from([16.0, 32.0, 48.0]),
)
def test_cells_and_boxes_fit_together(
    box: tuple[int, int, int, int], shift: tuple[int, int], origin: tuple[int, int], pitch: float
) -> None:
    """The cells of a box, as pixels again, hold the box."""
    x0, y0 = box[:2]
    x1, y1 = min(320, x0 + box[2]), min(192, y0 + box[3])
    rows, cols = round(192 // pitch) + 2, round(320 // pitch) + 2
    nothing = np.zeros((rows, cols), bool)
    admission = BlockAdmission(
        admitted=nothing, tick=0, frame=frame(page()), unstable=nothing, jumped=nothing,
        texture=np.zeros((rows, cols), np.float32), version=np.full((rows, cols), -1, np.int32), origin=origin,
        corner=(float(shift[0]), float(shift[1])), pitch=pitch,
    )  # fmt: skip
    col0, row0, col1, row1 = admission.cells((x0, y0, x1, y1))
    back = admission.box(col0 - origin[0], row0 - origin[1], col1 - origin[0], row1 - origin[1])
    assert back[0] <= x0 < x1 <= back[2]
    assert back[1] <= y0 < y1 <= back[3]
    window = admission.window((col0, row0, col1, row1))
    if window is not None:
        assert window[0].stop - window[0].start <= row1 - row0
        assert window[1].stop - window[1].start <= col1 - col0
    assert admission.window((origin[0] + cols, row0, origin[0] + cols + 3, row1)) is None
