"""Stream2LLM: reading what has arrived while the rest is fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.recipe import Check, Recipe
from headrace.recipes.simulated import CAVEAT, Figures, compare, machine, mean, seeds

if TYPE_CHECKING:
    from headrace.engine.request import Request
    from headrace.engine.scheduler import Scheduler
    from headrace.engine.schedulers.streamed import Streamed

#: Prompts a second; the machine is full at about 3.
RATES = (0.5, 1.0, 2.0, 3.0, 4.0)
#: Rates at which the machine is busy for half of the time at most, so that the claim is tested there.
EASY = RATES[:2]
#: Seconds in which prompts begin.
SECONDS, LONG = 60.0, 240.0
#: Share of chunks that replace what came before, where inputs are updated.
UPDATED = 0.3
#: What the claim asks for: times, share.
BETTER, EQUAL = 5.0, 0.05
#: Tokens that a state may hold, so that none of the prompts is cut.
MOST = 1 << 14


@dataclass(frozen=True)
class Stream2LLM(Recipe):
    """Stream2LLM: Overlap Context Streaming and Prefill for Reduced Time-to-First-Token (arXiv 2604.16395, MLSys 2026).

    A prompt is read as its parts are found, not when all are there; prompts that are complete go first. If a part
    replaces what came before, the longest common prefix of old and new is kept and the rest is read again. Whether a
    session that has to make room is written out or read again is decided by the price of its own tokens.

    Attributes:
        among: the order among the complete, and among the open: "fcfs" by arrival, "lcas" by the newest part, "mcps" by
            the tokens that are computed.
    """

    name: ClassVar[str] = "stream2llm"
    claim: ClassVar[str] = (
        "simulated, prompts found in 14 parts over about 10 s, on a machine that reads only and is half busy: from "
        "the last part to the first token at least 5 times sooner than waiting for all, median and 95th percentile; no "
        "less throughput (5 %) at any rate; updated prompts are read exactly from the longest common prefix on"
    )

    among: Literal["fcfs", "lcas", "mcps"] = "fcfs"

    def __post_init__(self) -> None:
        self.build()

    def build(self) -> Streamed:
        """The scheduler."""
        from headrace.engine.schedulers.streamed import Among, ByArrival, ByComputed, ByLastChunk, Streamed

        orders: dict[str, Among] = {"fcfs": ByArrival(), "lcas": ByLastChunk(), "mcps": ByComputed()}
        if self.among not in orders:
            raise ConfigError(f"{self.name}: among={self.among!r}; use one of {', '.join(orders)}")
        return Streamed(orders[self.among])

    def check(self, seed: int = 0, full: bool = False) -> Check:
        """The wait for the first token and the throughput, by rate, with parts appended and updated."""
        from headrace.engine.schedulers.fcfs import Fcfs
        from headrace.engine.schedulers.shuffled import Shuffled

        others: dict[str, tuple[Scheduler, bool]] = {
            self.name: (self.build(), False),
            "wait for all": (Fcfs(), True),
            "streamed, arrival": (Fcfs(), False),
            "streamed, random": (Shuffled(), False),
        }
        seconds = LONG if full else SECONDS
        figures: dict[str, Figures] = {name: {} for name in others}
        measured: Figures = {"reread": _reread(seed)}
        weak = [] if measured["reread"] == 0 else [f"{measured['reread']:g} tokens read without need"]
        for rate, updated in [(rate, 0.0) for rate in RATES] + [(1.0, UPDATED)]:
            at = f"{rate:g}{'_updated' if updated else ''}"
            runs = {
                name: [_run(scheduler, whole, rate, updated, seconds, one) for one in seeds(seed, full)]
                for name, (scheduler, whole) in others.items()
            }
            for name, found in runs.items():
                figures[name] |= {f"{figure}_at_{at}": value for figure, value in mean(found).items()}
            for figure in ("wait_s", "wait_p95_s", "from_arrival_s"):
                times, spread = compare(runs, figure, lambda a, b: b / a, self.name, "wait for all")
                short = figure.removesuffix("_s")
                measured |= {f"{short}_times_at_{at}": times, f"{short}_spread_at_{at}": spread}
                if rate in EASY and not updated and figure != "from_arrival_s" and not times >= BETTER:
                    weak.append(f"{short} {times:.2f} times at {at}/s")
            pace, _ = compare(runs, "prompts_per_s", lambda a, b: a / b, self.name, "wait for all")
            measured[f"throughput_times_at_{at}"] = pace
            if not pace >= 1 - EQUAL:
                weak.append(f"{pace:.2f} times the throughput at {at}/s")
        return Check(
            measured=figures.pop(self.name) | measured,
            baselines=figures,
            holds=not weak,
            seed=seed,
            note=(
                f"{seconds:g} s of arrivals (Poisson), {len(seeds(seed, full))} seeds; about 2,500 tokens a prompt, "
                "one said; wait: from the last part to the first token; from_arrival: from the first part, retrieval "
                f"included; updated: {UPDATED:.0%} of the parts replace what came before from a point on; reread: "
                "tokens read without need. A busier machine gains less, a full one little: what waits then is work. "
                f"Updates shorten prompts, so that waiting reads less. {CAVEAT}. The claim fails in: "
                f"{'; '.join(weak) or 'nothing'}"
            ),
        )


def waited(requests: Sequence[Request]) -> list[Request]:
    """The same prompts, each there at once when its last part is."""
    found = []
    for request in requests:
        standing = request.units
        for chunk in request.chunks:
            standing = (standing if chunk.kept is None else chunk.kept) + chunk.units
        after = request.chunks[-1].after if request.chunks else 0
        found.append(replace(request, arrival=request.arrival + after, units=standing, chunks=()))
    return found


def _run(scheduler: Scheduler, whole: bool, rate: float, updated: float, seconds: float, seed: int) -> Figures:
    """One load on one machine."""
    from headrace.engine.simulator import simulate
    from headrace.engine.traces.loads import streamed

    requests = streamed(rate, seconds, chunks=14, chunk=128, reply=1, update=updated, seed=seed)
    given = waited(requests) if whole else requests
    outcome = simulate(given, machine(scheduler, remember=1 << 20, most=MOST))
    waits = [(one.times[0] - one.release) / 1e9 for one in outcome.served]
    since = [(one.times[0] - request.arrival) / 1e9 for one, request in zip(outcome.served, requests, strict=True)]
    return {
        "wait_s": float(np.median(waits)),
        "wait_p95_s": float(np.percentile(waits, 95)),
        "from_arrival_s": float(np.median(since)),
        "prompts_per_s": len(requests) / (outcome.end / 1e9),
        "busy_s": sum(outcome.busy),
    }


def _reread(seed: int) -> float:
    """Tokens that were read beyond those behind each longest common prefix, with time for every part."""
    from headrace.engine.simulator import simulate
    from headrace.engine.traces.loads import streamed

    requests = streamed(0.02, 600, chunks=14, chunk=128, gap=5, spread=0.1, reply=1, update=UPDATED, seed=seed)
    read = 0

    def count(_: int, rows: Sequence[tuple[int, int]], predicted: float) -> float:
        nonlocal read
        read += sum(units for units, _ in rows)
        return predicted

    simulate(requests, machine(Stream2LLM().build(), remember=1 << 20, most=MOST), duration=count)
    needed = sum(request.units + sum(chunk.units for chunk in request.chunks) for request in requests)
    return float(read - needed - sum(request.outputs for request in requests))
