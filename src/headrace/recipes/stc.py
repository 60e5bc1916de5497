"""STC: reuse what the encoder made, and prune what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headrace.core.recipe import Check, Recipe
from headrace.evaluation.millrace.regime import REGIMES
from headrace.recipes.encoded import Trial, pooled, streams

if TYPE_CHECKING:
    from headrace.understanding.gate import Gate
    from headrace.understanding.gates.chain import Chain
    from headrace.understanding.tokens import TokenAdmission

#: By how much the paper's encoder time and prefill fall, and the change of the task score that the claim allows.
ENCODING, PREFILL, CHANGE = 0.245, 0.453, 0.01


@dataclass(frozen=True)
class STC(Recipe):
    """STC: Accelerating Streaming Video Large Language Models via Hierarchical Token Compression.

    The cacher computes every second picture whole; of the others only the tokens that changed most, and takes the rest
    from the picture before. The pruner keeps of each picture the tokens least like its mean and least like the past.

    The cacher works here on the encoder's output, see `Cacher`: its saving is counted, not timed. The code's history
    of the pruner grows for ever and goes on from one video to the next; here it is a running mean of one stream.

    Attributes:
        interval: pictures from one that is computed whole to the next; 2 in the code.
        update: share of the tokens that is computed in between; 0.25 in the code.
        keep: share of the tokens that is kept; 60 of 196 in the paper.
    """

    name: ClassVar[str] = "stc"
    claim: ClassVar[str] = (
        "the encoder's work falls by at least 24.5 % and the tokens by at least 45.3 %, while the accuracy of an "
        "oracle that reads all that entered changes by at most 1 percentage point"
    )
    missing: ClassVar[tuple[str, ...]] = ("reuse inside the layers of an encoder, chosen by their keys",)

    interval: int = 2
    update: float = 0.25
    keep: float = 60 / 196

    def build(self) -> Chain:
        """The gate on tokens."""
        from headrace.understanding.gates.cacher import Cacher
        from headrace.understanding.gates.chain import Chain
        from headrace.understanding.gates.pruner import Pruner

        return Chain(Cacher(self.interval, self.update), Pruner(self.keep))

    def check(self, seed: int = 0, full: bool = False) -> Check:
        """Streams of millrace of every regime, 20 minutes each (`full`: three an hour long); nothing is forgotten.

        Baselines: everything; the cacher alone and the pruner alone; as many tokens drawn at random; as many pictures
        whole, at even distances.
        """
        each, seconds = (3, 3600.0) if full else (1, 1200.0)
        trials: dict[str, dict[str, list[Trial]]] = {}
        for stream in streams(REGIMES, seed, each, seconds):
            for name, gate in self._gates(stream.world.seed).items():
                by_regime = trials.setdefault(name, {regime: [] for regime in REGIMES})
                by_regime[stream.world.regime].append(Trial.of(stream, gate))
        figures = {name: _figures(by_regime) for name, by_regime in trials.items()}
        measured, whole = figures.pop(self.name), figures["everything"]
        lost = whole["accuracy"] - measured["accuracy"]
        measured |= {"encoding_fell": 1 - measured["computed"], "tokens_fell": 1 - measured["admitted"], "lost": lost}
        asked = sum(len(one.right) for done in trials[self.name].values() for one in done)
        weak = [
            f"{regime} ({measured[f'{regime}_accuracy']:.0%} of {whole[f'{regime}_accuracy']:.0%})"
            for regime in REGIMES
            if abs(whole[f"{regime}_accuracy"] - measured[f"{regime}_accuracy"]) > CHANGE
        ]
        return Check(
            measured=measured,
            baselines=figures,
            holds=abs(lost) <= CHANGE and measured["encoding_fell"] >= ENCODING and measured["tokens_fell"] >= PREFILL,
            seed=seed,
            note=(
                f"{each * len(REGIMES)} streams of {seconds / 60:.0f} min, {asked} questions, features of a "
                "weight-free encoder of 24 tokens a picture; work is that of a layer's linear parts; how far work and "
                f"tokens fall (claim: {ENCODING:.1%} and {PREFILL:.1%}) follows from the settings on any stream; only "
                "accuracy can fail; "
                f"it changes by more than 1 point in: {', '.join(weak) or 'no regime'}"
            ),
        )

    def _gates(self, seed: int) -> dict[str, Gate[TokenAdmission]]:
        from headrace.understanding.gates.blind import Drawn, Thinned
        from headrace.understanding.gates.cacher import Cacher
        from headrace.understanding.gates.everything import AdmitAll
        from headrace.understanding.gates.pruner import Pruner

        return {
            self.name: self.build(),
            "everything": AdmitAll(),
            "cacher alone": Cacher(self.interval, self.update),
            "pruner alone": Pruner(self.keep),
            "random tokens": Drawn(self.keep, seed),
            "whole pictures": Thinned(self.keep),
        }


def _figures(trials: dict[str, list[Trial]]) -> dict[str, float]:
    """Figures over all streams, and accuracy by regime."""
    figures = pooled(one for done in trials.values() for one in done)
    return figures | {f"{regime}_accuracy": pooled(done)["accuracy"] for regime, done in trials.items()}
