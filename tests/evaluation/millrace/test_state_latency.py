"""A value that is wanted all the time, from estimators that take time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import MS, SECOND, Emission, Item
from headrace.evaluation.millrace.latency import (
    LATENCIES,
    by_latency,
    constant,
    estimates,
    extrapolated,
    last,
    moving,
    near,
    value_at,
)
from headrace.evaluation.truth import Series
from headrace.testing import assert_deterministic, leak_test

STEP = 125 * MS


def path(t: int) -> tuple[float, float]:
    """Where something is at `t` ns: along x at 6 a second, to and fro; y wavers."""
    s = t / SECOND
    return abs((6 * s) % 96 - 48), 24 + 4 * math.sin(s)


def stream(seconds: int = 60) -> list[Item]:
    return [Item(k * STEP, "video", path(k * STEP), k * STEP) for k in range(seconds * 8)]


def truth(seconds: int = 60) -> Series:
    times = tuple(k * STEP for k in range(seconds * 8))
    return Series(times, tuple(path(t) for t in times))


def exact(item: Item) -> Any:
    return item.data


def said(t: int, value: Any, seen: int) -> Emission:
    return Emission(str(t), "value", value, seen, seen, t, seen)


def test_the_value_at_a_time_is_the_latest_that_had_left() -> None:
    emitted = [said(10, "a", 5), said(20, "b", 15), said(30, "c", 8)]
    assert value_at(emitted, [9, 10, 19, 20, 30, 99]) == [None, "a", "a", "b", "c", "c"]


def test_one_worker_takes_the_newest_frame() -> None:
    """Frames at 0, 125, 250, 375, 500 ms and 300 ms of work: 0 to 300, then 250 to 600, then 500 to 900."""
    emitted = estimates(stream(1)[:5], exact, 300 * MS)
    assert [(one.t_input // MS, one.t_emit // MS) for one in emitted] == [(0, 300), (250, 600), (500, 900)]
    free = estimates(stream(1), exact, 0)
    assert [(one.t_input, one.t_emit) for one in free] == [(item.pts, item.pts) for item in stream(1)]


def test_drawn_costs_are_seeded_and_nothing_leaks() -> None:
    costs = tuple(range(20 * MS, 400 * MS, 30 * MS))

    def run(items: Sequence[Item]) -> list[Emission]:
        return estimates(items, exact, costs, seed=4)

    assert_deterministic(lambda: run(stream(20)))
    assert [one.t_emit for one in run(stream(20))] != [one.t_emit for one in estimates(stream(20), exact, costs, 5)]

    def noise(future: list[Item], random: Any) -> list[Item]:
        return [Item(item.pts, "video", (random.random(), 0.0), item.arrival) for item in future]

    leak_test(run, stream(20), noise=noise, cuts=[2 * SECOND, 9 * SECOND, 19 * SECOND])


def test_accuracy_falls_with_latency_and_a_line_holds_it_up() -> None:
    series, fit = truth(), near(1.5)
    assert LATENCIES[0] == 0
    assert LATENCIES[-1] == SECOND
    rows = by_latency(
        stream,
        lambda: exact,
        series,
        series.times,
        fit,
        answers={"last": last, "line": extrapolated, "blind": lambda _, times: constant((24.0, 24.0), times)},
    )
    held, line, blind = rows["last"], rows["line"], rows["blind"]
    assert held.values[0] == 1.0
    assert held.values[1] > 0.9 > held.values[3] > held.values[5]
    assert held.values[-1] < 0.2
    assert line.auc > held.auc + 0.2
    assert blind.auc < 0.1
    assert len(set(blind.values)) == 1


def test_extrapolation_knows_only_what_had_left() -> None:
    emitted = [said(100, 1.0, 50), said(200, 2.0, 150)]
    answers = extrapolated(emitted, [99, 100, 199, 200, 250])
    assert [(one.t_emit, one.content, one.t_input) for one in answers] == [
        (100, 1.0, 50), (199, 1.0, 50), (200, 2.5, 150), (250, 3.0, 150),
    ]  # fmt: skip


def test_a_line_over_several_steps_follows_what_moves_in_steps() -> None:
    """One step in four frames, known four frames late: two neighbours are alike or a whole step apart."""
    emitted = [said((k + 4) * STEP, float(k // 4), k * STEP) for k in range(40)]
    asked = [k * STEP for k in range(20, 40)]
    rising = [one.content for one in extrapolated(emitted, asked, over=SECOND)]
    assert all(abs(value - t / (4 * STEP)) <= 1 for value, t in zip(rising, asked, strict=True))
    jumping = [one.content for one in extrapolated(emitted, asked)]
    assert max(abs(value - t / (4 * STEP)) for value, t in zip(jumping, asked, strict=True)) > 2


def test_what_moves_is_asked_about_while_it_moves() -> None:
    assert moving([(0, 250 * MS), (SECOND, SECOND + 1)]) == [0, 100 * MS, 200 * MS, SECOND]


def test_bad_settings_are_named() -> None:
    with pytest.raises(ConfigError, match="every 0 ns"):
        moving([], 0)
    with pytest.raises(ConfigError, match="1 latencies: use two or more that rise"):
        by_latency(stream, lambda: exact, truth(), (0,), near(1), answers={}, latencies=(0,))
    with pytest.raises(InputError, match="'left' is no number"):
        near(1)("left", 3)
