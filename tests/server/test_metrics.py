"""Meters, their sum, and what Prometheus reads."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from headrace.engine.meter import BOUNDS, Meter, merged
from headrace.server.app import create_app
from headrace.server.metrics import exposition
from tests.server.fake import FakePool


def parsed(text: bytes | str) -> dict[tuple[str, frozenset], float]:
    """Samples by name and labels, by Prometheus' own parser."""
    text = text.decode() if isinstance(text, bytes) else text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def labels(**given: str) -> frozenset:
    return frozenset((given | {"model_name": "m"}).items())


def test_what_was_counted_is_what_is_read() -> None:
    meter = Meter()
    meter.add("prompt_tokens", 5)
    meter.add("prompt_tokens", 2)
    meter.add("request_success", 1, {"finished_reason": "stop"})
    meter.add("drops", 3, {"why": 'a "quoted"\nline\\'})
    meter.gauge("state_bytes", 10)
    meter.gauge("state_bytes", 7)
    for value in (0.0005, 0.001, 0.3, 99999.0):
        meter.observe("time_to_first_token_seconds", value)
    read = parsed(exposition(merged([json.loads(json.dumps(meter.figures()))]), "m"))
    assert read["vllm:prompt_tokens_total", labels()] == 7
    assert read["vllm:request_success_total", labels(finished_reason="stop")] == 1
    assert read["headrace:drops_total", labels(why='a "quoted"\nline\\')] == 3
    assert read["headrace:state_bytes", labels()] == 7
    name = "vllm:time_to_first_token_seconds"
    assert read[name + "_count", labels()] == 4
    assert read[name + "_sum", labels()] == pytest.approx(99999.3015)
    assert [read[name + "_bucket", labels(le=le)] for le in ("0.001", "0.25", "0.5", "2560.0", "+Inf")] == [
        2,
        2,
        3,
        3,
        4,
    ]


def test_what_was_not_counted_yet_is_zero() -> None:
    read = parsed(exposition(merged([]), "m"))
    for name in ("vllm:generation_tokens_total", "vllm:num_requests_running", "headrace:deadline_misses_total"):
        assert read[name, labels()] == 0
    assert read["vllm:iteration_tokens_total_count", labels()] == 0
    assert read["vllm:iteration_tokens_total_bucket", labels(le="16384.0")] == 0


def test_workers_are_summed_but_for_means_and_worst() -> None:
    parts = []
    for at in (1, 3):
        meter = Meter()
        meter.add("ticks", at)
        meter.gauge("sessions", at)
        meter.gauge("kv_cache_usage_perc", at / 10)
        meter.gauge("rung", at)
        meter.observe("e2e_request_latency_seconds", at)
        parts.append(meter.figures())
    whole = merged(parts)
    value = {name: rows[0]["value"] for sort in ("counters", "gauges") for name, rows in whole[sort].items()}
    assert value == {"ticks": 4, "sessions": 4, "kv_cache_usage_perc": pytest.approx(0.2), "rung": 3}
    (row,) = whole["histograms"]["e2e_request_latency_seconds"]
    assert (sum(row["counts"]), row["sum"]) == (2, 4)
    assert parts[0]["histograms"]["e2e_request_latency_seconds"][0]["sum"] == 1, "the parts were changed"


@given(st.lists(st.floats(0, 1e5), max_size=30), st.integers(0, 30))
def test_however_it_is_shared_out_the_sum_is_the_same(values: list[float], cut: int) -> None:
    def counted(some: list[float]) -> dict:
        meter = Meter()
        for value in some:
            meter.observe("inter_token_latency_seconds", value)
            meter.add("n", labels={"big": str(value > 1)})
        return meter.figures()

    whole, parts = merged([counted(values)]), merged([counted(values[:cut]), counted(values[cut:])])

    def plain(figures: dict) -> tuple:
        rows = figures["histograms"].get("inter_token_latency_seconds", [])
        counters = {row["labels"]["big"]: row["value"] for row in figures["counters"].get("n", [])}
        return [row["counts"] for row in rows], counters

    assert plain(whole) == plain(parts)


def test_buckets_grow() -> None:
    for bounds in BOUNDS.values():
        assert list(bounds) == sorted(set(bounds))


def test_metrics_over_http() -> None:
    client = TestClient(create_app(FakePool()))
    client.post("/v1/completions", json={"prompt": "abc", "temperature": 0})
    client.post("/v1/completions", json={"prompt": ""})
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    read = {(name, dict(pairs).get("status")): value for (name, pairs), value in parsed(response.text).items()}
    assert read["vllm:prompt_tokens_total", None] == 3
    assert read["vllm:generation_tokens_total", None] == 4
    assert read["headrace:http_requests_total", "200"] == 1
    assert read["headrace:http_requests_total", "400"] == 1
    assert read["headrace:sessions", None] == 0
