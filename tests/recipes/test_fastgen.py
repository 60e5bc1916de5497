"""FastGen: the scheduler it builds, and what its check measures."""

from __future__ import annotations

import pytest

from headrace.core.errors import ConfigError
from headrace.engine.schedulers.splitfuse import SplitFuse
from headrace.recipes import fastgen
from headrace.recipes.fastgen import FastGen
from headrace.recipes.registry import open_registry


def test_the_registry_finds_it_and_it_builds_the_scheduler() -> None:
    assert open_registry().entry("fastgen").load() is FastGen
    assert FastGen().build() == SplitFuse()
    assert FastGen(units=256).limits().units == 256
    with pytest.raises(ConfigError, match="units=0"):
        FastGen(units=0)


def test_the_check_compares_the_tail_at_equal_throughput(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastgen, "RATES", (2.0,))
    monkeypatch.setattr(fastgen, "seeds", lambda seed, full: range(seed, seed + 2))
    monkeypatch.setattr(fastgen, "SECONDS", 8.0)
    check = FastGen().check(seed=2)
    tails = {name: figures["p99_ms_at_2"] for name, figures in check.baselines.items()}
    assert min(tails["whole prompts first"], tails["prompts first, cut"]) > 2 * check.measured["p99_ms_at_2"]
    assert check.measured["throughput_times_at_2"] == pytest.approx(1, abs=0.05)
    assert check.measured["first_s_at_2"] > check.baselines["whole prompts first"]["first_s_at_2"]
    assert check.holds
    assert "simulated" in check.note


def test_launches_that_are_hardly_cut_do_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastgen, "RATES", (2.0,))
    monkeypatch.setattr(fastgen, "seeds", lambda seed, full: range(seed, seed + 2))
    monkeypatch.setattr(fastgen, "SECONDS", 8.0)
    check = FastGen(units=4096).check(seed=2)
    assert not check.holds
    assert "times the tail" in check.note


@pytest.mark.slow
def test_the_whole_check() -> None:
    assert FastGen().check(seed=1).holds
