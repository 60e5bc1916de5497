"""What listens, as subjects of the laws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from headrace.core.item import MS, SECOND, Item
from headrace.core.sound import Sound
from headrace.media.activity import FRAME, Activity
from headrace.media.framer import Framer
from headrace.media.heard import RATE, Utterance
from headrace.media.listen import Listen
from headrace.media.loudness import BLOCK, Loudness
from headrace.media.novelty import Novelty
from headrace.media.transcribe import Transcribe
from headrace.media.vad import SileroVad, VadStream
from tests.laws.fed import NO_REFERENCE, ONE_AT_A_TIME, TIMES_OF_ITEMS, Fed
from tests.media.loud import Loud
from tests.media.narration import Samples, plain, scene

#: Samples of one input of `Listening`: 40 ms, so that 16 inputs are 20 whole frames.
PIECE = 640


@cache
def sound(seed: int) -> Samples:
    return scene(24.0, seed)


@cache
def loud() -> SileroVad:
    return Loud()


@cache
def trained() -> SileroVad:
    return SileroVad()


@dataclass(frozen=True)
class Cut:
    """Blocks of 8 samples out of single ones; an input is (index, sample)."""

    name: str = "framer"
    capacity: int = 16
    exempt: dict[int, str] = field(default_factory=lambda: {5: TIMES_OF_ITEMS, 6: NO_REFERENCE})

    def open(self, start: int = 0, seed: int = 0) -> Framer:
        return Framer(8, RATE)

    def inputs(self, n: int, seed: int) -> Sequence[Any]:
        return list(enumerate(sound(seed)[:n]))

    def step(self, rows: Sequence[tuple[Any, Sequence[Any]]]) -> list[list[Any]]:
        outputs: list[list[Any]] = []
        for part, inputs in rows:
            samples = np.array([sample for _, sample in inputs], np.float32)
            pts = inputs[0][0] * SECOND // RATE if inputs else 0
            outputs.append([(at, block.copy()) for at, block in part.cut(pts, samples)] if inputs else [])
        return outputs


@dataclass(frozen=True)
class Listening:
    """Events and utterances out of pieces of 40 ms; an input is (index, samples)."""

    name: str = "listen"
    capacity: int = 16
    exempt: dict[int, str] = field(default_factory=lambda: {5: TIMES_OF_ITEMS, 6: NO_REFERENCE})

    def open(self, start: int = 0, seed: int = 0) -> Listen:
        return Listen(loud())

    def inputs(self, n: int, seed: int) -> Sequence[Any]:
        return list(enumerate(sound(seed)[: n * PIECE].reshape(n, PIECE)))

    def step(self, rows: Sequence[tuple[Any, Sequence[Any]]]) -> list[list[Any]]:
        return [self._listen(part, inputs) if inputs else [] for part, inputs in rows]

    def _listen(self, part: Listen, inputs: Sequence[Any]) -> list[Any]:
        pts = inputs[0][0] * PIECE * SECOND // RATE
        samples = np.concatenate([piece for _, piece in inputs])
        made = part.step(Item(pts, "audio", Sound(samples, RATE), arrival=pts, source="talk"))
        return plain([item.derive(item.data, item.kind) for item in made if item.kind != "heard"])


def block(i: int, size: int) -> Samples:
    return np.resize(sound(2)[1600 * i : 1600 * i + 1600], size)


def stretch(part: Activity, i: int) -> Any:
    made = [part.see((i * 9 + k) * 32 * MS, block(i + k, FRAME), 0.9 * (i % 9 < 6)) for k in range(9)]
    return [(m.first, m.last, m.score, m.samples.tobytes()) for m in made if m is not None]


def judged(part: Loudness, i: int) -> Any:
    marks = part.see(i * 100 * MS, block(i, BLOCK) * np.float32(i % 40 > 12))
    return [(m.what, m.first, m.last, m.level_db, m.score, m.new) for m in marks], part.quiet


def novel(part: Novelty, i: int) -> Any:
    mark = part.see(i, block(i, BLOCK), False)
    return mark and (mark.what, mark.first, mark.last, mark.level_db, mark.score, mark.new)


def said(part: Transcribe, i: int) -> Any:
    spoken = Utterance(f"u{i}", i * SECOND, (i + 1) * SECOND, i / 200, block(i, FRAME), RATE)
    return [(item.pts, item.data.id, item.data.score) for item in part.step(Item(i * SECOND, "speech", spoken))]


CLEAN = {
    1: ONE_AT_A_TIME,
    5: TIMES_OF_ITEMS,
    6: NO_REFERENCE,
    7: "is given no NaN: `Listen` keeps them out, and neighbours share nothing",
}

HEARD = [
    Cut(),
    Listening(),
    Fed("activity", Activity, stretch),
    Fed("loudness", Loudness, judged),
    Fed("novelty", lambda: Novelty(now=5, before=10), novel, capacity=16, exempt=CLEAN),
    Fed("vad stream", lambda: VadStream(trained()), lambda part, i: part.hear(block(i, FRAME))),
    Fed("transcribe", Transcribe, said),
]
