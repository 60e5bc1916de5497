"""Flash-VStream: four memories of one stream."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Self

from headrace.core.errors import ConfigError
from headrace.core.recipe import Check, Recipe
from headrace.evaluation.millrace.regime import REGIMES
from headrace.recipes.encoded import Encoded, streams
from headrace.recipes.remembered import Remembered, by_regime, compared, default_grid, figures, grid_of

if TYPE_CHECKING:
    from headrace.understanding.memories.flash import Flash
    from headrace.understanding.memories.grid import Grid

#: Rows of the check: 2 % of the tokens of half an hour; and by how much the claim wants more right answers.
BUDGET, MARGIN = 1728, 0.05


@dataclass(frozen=True)
class FlashVStream(Recipe):
    """Flash-VStream: Memory-Based Real-Time Understanding for Long Video Streams (arXiv 2406.08085).

    Spatial memory is the current frame, temporal memory the stream in weighted clusters of pooled frames, abstract
    memory a gist that is written softly; retrieved memory fetches the whole frames nearest the heaviest clusters.

    Not copied from the published code: its streaming path gives k-means no weights of old clusters, so that an hour
    counts as much as a frame; it takes numbers of clusters for numbers of raw frames when it looks frames up, and
    keeps all raw frames for ever; its k-means starts from unseeded draws. Here weights are passed on, each cluster
    keeps the one frame nearest to it on the host, and the draws follow from a seed.

    Attributes:
        clusters: of the temporal memory; 25 in the paper.
        pooling: cells on a side that become one there; 2 in the paper (8 x 8 to 4 x 4).
        slots: of the abstract memory; 25 in the paper.
        looked_up: frames that are fetched; 3 in the paper.
        seed: of the draws.
        grid: of the tokens.
    """

    name: ClassVar[str] = "flashvstream"
    claim: ClassVar[str] = (
        "its bytes are the same after every frame of a stream, all tiers counted, and after every frame each of its "
        "four memories can be read; distant questions (5 minutes and more) are answered better than by "
        "FIFO of as many rows"
    )
    missing: ClassVar[tuple[str, ...]] = ("trained projections of the abstract memory",)

    clusters: int = 25
    pooling: int = 2
    slots: int = 25
    looked_up: int = 3
    seed: int = 0
    grid: Grid = field(default_factory=default_grid)

    @property
    def pool(self) -> tuple[int, int]:
        """Rows and columns of a pooled frame."""
        return max(1, self.grid.rows // self.pooling), max(1, self.grid.columns // self.pooling)

    @property
    def budget(self) -> int:
        """Rows of all four."""
        return self._fixed + self.clusters * self.pool[0] * self.pool[1]

    @property
    def _fixed(self) -> int:
        return (1 + self.looked_up) * self.grid.cells + self.slots

    def at(self, tokens: int) -> Self:
        """The same method where it keeps so many rows: with more or fewer clusters.

        Raises:
            ConfigError: the other memories alone take more.
        """
        clusters = (tokens - self._fixed) // (self.pool[0] * self.pool[1])
        if clusters < max(1, self.looked_up):
            raise ConfigError(f"{self.name}: a budget of {tokens} rows, of which {self._fixed} are not for clusters")
        return replace(self, clusters=clusters)

    def build(self) -> Flash:
        """The memory."""
        from headrace.understanding.memories.flash import Flash

        return Flash(self.grid, self.budget, self.pool, self.looked_up, self.slots, self.seed)

    def check(self, seed: int = 0, full: bool = False) -> Check:
        """Streams of millrace of every regime, half an hour each (`full`: three of an hour), at 1,728 rows.

        Baselines of as many rows: FIFO and a reservoir of frames; and everything.
        """
        each, seconds = (3, 3600.0) if full else (1, 1800.0)
        done: dict[str, dict[str, list[Remembered]]] = defaultdict(lambda: defaultdict(list))
        constant, readable, frames = True, 0, 0
        for stream in streams(REGIMES, seed, each, seconds):
            memory = replace(self, grid=grid_of(stream), seed=seed).at(BUDGET)
            for name, one in compared(stream, {self.name: memory.build()}, BUDGET, seed).items():
                done[name][stream.world.regime].append(one)
            same, count = memory.readable(stream)
            constant, readable, frames = constant and same, readable + count, frames + len(stream.items)
        results = {name: figures(one for runs in kept.values() for one in runs) for name, kept in done.items()}
        for name, kept in done.items():
            results[name] |= by_regime(kept, "distant")
        measured = results.pop(self.name)
        measured |= {"readable": readable / frames, "constant": float(constant)}
        fifo = results["FIFO"]
        weak = [
            f"{regime} ({measured[f'{regime}_distant']:.0%}, {fifo[f'{regime}_distant']:.0%})"
            for regime in REGIMES
            if measured[f"{regime}_distant"] < fifo[f"{regime}_distant"] + MARGIN
        ]
        return Check(
            measured=measured,
            baselines=results,
            holds=measured["distant"] >= fifo["distant"] + MARGIN,
            seed=seed,
            note=(
                f"{each * len(REGIMES)} streams of {seconds / 60:.0f} min, features of a weight-free encoder, an "
                "oracle reads what is kept; half of the questions are to be refused; constant bytes and four readable "
                "memories are properties of how it is built, on any stream, so distant questions alone decide; these "
                f"are not that much better (method, FIFO) in: {', '.join(weak) or 'no regime'}"
            ),
        )

    def readable(self, stream: Encoded) -> tuple[bool, int]:
        """Whether the bytes of all tiers stay the same, and after how many frames each of the four could be read."""
        from headrace.understanding.gates.everything import AdmitAll

        memory, gate = self.build(), AdmitAll()
        held, count = memory.nbytes(), 0
        same = True
        for item in stream.items:
            memory.write(gate.admit(item))
            same = same and memory.nbytes() == held
            parts = (memory.spatial(), memory.temporal(), memory.abstract(), memory.retrieved())
            count += all(len(part) for part in parts)
        return same, count
