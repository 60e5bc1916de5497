"""Comparisons made of nothing: figures as a small model gives them, without one."""

from __future__ import annotations

import math

from headrace.apps.compare.result import Comparison, Figure, MethodResult

BUCKETS = {
    "0-256": (0, 256),
    "256-512": (256, 512),
    "512-1024": (512, 1024),
    "1024-2048": (1024, 2048),
    "2048-5120": (2048, 5120),
}
AGES = [8, 32, 64, 128, 192, 256, 384, 512, 1024]
TEXT = (2.91, 2.74, 3.05, 3.34, 3.07)

#: By method: its difference from window in each bucket, and how far streams differ in it.
DIFFERENCES = {
    "streamingllm": ((0.0, -0.11, -0.149, -0.169, -0.15), 0.012),
    "random": ((0.0, -0.02, 0.013, 0.041, 0.038), 0.02),
    "h2o": ((0.0, -0.10, -0.13, -0.155, -0.142), 0.03),
    "dense": ((0.0, -0.149, 0.469, 1.525, 2.166), 0.2),
}
WHAT = {
    "streamingllm": "the first 4 tokens and the newest 252",
    "window": "the newest 256 tokens",
    "random": "the first 4, the newest 128, and 124 others by lot",
    "h2o": "the first 4, the newest 128, and the 124 that the last queries read most",
    "dense": "everything, until its limit is met",
    "unigram": "nothing: how often each token occurs",
}


def comparison(streams: int = 3, names: tuple[str, ...] = tuple(WHAT), dense_ends: bool = False) -> Comparison:
    """A recipe, baselines and a blind baseline over `streams` streams of 5,120 tokens."""
    return Comparison(
        family="state",
        model="zoo:tiny-llama",
        stream="shipped",
        seed=0,
        tokens=5120,
        streams=streams,
        trained=512,
        budget=256,
        block=16,
        chance=0.01,
        timed_at=1024,
        buckets=dict(BUCKETS),
        ages=list(AGES),
        methods=[_method(name, streams, dense_ends) for name in names],
        notes=["random read its prefix itself: a fork may not change what it keeps"],
        date="2026-11-21T15:54:00+00:00",
        machine="2 cores of a shared x86-64 machine, one thread",
        seconds=412.0,
    )


def _method(name: str, streams: int, dense_ends: bool) -> MethodResult:
    ends = name == "dense" and dense_ends
    buckets = list(BUCKETS)[: 4 if ends else 5]
    found = MethodResult(name, "recipe" if name == "streamingllm" else "baseline", WHAT[name], name != "dense")
    found.tokens = 2048 if ends else 5120
    if name == "unigram":
        found.kind = "blind"
        found.loss = {bucket: _figure(5.3, 0.05, streams) for bucket in buckets}
        return found
    differences, spread = DIFFERENCES.get(name, ((0.0,) * 5, 0.0))
    found.loss = {b: _figure(TEXT[i] + differences[i], 0.14, streams) for i, b in enumerate(buckets)}
    if name != "window":
        found.against = {b: _figure(differences[i], spread, streams) for i, b in enumerate(buckets)}
    held = {age: (0.88 if age < 64 else 0.8) if age <= 256 else 0.015 for age in AGES}
    if name == "dense":
        held = {age: 0.42 if age < 512 else 0.2 for age in AGES}
    if name == "h2o":
        held |= {256: 0.3, 384: 0.11, 512: 0.07}
    if name == "random":
        held = {age: value if age <= 128 or age > 384 else 0.35 for age, value in held.items()}
    found.recall = {age: _figure(value, 0.05 if value > 0.1 else 0.006, streams) for age, value in held.items()}
    held_bytes = 20_000_000 if name == "dense" else 1_114_112
    found.resident_bytes = found.total_bytes = held_bytes
    found.slope = 4_096_000.0 if name == "dense" else 0.0
    found.cpu_ms_per_token = _figure(7.9 if name == "dense" else 4.1, 0.3, streams)
    found.approximate = "attention of the newest 16 queries, not of all" if name == "h2o" else ""
    found.ended = "its limit of 8.0 MiB" if ends else ""
    return found


def _figure(mean: float, spread: float, streams: int) -> Figure:
    return Figure(mean, mean - spread, mean + spread) if streams > 1 else Figure(mean, math.nan, math.nan)
