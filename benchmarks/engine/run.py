"""Serving, measured: decode rates beside other engines, and schedulers beside each other, in one run.

    python -m benchmarks.engine.run [--quick] [--only NAME] [--json FILE] [--docs]

One thread unless a row says otherwise. Rates beside other engines are of processes of their own, in interleaved
rounds; llama.cpp's in its own environment, made on the first run under build/ (needs a package index). Schedulers are
compared on the engine itself, whose clock is the CPU time of its ticks, and beyond that in its simulator, by a cost
model that is fitted in the same run; each row says which. Medians with lowest and highest over rounds or seeds; ratios
are taken within each. `--quick` only shows that everything runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import torch
from rich.console import Console
from rich.markdown import Markdown

import headrace
from benchmarks.engine.decode import decode
from benchmarks.engine.part import Part
from benchmarks.engine.prefixes import prefixes
from benchmarks.engine.promises import promises
from benchmarks.engine.streams import streams
from benchmarks.engine.tails import tails
from benchmarks.state.configs import NAME, PARAMETERS, SEED, checkpoint
from headrace.apps.capacity.measure import machine

PARTS: dict[str, Callable[[bool, Console], Part]] = {
    "decode": decode,
    "fastgen": tails,
    "jitserve": promises,
    "stream2llm": streams,
    "batchllm": prefixes,
}
RESULTS = Path(__file__).with_name("results")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
MARKS = "<!-- serving: begin -->", "<!-- serving: end -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short repetition of everything: figures mean little")
    parser.add_argument(
        "--only", choices=PARTS, action="append", metavar="NAME", help=f"of {', '.join(PARTS)}; may be repeated"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, not into results/")
    parser.add_argument("--docs", action="store_true", help="put the tables into docs/benchmarks.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    progress, console = Console(stderr=True), Console(width=160)
    checkpoint()
    began, clock, load = datetime.now(UTC), time.perf_counter(), os.getloadavg()
    parts = [PARTS[name](options.quick, progress) for name in options.only or PARTS]
    content = {
        "date": began.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - clock),
        "machine": machine(),
        "load_average": {"before": round(load[0], 2), "after": round(os.getloadavg()[0], 2)},
        "versions": {"headrace": headrace.__version__, "torch": torch.__version__, "python": platform.python_version()},
        "model": {"name": NAME, "parameters": PARAMETERS, "seed": SEED},
        "quick": options.quick,
        "parts": {part.name: part.to_json() for part in parts},
    }
    loads = f"load average {load[0]:.1f} before, {os.getloadavg()[0]:.1f} after"
    caveat = "; quick, so that figures mean little" if options.quick else ""
    lines = [f"{began:%Y-%m-%d}; {content['machine']}; {loads}; {content['seconds']} s{caveat}", ""]
    lines += [line for part in parts for line in part.markdown()]
    console.print(Markdown("\n".join(lines)))
    if options.json is not None:
        options.json.write_text(json.dumps(content, indent=1) + "\n")
    elif not options.quick and options.only is None:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "engine.json").write_text(json.dumps(content, indent=1) + "\n")
        (RESULTS / "engine.md").write_text("\n".join(lines).rstrip() + "\n")
    if options.docs:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
        _, found, after = rest.partition(MARKS[1])
        if not found:
            raise SystemExit(f"{PAGE}: no section between {MARKS[0]} and {MARKS[1]}")
        text = "\n".join(lines).rstrip()
        PAGE.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
