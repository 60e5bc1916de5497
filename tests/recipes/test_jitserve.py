"""JITServe: the scheduler it builds, and what its check measures."""

from __future__ import annotations

import pytest

from headrace.core.errors import ConfigError
from headrace.engine.schedulers.density import Density
from headrace.recipes import jitserve
from headrace.recipes.jitserve import JITServe
from headrace.recipes.registry import open_registry


def test_the_registry_finds_it_and_it_builds_the_scheduler() -> None:
    assert open_registry().entry("jitserve").load() is JITServe
    assert JITServe().build() == Density()
    assert JITServe(4.0, 2.0, 2, 0).build() == Density(4.0, 2.0, 2, 0)
    with pytest.raises(ConfigError, match="reach=0"):
        JITServe(reach=0)


def test_the_check_counts_kept_promises_of_all_that_were_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jitserve, "RATES", (2.0, 30.0))
    monkeypatch.setattr(jitserve, "SECONDS", 4.0)
    monkeypatch.setattr(jitserve, "seeds", lambda seed, full: range(2))
    check = JITServe().check()
    every = {"jitserve": check.measured, **check.baselines}
    for figures in every.values():
        assert figures["sent_at_30"] == check.measured["sent_at_30"] >= figures["goodput_at_30"]
    assert len({figures["goodput_at_2"] for figures in every.values()}) == 1  # arrivals that fit
    assert check.measured["goodput_at_30"] > check.baselines["random"]["goodput_at_30"]
    assert check.measured["times_fcfs_at_2"] == 1
    assert "simulated" in check.note


def test_a_check_without_an_overload_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jitserve, "RATES", (1.0,))
    monkeypatch.setattr(jitserve, "SECONDS", 5.0)
    check = JITServe().check()
    assert not check.holds
    assert "no rate at which" in check.note


@pytest.mark.slow
def test_the_whole_check() -> None:
    check = JITServe().check(seed=1)
    tested = [rate for rate in jitserve.RATES if check.baselines["fcfs"][f"kept_at_{rate:g}"] <= jitserve.FEW]
    assert tested
    assert check.holds == all(check.measured[f"times_fcfs_at_{rate:g}"] >= jitserve.BETTER for rate in tested)
