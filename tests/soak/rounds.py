"""What a soak is measured in: rounds of equal work, and text that does not end."""

from __future__ import annotations

import ctypes
import gc
import gzip
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice, product
from pathlib import Path
from string import ascii_lowercase
from typing import Any

#: Words that are new to a tokenizer; more than it remembers.
WORDS = 20_000
#: Of all rounds, how many are looked at together; the first tenth is warm-up.
TENTHS = 10


@dataclass(frozen=True)
class Round:
    """One round.

    Attributes:
        resident: bytes of the process as it ended, once freed memory was given back to the system.
        read, said: ms of CPU time a token.
    """

    resident: int
    read: float
    said: float


class Text:
    """The held-out text of the model that ships, over and over."""

    def __init__(self) -> None:
        held = files("headrace").joinpath("zoo", "tiny-llama", "heldout.txt.gz").read_bytes()
        self._text, self._at = gzip.decompress(held).decode().replace("\x1e", "\n"), 0

    def take(self, characters: int) -> str:
        """The next characters."""
        start, self._at = self._at, (self._at + characters) % len(self._text)
        return (self._text[start:] + self._text)[:characters] if self._at < start else self._text[start : self._at]


def fill(tokenizer: Any) -> None:
    """Have a tokenizer of `tokenizers` remember as many words as it ever will; it takes some 6 MB."""
    words = ("".join(letters) for letters in product(ascii_lowercase, repeat=4))
    tokenizer(" ".join(islice(words, WORDS)))


def resident() -> int:
    """Bytes of this process that are in memory (Linux), after garbage is collected and freed memory given back."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def growth(rounds: Sequence[Round]) -> int:
    """Bytes by which the last tenth's smallest resident memory is above that of the second tenth."""
    second, *_, last = _tenths(rounds)[1:]
    return min(one.resident for one in last) - min(one.resident for one in second)


def slowdown(rounds: Sequence[Round]) -> float:
    """CPU time a token, last tenth over second: the larger ratio of reading and saying.

    Of each tenth the quickest round counts, since neighbours on the machine slow some rounds and hasten none.
    """
    second, *_, last = ((min(r.read for r in tenth), min(r.said for r in tenth)) for tenth in _tenths(rounds)[1:])
    return max(after / before for before, after in zip(second, last, strict=True))


def table(rounds: Sequence[Round]) -> str:
    """By tenth: smallest and largest resident memory, CPU time a token (median and least of the rounds)."""
    lines = ["tenth  resident MB          ms a token read  least  said   least"]
    for number, tenth in enumerate(_tenths(rounds), 1):
        sizes, read, said = (
            sorted(column) for column in zip(*((r.resident, r.read, r.said) for r in tenth), strict=True)
        )
        half = len(tenth) // 2
        lines.append(
            f"{number:5d}  {sizes[0] / 1e6:8.3f} - {sizes[-1] / 1e6:8.3f}"
            f"  {read[half]:15.4f}  {read[0]:.4f}  {said[half]:.3f}  {said[0]:.3f}"
        )
    return "\n".join(lines)


def _tenths(rounds: Sequence[Round]) -> list[Sequence[Round]]:
    size = len(rounds) // TENTHS
    return [rounds[start : start + size] for start in range(0, size * TENTHS, size)]
