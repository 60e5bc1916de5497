"""OnGEBD: the detector it builds, the baselines beside it, and its verdict."""

from __future__ import annotations

from dataclasses import fields

import pytest

from headrace.core.item import MS, SECOND
from headrace.evaluation.planted import REGIMES, Planted
from headrace.recipes.ongebd import OnGEBD, _streams, bursts
from headrace.recipes.registry import open_registry
from headrace.understanding.boundary import BoundaryDetector
from headrace.understanding.gates.surprise import Surprise


def test_the_registry_finds_it_and_its_settings_reach_the_detector() -> None:
    assert open_registry().entry("ongebd").load() is OnGEBD
    detector = OnGEBD(horizon=5, sigmas=2.0, gap=7).build()
    assert isinstance(detector, BoundaryDetector)
    assert (detector.horizon, detector.sigmas, detector.gap) == (5, 2.0, 7)
    usual, ours = BoundaryDetector(), OnGEBD()
    assert all(getattr(usual, field.name) == getattr(ours, field.name) for field in fields(OnGEBD))


def test_its_gate_on_tokens_has_the_same_settings() -> None:
    gate = OnGEBD(horizon=5, memory=20, sigmas=2.0, floor=0.2).tokens()
    assert isinstance(gate, Surprise)
    assert (gate.horizon, gate.span, gate.sigmas, gate.floor) == (5, 20, 2.0, 0.2)


def test_the_detector_finds_planted_cuts() -> None:
    stream = Planted(2, "calm", 60)
    detector = OnGEBD().build()
    found = [b.pts for item in stream.items() if (b := detector.see(item.pts, item.data))]
    cuts = [event.start for event in stream.boundaries if event.content["transition"] == "cut"]
    assert cuts
    assert set(cuts) <= set(found)


@pytest.mark.parametrize(
    ("signal", "found"),
    [
        ([0, 0, 9, 0, 0], [2]),
        ([0, 4, 6, 5, 0], [1.33]),  # rises 4 at 1 and 2 at 2
        ([9, 0, 9, 0, 0, 0, 9], [0, 6]),  # the second is nearer than the gap of 3 s
        ([0, 0, 0, 0, 7], [4]),  # cut short by the end
        ([5] * 9, [0, 5]),  # closed after 4 s, and again
        ([1, 2, 1, 2], []),
    ],
)
def test_bursts(signal: list[float], found: list[float]) -> None:
    times = [k * SECOND for k in range(len(signal))]
    assert bursts(times, signal, 3, 4 * SECOND, 3 * SECOND) == pytest.approx([t * SECOND for t in found], abs=10 * MS)


def test_reported_streams_and_development_streams_never_meet() -> None:
    reported, development = (
        {(s.seed, s.regime) for seed in range(6) for s in _streams(seed, each, odd)} for each, odd in ((3, 1), (2, 0))
    )
    assert len(reported) == 6 * 3 * len(REGIMES)
    assert len({seed for seed, _ in reported}) == len(reported)
    assert not {seed for seed, _ in reported} & {seed for seed, _ in development}


@pytest.mark.slow
def test_the_check_stands_beside_its_baselines() -> None:
    check = OnGEBD().check(seed=1)
    blind = {"never", "always", "periodic", "random"}
    assert set(check.baselines) == blind | {"frame difference", "fixed threshold"}
    for figures in (check.measured, *check.baselines.values()):
        assert figures["f1_low"] <= figures["f1"] <= figures["f1_high"]
        assert all(0 <= figures[f"f1_{regime}"] <= 1 for regime in REGIMES)
    assert check.baselines["never"]["f1"] == 0
    assert check.measured["f1"] > max(check.baselines[name]["f1"] for name in blind)
    gain = check.measured["f1"] - check.baselines["frame difference"]["f1"]
    assert check.measured["gain"] == pytest.approx(gain)
    assert check.holds == (check.measured["gain_low"] > 0)


@pytest.mark.slow
def test_a_detector_that_is_never_surprised_does_not_hold() -> None:
    check = OnGEBD(floor=1.0).check()
    assert not check.holds
    assert check.measured["recall"] == 0
