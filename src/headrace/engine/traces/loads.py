"""loads: synthetic sessions. Seeded and pure: equal arguments, equal requests; every draw is numpy's, from the seed.

A length with median m and spread s is exp(N(ln m, s)), rounded, at least 1 and at most 64 m: log-normal, as measured
lengths of prompts and answers nearly are. Its mean is m exp(s²/2); s = 0 is a fixed length. Times are seconds.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.engine.request import Chunk, Request, Slo
from headrace.engine.traces.arrivals import MOST, Arrivals


def chat(
    rate: float,
    seconds: float,
    *,
    prompt: int = 256,
    reply: int = 128,
    spread: float = 0.8,
    cv: float = 1.0,
    exchanges: float = 1.0,
    think: float = 20.0,
    slo: Slo | None = None,
    seed: int = 0,
) -> list[Request]:
    """People who ask and read.

    Args:
        rate: conversations that begin a second; gaps are Gamma with `cv` (1: Poisson).
        seconds: in which they begin.
        prompt, reply: median tokens, log-normal with `spread`.
        exchanges: of a conversation, on average; geometric from 1. Each reads its new prompt only.
        think: mean seconds between the arrivals of two exchanges of one conversation, exponential.
        slo: of every exchange; default: the first output after 1 s, one more every 0.1 s.
        seed: of all draws.

    Raises:
        ConfigError: a figure is out of bounds.
    """
    _above("chat", think=think)
    if exchanges < 1:
        raise ConfigError(f"chat(exchanges={exchanges!r}): give 1 or more")
    slo = slo or Slo(first=SECOND, every=SECOND // 10)
    begins = Arrivals(rate, cv, seed).within(seconds)
    draw = np.random.default_rng([seed, 1])
    counts = draw.geometric(1 / exchanges, len(begins)) if exchanges > 1 else np.ones(len(begins), int)
    total = int(counts.sum())
    units, outputs = _lengths(draw, prompt, spread, total), _lengths(draw, reply, spread, total)
    gaps = np.rint(draw.exponential(think, total) * SECOND).astype(np.int64)
    found, index = [], 0
    for number, (arrival, count) in enumerate(zip(begins, counts, strict=True)):
        for _ in range(count):
            found.append(Request(arrival, units[index], outputs[index], session=f"chat-{number}", slo=slo))
            arrival, index = arrival + int(gaps[index]), index + 1
    return _sorted(found)


def live(
    sessions: int,
    period: float,
    chunk: int,
    reply: int,
    deadline: float,
    seconds: float,
    *,
    every: int = 1,
    spread: float = 1.0,
    seed: int = 0,
) -> list[Request]:
    """Cameras and callers: endless sessions at a fixed beat, the load by which capacity is counted.

    Args:
        sessions: how many.
        period: seconds between two chunks of one session; fixed.
        chunk: tokens that arrive each time; fixed.
        reply: tokens that are wanted after a chunk; fixed, 0: it is only read.
        deadline: seconds from a chunk to the last token of its reply (or to the end of its reading).
        seconds: in which chunks arrive.
        every: a reply is wanted after each `every`-th chunk; the others are read by the same deadline.
        spread: each session begins at a time uniform over this share of a period; 0: all at once, the worst case.
        seed: of those times.

    Raises:
        ConfigError: a figure is out of bounds.
    """
    _above("live", sessions=sessions, period=period, chunk=chunk, deadline=deadline, seconds=seconds, every=every)
    if reply < 0 or not 0 <= spread <= 1:
        raise ConfigError(f"live(reply={reply!r}, spread={spread!r}): give tokens of 0 or more and a share up to 1")
    if sessions * seconds / period > MOST:
        raise ConfigError(f"live: {sessions} sessions for {seconds:g} s are above {MOST:,} chunks; give less of either")
    beat, end = max(round(period * SECOND), 1), round(seconds * SECOND)
    said, read = Slo(whole=round(deadline * SECOND)), Slo(first=round(deadline * SECOND))
    phases = np.random.default_rng([seed, 1]).uniform(0, spread * period, sessions)
    found = []
    for number, phase in enumerate(phases):
        for index, arrival in enumerate(range(int(phase * SECOND), end, beat)):
            asked = reply if index % every == every - 1 else 0
            found.append(Request(arrival, chunk, asked, session=f"live-{number}", slo=said if asked else read))
    return _sorted(found)


def mixed(
    rate: float,
    seconds: float,
    *,
    latency: float = 0.5,
    first: float = 1.0,
    pace: float = 0.1,
    whole: float = 20.0,
    prompt: int = 256,
    reply: int = 128,
    long: float = 0.2,
    times: int = 8,
    spread: float = 0.8,
    cv: float = 1.0,
    error: float | None = 0.3,
    seed: int = 0,
) -> list[Request]:
    """Two kinds of promise and two sizes in one stream, the mixture for which JITServe (NSDI 2026) is made.

    Args:
        rate: requests a second; gaps are Gamma with `cv` (1: Poisson).
        seconds: in which they arrive.
        latency: share of requests that are read while they are written: Slo(first, every=pace); the others want
            the whole answer by a deadline: Slo(whole). Drawn for each, as is `long`.
        first, pace, whole: seconds of the two promises.
        prompt, reply: median tokens of a short request, log-normal with `spread`.
        long: share of requests whose medians are `times` as large; independent of the promise.
        times: by how much.
        error: what a predictor of lengths is wrong by: `foreseen` is the length x exp(N(0, error)); None: it says
            nothing.
        seed: of all draws.

    Raises:
        ConfigError: a figure is out of bounds.
    """
    _above("mixed", first=first, pace=pace, whole=whole, times=times)
    _shares("mixed", latency=latency, long=long)
    if error is not None and not 0 <= error <= 4:
        raise ConfigError(f"mixed(error={error!r}): give 0 to 4, or None for no prediction")
    streamed, finished = (
        Slo(first=round(first * SECOND), every=round(pace * SECOND)),
        Slo(whole=round(whole * SECOND)),
    )
    arrivals = Arrivals(rate, cv, seed).within(seconds)
    draw = np.random.default_rng([seed, 1])
    count = len(arrivals)
    read_along, scale = draw.random(count) < latency, np.where(draw.random(count) < long, times, 1)
    units, outputs = _lengths(draw, prompt * scale, spread, count), _lengths(draw, reply * scale, spread, count)
    wrong = np.exp(draw.normal(0, error or 0.0, count))
    return [
        Request(
            arrival,
            units[index],
            outputs[index],
            slo=streamed if read_along[index] else finished,
            foreseen=None if error is None else max(round(outputs[index] * float(wrong[index])), 1),
        )
        for index, arrival in enumerate(arrivals)
    ]


def shared_prefix(
    groups: int,
    members: int,
    *,
    prefix: int = 1024,
    rest: int = 64,
    reply: int = 32,
    spread: float = 0.5,
    block: int = 16,
    arrivals: Arrivals | None = None,
    seed: int = 0,
) -> list[Request]:
    """Many questions about each of many texts, in no order: the offline batch for which BatchLLM is made.

    Args:
        groups: texts.
        members: questions about each.
        prefix: median tokens of a text, log-normal with `spread`, rounded up to blocks.
        rest, reply: median tokens of a question and of its answer, log-normal with `spread`.
        block: tokens of a block.
        arrivals: when requests come; None: all are there at 0. Which comes when is shuffled either way.
        seed: of the lengths and of the order.

    Raises:
        ConfigError: a figure is out of bounds.
    """
    _above("shared_prefix", groups=groups, members=members, block=block)
    if groups * members > MOST:
        raise ConfigError(f"shared_prefix: {groups} x {members} requests are above {MOST:,}; give fewer")
    draw = np.random.default_rng([seed, 1])
    blocks = [-(-length // block) for length in _lengths(draw, prefix, spread, groups)]
    begins = np.cumsum([0, *blocks])
    count = groups * members
    units, outputs = _lengths(draw, rest, spread, count), _lengths(draw, reply, spread, count)
    found = []
    for place, index in enumerate(draw.permutation(count)):
        group = int(index) // members
        names = tuple(range(int(begins[group]), int(begins[group]) + blocks[group]))
        found.append(Request(0, block * len(names) + units[place], outputs[place], prefix=names, block=block))
    if arrivals is None:
        return found
    return [replace(request, arrival=time) for request, time in zip(found, arrivals.times(len(found)), strict=True)]


def streamed(
    rate: float,
    seconds: float,
    *,
    head: int = 64,
    chunks: float = 8.0,
    chunk: int = 256,
    gap: float = 0.5,
    reply: int = 64,
    spread: float = 0.8,
    update: float = 0.0,
    cv: float = 1.0,
    slo: Slo | None = None,
    seed: int = 0,
) -> list[Request]:
    """Prompts that arrive over seconds, as a search finds them: the load for which Stream2LLM (MLSys 2026) is made.

    Args:
        rate: prompts that begin a second; gaps are Gamma with `cv` (1: Poisson).
        seconds: in which they begin.
        head: tokens that are there at once; fixed.
        chunks: that follow, on average: 1 + Poisson(chunks - 1).
        chunk, reply: median tokens, log-normal with `spread`.
        gap: median seconds between two chunks, log-normal with `spread`.
        update: share of chunks that replace what came before from a point on, uniform over it (`head` always stays);
            the others are appended.
        slo: of every prompt; default: the first output 1 s after the last chunk.
        seed: of all draws.

    Raises:
        ConfigError: a figure is out of bounds.
    """
    _above("streamed", head=head, gap=gap)
    _shares("streamed", update=update)
    if not 1 <= chunks <= 1000:
        raise ConfigError(f"streamed(chunks={chunks!r}): give 1 to 1000")
    slo = slo or Slo(first=SECOND)
    begins = Arrivals(rate, cv, seed).within(seconds)
    draw = np.random.default_rng([seed, 1])
    counts = 1 + draw.poisson(chunks - 1, len(begins))
    total = int(counts.sum())
    units, outputs = _lengths(draw, chunk, spread, total), _lengths(draw, reply, spread, len(begins))
    gaps = np.maximum(np.rint(np.exp(draw.normal(math.log(gap), spread, total)) * SECOND), 1).astype(np.int64)
    replaces, points = draw.random(total) < update, draw.random(total)
    found, index = [], 0
    for number, (arrival, count) in enumerate(zip(begins, counts, strict=True)):
        after, standing, later = 0, head, []
        for place in range(index, index + int(count)):
            after += int(gaps[place])
            kept = head + int(points[place] * (standing - head + 1)) if replaces[place] else None
            standing = (standing if kept is None else kept) + units[place]
            later.append(Chunk(after, units[place], kept))
        index += int(count)
        found.append(Request(arrival, head, outputs[number], slo=slo, chunks=tuple(later)))
    return found


def _lengths(draw: np.random.Generator, median: int | np.ndarray, spread: float, count: int) -> list[int]:
    if not (np.all(np.asarray(median) >= 1) and np.all(np.asarray(median) <= 1_000_000)):
        raise ConfigError("a median length is below 1 token or above 1,000,000; give one between")
    if not 0 <= spread <= 4:
        raise ConfigError(f"spread={spread!r}: give 0 to 4; 0 is a fixed length")
    found = np.exp(draw.normal(np.log(median), spread, count))
    return [int(length) for length in np.clip(np.rint(found), 1, 64 * np.asarray(median))]


def _above(load: str, **figures: float) -> None:
    for name, figure in figures.items():
        if not (math.isfinite(figure) and figure > 0):
            raise ConfigError(f"{load}({name}={figure!r}): give a number above 0")


def _shares(load: str, **figures: float) -> None:
    for name, figure in figures.items():
        if not 0 <= figure <= 1:
            raise ConfigError(f"{load}({name}={figure!r}): give a share from 0 to 1")


def _sorted(found: list[Request]) -> list[Request]:
    return sorted(found, key=lambda request: request.arrival)
