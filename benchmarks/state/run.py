"""What a token costs: headrace beside transformers and llama.cpp with the same weights, in one run.

    python -m benchmarks.state.run [--json FILE] [--repeats 5] [--quick]

A Llama of 27 M parameters with random float32 weights, one thread for every peer. Peers are processes of their own,
llama.cpp's in its own environment, made on the first run under build/ (needs a package index). Row by row all peers
are measured once before any is measured again. Figures are CPU milliseconds of the peer's process for each token that
came out; a ratio is taken within each round and its median shown. Before anything is measured every peer says which 32
tokens it finds most probable after the same prompt. `--quick` only shows that everything runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.state.configs import NAME, PARAMETERS, SEED, checkpoint
from benchmarks.state.figures import Figure, Samples, goals, ratio
from benchmarks.state.rows import PEERS, TRANSFORMERS, Section, sections
from benchmarks.state.worker import PeerError, Worker

FLOOR = "linear layers alone"


def start(console: Console) -> tuple[dict[str, Worker], dict[str, str]]:
    """The peers that run, and why the others do not."""
    workers: dict[str, Worker] = {}
    missing: dict[str, str] = {}
    for peer in PEERS:
        try:
            workers[peer] = Worker(peer)
        except PeerError as error:
            missing[peer] = str(error)
            console.print(f"{peer} is left out: {error}", highlight=False, markup=False)
    return workers, missing


def agreement(workers: Mapping[str, Worker]) -> dict[str, dict[str, Any]]:
    """By peer: how many greedy tokens are transformers', and how far their log-probabilities differ at most."""
    if TRANSFORMERS not in workers:
        return {}
    wanted = workers[TRANSFORMERS].ask("agree")
    found: dict[str, dict[str, Any]] = {}
    for peer, worker in workers.items():
        if peer == TRANSFORMERS:
            continue
        try:
            said = worker.ask("agree")
        except PeerError as error:
            found[peer] = {"error": str(error)}
            continue
        same = sum(a == b for a, b in zip(said["tokens"], wanted["tokens"], strict=True))
        found[peer] = {"same": same, "of": len(wanted["tokens"])}
        if "logs" in said:
            logs = max(abs(a - b) for a, b in zip(said["logs"], wanted["logs"], strict=True))
            found[peer]["log_probability_difference"] = logs
    return found


def measure(
    workers: Mapping[str, Worker], missing: Mapping[str, str], plan: tuple[Section, ...], repeats: int, console: Console
) -> tuple[dict[tuple[str, str], list[float]], dict[tuple[str, str], str]]:
    """CPU ms a token of every row and repetition, and why rows have none."""
    samples: dict[tuple[str, str], list[float]] = {}
    failed: dict[tuple[str, str], str] = {}
    for turn in range(repeats + 1):
        console.print("preparing" if turn == 0 else f"round {turn} of {repeats}", highlight=False)
        for section in plan:
            for row in section.rows:
                key = section.key, row.name
                if key in failed:
                    continue
                if row.peer not in workers:
                    failed[key] = missing[row.peer]
                    continue
                try:
                    if turn == 0:
                        workers[row.peer].ask("prepare", case=row.case, **row.parameters)
                        continue
                    got = workers[row.peer].ask("measure", case=row.case, **row.parameters)
                    samples.setdefault(key, []).append(got["cpu"] / got["tokens"] * 1e3)
                except PeerError as error:
                    failed[key] = str(error)
                    samples.pop(key, None)
    return samples, failed


