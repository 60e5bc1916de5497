"""How true the simulator is: the capacity that it finds beside that of the engine itself, 3 loads x 3 schedulers.

    python -m benchmarks.engine.fidelity [--model zoo:tiny-llama] [--out benchmarks/engine/results] [--quick]

One thread. The model is calibrated once; then, for each load and scheduler, the engine rehearses the load for some
seconds, the simulator finds the capacity with noise drawn from those ticks, and the engine runs at that number of
sessions, one less and one more, and further until its own capacity lies between two numbers. Requests come by the same
seed in both; ticks of the engine take the CPU time that they took. Capacity: the most sessions of which 99 % of all
outputs that were sent for are in time. `--quick` only shows that everything runs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from headrace.apps.capacity.answer import Answer, answer
from headrace.apps.capacity.figures import percent
from headrace.apps.capacity.find import Question
from headrace.apps.capacity.load import Load
from headrace.apps.capacity.measure import kept, machine, measure
from headrace.apps.capacity.simulated import Priced
from headrace.apps.capacity.words import promise, told
from headrace.core.files import atomic_write
from headrace.engine.calibration import Calibration
from headrace.engine.limits import Limits
from headrace.models.hf.load import load as load_model

#: Loads, and what is promised to their sessions.
LOADS = {
    "callers": ("live:period=1s,chunk=64,reply=40", "first=500ms,every=50ms"),
    "cameras": ("live:period=1s,chunk=512,reply=32,every=4", "whole=2s"),
    "people": ("people:think=2s,prompt=64,reply=48", "first=1s,every=50ms"),
}
SCHEDULERS = ("least-slack", "edf", "fcfs")
#: Of a tick: small, so that the order matters.
LIMITS = Limits(rows=8, units=128)
BUDGET = 508
#: Sessions by which simulator and engine may differ, and the error of ticks on a quiet machine.
WITHIN, TICK = 1, 0.10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="zoo:tiny-llama")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/engine/results"))
    parser.add_argument("--seconds", type=float, default=8.0, help="of each run's load")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    console = Console(stderr=True, highlight=False, markup=False)
    seconds, seeds = (1.0, 1) if given.quick else (given.seconds, 3)
    lm = load_model(given.model)
    made = measure(lm, budget=BUDGET, rows=LIMITS.rows, launches=60 if given.quick else 300)
    console.print(str(made))
    priced, rows = Priced.of(made), []
    for load, scheduler in ((load, scheduler) for load in LOADS for scheduler in SCHEDULERS):
        asked, slo = LOADS[load]
        question = Question(
            Load.parse(asked),
            promise(slo),
            limits=LIMITS,
            budget=BUDGET,
            seconds=seconds,
            seeds=seeds,
        )
        rows.append(_row(load, answer(question, [scheduler], priced, lm, real=True)))
        console.print(" | ".join(_cells(rows[-1])))
    result = {
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "calibration": kept(made),
        "seconds": seconds,
        "rows": LIMITS.rows,
        "units": LIMITS.units,
        "budget": BUDGET,
        "loads": {name: {"load": str(Load.parse(a)), "slo": told(promise(b))} for name, (a, b) in LOADS.items()},
        "found": rows,
    }
    text = markdown(result, made)
    print(text)
    if not given.quick:
        given.out.mkdir(parents=True, exist_ok=True)
        atomic_write(given.out / "fidelity.json", json.dumps(result, indent=1) + "\n")
        atomic_write(given.out / "fidelity.md", text)


def _row(load: str, found: Answer) -> dict[str, Any]:
    """One load under one scheduler."""
    ((scheduler, simulated),) = found.found.items()
    real = found.verified[scheduler]
    return {
        "load": load,
        "scheduler": scheduler,
        "simulated": simulated.sessions,
        "low": simulated.low,
        "high": simulated.high,
        "if_10_percent_slower": simulated.slower,
        "engine": real.sessions,
        "at_its_pace": found.paced[scheduler],
        "bounded": real.bounded,
        "pace": round(found.pace or 1.0, 3),
        "pace_of_runs": round(median(real.ratios), 3),
        "tick_error": round(max(run.error for run in real.runs), 4),
        "runs": [run.to_json() for run in real.runs],
    }


def _cells(row: Mapping[str, Any]) -> list[str]:
    engine = "none tried" if row["engine"] is None else f"{row['engine']}{'' if row['bounded'] else ' or more'}"
    runs = ", ".join(f"{run['sessions']}: {percent(run['hits'])}" for run in row["runs"])
    over = f"{row['simulated']} ({row['low']}–{row['high']})"
    return [
        row["load"],
        row["scheduler"],
        over,
        engine,
        str(row["at_its_pace"]),
        str(row["if_10_percent_slower"]),
        f"{row['pace']:.2f}, {row['pace_of_runs']:.2f}",
        percent(row["tick_error"]),
        runs,
    ]


def _close(row: Mapping[str, Any], simulated: str) -> bool:
    return row["engine"] is not None and row["bounded"] and abs(row["engine"] - row[simulated]) <= WITHIN


def markdown(result: Mapping[str, Any], made: Calibration) -> str:
    """The tables."""
    head = (
        "load",
        "scheduler",
        "simulated",
        "engine",
        "simulated at its pace",
        "if 10 % slower",
        "pace",
        "ticks off by",
        "engine: hits by sessions",
    )
    rows: Sequence[Mapping[str, Any]] = result["found"]
    before, then = (sum(_close(row, name) for row in rows) for name in ("simulated", "at_its_pace"))
    held = made.held_out
    ticks = "met" if made.held_out.mean <= TICK else "not met"
    limits = f"{result['rows']} rows and {result['units']} tokens a tick, {result['budget']} tokens kept a session"
    lines = [
        f"{result['machine']}, {result['date']}; {limits}, {result['seconds']:g} s of load a run",
        "",
        *[f"- **{name}**: {of['load']}; {of['slo']}" for name, of in result["loads"].items()],
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *[f"| {' | '.join(_cells(row))} |" for row in rows],
        "",
        f"- capacity within {WITHIN} session: {before} of {len(rows)}, {then} of {len(rows)} at the pace of the runs",
        f"- launches held out within {TICK:.0%} on average: {ticks} ({held.mean:.1%} mean, {held.p95:.1%} p95)",
        "- pace: median of what a tick took over what the calibration says, in the rehearsal and in the engine's runs",
        "- simulated at its pace: what the simulator finds if its noise is drawn from the ticks of the engine's runs",
        "- ticks off by: mean of |predicted / measured - 1| in the engine's worst run, by the calibration alone",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
