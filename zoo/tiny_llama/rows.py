"""Training rows: text, facts to be recalled, and repeated segments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from zoo.tiny_llama.tokenizer import BOS, KEYS, NUMBERS


@dataclass(frozen=True)
class Probe:
    """Token ids of a fact: one of `keys`, two of `values`, `end`.

    The first occurrence of a key plants, later ones ask.
    """

    keys: NDArray[np.int64]
    values: NDArray[np.int64]
    end: int
    bos: int

    @staticmethod
    def of(tokenizer: Tokenizer) -> Probe:
        """Return the ids of the probe's tokens."""

        def one(piece: str) -> int:
            return tokenizer.encode(piece, add_special_tokens=False).ids[0]

        return Probe(np.array([one(k) for k in KEYS]), np.array([one(v) for v in NUMBERS]), one("\n"), one(BOS))


@dataclass(frozen=True)
class Row:
    """`ids`: int64 [n]. `age`: int64 [n], at an asked value the tokens since its fact was last seen, else 0."""

    ids: NDArray[np.int64]
    age: NDArray[np.int64]


class Rows:
    """Draws rows from one array of tokens; the same seed draws the same rows."""

    def __init__(self, tokens: NDArray[np.uint16], probe: Probe, seed: int) -> None:
        self.tokens = tokens
        self.probe = probe
        self.rng = np.random.default_rng(seed)

    def text(self, length: int) -> Row:
        """Return `<bos>` and a random span of the corpus."""
        ids = np.concatenate([[self.probe.bos], self._span(length - 1)])
        return Row(ids, np.zeros(length, np.int64))

    def packed(self, length: int, segment: int, most_text: float) -> Row:
        """Return `<bos>` and short segments of many facts and of repetitions in turn, for the first steps."""
        parts = [
            self._facts(segment, self._facts_in(segment, most_text)) if i % 2 == 0 else self._repeated(segment)
            for i in range(length // segment)
        ]
        return self._open(*(np.concatenate(columns)[: length - 1] for columns in zip(*parts, strict=True)))

    def facts(self, length: int) -> Row:
        """Return `<bos>` and facts at random places of a span of text, from two facts to text-free rows."""
        body = length - 1
        if self.rng.random() < 0.5:
            count = self._facts_in(body, 0.95)
        else:
            count = int(np.exp(self.rng.uniform(np.log(4), np.log(body / 8))))
        return self._open(*self._facts(body, count))

    def _open(self, ids: NDArray[np.int64], age: NDArray[np.int64]) -> Row:
        return Row(np.concatenate([[self.probe.bos], ids]), np.concatenate([[0], age]))

    def _span(self, length: int) -> NDArray[np.int64]:
        start = int(self.rng.integers(0, len(self.tokens) - length))
        return self.tokens[start : start + length].astype(np.int64)

    def _facts_in(self, length: int, most_text: float) -> int:
        return max(2, int(length * (1 - self.rng.uniform(0, most_text)) / 4))

    def _facts(self, length: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return ids and ages, each [length]: `count` facts at random places of text, a key twice or more."""
        probe, rng = self.probe, self.rng
        keys = min(len(probe.keys), -(-count // int(rng.integers(2, 5))))
        named = rng.permutation(np.resize(rng.permutation(len(probe.keys))[:keys], count))
        values = rng.choice(probe.values, (len(probe.keys), 2))
        text = self._span(length - 4 * count)
        places = np.sort(rng.integers(0, len(text) + 1, count)) + 4 * np.arange(count)
        ids, age, taken = np.empty(length, np.int64), np.zeros(length, np.int64), np.zeros(length, bool)
        seen: dict[int, int] = {}
        for key, place in zip(named.tolist(), places.tolist(), strict=True):
            ids[place : place + 4] = probe.keys[key], *values[key], probe.end
            taken[place : place + 4] = True
            if key in seen:
                age[place + 1 : place + 3] = place - seen[key]
            seen[key] = place
        ids[~taken] = text
        return ids, age

    def _repeated(self, length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return ids and ages, each [length]: a segment of random tokens or of text, again and again."""
        period = int(self.rng.integers(12, length // 3))
        if self.rng.random() < 0.7:
            once = self.rng.permutation(int(self.probe.keys.max()))[:period] + 1
        else:
            once = self._span(period)
        age = np.zeros(length, np.int64)
        age[period + 1 :] = period
        return np.resize(once, length), age
