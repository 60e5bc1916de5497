"""streams: the wait for the first token of prompts that arrive in parts: Stream2LLM's order beside waiting for all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Console

from benchmarks.engine.part import REAL, SIMULATED, Goal, Part, Row, paired
from benchmarks.engine.served import Subject, subject
from benchmarks.state.figures import Figure
from headrace.engine.limits import Limits
from headrace.engine.request import Request
from headrace.engine.schedulers.registry import scheduler_of
from headrace.engine.traces.loads import streamed
from headrace.recipes.stream2llm import waited

#: Parts of a prompt and their median tokens; replies of one token, as the paper's engine only reads.
PARTS, PART = 14, 128
UPDATED = 0.3
CASES = {
    "streamed (stream2llm)": ("streamed", False),
    "wait for all": ("fcfs", True),
    "read as it comes, fcfs": ("fcfs", False),
}
OURS, THEIRS = tuple(CASES)[:2]
WAIT, P95, PACE, BUSY, READ = "wait ms", "wait p95 ms", "prompts a s", "busy s", "tokens read"
BETTER, EQUAL = 5.0, 0.05
BUDGET = 1 << 13


def streams(quick: bool, console: Console) -> Part:
    """Measure it, by rate of arrivals and with updates."""
    loads, seconds, seeds = ((1.0, 0.0),), 4.0, 1
    if not quick:
        loads, seconds, seeds = ((0.5, 0.0), (1.0, 0.0), (2.0, 0.0), (1.0, UPDATED)), 6.0, 3
    title = f"From the last part to the first token, prompts of about {PARTS} parts of {PART} tokens, tiny-llama"
    part = Part("stream2llm", title, (WAIT, P95, PACE, BUSY, READ))
    of = subject("zoo:tiny-llama", BUDGET)
    for where, long in ((REAL, seconds), (SIMULATED, (2 if quick else 10) * seconds)):
        for rate, updated in loads:
            load = f"{rate:g} prompts a s{f', {updated:.0%} of parts replace' if updated else ''}"
            console.print(f"stream2llm: {load}, {where}", highlight=False)
            found: dict[str, list[dict[str, float]]] = {name: [] for name in CASES}
            for seed in range(seeds):
                for name in CASES:
                    found[name].append(_run(of, where, name, rate, updated, long, seed))
            for name, runs in found.items():
                figures = {column: Figure.of([run[column] for run in runs]) for column in part.columns}
                part.rows.append(Row(load, name, figures, where))
            part.samples[f"{where}, {load}"] = found
            if where == REAL:
                ours, theirs = found[OURS], found[THEIRS]
                value = paired([run[WAIT] for run in theirs], [run[WAIT] for run in ours]).median
                pace = paired([run[PACE] for run in ours], [run[PACE] for run in theirs]).median
                part.goals.append(Goal(f"{load}: waiting for all waits >= {BETTER:g}x as long", value, BETTER))
                part.goals.append(Goal(f"{load}: >= {1 - EQUAL:g}x its prompts a second", pace, 1 - EQUAL))
    part.goals.append(Goal("updated prompts: tokens kept / tokens of the longest common prefix", _exact(of), 1.0))
    return part


def _run(
    of: Subject, where: str, name: str, rate: float, updated: float, seconds: float, seed: int
) -> dict[str, float]:
    scheduler, whole = CASES[name]
    requests = streamed(rate, seconds, chunks=PARTS, chunk=PART, gap=0.2, reply=1, update=updated, seed=seed)
    machine = of.machine(scheduler_of(scheduler), Limits(units=256), remember=1 << 20)
    given = waited(requests) if whole else requests
    read = 0

    def count(_: int, rows: Sequence[tuple[int, int]], taken: float) -> float:
        nonlocal read
        read += sum(units for units, _ in rows)
        return taken

    outcome = of.real(given, machine, seed, count) if where == REAL else of.simulated(given, machine, count)
    waits = [(one.times[0] - one.release) / 1e6 for one in outcome.served if one.times]
    return {
        WAIT: float(np.median(waits)),
        P95: float(np.percentile(waits, 95)),
        PACE: len(requests) / (outcome.end / 1e9),
        BUSY: sum(outcome.busy),
        READ: read,
    }


def _exact(of: Subject) -> float:
    """With time for every part: what the longest common prefixes spare, as a share of what it could spare."""
    requests = streamed(0.2, 20, chunks=8, chunk=64, gap=1.0, spread=0.1, reply=1, update=UPDATED, seed=7)
    machine = of.machine(scheduler_of("streamed"), Limits(units=256), remember=1 << 20)
    read = 0

    def count(_: int, rows: Sequence[tuple[int, int]], taken: float) -> float:
        nonlocal read
        read += sum(units for units, _ in rows)
        return taken

    of.real(requests, machine, 7, count)
    opening = len(of.lm.opening)
    new = sum(opening + one.units + sum(chunk.units for chunk in one.chunks) + one.outputs for one in requests)
    spared, could = _all(requests) - (read - opening * len(requests)), _all(requests) - (new - opening * len(requests))
    return spared / could


def _all(requests: Sequence[Request]) -> int:
    """Tokens that would be read if every part made the whole prompt be read again, and the tokens said."""
    total = 0
    for one in requests:
        standing = one.units
        total += standing + one.outputs
        for chunk in one.chunks:
            standing = (standing if chunk.kept is None else chunk.kept) + chunk.units
            total += standing
    return total
