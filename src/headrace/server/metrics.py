"""Metrics: figures of the engine and the server as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from headrace.engine.meter import BOUNDS

#: Names that vLLM has too, and what they count; dashboards and load tests look for them.
VLLM = {
    "num_requests_running": "Sessions in the batch.",
    "num_requests_waiting": "Sessions that wait for their turn.",
    "kv_cache_usage_perc": "Share of the bytes for state that is taken, 0 to 1.",
    "prompt_tokens": "Tokens read.",
    "generation_tokens": "Tokens said.",
    "num_preemptions": "Sessions whose state was parked to make room.",
    "request_success": "Replies, by how they ended.",
    "prefix_cache_queries": "Tokens that might have been copied from another session.",
    "prefix_cache_hits": "Tokens that were.",
    "admission_rejections": "Sessions that were not admitted.",
    "time_to_first_token_seconds": "From the end of the input to the first token.",
    "inter_token_latency_seconds": "Between two tokens of a reply.",
    "request_time_per_output_token_seconds": "Mean time between tokens of a reply.",
    "e2e_request_latency_seconds": "From the end of the input to the last token.",
    "request_queue_time_seconds": "Until a reply's input was first in a batch.",
    "request_prefill_time_seconds": "From then to its first token.",
    "request_decode_time_seconds": "From its first token to its last.",
    "request_inference_time_seconds": "From first being in a batch to its last token.",
    "iteration_tokens_total": "Tokens in a tick.",
}
#: What only headrace counts.
OURS = {
    "deadline_hits": "Outputs that came when they were due.",
    "deadline_misses": "Outputs that came late.",
    "state_bytes": "Bytes of state that are resident.",
    "drops": "Inputs and outputs that were dropped, by why.",
    "rung": "Rung of the degradation ladder; 0 is the best.",
    "sessions": "Live sessions.",
    "parked": "Sessions whose state is not on the device, by where it is.",
    "ticks": "Ticks.",
    "tick_drift": "Measured seconds of a tick for each predicted one, of late.",
    "http_requests": "Answers, by status.",
    "streams_ended_early": "Answers whose reader left or was cut off, by why.",
}
_COUNTERS = (
    *("prompt_tokens", "generation_tokens", "num_preemptions", "prefix_cache_queries", "prefix_cache_hits"),
    *("admission_rejections", "deadline_hits", "deadline_misses", "ticks"),
)
_GAUGES = ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc", "state_bytes", "rung", "sessions")


def exposition(figures: Mapping[str, Any], model: str) -> bytes:
    """Prometheus' text format (0.0.4) of merged figures; each sample has the label `model_name`.

    What has not been counted yet is there with 0, unless its labels are not known before.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(figures, model))
    return generate_latest(registry)


class _Snapshot(Collector):
    def __init__(self, figures: Mapping[str, Any], model: str) -> None:
        self._figures, self._model = figures, model

    def collect(self) -> Iterator[Metric]:
        zero: list[dict[str, Any]] = [{"labels": {}, "value": 0}]
        counters = dict.fromkeys(_COUNTERS, zero) | dict(self._figures["counters"])
        gauges = dict.fromkeys(_GAUGES, zero) | dict(self._figures["gauges"])
        for name, rows in counters.items():
            yield self._values(CounterMetricFamily(*_named(name), labels=self._labels(rows)), rows)
        for name, rows in gauges.items():
            yield self._values(GaugeMetricFamily(*_named(name), labels=self._labels(rows)), rows)
        histograms: dict[str, list[dict[str, Any]]] = dict(self._figures["histograms"])
        for name in (*histograms, *(name for name in BOUNDS if name not in histograms)):
            rows = histograms.get(name, [])
            family = HistogramMetricFamily(*_named(name), labels=self._labels(rows))
            for row in rows or [_empty(name)]:
                family.add_metric(self._of(row, self._labels(rows)), _buckets(row), row["sum"])
            yield family

    def _values(self, family: Any, rows: list[dict[str, Any]]) -> Metric:
        for row in rows:
            family.add_metric(self._of(row, self._labels(rows)), row["value"])
        return family

    def _labels(self, rows: list[dict[str, Any]]) -> list[str]:
        return ["model_name", *sorted({name for row in rows for name in row["labels"]})]

    def _of(self, row: dict[str, Any], names: list[str]) -> list[str]:
        return [self._model, *(str(row["labels"].get(name, "")) for name in names[1:])]


def _named(name: str) -> tuple[str, str]:
    plain = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name)
    return (f"vllm:{name}", VLLM[name]) if name in VLLM else (f"headrace:{plain}", OURS.get(name, plain))


def _empty(name: str) -> dict[str, Any]:
    return {"labels": {}, "bounds": BOUNDS[name], "counts": [0] * (len(BOUNDS[name]) + 1), "sum": 0.0}


def _buckets(row: dict[str, Any]) -> list[tuple[str, float]]:
    """Prometheus' buckets: each counts all that is up to its bound."""
    total, buckets = 0, []
    for bound, count in zip((*row["bounds"], None), row["counts"], strict=True):
        total += count
        buckets.append(("+Inf" if bound is None else str(float(bound)), float(total)))
    return buckets
