from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from headrace.core.errors import ConfigError
from headrace.core.item import MS, SECOND
from headrace.core.source import Source
from headrace.media import VirtualItems, VirtualVideo
from tests.media.helpers import signature, stamps


def test_a_virtual_video_depends_on_its_seed_only():
    assert signature(VirtualVideo(1, (32, 24), seconds=0.4)) == signature(VirtualVideo(1, (32, 24), seconds=0.4))
    assert signature(VirtualVideo(1, (32, 24), seconds=0.4)) != signature(VirtualVideo(2, (32, 24), seconds=0.4))
    sparse = {i.pts: i.data.y for i in VirtualVideo(1, (32, 24), seconds=1, every=200 * MS).items()}
    dense = {i.pts: i.data.y for i in VirtualVideo(1, (32, 24), seconds=1).items()}
    assert len(sparse) == 5
    assert all(np.array_equal(dense[pts], y) for pts, y in sparse.items())


def test_endless_and_closed():
    source = VirtualVideo(0, (16, 16), fps=50)
    assert isinstance(source, Source)
    assert not source.blocking
    items = source.items()
    assert stamps(islice(items, 3)) == [0, 20 * MS, 40 * MS]
    source.close()
    assert list(items) == []


def test_virtual_items_arrive_late_but_in_order():
    def run() -> list[tuple[int, int]]:
        return [(i.pts, i.arrival) for i in VirtualItems(50, "audio", 2, seed=4, jitter=90 * MS).items()]

    times = run()
    assert times == run()
    assert [pts for pts, _ in times] == [i * 20 * MS for i in range(100)]
    arrivals = [arrival for _, arrival in times]
    assert arrivals == sorted(arrivals)
    assert all(0 <= arrival - pts <= 90 * MS for pts, arrival in times)
    assert len({arrival - pts for pts, arrival in times}) > 20


def test_virtual_items_without_jitter_and_with_a_payload():
    source = VirtualItems(2, "text", 1.5, make=str, name="words")
    items = list(source.items())
    assert isinstance(source, Source)
    assert [(i.pts, i.arrival, i.data, i.kind, i.source) for i in items] == [
        (k * SECOND // 2, k * SECOND // 2, str(k), "text", "words") for k in range(3)
    ]


def test_impossible_rates():
    for rate in (0, -1, 1e-7, float("inf"), float("nan")):
        with pytest.raises(ConfigError, match="positive"):
            VirtualVideo(fps=rate)
        with pytest.raises(ConfigError, match="positive"):
            VirtualItems(rate, "text")


def test_impossible_sizes_and_lengths():
    for size in ((-3, 5), (5, 0)):
        with pytest.raises(ConfigError, match="width"):
            VirtualVideo(size=size)
    for seconds in (0, float("inf"), float("nan")):
        with pytest.raises(ConfigError, match="seconds"):
            VirtualVideo(seconds=seconds)
