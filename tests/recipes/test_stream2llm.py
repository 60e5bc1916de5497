"""Stream2LLM: the scheduler it builds, and what its check measures."""

from __future__ import annotations

import pytest

from headrace.core.errors import ConfigError
from headrace.engine.request import Chunk, Request
from headrace.engine.schedulers.streamed import ByArrival, ByComputed, ByLastChunk, Streamed
from headrace.recipes import stream2llm
from headrace.recipes.registry import open_registry
from headrace.recipes.stream2llm import Stream2LLM, waited


def test_the_registry_finds_it_and_it_builds_the_scheduler() -> None:
    assert open_registry().entry("stream2llm").load() is Stream2LLM
    assert Stream2LLM().build() == Streamed(ByArrival())
    assert Stream2LLM("lcas").build() == Streamed(ByLastChunk())
    assert Stream2LLM("mcps").build() == Streamed(ByComputed())
    with pytest.raises(ConfigError, match="among='lifo'; use one of fcfs, lcas, mcps"):
        Stream2LLM("lifo")


def test_who_waits_for_all_reads_what_stands_in_the_end() -> None:
    request = Request(5, 100, 2, chunks=(Chunk(10, 50), Chunk(20, 30, kept=120), Chunk(40, 7)))
    (whole,) = waited([request, Request(9, 3, 1)])[:1]
    assert (whole.arrival, whole.units, whole.chunks) == (45, 157, ())
    assert waited([Request(9, 3, 1)]) == [Request(9, 3, 1)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_updated_prompts_are_read_from_the_longest_common_prefix_on(seed: int) -> None:
    assert stream2llm._reread(seed) == 0


def test_the_check_compares_the_wait_at_equal_throughput(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream2llm, "RATES", (1.0,))
    monkeypatch.setattr(stream2llm, "SECONDS", 20.0)
    check = Stream2LLM().check(seed=1)
    assert set(check.baselines) == {"wait for all", "streamed, arrival", "streamed, random"}
    for at in ("1", "1_updated"):
        assert check.baselines["wait for all"][f"wait_s_at_{at}"] > 1.5 * check.measured[f"wait_s_at_{at}"]
        assert check.measured[f"throughput_times_at_{at}"] >= 0.95
        assert check.measured[f"busy_s_at_{at}"] > check.baselines["wait for all"][f"busy_s_at_{at}"]
        assert 1 < check.measured[f"from_arrival_times_at_{at}"] < 1.5
    assert check.measured["reread"] == 0
    assert check.holds == (check.measured["wait_times_at_1"] >= 5 and check.measured["wait_p95_times_at_1"] >= 5)


@pytest.mark.slow
def test_the_whole_check() -> None:
    assert Stream2LLM().check(seed=1).holds
