"""`headrace watch` for hours: flat memory, bounded disk, no false alarm (docs/soak.md holds the figures)."""

from __future__ import annotations

import pytest

pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")

from benchmarks.watch.soak import Soak, soak

#: Bytes by which resident memory may differ between the ten minutes after the warm-up and the last ten.
FLAT = 8 << 20


def bounded(made: Soak) -> None:
    assert made.largest_state <= made.budget
    assert made.largest_disk <= made.disk
    assert made.false_alarms == 0
    assert made.lines > 0 < made.events


def test_a_minute_shows_that_the_soak_itself_works() -> None:
    made = soak((320, 180), 1)
    bounded(made)
    assert made.media_minutes == pytest.approx(1, abs=0.01)
    assert [sample.minute for sample in made.samples] == [0]
    assert made.samples[0].resident > 50_000_000
    assert made.written > made.lines


@pytest.mark.soak
@pytest.mark.parametrize(("size", "minutes"), [((1280, 720), 60), ((320, 180), 360)], ids=["720p", "180p"])
def test_memory_is_flat(size: tuple[int, int], minutes: int) -> None:
    made = soak(size, minutes)
    bounded(made)
    assert made.forgotten > 0, "the budget was never reached: nothing was tested"
    assert made.end - made.warm <= FLAT, f"{made.warm / 1e6:.1f} MB became {made.end / 1e6:.1f} MB"
