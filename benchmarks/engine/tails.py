"""tails: the time between two tokens while long prompts arrive: FastGen's cut beside whole prompts first."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.engine.part import REAL, SIMULATED, Goal, Part, Row, paired
from benchmarks.engine.served import Subject, gaps, subject, tokens
from benchmarks.state.figures import Figure
from headrace.engine.limits import Limits
from headrace.engine.schedulers.registry import scheduler_of
from headrace.engine.traces.loads import chat

#: Tokens of a launch from which on this model reads no faster; and of a launch of whole prompts.
CUT, WHOLE = 128, 2048
#: Median tokens in and out.
PROMPT, REPLY = 512, 64
CASES = {
    "split-fuse (fastgen)": ("split-fuse", CUT),
    "prefill-first": ("prefill-first", WHOLE),
    "fcfs, cut": ("fcfs", CUT),
}
OURS, THEIRS = tuple(CASES)[:2]
P99, P95, P50, FIRST, PACE = "p99 ms", "p95 ms", "p50 ms", "first token ms", "tokens a s"
BETTER, EQUAL = 2.0, 0.05


def tails(quick: bool, console: Console) -> Part:
    """Measure it, by rate of arrivals."""
    rates, seconds, seeds = ((2.0,), 4.0, 1) if quick else ((1.0, 2.0), 15.0, 3)
    title = f"Time between tokens, prompts of about {PROMPT} tokens and replies of {REPLY}, Llama of 27 M"
    part = Part("fastgen", title, (P99, P95, P50, FIRST, PACE))
    of = subject("27m", 2048)
    beyond = rates if quick else (0.5, *rates)
    for where, loads, long in ((REAL, rates, seconds), (SIMULATED, beyond, (2 if quick else 8) * seconds)):
        names = (OURS, THEIRS) if where == REAL else tuple(CASES)
        for rate in loads:
            console.print(f"fastgen: {rate:g} prompts a second, {where}", highlight=False)
            found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
            for seed in range(seeds):
                for name in names:
                    found[name].append(_run(of, where, name, rate, long, seed))
            load = f"{rate:g} prompts a s"
            for name, runs in found.items():
                figures = {column: Figure.of([run[column] for run in runs]) for column in part.columns}
                part.rows.append(Row(load, name, figures, where))
            part.samples[f"{where}, {load}"] = found
            if where == REAL:
                _goals(part, load, found)
    part.notes.append(
        "What the cut gains is in the tail; arrival order with the same cut does as well. The price is the first token."
    )
    return part


def _run(of: Subject, where: str, name: str, rate: float, seconds: float, seed: int) -> dict[str, float]:
    scheduler, units = CASES[name]
    requests = chat(rate, seconds, prompt=PROMPT, reply=REPLY, spread=0.3, seed=seed)
    machine = of.machine(scheduler_of(scheduler), Limits(units=units))
    outcome = of.real(requests, machine, seed) if where == REAL else of.simulated(requests, machine)
    between = gaps(outcome.served)
    return {
        P99: float(np.percentile(between, 99)),
        P95: float(np.percentile(between, 95)),
        P50: float(np.median(between)),
        FIRST: float(np.median([one.first / 1e6 for one in outcome.served if one.first is not None])),
        PACE: tokens(outcome.served) / (outcome.end / 1e9),
    }


def _goals(part: Part, load: str, found: dict[str, list[dict[str, Any]]]) -> None:
    ours, theirs = found[OURS], found[THEIRS]
    pace = paired([run[PACE] for run in ours], [run[PACE] for run in theirs]).median
    value = paired([run[P99] for run in theirs], [run[P99] for run in ours]).median
    equal = f"{pace:.2f}x its tokens a second"
    part.goals.append(Goal(f"{load}: prefill-first has >= {BETTER:g}x the p99 of split-fuse ({equal})", value, BETTER))
    part.goals.append(Goal(f"{load}: split-fuse has >= {1 - EQUAL:g}x the tokens a second", pace, 1 - EQUAL))
