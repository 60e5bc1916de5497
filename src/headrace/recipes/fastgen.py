"""DeepSpeed-FastGen: dynamic split-fuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.recipe import Check, Recipe
from headrace.recipes.simulated import CAVEAT, Figures, compare, gaps, machine, mean, said, seeds

if TYPE_CHECKING:
    from headrace.engine.limits import Limits
    from headrace.engine.scheduler import Scheduler
    from headrace.engine.schedulers.splitfuse import SplitFuse

#: Prompts a second; the machine is full at about 3.
RATES = (0.5, 1.0, 2.0, 3.0, 4.0)
#: Rates at which the claim is tested.
LOADED = RATES[1:]
#: Seconds in which prompts arrive.
SECONDS, LONG = 60.0, 240.0
#: Tokens of a launch of whole prompts: vLLM's default before prompts were cut.
WHOLE = 2560
#: What the claim asks for: times, share.
BETTER, EQUAL = 2.0, 0.05


@dataclass(frozen=True)
class FastGen(Recipe):
    """DeepSpeed-FastGen: High-throughput Text Generation for LLMs via MII and DeepSpeed-Inference (arXiv 2401.08671).

    Dynamic SplitFuse: every launch has the same number of tokens. All replies that are under way say one, and prompts
    fill what is left, the long ones cut over several launches, short ones put together. So no prompt, however long,
    makes a reply wait for more than one launch.

    Attributes:
        units: tokens of a launch.
    """

    name: ClassVar[str] = "fastgen"
    claim: ClassVar[str] = (
        "simulated, prompts of about 1,024 tokens and replies of 128, 1 to 4 a second: the 99th percentile of the time "
        "between two tokens at least 2 times shorter than with whole prompts first, at equal throughput (5 %)"
    )

    units: int = 512

    def __post_init__(self) -> None:
        if type(self.units) is not int or self.units < 1:
            raise ConfigError(f"{self.name}: units={self.units!r}; use a whole number, 1 or more")

    def build(self) -> SplitFuse:
        """The scheduler; `limits()` goes with it."""
        from headrace.engine.schedulers.splitfuse import SplitFuse

        return SplitFuse()

    def limits(self) -> Limits:
        """Of a launch."""
        from headrace.engine.limits import Limits

        return Limits(units=self.units)

    def check(self, seed: int = 0, full: bool = False) -> Check:
        """The time between tokens and the throughput, by rate, beside other orders and cuts."""
        from headrace.engine.schedulers.fcfs import Fcfs
        from headrace.engine.schedulers.prefillfirst import PrefillFirst
        from headrace.engine.schedulers.shuffled import Shuffled

        others: dict[str, tuple[Scheduler, int]] = {
            self.name: (self.build(), self.units),
            "whole prompts first": (PrefillFirst(), WHOLE),
            "prompts first, cut": (PrefillFirst(), self.units),
            "arrival, cut": (Fcfs(), self.units),
            "random, cut": (Shuffled(), self.units),
        }
        seconds = LONG if full else SECONDS
        figures: dict[str, Figures] = {name: {} for name in others}
        measured: Figures = {}
        weak = []
        for rate in RATES:
            runs = {
                name: [_run(scheduler, units, rate, seconds, one) for one in seeds(seed, full)]
                for name, (scheduler, units) in others.items()
            }
            for name, found in runs.items():
                figures[name] |= {f"{figure}_at_{rate:g}": value for figure, value in mean(found).items()}
            tail, pace = _against(runs, self.name, "whole prompts first")
            measured |= {f"tail_times_at_{rate:g}": tail[0], f"tail_spread_at_{rate:g}": tail[1]}
            measured |= {f"throughput_times_at_{rate:g}": pace[0]}
            if rate in LOADED and not (tail[0] >= BETTER and abs(pace[0] - 1) <= EQUAL):
                weak.append(f"{tail[0]:.2f} times the tail at {pace[0]:.2f} times the throughput at {rate:g}/s")
        return Check(
            measured=figures.pop(self.name) | measured,
            baselines=figures,
            holds=not weak,
            seed=seed,
            note=(
                f"{seconds:g} s of arrivals (Poisson), {len(seeds(seed, full))} seeds, launches of {self.units} tokens "
                f"(whole prompts: {WHOLE}); tail_times: their p99 over ours, spread is half the range over seeds. "
                "The gain is the cut's: arrival order with the same cut does as well, since who speaks came earlier. "
                "The price is the first token, and at a lower rate the tail has few prompts in it, so that little is "
                f"gained. {CAVEAT}. The claim fails in: {'; '.join(weak) or 'nothing'}"
            ),
        )


def _run(scheduler: Scheduler, units: int, rate: float, seconds: float, seed: int) -> Figures:
    """One load on one machine."""
    from headrace.engine.simulator import simulate
    from headrace.engine.traces.loads import chat

    requests = chat(rate, seconds, prompt=1024, reply=128, spread=0.3, seed=seed)
    outcome = simulate(requests, machine(scheduler, units=units))
    between = gaps(outcome.served) * 1e3
    first = [one.first / 1e9 for one in outcome.served if one.first is not None]
    return {
        "p99_ms": float(np.percentile(between, 99)),
        "p50_ms": float(np.median(between)),
        "first_s": float(np.mean(first)),
        "first_p99_s": float(np.percentile(first, 99)),
        "tokens_per_s": said(outcome.served) / (outcome.end / 1e9),
    }


def _against(
    runs: Mapping[str, Sequence[Mapping[str, float]]], ours: str, theirs: str
) -> tuple[tuple[float, float], tuple[float, float]]:
    """How many times shorter the tail is, and how many times the throughput; with half the range over seeds."""
    tail = compare(runs, "p99_ms", lambda a, b: b / a, ours, theirs)
    return tail, compare(runs, "tokens_per_s", lambda a, b: a / b, ours, theirs)
