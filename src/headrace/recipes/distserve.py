"""DistServe: reading and saying on machines of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headrace.core.recipe import Check, Recipe

if TYPE_CHECKING:
    from headrace.engine.request import Request
    from headrace.engine.simulator.placement import Apart, Placement, Transfer
    from headrace.engine.simulator.published import Published
    from headrace.engine.simulator.search import Promise

#: What the published search found: requests a second and GPU, reading on 2 GPUs, saying on 1.
PUBLISHED_RATE = 1.56
#: Requests of a simulated run at least.
EACH = 60
#: Seconds in which requests arrive, so that answers overlap as they do in the long run.
SECONDS = 40
#: Rates a GPU are searched for below this, to within this.
MOST, WITHIN = 4.0, 0.25
#: Gains that the paper reports over vLLM on ShareGPT begin here.
GAIN = 2.0
#: GPUs that a placement may take.
GPUS = 8
#: Promises beside the paper's, in seconds to the first token and a token: where a curve of gains is read.
OTHERS = ((0.4, 0.05),)
MORE_OTHERS = ((0.2, 0.05), (0.4, 0.1), (0.4, 0.04))


@dataclass(frozen=True)
class DistServe(Recipe):
    """DistServe: Disaggregating Prefill and Decoding for Goodput-optimized LLM Serving (OSDI 2024, arXiv 2401.09670).

    Some machines read prompts, others say the answers, so that neither waits for the other and each may be split as
    suits it; the state moves over in between. Which placement is best is found by simulating it: the highest rate a GPU
    at which 90 % of the requests keep both promises.

    `build()` is the placement that the published search found for OPT-13B on A100 GPUs, by the published profile.

    Attributes:
        reading: GPUs of the replica that reads.
        saying: GPUs of the replica that says.
        first: seconds until a request is read, at most; the paper's for a chatbot.
        every: mean seconds of each token, at most.
        share: of the requests, that keep both.
        bandwidth: bytes a second between replicas; NVLink of an A100, one way.
    """

    name: ClassVar[str] = "distserve"
    claim: ClassVar[str] = (
        "simulated on the published OPT-13B profiles, at 200 ms to the first token and 100 ms a token for 90 %: apart, "
        "a GPU serves at least 2 times the requests of vLLM's engine together, and more than its own engine together; "
        "between two real processes, a session that moves answers as one that stays"
    )
    missing: ClassVar[tuple[str, ...]] = (
        "pipeline degrees",
        "machines that say and hold back those that read",
    )

    reading: int = 2
    saying: int = 1
    first: float = 0.2
    every: float = 0.1
    share: float = 0.9
    bandwidth: float = 300e9

    def build(self) -> Apart:
        """The placement, by the published profile."""
        from headrace.engine.simulator.placement import Apart
        from headrace.engine.simulator.published import Published

        published = Published.load()
        return Apart(published.fleet(self.reading), published.fleet(self.saying), self._transfer())

    def check(self, seed: int = 0, full: bool = False) -> Check:
        """The published search, then the best placement apart and together at the paper's promise and at another.

        Every rate is simulated. Prompts and answers are as long as those of the published ShareGPT requests, drawn by
        the seed. `full`: 3 seeds and more promises.
        """
        from headrace.engine.simulator.published import Published
        from headrace.engine.simulator.search import Promise, best_rate
        from headrace.recipes.handover import hand_over

        published = Published.load()
        paper = Promise(self.first, self.every, self.share)
        again = best_rate(self.build(), published.load_at, paper, most=5.0, within=WITHIN).rate
        figures: dict[str, dict[str, float]] = {}
        for first, every in ((self.first, self.every), *OTHERS, *(MORE_OTHERS if full else ())):
            promise = Promise(first, every, self.share)
            label = _label(promise)
            seen = [self._rates(published, promise, one) for one in range(seed, seed + (3 if full else 1))]
            for name in seen[0]:
                rates = [one[name] for one in seen]
                row = figures.setdefault(name, {})
                row[f"rate_{label}"] = sum(rates) / len(rates)
                if full:
                    row[f"least_{label}"], row[f"most_{label}"] = min(rates), max(rates)
        measured = figures.pop("apart")
        gains = {label: _gains(measured[f"rate_{label}"], figures, label) for label in _labels(measured)}
        for label, (same, other) in gains.items():
            measured[f"gain_{label}"], measured[f"gain_over_vllm_{label}"] = same, other
        moved = hand_over(seed=seed)
        measured["handover_equal"], measured["handover_ms"] = moved.equal, 1e3 * moved.seconds
        measured["published_search"] = again
        figures["published"] = {"published_search": PUBLISHED_RATE}
        same, other = gains[_label(paper)]
        wins = ", ".join(label for label, (gain, _) in gains.items() if gain > 1) or "none"
        return Check(
            measured=measured,
            baselines=figures,
            holds=same > 1 and other >= GAIN and moved.equal == 1,
            seed=seed,
            note=(
                "rates and gains are simulated, in requests a second and GPU, on published profiles of A100 GPUs; no "
                "such machine was run. The two processes are real, of zoo:tiny-llama on a CPU. The published search, "
                f"repeated: {again:.2f} beside {PUBLISHED_RATE}, in steps of 0.31. At equal costs of a launch apart "
                f"wins at: {wins}; what it gains over vLLM's engine is, for the rest, that engine's speed. Ticks that "
                "read and say at once were not published and are priced as one launch"
            ),
        )

    def _rates(self, published: Published, promise: Promise, seed: int) -> dict[str, float]:
        """The highest rate a GPU of the best placement apart, and of the best together of each kind."""
        from headrace.engine.schedulers.splitfuse import SplitFuse
        from headrace.engine.simulator.placement import Together
        from headrace.engine.simulator.search import balanced, best_placement

        def load(rate: float) -> Sequence[Request]:
            return published.resampled(rate, seed, max(round(rate * SECONDS), EACH))

        one, two, four = (published.fleet(degree) for degree in published.degrees())
        apart = balanced((one, two, four), (one, two), self._transfer(), load, promise, gpus=GPUS, most=2 * MOST)
        fused = [published.fleet(degree, scheduler=SplitFuse(), units=2048) for degree in (2, 4)]
        vllm = [published.fleet(degree, engine="vllm") for degree in (1, 4)]
        kinds: dict[str, list[Placement]] = {
            "apart": [apart],
            "together, prefill first": [Together(two), Together(four)],
            "together, split and fused": [Together(fleet) for fleet in fused],
            "together, vLLM's engine": [Together(fleet) for fleet in vllm],
        }
        return {
            name: best_placement(placements, load, promise, most=MOST, within=WITHIN)[0].rate
            for name, placements in kinds.items()
        }

    def _transfer(self) -> Transfer:
        from headrace.engine.simulator.placement import Transfer
        from headrace.engine.simulator.published import TOKEN_BYTES

        return Transfer(TOKEN_BYTES, self.bandwidth)


def _gains(rate: float, figures: Mapping[str, Mapping[str, float]], label: str) -> tuple[float, float]:
    """Over the same engine and over vLLM's, each at the best placement together; a rate of 0 is one below `WITHIN`."""
    rates = {name: max(row[f"rate_{label}"], WITHIN) for name, row in figures.items()}
    other = rates.pop("together, vLLM's engine")
    return rate / max(rates.values()), rate / other


def _label(promise: Promise) -> str:
    return f"{promise.first * 1e3:.0f}_{promise.every * 1e3:.0f}ms"


def _labels(row: Mapping[str, float]) -> list[str]:
    return [name.removeprefix("rate_") for name in row if name.startswith("rate_")]
