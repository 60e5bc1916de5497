"""CurveStream: the gate it builds, and what its check measures."""

from __future__ import annotations

import pytest

from headrace.evaluation.millrace import REGIMES
from headrace.recipes.curvestream import TIMES, CurveStream, _within
from headrace.recipes.registry import open_registry
from headrace.understanding.gates.curvature import Curvature


def test_the_registry_finds_it_and_its_settings_reach_the_gate() -> None:
    assert open_registry().entry("curvestream").load() is CurveStream
    gate = CurveStream(turn=0.3, sigmas=2.5).build()
    assert isinstance(gate, Curvature)
    assert (gate.turn, gate.sigmas) == (0.3, 2.5)
    usual = Curvature()
    assert (CurveStream().turn, CurveStream().sigmas) == (usual.turn, usual.sigmas)
    assert CurveStream.reconstruction


@pytest.mark.parametrize(
    ("times", "kept"), [([], False), ([9], False), ([10], True), ([3, 10**9 + 10], True), ([2 * 10**9], False)]
)
def test_an_event_is_kept_by_a_picture_within_a_second_of_its_begin(times: list[int], kept: bool) -> None:
    assert _within(times, 10) == kept


@pytest.mark.slow
def test_the_check_stands_beside_its_baselines() -> None:
    check = CurveStream().check(seed=1)
    assert set(check.baselines) == {"uniform sampling", "random pictures", "largest differences"}
    for figures in (check.measured, *check.baselines.values()):
        assert all(0 <= figures[f"{regime}_rate"] <= 1 for regime in REGIMES)
    uniform = check.baselines["uniform sampling"]
    assert uniform["pictures"] >= check.measured["pictures"]  # fuzzy tokens cost, too
    assert check.measured["times_uniform"] == pytest.approx(check.measured["rate"] / uniform["rate"])
    assert check.holds == (check.measured["times_uniform"] >= TIMES)
    blind = CurveStream(sigmas=1e9).check(seed=1)
    assert blind.measured["rate"] == 0
    assert not blind.holds
