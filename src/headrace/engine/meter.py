"""Meter: what a worker has counted, timed and holds, as data that can be sent and summed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Any

_FEW = (5.0, 7.5, 10.0, 20.0, 40.0, 80.0)
_SECONDS = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0),
    *(1920.0, 7680.0),
)
_TOKENS = (1.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0)
_BETWEEN = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, *_FEW)
_FIRST = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, *_FEW),
    *(160.0, 640.0, 2560.0),
)

#: Upper bounds of the buckets of each histogram, as vLLM has them, so that its dashboards fit; others have `_SECONDS`.
BOUNDS: Mapping[str, tuple[float, ...]] = {
    "time_to_first_token_seconds": _FIRST,
    "inter_token_latency_seconds": _BETWEEN,
    "request_time_per_output_token_seconds": _BETWEEN,
    "iteration_tokens_total": _TOKENS,
}
#: Gauges of several workers are summed, but for these: their mean, or the most that one has.
MEAN = frozenset({"kv_cache_usage_perc", "tick_drift"})
MOST = frozenset({"rung"})

#: A name, with its labels by name.
Key = tuple[str, tuple[tuple[str, str], ...]]
Figures = dict[str, dict[str, Any]]


class Meter:
    """Counters, gauges and histograms of one process. A call costs about a microsecond.

    Names carry no prefix; those that vLLM has too are as vLLM names them. One name is of one sort for good.
    """

    def __init__(self) -> None:
        self._counters: dict[Key, float] = {}
        self._gauges: dict[Key, float] = {}
        self._histograms: dict[Key, _Histogram] = {}

    def add(self, name: str, n: float = 1, labels: Mapping[str, str] | None = None) -> None:
        """Count `n` more."""
        key = _key(name, labels)
        self._counters[key] = self._counters.get(key, 0) + n

    def observe(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        """One duration in seconds, or of `iteration_tokens_total` one number of tokens."""
        key = _key(name, labels)
        histogram = self._histograms.get(key)
        if histogram is None:
            histogram = self._histograms[key] = _Histogram(BOUNDS.get(name, _SECONDS))
        histogram.counts[bisect_left(histogram.bounds, value)] += 1
        histogram.sum += value

    def gauge(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        """What it is now."""
        self._gauges[_key(name, labels)] = value

    def figures(self) -> Figures:
        """All of it as JSON: {sort: {name: [{"labels": …, …}]}}, sorts "counters", "gauges" and "histograms".

        Counters and gauges have a `value`; histograms have `bounds` [n], `counts` [n + 1] of each bucket alone, the
        last one of what is above all bounds, and their `sum`.
        """
        figures: Figures = {"counters": {}, "gauges": {}, "histograms": {}}
        for sort, values in (("counters", self._counters), ("gauges", self._gauges)):
            for (name, labels), value in values.items():
                figures[sort].setdefault(name, []).append({"labels": dict(labels), "value": value})
        for (name, labels), histogram in self._histograms.items():
            figures["histograms"].setdefault(name, []).append(
                {
                    "labels": dict(labels),
                    "bounds": list(histogram.bounds),
                    "counts": list(histogram.counts),
                    "sum": histogram.sum,
                }
            )
        return figures


def merged(parts: Iterable[Mapping[str, Any]]) -> Figures:
    """The figures of several workers as those of one; merge once, or means are means of means.

    Counters and histograms are summed; gauges too, but for `MEAN` and `MOST`.
    """
    counters: dict[Key, float] = {}
    gauges: dict[Key, list[float]] = {}
    histograms: dict[Key, dict[str, Any]] = {}
    for part in parts:
        for key, one in _rows(part, "counters"):
            counters[key] = counters.get(key, 0) + one["value"]
        for key, one in _rows(part, "gauges"):
            gauges.setdefault(key, []).append(one["value"])
        for key, one in _rows(part, "histograms"):
            whole = histograms.get(key)
            if whole is None or whole["bounds"] != one["bounds"]:
                histograms[key] = {**one, "counts": list(one["counts"])}
                continue
            whole["counts"] = [a + b for a, b in zip(whole["counts"], one["counts"], strict=True)]
            whole["sum"] += one["sum"]
    figures: Figures = {"counters": {}, "gauges": {}, "histograms": {}}
    for (name, labels), value in counters.items():
        figures["counters"].setdefault(name, []).append({"labels": dict(labels), "value": value})
    for (name, labels), values in gauges.items():
        together = max(values) if name in MOST else sum(values) / (len(values) if name in MEAN else 1)
        figures["gauges"].setdefault(name, []).append({"labels": dict(labels), "value": together})
    for (name, _), one in histograms.items():
        figures["histograms"].setdefault(name, []).append(one)
    return figures


class _Histogram:
    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds, self.counts, self.sum = bounds, [0] * (len(bounds) + 1), 0.0


def _key(name: str, labels: Mapping[str, str] | None) -> Key:
    return (name, tuple(sorted(labels.items())) if labels else ())


def _rows(figures: Mapping[str, Any], sort: str) -> Iterable[tuple[Key, dict[str, Any]]]:
    for name, rows in figures.get(sort, {}).items():
        for row in rows:
            yield _key(name, row["labels"]), row
