"""What listens for bursts and waits for appearances, as subjects of the laws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

import numpy as np

from headrace.core.item import MS, SECOND, Item
from headrace.core.sound import Samples, Sound
from headrace.evaluation.millrace.words import RATE, WORDS, spoken
from headrace.understanding.appearance import AppearanceTrigger, Awaited
from headrace.understanding.tokens import Rows, TokenView
from headrace.understanding.tokens.bursts import BurstEncoder
from tests.laws.fed import NO_REFERENCE, TIMES_OF_ITEMS, Fed

#: Samples of one input of `Bursting`: 50 ms, which is no whole number of its frames' pairs.
PIECE = 800


@cache
def talk(seed: int) -> Samples:
    """Words over noise, one every 0.75 s."""
    draw = np.random.default_rng([seed, 48])
    samples = draw.normal(0, 0.001, 24 * RATE).astype(np.float32)
    for index in range(30):
        word = spoken(WORDS[int(draw.integers(len(WORDS)))]) / np.float32(1 << 15)
        at = index * RATE * 3 // 4 + int(draw.integers(1000))
        samples[at : at + len(word)] += word
    return samples


@dataclass(frozen=True)
class Bursting:
    """Tokens out of pieces of 50 ms; an input is (index, samples)."""

    name: str = "bursts"
    capacity: int = 16
    exempt: dict[int, str] = field(default_factory=lambda: {5: TIMES_OF_ITEMS, 6: NO_REFERENCE})

    def open(self, start: int = 0, seed: int = 0) -> BurstEncoder:
        return BurstEncoder()

    def inputs(self, n: int, seed: int) -> Sequence[Any]:
        return list(enumerate(talk(seed)[: n * PIECE].reshape(n, PIECE)))

    def step(self, rows: Sequence[tuple[Any, Sequence[Any]]]) -> list[list[Any]]:
        return [self._hear(part, inputs) if inputs else [] for part, inputs in rows]

    def _hear(self, part: BurstEncoder, inputs: Sequence[Any]) -> list[Any]:
        sound = Sound(np.concatenate([piece for _, piece in inputs]), RATE)
        made = part.step(Item(inputs[0][0] * PIECE * SECOND // RATE, "audio", sound, source="talk"))
        return [(item.pts, item.data.features.copy(), item.data.sense) for item in made]


@cache
def faces() -> np.ndarray[Any, np.dtype[np.float32]]:
    """Vectors that are told apart, [12, 16]."""
    return np.random.default_rng(3).normal(size=(12, 16)).astype(np.float32)


def waiting() -> AppearanceTrigger:
    return AppearanceTrigger([Awaited(str(n), faces()[[n, n + 1]]) for n in range(0, 8, 2)], rest=3 * SECOND)


def waited(trigger: AppearanceTrigger, i: int) -> Any:
    """One thing a second, seen in two places; every ninth time a cue goes and another comes."""
    if i % 9 == 8:
        trigger.drop(str(2 * (i // 9 % 4)))
        trigger.drop("late")
        trigger.add(Awaited("late", faces()[[8 + i // 9 % 4]]))
    number = i * i % 12
    seen = np.stack([faces()[number] / 4, faces()[(number + 1) % 12] * 2])
    rows = Rows.of(seen, np.array([[0, 1], [2, i % 5]]), i * SECOND)
    return [asdict(fired) for fired in trigger.decide(i * SECOND + MS, TokenView(rows, i * SECOND + MS))]


ATTENDING = [Bursting(), Fed("appearance", waiting, waited)]
