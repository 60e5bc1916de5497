"""promises: goodput of a mixed load, JITServe's order beside arrival order and others."""

from __future__ import annotations

from rich.console import Console

from benchmarks.engine.part import REAL, SIMULATED, Goal, Part, Row, paired
from benchmarks.engine.served import Subject, subject
from benchmarks.state.figures import Figure
from headrace.engine.limits import Limits
from headrace.engine.schedulers.registry import scheduler_of
from headrace.engine.traces.loads import mixed

#: Promises are a fifth of those of the load's defaults, and prompts and replies a quarter: about as much shorter as a
#: launch of this model is, beside that of the models which the defaults have in mind.
LOAD = {"first": 0.2, "pace": 0.02, "whole": 4.0, "prompt": 64, "reply": 32}
CASES = {
    "density (jitserve)": "density",
    "fcfs": "fcfs",
    "edf": "edf",
    "least slack": "least-slack",
    "shortest": "shortest",
    "random": "random",
}
OURS, THEIRS = tuple(CASES)[:2]
#: Those that run on the engine.
HERE = (OURS, THEIRS, "edf", "random")
GOOD, KEPT, SENT = "goodput, tokens a s", "promises kept", "sent, tokens a s"
#: What is asked, and where: times; share of promises that arrival order keeps at most.
BETTER, BROKEN = 1.4, 0.5
ROWS, UNITS = 16, 128


def promises(quick: bool, console: Console) -> Part:
    """Measure it, by rate of arrivals."""
    rates, seconds, seeds = ((20.0,), 2.0, 1) if quick else ((12.0, 20.0), 5.0, 3)
    beyond = (20.0,) if quick else (6.0, 12.0, 20.0, 30.0)
    title = "Goodput: half of the requests with a pace, half with a deadline, short and long, tiny-llama"
    part = Part("jitserve", title, (GOOD, KEPT, SENT))
    of = subject("zoo:tiny-llama", 2048)
    for where, loads, long in ((REAL, rates, seconds), (SIMULATED, beyond, 2 * seconds)):
        names = HERE if where == REAL else tuple(CASES)
        for rate in loads:
            console.print(f"jitserve: {rate:g} requests a second, {where}", highlight=False)
            found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
            for seed in range(seeds):
                for name in names:
                    found[name].append(_run(of, where, name, rate, long, seed))
            load = f"{rate:g} requests a s, {long:g} s"
            for name, runs in found.items():
                figures = {column: Figure.of([run[column] for run in runs]) for column in part.columns}
                part.rows.append(Row(load, name, figures, where))
            part.samples[f"{where}, {load}"] = found
            kept = Figure.of([run[KEPT] for run in found[THEIRS]]).median
            value = paired([run[GOOD] for run in found[OURS]], [run[GOOD] for run in found[THEIRS]]).median
            if kept <= BROKEN:
                text = f"{where}, {load}: jitserve has >= {BETTER:g}x the goodput of fcfs"
                part.goals.append(Goal(text, value, BETTER))
            else:
                part.notes.append(
                    f"{where}, {load}: fcfs keeps {kept:.0%} of its promises; jitserve {value:.2f}x its goodput"
                )
    return part


def _run(of: Subject, where: str, name: str, rate: float, seconds: float, seed: int) -> dict[str, float]:
    requests = mixed(rate, seconds, seed=seed, **LOAD)
    machine = of.machine(scheduler_of(CASES[name]), Limits(rows=ROWS, units=UNITS))
    served = (of.real(requests, machine, seed) if where == REAL else of.simulated(requests, machine)).served
    return {
        GOOD: sum(one.wanted for one in served if one.kept) / seconds,
        KEPT: sum(one.kept for one in served) / len(served),
        SENT: sum(one.wanted for one in served) / seconds,
    }
