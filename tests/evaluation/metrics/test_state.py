from math import isnan

import numpy as np
import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND, Item
from headrace.core.trace import Trace, read_trace
from headrace.evaluation.baselines import speak
from headrace.evaluation.metrics import growth, sizes, steps

HOUR = 3600 * SECOND


def trace(path, durations, dropped=()):
    """Frames every 100 ns; each is worked on when it comes, for its duration; some are dropped."""
    with_path = Trace(path)
    for frame, duration in enumerate(durations):
        item = Item(100 * frame, "video", None, arrival=100 * frame, source="camera")
        with_path.item(item.arrival, item)
        if frame not in dropped:
            with_path.step("look", item.arrival, item.arrival + duration, item, 1)
    with_path.close()
    return list(read_trace(path))


def test_deadlines_and_skipped_frames(tmp_path):
    outcome = steps(trace(tmp_path / "t", [50, 150, 80, 100, 101], dropped=(2,)), 100)
    assert (outcome.durations.count, outcome.durations.p50, outcome.durations.p99) == (4, 100, 150)
    assert (outcome.missed, outcome.skipped, outcome.items) == (2, 1, 5)
    assert outcome.missed_share == 0.6


def test_waiting_counts_towards_the_deadline():
    records = [
        {"type": "in", "t": 0, "source": "a", "kind": "video", "pts": 7},
        {"type": "step", "t0": 90, "t1": 120, "stage": "look", "source": "a", "pts": 7, "out": 0},
        {"type": "step", "t0": 0, "t1": 30, "stage": "other", "source": "b", "pts": 7, "out": 0},
    ]
    assert steps(records, 100).missed == 1
    assert steps(records, 100, stage="other", source="b").missed == 0
    assert steps(records, 100, source="b").waits.p50 == 30
    assert steps(records, 100, stage="other", source="a").skipped == 1


def test_staleness_is_in_the_trace_too(tmp_path):
    said = speak("test", [100, 200, 300])
    said[0].t_input, said[1].t_input, said[2].cancelled = 40, 190, True
    log = Trace(tmp_path / "t")
    for one in said:
        log.emit(one)
    log.close()
    outcome = steps(read_trace(tmp_path / "t"), 1)
    assert (outcome.staleness.count, outcome.staleness.p50, outcome.staleness.p99) == (2, 10, 60)
    assert isnan(outcome.missed_share)


def test_slope_by_hand():
    line = [(hour * HOUR, 1000 + 500 * hour) for hour in range(5)]
    outcome = growth(line)
    assert (outcome.most, outcome.span) == (3000, 4 * HOUR)
    assert outcome.slope == pytest.approx(500)
    assert not outcome.bounded


def test_a_memory_that_fills_and_stays_is_bounded_once_full():
    samples = [(minute * 60 * SECOND, min(minute, 30) * 1000) for minute in range(600)]
    assert not growth(samples).bounded
    full = growth(samples, after=HOUR)
    assert (full.slope, full.bounded, full.most) == (pytest.approx(0, abs=1e-9), True, 30_000)


def test_noise_is_not_growth_and_a_slow_leak_is():
    draw = np.random.default_rng(1)
    noisy = [(minute * 60 * SECOND, int(10_000 + draw.integers(-500, 500))) for minute in range(600)]
    assert growth(noisy).bounded
    leak = [(t, size + t // (60 * SECOND)) for t, size in noisy]
    assert growth(leak).slope == pytest.approx(60, rel=0.1)
    assert not growth(leak).bounded


def test_samples_of_a_trace():
    records = [{"type": "step", "t1": 5, "bytes": 100}, {"type": "step", "t1": 6}, {"type": "end", "t": 7}]
    assert sizes(records) == [(5, 100)]


def test_too_little_and_wrong():
    with pytest.raises(InputError):
        growth([])
    with pytest.raises(InputError):
        growth([(1, 1)], after=2)
    single = growth([(1, 10)])
    assert isnan(single.slope)
    assert not single.bounded
    with pytest.raises(ConfigError):
        steps([], 0)
    with pytest.raises(InputError):
        steps([{"type": "step", "source": "a"}], 1)
