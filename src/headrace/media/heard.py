"""What listening tells: how loud and how voiced it is now, what happened, and stretches of speech."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

What = Literal["silence", "loud", "change"]
#: Samples a second that are listened to.
RATE = 16_000


@dataclass(slots=True, frozen=True)
class Heard:
    """One chunk of sound in two figures.

    Attributes:
        level_db: its level in dBFS, see `headrace.media.loudness.level_db`.
        voice: the greatest probability of speech in it, 0 to 1.
    """

    level_db: float
    voice: float


@dataclass(slots=True, frozen=True)
class SoundEvent:
    """Something that happened in the sound.

    A silence and a loud passage are told when they are known and once more with their true end; a change is
    an instant and told once.

    Attributes:
        id: the same both times.
        what: "silence", "loud" (suddenly louder than usual) or "change" (of the kind of sound).
        first, last: media time in ns; while it goes on, `last` is as far as it is known.
        level_db: mean level of a silence, greatest of a loud passage, mean after a change; dBFS.
        score: 0 to 1. Silence: 60 dB below the usual level is 1. Loud: 40 dB above it is 1. Change:
            (1 - cos)/2 of the spectra before and after.
        new: told for the first time.
    """

    id: str
    what: What
    first: int
    last: int
    level_db: float
    score: float
    new: bool


@dataclass(slots=True)
class Utterance:
    """A stretch of speech.

    Attributes:
        id: stable name.
        first, last: media time in ns.
        score: mean probability of speech, 0 to 1.
        samples: float32 [n], mono, -1 to 1.
        rate: samples a second.
    """

    id: str
    first: int
    last: int
    score: float
    samples: npt.NDArray[np.float32]
    rate: int = RATE

    @property
    def nbytes(self) -> int:
        return self.samples.nbytes
