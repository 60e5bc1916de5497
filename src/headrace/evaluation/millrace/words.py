"""words: what is said in millrace, as a voice said it once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from io import BytesIO
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND

#: Samples a second.
RATE = 16_000
#: What can be said: one to three syllables, chosen to be told apart by their spectra.
WORDS = (
    "apple", "box", "cheese", "desert", "eagle", "falcon", "fish", "glacier", "glass", "insect",
    "island", "ocean", "onion", "orchid", "rope", "shadow", "shoe", "star", "union", "window",
)  # fmt: skip
#: Root of the mean square of a word, by which all are equally loud: -20 dB of full scale.
LEVEL = 0.1

Levels = npt.NDArray[np.int16]


def spoken(word: str) -> Levels:
    """How a word sounds: int16 [n] at `RATE`, of level `LEVEL`, without silence at its ends; not to be changed.

    Source: espeak-ng, voice en-us; `zoo/words/render.py` rendered the file that ships.

    Raises:
        ConfigError: it is none of `WORDS`.
    """
    try:
        return _voice()[word]
    except KeyError:
        raise ConfigError(f"word {word!r} has no sound; use one of {', '.join(WORDS)}") from None


def lasts(word: str) -> int:
    """How long a word is, ns; ConfigError as of `spoken`."""
    return len(spoken(word)) * SECOND // RATE


@cache
def _voice() -> MappingProxyType[str, Levels]:
    data = files(__package__).joinpath("words.npz").read_bytes()
    with np.load(BytesIO(data), allow_pickle=False) as stored:
        samples, ends = stored["samples"], stored["ends"]
    samples.flags.writeable = False
    return MappingProxyType(dict(zip(WORDS, np.split(samples, ends[:-1]), strict=True)))
