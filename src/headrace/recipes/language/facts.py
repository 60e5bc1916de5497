"""Facts: planted in a stream of other text and asked for later, at chosen ages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Self

import numpy as np

from headrace.core.errors import InputError

if TYPE_CHECKING:
    from headrace.models.hf.lm import LM

_PROBE = ("zoo", "tiny-llama", "probe.json")
#: Tokens of a fact: its key, two values and its end; a query is the fact again.
FACT = 4
#: At least so many tokens of a stream for each one of a fact or query.
THIN = 3


@dataclass(frozen=True)
class Probe:
    """How facts are written, as token ids; every key, value and end is one token."""

    keys: tuple[int, ...]
    values: tuple[int, ...]
    end: int

    @classmethod
    def of(cls, lm: LM) -> Self | None:
        """The shipped probe in a model's tokens; None if its tokenizer cuts keys or values into pieces."""
        written = json.loads(files("headrace").joinpath(*_PROBE).read_text(encoding="utf-8"))
        keys, values = ([lm.tokens(text) for text in written[name]] for name in ("keys", "values"))
        end = lm.tokens("\n")
        if any(len(tokens) != 1 for tokens in (*keys, *values, end)):
            return None
        return cls(tuple(k[0] for k in keys), tuple(v[0] for v in values), end[0])

    @property
    def chance(self) -> float:
        """Share of values that are guessed."""
        return 1 / len(self.values)


@dataclass
class Facts:
    """A stream with facts.

    Attributes:
        ids: token ids.
        asked: by age, the places of the value tokens of queries: the model should predict them there. The age is the
            number of tokens from a fact's key to that key in its query.
    """

    ids: list[int]
    asked: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def plant(cls, probe: Probe, opening: Sequence[int], text: Sequence[int], ages: Sequence[int], seed: int) -> Self:
        """Plant each key once and ask for it once; ages take turns, places are drawn.

        Args:
            probe: how facts are written.
            opening: tokens that come first.
            text: what stands between the facts, with or without that opening; begins again where it is too short.
            ages: multiples of 4.
            seed: of keys, values and places.

        Raises:
            InputError: there is no text, or an age is no multiple of 4 above 4.
        """
        opening = list(opening)
        if list(text[: len(opening)]) == opening:
            text = text[len(opening) :]
        if not text or any(age < 2 * FACT or age % FACT for age in ages):
            raise InputError(f"facts: {len(text)} tokens of text, ages {list(ages)}; use multiples of {FACT} above it")
        draw = np.random.default_rng([seed, 17])
        keys = draw.permutation(probe.keys)[: len(probe.keys) // len(ages) * len(ages)].tolist()
        cells = max(THIN * 2 * len(keys), THIN * max(ages) // FACT)
        body: list[list[int] | None] = [None] * cells
        facts = cls([*opening])
        facts.asked = {age: [] for age in ages}
        for number, key in enumerate(keys):
            age = ages[-1 - number % len(ages)]
            free = [c for c in range(cells - age // FACT) if body[c] is None and body[c + age // FACT] is None]
            if not free:
                raise InputError(f"facts: no two places {age} tokens apart are left")
            place = int(draw.choice(free))
            first, second = draw.choice(probe.values, 2).tolist()
            for cell in (place, place + age // FACT):
                body[cell] = [key, first, second, probe.end]
            query = len(opening) + FACT * place + age
            facts.asked[age] += [query + 1, query + 2]
        filler = _again(text)
        for fact in body:
            facts.ids += fact if fact is not None else [next(filler) for _ in range(FACT)]
        return facts


def _again(text: Sequence[int]) -> Iterator[int]:
    while True:
        yield from text
