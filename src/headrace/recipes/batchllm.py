"""BatchLLM: batches whose requests begin alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headrace.core.recipe import Check, Recipe
from headrace.recipes.simulated import CAVEAT, Figures, compare, machine, mean, seeds

if TYPE_CHECKING:
    from headrace.engine.scheduler import Scheduler
    from headrace.engine.schedulers.grouped import Grouped

#: Batches, by name: texts, questions about each, and median tokens of a text, a question and an answer.
BATCHES = {
    "4_a_text": (128, 4, 1024, 64, 32),
    "16_a_text": (32, 16, 1024, 64, 32),
    "64_a_text": (8, 64, 1024, 64, 32),
    "short_texts": (16, 32, 512, 256, 64),
}
#: Batches at which the claim is tested: long texts with short questions, more texts than the cache holds.
CLAIMED = ("4_a_text", "16_a_text")
#: Rows of a launch, and tokens that are kept for those that begin alike: together what the memory holds.
ROWS, CACHE = 40, 16_384
#: What the claim asks for: times.
BETTER = 1.1


@dataclass(frozen=True)
class BatchLLM(Recipe):
    """BatchLLM: Large Batched LLM Inference with Global Prefix Sharing and Throughput-oriented Token Batching.

    arXiv 2412.03594. Requests that begin alike are found beforehand and run together, so that what they share is read
    once and lives shortly; the groups that say most for what they read go first, so that what they say is mixed with
    what later ones read. An implicit cache instead forgets the least recently used beginning, often just before it is
    wanted.
    """

    name: ClassVar[str] = "batchllm"
    claim: ClassVar[str] = (
        "simulated, 512 questions in no order about 32 and about 128 texts of about 1,024 tokens: requests a second at "
        "least 1.1 times those of arrival order with a cache of prefixes (least recently used goes) at equal memory"
    )
    missing: ClassVar[tuple[str, ...]] = (
        "memory of a shared beginning counted once (it is copied)",
        "the fused attention over it",
        "beginnings within beginnings made one level",
    )

    def build(self) -> Grouped:
        """The scheduler."""
        from headrace.engine.schedulers.grouped import Grouped

        return Grouped()

    def check(self, seed: int = 0, full: bool = False) -> Check:
        """Requests a second and tokens that needed no reading, by batch."""
        from headrace.engine.schedulers.fcfs import Fcfs
        from headrace.engine.schedulers.shuffled import Shuffled

        others: dict[str, tuple[Scheduler, bool]] = {
            self.name: (self.build(), True),
            "lru": (Fcfs(), True),
            "random, lru": (Shuffled(), True),
            "nothing shared": (Fcfs(), False),
        }
        figures: dict[str, Figures] = {name: {} for name in others}
        measured: Figures = {}
        weak, lost = [], []
        for batch, shape in BATCHES.items():
            runs = {
                name: [_run(scheduler, share, shape, one) for one in seeds(seed, full)]
                for name, (scheduler, share) in others.items()
            }
            for name, found in runs.items():
                figures[name] |= {f"{figure}_{batch}": value for figure, value in mean(found).items()}
            times, spread = compare(runs, "requests_per_s", lambda a, b: a / b, self.name, "lru")
            measured |= {f"times_lru_{batch}": times, f"spread_{batch}": spread}
            if batch in CLAIMED and not times >= BETTER:
                weak.append(f"{times:.2f} times at {batch}")
            if times < 1:
                lost.append(f"{batch} ({times:.2f} times)")
        return Check(
            measured=figures.pop(self.name) | measured,
            baselines=figures,
            holds=not weak,
            seed=seed,
            note=(
                f"{len(seeds(seed, full))} seeds; all requests are there at once; {ROWS} rows and {CACHE:,} tokens "
                "kept for beginnings, for all alike; reused: share of the tokens given that were copied. Where it "
                f"loses to the cache: {', '.join(lost) or 'nowhere'}. {CAVEAT}. The claim fails in: "
                f"{'; '.join(weak) or 'nothing'}"
            ),
        )


def _run(scheduler: Scheduler, share: bool, shape: tuple[int, int, int, int, int], seed: int) -> Figures:
    """One batch on one machine."""
    from headrace.engine.simulator import simulate
    from headrace.engine.traces.loads import shared_prefix

    groups, members, prefix, rest, reply = shape
    requests = shared_prefix(groups, members, prefix=prefix, rest=rest, reply=reply, seed=seed)
    outcome = simulate(requests, machine(scheduler, rows=ROWS, share=share, prefixes=CACHE if share else 0))
    return {
        "requests_per_s": len(requests) / (outcome.end / 1e9),
        "reused": sum(one.reused for one in outcome.served) / sum(one.units for one in requests),
    }
