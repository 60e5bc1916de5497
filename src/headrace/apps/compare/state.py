"""State: methods that keep a language model's past, on the same recorded text."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from headrace.apps.compare.figures import figures, less, result_of
from headrace.apps.compare.machine import machine
from headrace.apps.compare.methods import FAMILY, REFERENCE, Method, find
from headrace.apps.compare.result import Comparison, MethodResult
from headrace.core.errors import ConfigError
from headrace.recipes.baselines import Setting, room_for
from headrace.recipes.language import stream as recorded
from headrace.recipes.language.facts import Facts, Probe
from headrace.recipes.language.places import by_place, places, unigram
from headrace.recipes.language.stream import SHIPPED
from headrace.recipes.language.subject import CAVEAT, MODEL

if TYPE_CHECKING:
    from headrace.models.hf.lm import LM
    from headrace.recipes.language.follow import Track
    from headrace.state import Policy

#: Entries of a segment.
BLOCK = 64
#: Multiples of the trained length: a stream by default, and where unbounded methods reach their limit.
LONG, DENSE = 10, 10
#: Ages of facts, as parts of the budget: (numerator, denominator).
INSIDE = ((1, 8), (1, 4), (1, 2), (3, 4))
OUTSIDE = ((3, 2), (2, 1), (3, 1), (4, 1))
#: Tokens a stream that are run by default at most.
MOST = 100_000

#: Told what is being done, and how many tokens of how many are done.
Progress = Callable[[str, int, int], None]


def compare_state(
    names: Sequence[str] = (FAMILY,),
    *,
    model: str = MODEL,
    stream: str | os.PathLike[str] = SHIPPED,
    seed: int = 0,
    streams: int = 4,
    tokens: int | None = None,
    budget: int = 256,
    progress: Progress | None = None,
) -> Comparison:
    """Run methods on the same streams and measure what each forgets and what it costs.

    All methods and streams share launches; what nobody has dropped yet is read once. Measured are the loss by position,
    recall of facts that are planted in the text, by age, bytes, and the CPU time of one-token steps.

    Args:
        names: of recipes and baselines, or the family "state". The window baseline is always run.
        model: a path, a hub id, or "zoo:NAME".
        stream: "shipped", or the path of a text file.
        seed: of the places where streams begin, of facts and of random choices.
        streams: how many.
        tokens: of each; None: 10 times the trained length.
        budget: tokens that each bounded method keeps.
        progress: told of progress.

    Raises:
        ConfigError: a name or a number cannot be used, or the model has no tokenizer.
        InputError: the model or the stream cannot be read, or the stream is too short.
    """
    began = time.perf_counter()
    methods = find(names)
    if budget < 2 * BLOCK or streams < 1:
        raise ConfigError(f"budget={budget}, streams={streams}: use a budget of {2 * BLOCK} or more, 1 stream or more")
    _expect_past(tokens, budget)
    from headrace.models.hf.load import load

    say = progress or _silent
    say(f"loading {model}", 0, 1)
    lm = load(model)
    if lm.tokenizer is None:
        raise ConfigError(f"{model}: compare needs a model folder with a tokenizer")
    run = _Run.of(lm, methods, os.fspath(stream), seed, streams, tokens, budget)
    return run.compare(model, say, began)


@dataclass
class _Run:
    """What is run on what.

    Attributes:
        lm: the model.
        methods: in the order of the result.
        policies: of each, at the budget.
        texts: token ids, one a stream.
        name: of the stream.
        seed, budget: as in `compare_state`.
        trained: the trained length; that of the streams where it is unknown.
        timed_at: tokens after which steps are timed.
    """

    lm: LM
    methods: list[Method]
    policies: dict[str, Policy]
    texts: list[list[int]]
    name: str
    seed: int
    trained: int
    budget: int
    timed_at: int

    @property
    def shared(self) -> int:
        """Tokens of a stream that no method has dropped anything of."""
        return self.budget // BLOCK * BLOCK

    @classmethod
    def of(
        cls, lm: LM, methods: list[Method], name: str, seed: int, count: int, tokens: int | None, budget: int
    ) -> _Run:
        trained = int(getattr(lm.attached.config, "max_position_embeddings", 0) or 0)
        if tokens is None and not 0 < LONG * trained <= MOST:
            raise ConfigError(
                f"the config of {lm.name} allows {trained or 'an unknown number of'} positions; say tokens"
            )
        wanted = LONG * trained if tokens is None else tokens
        _expect_past(wanted, budget)
        texts = recorded.streams(lm, name, count, wanted, seed)
        limit = room_for(DENSE * (trained or wanted), lm.attached.layout, BLOCK)
        setting = Setting(budget, BLOCK, seed, limit)
        policies = {method.name: method.policy(setting) for method in methods}
        at = (min(wanted, DENSE * (trained or wanted)) // BLOCK - 1) * BLOCK
        return cls(lm, methods, policies, texts, name, seed, trained or wanted, budget, at)

    def compare(self, model: str, say: Progress, began: float) -> Comparison:
        from headrace.recipes.language.follow import follow

        tokens, count = len(self.texts[0]), len(self.texts)
        buckets = places(tokens, self.trained, self.budget)
        probe = Probe.of(self.lm)
        ages = _ages(self.budget) if probe else []
        facts = [
            Facts.plant(probe, self.lm.opening, text, ages, self.seed * count + number)
            for number, text in enumerate(self.texts)
            if probe is not None
        ]
        planted = len(facts[0].ids) if facts else 0
        meter = _Meter(say, len(self.policies) * count * (tokens + planted))
        meter.what = f"reading {count} x {tokens:,} tokens, {len(self.policies)} methods"
        shared = self.budget // BLOCK * BLOCK
        tracks = follow(self.lm, self.policies, self.texts, shared=shared, timed_at=self.timed_at, progress=meter.more)
        recalled: dict[str, list[Track]] = {}
        if facts:
            meter.what = f"asking for {sum(map(len, facts[0].asked.values())) // 2} facts a stream"
            asked = [one.ids for one in facts]
            recalled = follow(self.lm, self.policies, asked, shared=self.shared, progress=meter.more)
        meter.end()
        losses = {name: [by_place(track.loss, buckets) for track in found] for name, found in tracks.items()}
        results = [
            result_of(method, tracks[method.name], losses, recalled.get(method.name, []), facts, self.seed)
            for method in self.methods
        ]
        results.append(self._blind(buckets, losses))
        return Comparison(
            family=FAMILY,
            model=model,
            stream=self.name,
            seed=self.seed,
            tokens=tokens,
            streams=count,
            trained=self.trained,
            budget=self.budget,
            block=BLOCK,
            chance=probe.chance if probe else float("nan"),
            timed_at=self.timed_at,
            buckets=buckets,
            ages=ages,
            methods=results,
            notes=([CAVEAT] if model == MODEL else []) + self._notes(tracks, facts),
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            machine=machine(),
            seconds=time.perf_counter() - began,
        )

    def _blind(
        self, buckets: Mapping[str, tuple[int, int]], losses: Mapping[str, list[dict[str, float]]]
    ) -> MethodResult:
        """How often each token came before: what a method must beat to show that it looks at what it keeps."""
        vocabulary = self.lm.vocabulary
        own = [by_place(unigram(text, vocabulary), buckets) for text in self.texts]
        held = 8 * vocabulary
        return MethodResult(
            name="unigram",
            kind="blind",
            what="how often each token came before, in no order",
            bounded=True,
            loss=figures(own, self.seed),
            against=figures(less(own, losses[REFERENCE]), self.seed),
            resident_bytes=held,
            total_bytes=held,
            tokens=len(self.texts[0]),
        )

    def _notes(self, tracks: Mapping[str, Sequence[Track]], facts: Sequence[Facts]) -> list[str]:
        alone = {name: found[0].alone for name, found in tracks.items() if found[0].alone}
        shared = [name for name in tracks if name not in alone]
        fixed = [method.name for method in self.methods if not method.scales]
        most = self.budget + BLOCK - 1
        notes = [
            f"Blocks of {BLOCK} tokens leave whole: a window holds {self.budget} to {most}; sinks take another block.",
            *self._equal(),
        ]
        if fixed:
            notes.append(f"Run at the recipe's own budget, not at {self.budget} tokens: {', '.join(fixed)}.")
        if shared:
            notes.append(f"The first {self.shared} tokens of a stream were read once for {', '.join(shared)}.")
        notes += [f"{name} read the beginning itself: {why}." for name, why in alone.items()]
        notes.append(f"CPU time is that of one-token steps of one session alone, after {self.timed_at:,} tokens.")
        if facts:
            asked, length = sum(len(one.asked[min(one.asked)]) for one in facts), len(facts[0].ids)
            notes.append(f"Recall: {asked} value tokens an age, in {length:,} tokens of each text with facts in it.")
        else:
            notes.append("Recall was not measured: keys and values of the facts are no single tokens of this model.")
        notes.append("Entries that survive still hold what they took from tokens that left.")
        return notes

    def _equal(self) -> list[str]:
        """Which methods take the same storage; nothing where there are no two."""
        layout = self.lm.attached.layout
        by_slots: dict[int, list[str]] = {}
        for method in self.methods:
            if method.bounded:
                by_slots.setdefault(self.policies[method.name].bind(layout).slots, []).append(method.name)
        if all(len(names) == 1 for names in by_slots.values()):
            return []
        told = "; ".join(f"{slots} by {', '.join(names)}" for slots, names in sorted(by_slots.items()))
        return [f"Bytes are equal, scores aside, where as many blocks of storage are taken: {told}."]


class _Meter:
    """Adds up progress and tells it with what is being done."""

    def __init__(self, say: Progress, total: int) -> None:
        self.say, self.total, self.done, self.what = say, total, 0, ""

    def more(self, tokens: int) -> None:
        self.done = min(self.done + tokens, self.total)
        self.say(self.what, self.done, self.total)

    def end(self) -> None:
        self.say("done", self.total, self.total)


def _ages(budget: int) -> list[int]:
    """Ages of facts, ascending; those beyond the budget are beyond the block more that a method may keep too."""
    beyond = (-(-budget // BLOCK) + 2) * BLOCK
    inside = (budget * a // b // 4 * 4 for a, b in INSIDE)
    outside = (max(budget * a // b // 4 * 4, beyond) for a, b in OUTSIDE)
    return sorted({8, *inside, *outside})


def _expect_past(tokens: int | None, budget: int) -> None:
    """ConfigError unless streams are so long that every bounded method drops something."""
    least = budget + 2 * BLOCK
    if tokens is not None and tokens < least:
        raise ConfigError(f"tokens={tokens}: use {least} or more, so that a budget of {budget} is exceeded")


def _silent(what: str, done: int, total: int) -> None:
    """Progress that nobody wants."""