def show(section: Section, samples: Samples, failed: Mapping[tuple[str, str], str], console: Console) -> None:
    """One section: CPU ms a token, ratios to the base row, and to the linear layers where they were measured."""
    bases = [section.base, *(row.name for row in section.rows if row.name == FLOOR)]
    made = Table(title=section.title, title_justify="left")
    made.add_column("")
    for column in ("CPU ms a token", "x base", "x linear")[: 1 + len(bases)]:
        made.add_column(column, justify="right")
    for row in section.rows:
        key = section.key, row.name
        name = f"{row.name} (base)" if row.name == section.base else row.name
        if key in failed:
            made.add_row(name, "not run")
            continue
        ratios = [ratio(samples, section.key, row.name, base) for base in bases]
        made.add_row(name, str(Figure.of(samples[key])), *("" if r is None else str(r) for r in ratios))
    console.print(made)
    for row in section.rows:
        if (section.key, row.name) in failed:
            console.print(f"  {row.name}: {failed[section.key, row.name]}", highlight=False, markup=False)


def figures(plan: tuple[Section, ...], samples: Samples, failed: Mapping[tuple[str, str], str]) -> list[dict[str, Any]]:
    """The rows as JSON."""
    made = []
    for section in plan:
        for row in section.rows:
            key = section.key, row.name
            line: dict[str, Any] = {"section": section.title, "row": row.name, "peer": row.peer} | row.parameters
            if key in failed:
                made.append(line | {"not_run": failed[key]})
                continue
            line |= {"cpu_ms_a_token": asdict(Figure.of(samples[key])), "samples": list(samples[key])}
            times = ratio(samples, section.key, row.name, section.base)
            made.append(line | {"ratio_to": section.base, "ratio": None if times is None else asdict(times)})
    return made


def machine() -> str:
    """The machine in a generic line: figures are compared with those beside them, not across machines."""
    return (
        f"{os.cpu_count()} {platform.machine()} cores, {platform.python_implementation()} {platform.python_version()}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument("--quick", action="store_true", help="one short repetition of everything: figures mean little")
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error("--repeats: 1 or more")
    console, progress = Console(width=140), Console(stderr=True)
    repeats = 1 if options.quick else options.repeats
    began, load = datetime.now(UTC), os.getloadavg()
    checkpoint()
    workers, missing = start(progress)
    try:
        agreed = agreement(workers)
        plan = sections(options.quick)
        samples, failed = measure(workers, missing, plan, repeats, progress)
    finally:
        for worker in workers.values():
            worker.close()
    loads = {"before": round(load[0], 2), "after": round(os.getloadavg()[0], 2)}
    console.print(
        f"{began:%Y-%m-%d}; {machine()}, one thread a peer; load average {loads['before']} before, "
        f"{loads['after']} after; {NAME}, {PARAMETERS:,} parameters, float32; {repeats} repetitions",
        highlight=False,
    )
    for peer, worker in workers.items():
        said = agreed.get(peer, {})
        note = ""
        if "same" in said:
            note = f"; {said['same']} of {said['of']} greedy tokens as transformers"
        if "log_probability_difference" in said:
            note += f", log-probabilities within {said['log_probability_difference']:.0e}"
        if "error" in said:
            note = f"; greedy tokens: {said['error']}"
        console.print(f"{peer} {worker.version}{note}", highlight=False, markup=False)
    for section in plan:
        show(section, samples, failed, console)
    reached = {} if options.quick else goals(samples, plan)
    for text, outcome in reached.items():
        verdict = {True: "met", False: "missed", None: "not measured"}[outcome["reached"]]
        value = "" if outcome["ratio"] is None else f" ({outcome['ratio']:.2f}x)"
        console.print(f"- {text}: {verdict}{value}", highlight=False)
    if options.json:
        content = {
            "date": began.isoformat(timespec="seconds"),
            "seconds": round((datetime.now(UTC) - began).total_seconds()),
            "machine": machine(),
            "load_average": loads,
            "versions": {peer: worker.version for peer, worker in workers.items()},
            "left_out": missing,
            "model": {"name": NAME, "parameters": PARAMETERS, "dtype": "float32", "seed": SEED},
            "unit": "CPU ms a token",
            "repeats": repeats,
            "quick": options.quick,
            "agreement": agreed,
            "rows": figures(plan, samples, failed),
            "goals": reached,
        }
        options.json.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
