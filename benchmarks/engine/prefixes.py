"""prefixes: a batch of questions about shared texts: BatchLLM's groups beside a cache of prefixes at equal bytes."""

from __future__ import annotations

from rich.console import Console

from benchmarks.engine.part import REAL, SIMULATED, Goal, Part, Row, paired
from benchmarks.engine.served import Subject, subject
from benchmarks.state.figures import Figure
from headrace.engine.limits import Limits
from headrace.engine.schedulers.registry import scheduler_of
from headrace.engine.traces.loads import shared_prefix

#: Texts, questions about each, and median tokens of a text, a question and an answer.
BATCHES = {
    "16 texts, 4 questions each": (16, 4, 512, 32, 16),
    "6 texts, 12 questions each": (6, 12, 512, 32, 16),
    "8 short texts, 8 long questions each": (8, 8, 128, 128, 32),
}
CLAIMED = tuple(BATCHES)[:2]
CASES = {
    "grouped (batchllm)": ("grouped", True),
    "fcfs, lru cache": ("fcfs", True),
    "random, lru cache": ("random", True),
    "fcfs, nothing shared": ("fcfs", False),
}
OURS, THEIRS = tuple(CASES)[:2]
PACE, REUSED = "requests a s", "tokens copied"
BETTER = 1.1
#: Sessions whose state the cache holds, and rows of a launch.
KEPT, ROWS = 4, 8
#: Entries of 1,024 that are filled: storage grows by doubling, which a simulated session does not show.
FILLED = 600
BUDGET = 2048


def prefixes(quick: bool, console: Console) -> Part:
    """Measure it, by batch."""
    seeds = 1 if quick else 3
    batches = dict(list(BATCHES.items())[1:2]) if quick else BATCHES
    title = "Questions about shared texts, all there at once, tiny-llama"
    part = Part("batchllm", title, (PACE, REUSED))
    of = subject("zoo:tiny-llama", BUDGET)
    for where in (REAL, SIMULATED):
        for load, shape in batches.items():
            console.print(f"batchllm: {load}, {where}", highlight=False)
            found: dict[str, list[dict[str, float]]] = {name: [] for name in CASES}
            for seed in range(seeds):
                for name in CASES:
                    found[name].append(_run(of, where, name, shape, seed))
            for name, runs in found.items():
                figures = {column: Figure.of([run[column] for run in runs]) for column in part.columns}
                part.rows.append(Row(load, name, figures, where))
            part.samples[f"{where}, {load}"] = found
            value = paired([run[PACE] for run in found[OURS]], [run[PACE] for run in found[THEIRS]]).median
            if where == REAL and load in CLAIMED:
                part.goals.append(
                    Goal(f"{load}: batchllm has >= {BETTER:g}x the requests a second of the cache", value, BETTER)
                )
            else:
                part.notes.append(f"{where}, {load}: batchllm has {value:.2f}x the requests a second of the cache")
    return part


def _run(of: Subject, where: str, name: str, shape: tuple[int, int, int, int, int], seed: int) -> dict[str, float]:
    scheduler, share = CASES[name]
    groups, members, prefix, rest, reply = shape
    requests = shared_prefix(groups, members, prefix=prefix, rest=rest, reply=reply, seed=seed)
    entries = KEPT * (FILLED if where == SIMULATED else 1024)
    cached = entries * (of.entry_bytes if where == REAL else 1) if share else 0
    machine = of.machine(scheduler_of(scheduler), Limits(rows=ROWS, units=256), share=share, prefixes=cached)
    outcome = of.real(requests, machine, seed) if where == REAL else of.simulated(requests, machine)
    return {
        PACE: len(requests) / (outcome.end / 1e9),
        REUSED: sum(one.reused for one in outcome.served) / sum(one.units for one in requests),
    }
