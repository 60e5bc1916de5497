"""CPU time a hop: headrace beside asyncio, anyio and pipecat, each in its own environment and process.

    python benchmarks/flow/run.py [--json] [--repeats 5] [--docs]

The first run makes the environments under benchmarks/.envs (needs a package index); later ones reuse them. All
peers run once before any runs again, so that a busy minute falls on all alike. A hop costs
(item through five stages - item through none) / 5, for every peer. The table goes to standard output, as
Markdown, and the figures to benchmarks/flow/results/flow.json; --docs also puts the table into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from report import machine, page, save

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parents[1] / "src"
ENVIRONMENTS = HERE.parent / ".envs"
#: In the order in which they run.
PEERS = ("headrace", "asyncio", "anyio", "pipecat")
ITEMS = 10_000
BASE = "headrace, channel before every stage"
FUSED = "headrace, fused"
RIVAL = "pipecat, defaults"


@dataclass(frozen=True)
class Figure:
    """CPU us over the repeats."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Figure:
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f}-{self.high:.2f})"


@dataclass(frozen=True)
class Line:
    """One variant of one peer: CPU us a hop in both modes, and of one item through the whole chain."""

    name: str
    version: str
    burst: Figure
    ping: Figure
    burst_item: Figure
    ping_item: Figure


def environment(peer: str) -> Path:
    """The Python of the peer's environment, which is made anew when its pinned requirements have changed."""
    requirements = HERE / "requirements" / f"{peer}.txt"
    home = ENVIRONMENTS / peer
    stamp = home / "requirements.sha256"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    python = home / "bin" / "python"
    if stamp.exists() and stamp.read_text() == digest:
        return python
    print(f"making the environment of {peer}", file=sys.stderr)
    ENVIRONMENTS.mkdir(exist_ok=True)
    (ENVIRONMENTS / ".gitignore").write_text("*\n")
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "-r", str(requirements)], check=True)
    stamp.write_text(digest)
    return python


def once(peer: str) -> dict[str, Any]:
    """One run of one peer in a fresh process."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    settings = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    if peer == "headrace":
        settings["PYTHONPATH"] = str(SOURCES)
    command = [str(environment(peer)), str(HERE / "peers" / f"with_{peer}.py"), "--items", str(ITEMS)]
    done = subprocess.run(command, env=keep | settings, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{peer} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def lines(rounds: list[list[dict[str, Any]]]) -> list[Line]:
    """Medians over the rounds."""
    made = []
    for runs in zip(*rounds, strict=True):
        first = runs[0]
        for variant in first["variants"]:
            measured = [run["variants"][variant] for run in runs]
            hop, item = {}, {}
            for mode in ("burst", "ping"):
                hop[mode] = Figure.of([(m[mode]["staged"] - m[mode]["bare"]) / first["stages"] for m in measured])
                item[mode] = Figure.of([m[mode]["staged"] for m in measured])
            name = f"{first['peer']}, {variant}"
            made.append(Line(name, str(first["version"]), hop["burst"], hop["ping"], item["burst"], item["ping"]))
    return made


def goals(table: list[Line]) -> dict[str, bool]:
    """The goals of the project for its runtime."""
    by_name = {line.name: line for line in table}
    base, rival = by_name[BASE], by_name[RIVAL]
    return {
        "burst <= 2 us a hop": base.burst.median <= 2,
        "ping <= 10 us a hop": base.ping.median <= 10,
        "burst >= 15x less than pipecat": rival.burst.median >= 15 * base.burst.median,
        "ping >= 8x less than pipecat": rival.ping.median >= 8 * base.ping.median,
    }


def ratio(figure: Figure, base: Figure) -> str:
    times = figure.median / base.median
    return f"{times:.1f}" if times >= 1 else f"{times:.2f}"


def markdown(table: list[Line]) -> str:
    """CPU us: median (lowest-highest); ratios are medians over headrace's medians."""
    by_name = {line.name: line for line in table}
    base, fused = by_name[BASE], by_name[FUSED]
    rows = [
        "| chain | burst, us a hop | ping, us a hop | burst: x channels / x fused | ping: x channels / x fused |",
        "|---|---|---|---|---|",
    ]
    for line in table:
        ratios = [
            f"{ratio(of, to)} / {ratio(of, under)}"
            for of, to, under in ((line.burst, base.burst, fused.burst), (line.ping, base.ping, fused.ping))
        ]
        rows.append(f"| {line.name} ({line.version}) | {line.burst} | {line.ping} | {ratios[0]} | {ratios[1]} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, not as a table")
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument("--docs", action="store_true", help="put the table into docs/benchmarks.md")
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error("--repeats: 1 or more")
    for peer in PEERS:
        environment(peer)
    table = lines([[once(peer) for peer in PEERS] for _ in range(options.repeats)])
    outcome = goals(table)
    figures = {
        "machine": machine(),
        "items": ITEMS,
        "repeats": options.repeats,
        "unit": "CPU us",
        "lines": [asdict(line) for line in table],
        "goals": outcome,
    }
    save("flow", figures)
    met = "\n".join(f"- {goal}: {'met' if reached else 'missed'}" for goal, reached in outcome.items())
    text = f"{machine()}; {options.repeats} repeats of {ITEMS} items\n\n{markdown(table)}\n\n{met}"
    if options.docs:
        page("flow", text)
    print(json.dumps(figures, indent=1) if options.json else text)


if __name__ == "__main__":
    main()
