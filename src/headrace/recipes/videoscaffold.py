"""VideoScaffold: events, and events of events."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Self

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.core.recipe import Check, Recipe
from headrace.evaluation.baselines import periodic, speak
from headrace.evaluation.metrics import Score, alerts, pool
from headrace.evaluation.millrace.regime import REGIMES
from headrace.evaluation.truth import Event
from headrace.recipes.encoded import Encoded, streams
from headrace.recipes.remembered import Remembered, by_regime, compared, default_grid, figures, grid_of

if TYPE_CHECKING:
    from headrace.understanding.memories.grid import Grid
    from headrace.understanding.memories.scaffold import Scaffold
    from headrace.understanding.memories.segmenter import Segmenter

#: Rows of the check: 2 % of the tokens of half an hour.
BUDGET = 1728
#: A boundary within this time of the begin of a scene reports it, ns.
REACH = 2 * SECOND


@dataclass(frozen=True)
class VideoScaffold(Recipe):
    """VideoScaffold: Elastic-Scale Visual Hierarchies for Streaming Video Understanding in MLLMs.

    Prediction errors cut the stream into events, more coarsely the longer it lasts; events that their level has no
    room for are consolidated, by merging what is most alike, into events of the next level.

    Attributes:
        levels: of the hierarchy.
        same: least cosine at which a token goes on with its event's row.
        deviations: of a prediction error above its mean at which an event begins, when the stream does.
        growth: deviations that come on top with each doubling of time.
        budget: rows.
        grid: of the tokens.
    """

    name: ClassVar[str] = "videoscaffold"
    claim: ClassVar[str] = (
        "boundaries of scenes are found with a greater F1 (within 2 s) than by as many windows of equal length, and no "
        "level has more than its share of the budget after any frame of streams one after another"
    )
    reconstruction: ClassVar[str] = (
        "only the abstract is known, and the code is not published: the prediction, the rule by which granularity "
        "adapts, the levels and all their numbers are ours"
    )

    levels: int = 3
    same: float = 0.8
    deviations: float = 3.0
    growth: float = 0.5
    budget: int = 2048
    grid: Grid = field(default_factory=default_grid)

    def at(self, tokens: int) -> Self:
        """The same method where it keeps so many rows, with fewer levels where there is no room for them.

        Raises:
            ConfigError: there is no room for one level.
        """
        levels = min(self.levels, tokens // (2 * self.grid.cells) - 1)
        if levels < 1:
            raise ConfigError(f"{self.name}: a budget of {tokens} rows; use {4 * self.grid.cells} or more")
        return replace(self, budget=tokens, levels=levels)

    def build(self) -> Scaffold:
        """The memory."""
        from headrace.understanding.memories.scaffold import Scaffold

        return Scaffold(self.grid, self.budget, self.levels, self.same, self.deviations, self.growth)

    def segmenter(self) -> Segmenter:
        """What says where events begin, by itself."""
        from headrace.understanding.memories.segmenter import Segmenter

        return Segmenter(self.grid.size, self.deviations, self.growth)

    def check(self, seed: int = 0, full: bool = False) -> Check:
        """Streams of millrace of every regime, half an hour each (`full`: three of an hour), at 1,728 rows.

        Baselines: windows of equal length, as many as boundaries were found; of as many rows, FIFO and a reservoir of
        frames; and everything.
        """
        each, seconds = (3, 3600.0) if full else (1, 1800.0)
        done: dict[str, dict[str, list[Remembered]]] = defaultdict(lambda: defaultdict(list))
        found: dict[str, list[Score]] = {regime: [] for regime in REGIMES}
        even: dict[str, list[Score]] = {regime: [] for regime in REGIMES}
        long, shares, began = self.at(BUDGET).build(), 0.0, 0
        for stream in streams(REGIMES, seed, each, seconds):
            mine, regime = replace(self, grid=grid_of(stream)).at(BUDGET), stream.world.regime
            for name, one in compared(stream, {self.name: mine.build()}, BUDGET, seed).items():
                done[name][regime].append(one)
            scores = mine.scored(stream)
            found[regime].append(scores[0])
            even[regime].append(scores[1])
            shares, began = max(shares, _fill(long, stream, began)), began + stream.world.duration
        results = {name: figures(one for runs in kept.values() for one in runs) for name, kept in done.items()}
        for name, kept in done.items():
            results[name] |= by_regime(kept, "distant")
        measured = results.pop(self.name)
        windows = results["fixed windows"] = {}
        for row, scored in ((measured, found), (windows, even)):
            row["f1"] = pool([score for runs in scored.values() for score in runs]).f1
            row |= {f"{regime}_f1": pool(runs).f1 for regime, runs in scored.items()}
        measured |= {"fullest_level": shares, "hours": began / (3600 * SECOND)}
        weak = [regime for regime in REGIMES if measured[f"{regime}_f1"] <= windows[f"{regime}_f1"]]
        return Check(
            measured=measured,
            baselines=results,
            holds=measured["f1"] > windows["f1"],
            seed=seed,
            note=(
                f"{each * len(REGIMES)} streams of {seconds / 60:.0f} min, {began / (3600 * SECOND):.1f} h one after "
                "another; features of a weight-free encoder, an oracle reads what is kept; that no level has more than "
                "its share is a property of how it is built, on any stream, so boundaries alone decide; these are no "
                f"better than fixed windows in: {', '.join(weak) or 'no regime'}"
            ),
        )

    def scored(self, stream: Encoded) -> tuple[Score, Score]:
        """The boundaries of one stream, and those of as many windows of equal length."""
        segmenter, duration = self.segmenter(), stream.world.duration
        begins = [item.pts for item in stream.items if segmenter.see(item.pts, item.data.features.mean(axis=(0, 1)))]
        truth = [Event(pts, pts) for pts in stream.world.scenes if pts > 0]
        windows = periodic(duration, duration // (len(begins) + 1))
        scores = [alerts(said, truth, duration, REACH).score for said in (speak("boundary", begins), windows)]
        return scores[0], scores[1]


def _fill(memory: Scaffold, stream: Encoded, began: int) -> float:
    """Write a stream that goes on from others; returns how full the fullest level was, as a share of its room."""
    from headrace.understanding.gates.everything import AdmitAll

    gate, fullest = AdmitAll(), 0
    for item in stream.items:
        memory.write(gate.admit(replace(item, pts=item.pts + began)))
        fullest = max(fullest, *memory.sizes()[1:])
    return fullest / memory.room
