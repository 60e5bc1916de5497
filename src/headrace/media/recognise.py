"""Recogniser: speech to text behind one small protocol, and `recogniser`, which builds one from its plug."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from headrace.core.errors import ConfigError, InputError

#: Samples that are resampled at once.
BLOCK = 16384

#: The plugs, as a message shows them.
PLUGS = "grammar:FILE, lm:FILE or transformers:PATH"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that were said together.

    Attributes:
        text: the words, never empty.
        start_s: seconds from the first sample of the stretch to the first word.
        end_s: seconds to the end of the last word; not beyond the stretch.
        score: 0..1; each recogniser says what it means.
    """

    text: str
    start_s: float
    end_s: float
    score: float


class Recogniser(Protocol):
    """Turns a stretch of speech into text.

    A call remembers nothing of the one before. An object serves one session: calls of several threads at
    once are not for it.
    """

    @property
    def name(self) -> str:
        """What is told as the source of the text: the plug, without folders."""
        ...

    def transcribe(self, samples: npt.NDArray[np.float32], rate: int) -> list[Phrase]:
        """The phrases of float32 samples [n] mono, -1..1, at `rate` per second, in order; none without words.

        Raises:
            InputError: the samples are not one channel, or the rate is not positive.
        """
        ...


def recogniser(spec: str) -> Recogniser:
    """The recogniser of a plug, ready to work.

    `grammar:FILE` takes a closed set of commands in JSGF; `lm:FILE` a small language: a text file with a sentence
    a line, or an n-gram model (.arpa, .lm, .bin, .dmp); both are decoded by pocketsphinx (English). `transformers:PATH`
    takes any speech recogniser of that library, by folder or by hub id.

    Raises:
        ConfigError: the plug is not known, its extra is missing, or what it names cannot be used.
        InputError: the file is missing or cannot be read.
    """
    kind, colon, target = spec.partition(":")
    kind, target = kind.strip().lower(), target.strip()
    if not colon or not target or kind not in ("grammar", "lm", "transformers"):
        raise ConfigError(f"speech recogniser {spec!r} is not known; give {PLUGS}")
    if kind == "transformers":
        from headrace.media.speechmodel import SpeechModel

        return SpeechModel(target)
    if kind == "grammar":
        from headrace.media.commands import Commands

        return Commands(_file(target))
    from headrace.media.language import Language

    return Language(_file(target))


def _file(target: str) -> Path:
    path = Path(target).expanduser()
    if not path.is_file():
        raise InputError(
            f"{path}: {'is a folder' if path.is_dir() else 'no such file'}; give the file of the speech plug"
        )
    return path


def mono(samples: Any, rate: int) -> npt.NDArray[np.float32]:
    """The samples as float32 [n], finite and within -1..1; InputError if they are not one channel."""
    array = np.asarray(samples, dtype=np.float32)
    if array.ndim != 1 or rate <= 0:
        raise InputError(f"speech must be samples [n] of one channel at a positive rate, not {array.shape} at {rate}")
    return np.clip(np.nan_to_num(array, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)


def resample(samples: npt.NDArray[np.float32], rate: int, to: int) -> npt.NDArray[np.float32]:
    """The samples [n] at another rate [ceil(n * to / rate)], by a Hann-windowed sinc of 32 zero crossings a side.

    J. O. Smith, "Digital Audio Resampling Home Page" (2002): where the new rate is lower, the sinc is widened so
    that it cuts at the new half rate.
    """
    if rate == to or not len(samples):
        return samples
    common = gcd(rate, to)
    up, down = to // common, rate // common
    cut = min(1.0, to / rate)
    reach = int(np.ceil(32 / cut))
    padded = np.pad(samples, reach)
    taps = np.arange(1 - reach, reach + 1)
    offset = taps - np.arange(up)[:, None] / up
    weight = (cut * np.sinc(cut * offset) * (0.5 + 0.5 * np.cos(np.pi * offset / (reach + 1)))).astype(np.float32)
    made = np.empty(-(-len(samples) * up // down), dtype=np.float32)
    for start in range(0, len(made), BLOCK):
        whole, phase = np.divmod(np.arange(start, min(start + BLOCK, len(made))) * down, up)
        near = padded[whole[:, None] + taps + reach]
        made[start : start + BLOCK] = np.einsum("nt,nt->n", near, weight[phase])
    return made
