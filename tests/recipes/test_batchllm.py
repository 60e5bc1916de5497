"""BatchLLM: the scheduler it builds, and what its check measures."""

from __future__ import annotations

import pytest

from headrace.engine.schedulers.grouped import Grouped
from headrace.recipes import batchllm
from headrace.recipes.batchllm import BatchLLM
from headrace.recipes.registry import open_registry


def test_the_registry_finds_it_and_it_builds_the_scheduler() -> None:
    assert open_registry().entry("batchllm").load() is BatchLLM
    assert BatchLLM().build() == Grouped()


def test_the_check_compares_with_a_cache_of_equal_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batchllm, "BATCHES", {"4_a_text": (32, 4, 1024, 64, 32), "alone": (40, 1, 256, 64, 32)})
    check = BatchLLM().check(seed=1)
    lru, none = check.baselines["lru"], check.baselines["nothing shared"]
    assert check.measured["requests_per_s_4_a_text"] > lru["requests_per_s_4_a_text"] > none["requests_per_s_4_a_text"]
    assert check.measured["reused_4_a_text"] > lru["reused_4_a_text"] > none["reused_4_a_text"] == 0
    assert check.measured["reused_alone"] == lru["reused_alone"] == 0
    assert check.measured["times_lru_alone"] == pytest.approx(1, abs=0.1)
    assert check.holds == (check.measured["times_lru_4_a_text"] >= 1.1)
    assert "simulated" in check.note


@pytest.mark.slow
def test_the_whole_check() -> None:
    assert BatchLLM().check(seed=1).holds
