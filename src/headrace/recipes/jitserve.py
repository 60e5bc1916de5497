"""JITServe: just enough, just in time, of lengths that are only foreseen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headrace.core.recipe import Check, Recipe
from headrace.recipes.simulated import CAVEAT, Figures, compare, goodput, machine, mean, seeds

if TYPE_CHECKING:
    from headrace.engine.scheduler import Scheduler
    from headrace.engine.schedulers.density import Density

#: Requests a second; the machine is full at about 6.
RATES = (4.0, 8.0, 12.0)
#: Seconds in which requests arrive.
SECONDS, LONG = 60.0, 240.0
#: Tokens of a prompt and its reply at most, the model's context; DistServe leaves longer ones out of ShareGPT too.
CONTEXT = 2048
#: How far foreseen lengths are off: the length times exp(N(0, ERROR)).
ERROR = 0.3
#: What the claim asks for, and where: times, share of promises that arrival order keeps at most.
BETTER, FEW = 1.4, 0.75


@dataclass(frozen=True)
class JITServe(Recipe):
    """JITServe: SLO-aware LLM Serving with Imprecise Request Information (arXiv 2504.20068, NSDI 2026).

    Requests want their tokens at a pace, or the whole by a deadline. Each gets just enough to keep its promise, by what
    it is worth for the time that it still takes; of many that compete, a group of like lengths with the greatest sum.
    Lengths are foreseen with error and are put right while a request runs.

    Attributes:
        output: worth of a token said against one read; 8 in the paper's code.
        exponent: how hard lateness is punished; 1 in the paper's code.
        reach: candidates for a group, in multiples of the rows of a launch.
        spare: ticks that a request must be able to stand back to be put behind; the paper's code scores every 50.
    """

    name: ClassVar[str] = "jitserve"
    claim: ClassVar[str] = (
        "simulated, half of the requests with a pace and half with a deadline, short and long: goodput (tokens a "
        "second of requests whose promise held, of all that were sent) at least 1.4 times that of arrival order at "
        "every rate at which arrival order breaks a quarter of its promises"
    )
    missing: ClassVar[tuple[str, ...]] = (
        "the predictor of lengths (their error is drawn)",
        "compound requests of several calls",
    )
    reconstruction: ClassVar[str] = (
        "how bandwidth is assigned just in time is known from the abstract; rewards and groups follow the code"
    )

    output: float = 8.0
    exponent: float = 1.0
    reach: int = 4
    spare: int = 50

    def __post_init__(self) -> None:
        self.build()

    def build(self) -> Density:
        """The scheduler."""
        from headrace.engine.schedulers.density import Density

        return Density(self.output, self.exponent, self.reach, self.spare)

    def check(self, seed: int = 0, full: bool = False) -> Check:
        """Goodput and kept promises, by rate, beside other orders."""
        from headrace.engine.schedulers.edf import Edf
        from headrace.engine.schedulers.fcfs import Fcfs
        from headrace.engine.schedulers.leastslack import LeastSlack
        from headrace.engine.schedulers.shortest import Shortest
        from headrace.engine.schedulers.shuffled import Shuffled

        others: dict[str, Scheduler] = {
            self.name: self.build(),
            "fcfs": Fcfs(),
            "edf": Edf(),
            "least slack": LeastSlack(),
            "shortest": Shortest(),
            "random": Shuffled(),
        }
        seconds = LONG if full else SECONDS
        figures: dict[str, Figures] = {name: {} for name in others}
        measured: Figures = {}
        weak, tested, beaten = [], 0, []
        for rate in RATES:
            runs = {
                name: [_run(scheduler, rate, seconds, one) for one in seeds(seed, full)]
                for name, scheduler in others.items()
            }
            means = {name: mean(found) for name, found in runs.items()}
            for name, found in means.items():
                figures[name] |= {f"{figure}_at_{rate:g}": value for figure, value in found.items()}
            times, spread = compare(runs, "goodput", lambda a, b: a / max(b, 1e-9), self.name, "fcfs")
            measured |= {f"times_fcfs_at_{rate:g}": times, f"spread_at_{rate:g}": spread}
            best = max((name for name in means if name != self.name), key=lambda name: means[name]["goodput"])
            if means[best]["goodput"] > means[self.name]["goodput"]:
                more = means[best]["goodput"] / means[self.name]["goodput"]
                beaten.append(f"{best} has {more:.2f} times its goodput at {rate:g}/s")
            if means["fcfs"]["kept"] <= FEW:
                tested += 1
                if not times >= BETTER:
                    weak.append(f"{times:.2f} times at {rate:g}/s")
        if not tested:
            weak.append("no rate at which arrival order breaks a quarter of its promises")
        return Check(
            measured=figures.pop(self.name) | measured,
            baselines=figures,
            holds=not weak,
            seed=seed,
            note=(
                f"{seconds:g} s of arrivals (Poisson), {len(seeds(seed, full))} seeds; first token in 1 s and then one "
                "each 0.1 s, or the whole in 20 s; prompts of 256 and replies of 128 tokens, a fifth of them 8 times "
                f"as long, none beyond the model's {CONTEXT:,} in all; lengths foreseen with an error of {ERROR:g} in "
                "the logarithm. Arrivals that fit the machine are served about alike by all. Where it loses: "
                f"{'; '.join(beaten) or 'nowhere'}. {CAVEAT}. The claim fails in: {'; '.join(weak) or 'nothing'}"
            ),
        )


def _run(scheduler: Scheduler, rate: float, seconds: float, seed: int) -> Figures:
    """One load on one machine."""
    from headrace.engine.simulator import simulate
    from headrace.engine.traces.loads import mixed

    requests = [one for one in mixed(rate, seconds, error=ERROR, seed=seed) if one.units + one.outputs <= CONTEXT]
    served = simulate(requests, machine(scheduler)).served
    return {
        "goodput": goodput(served, seconds),
        "kept": sum(one.kept for one in served) / len(served),
        "sent": sum(one.wanted for one in served) / seconds,
    }
