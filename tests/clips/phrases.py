"""Sentences, names and numbers of the recordings, made of the vocabulary and of a few common words."""

from __future__ import annotations

import re
from random import Random

from tests.clips.words import VOCABULARY

_ADJECTIVES = """
arctic broken bright careful clever double eastern electric empty equal exact famous fragile frozen gentle giant
golden hidden hollow honest local lucky modern narrow native noble normal northern ordinary perfect polite private
quiet rough royal silent silver simple smooth southern steady tropical useful western wooden yellow purple orange
"""
_PLACES = """
airport avenue bakery bridge cabin canal castle coast forest gallery garden harbour hotel island kitchen lagoon
library market meadow mountain museum office palace river station temple theatre tower tunnel valley village
"""
_THINGS = """
account album anchor archive badge balance balloon banner barrel battery bicycle blanket bottle budget cable camera
candle carpet census chart compass copper crater crystal cylinder delta diamond engine fabric ferry filter fossil
fountain funnel gradient granite guitar hammer helmet index jacket kernel ladder lantern laptop lattice ledger lemon
machine magnet matrix melody mercury metal mirror monitor needle network notebook orbit oxygen package parcel pattern
pencil piano planet portrait powder prize puzzle radio railway record report ribbon rocket rubber saddle sample sensor
shadow shelter signal sketch spectrum spring stone survey tablet timber ticket turbine uniform vessel voyage wagon
"""


def _known(words: str) -> tuple[str, ...]:
    return tuple(word for word in words.split() if word in VOCABULARY)


ADJECTIVES, PLACES, THINGS = _known(_ADJECTIVES), _known(_PLACES), _known(_THINGS)


class Phrases:
    """Draws phrases for one recording, none twice."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.used: set[str] = set()

    def thing(self) -> str:
        """A noun in lower case."""
        return self.rng.choice(THINGS)

    def place(self) -> str:
        """A place in lower case."""
        return self.rng.choice(PLACES)

    def adjective(self) -> str:
        """An adjective in lower case."""
        return self.rng.choice(ADJECTIVES)

    def count(self, low: int = 12, high: int = 980) -> str:
        """A number of two or three digits."""
        return str(self.rng.randint(low, high))

    def once(self, *patterns: str) -> str:
        """One of the patterns with {n} {p} {a} {c} filled: thing, place, adjective, count; a new one each time."""
        while True:
            pattern = self.rng.choice(patterns)
            text = ""
            for part in pattern.replace("}", "{").split("{"):
                drawn = {"n": self.thing, "p": self.place, "a": self.adjective, "c": self.count}.get(part)
                text += drawn() if drawn else part
            text = re.sub(r"\ba (?=[aeio]|hone)", "an ", text)
            text = text[0].upper() + text[1:] if pattern[0] != "~" else text[1:]
            if text not in self.used and not doubled(text):
                self.used.add(text)
                return text

    def sentence(self) -> str:
        """A statement without a full stop."""
        return self.once(
            "The {a} {n} of the {p} is {a}",
            "The {n} at the {p} needs a new {n}",
            "Every {n} in the {p} has a {a} {n}",
            "We found {c} of the {a} {n} near the {p}",
            "The {p} keeps its {n} in a {a} {n}",
            "No {n} came to the {p} before noon",
            "The {a} {n} weighs {c} grams",
            "Please bring the {n} to the {a} {p}",
        )

    def title(self) -> str:
        """Two or three words."""
        return self.once("{a} {n} {n}", "The {a} {n}", "{n} and {n}", "{p} {n} report", "{n} of the {p}")


def doubled(text: str) -> bool:
    """Whether a word of four letters or more is there twice."""
    words = [word for word in text.lower().split() if len(word) > 3]
    return len(words) != len(set(words))
