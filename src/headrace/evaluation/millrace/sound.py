"""Soundtrack: what is heard in a stream: words and beeps at their times, over quiet noise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import count
from typing import Protocol

import numpy as np

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import MS, SECOND, Item
from headrace.core.sound import Sound
from headrace.evaluation.millrace.draw import Draw
from headrace.evaluation.millrace.words import LEVEL, RATE, Levels, spoken

#: Distractors by name, and their pitch in Hz; each lasts `BEEP` ns.
BEEPS = {"beep": 660.0, "high beep": 2500.0}
BEEP = 250 * MS
#: Levels of one item: 100 ms.
CHUNK = 1_600
#: What 1.0 is in 16 bits; the key of the noise among the draws of a seed.
FULL, SOUND = 1 << 15, 0x50DA
#: Ends of two sounds that nothing may come between: a shorter pause makes one burst of them.
APART = 300 * MS


class Said(Protocol):
    """A sound in a plan: its name and where it begins, ns."""

    @property
    def word(self) -> str: ...

    @property
    def start(self) -> int: ...


class Soundtrack:
    """A source of items of kind "audio" that each carry 100 ms of `Sound` and arrive when these are over.

    The same plan and seed give the same samples, whoever reads them and from wherever; only what sounds at the time
    is held, so a plan may be endless. All is mixed in whole numbers of 16 bits.

    Args:
        said: words and beeps in order of their start; an iterable that can be read again where the source is.
        seed: of the noise.
        seconds: length, None for endless.
        noise_db: level of the noise, dB of full scale; words stand at -20.
        name: `Item.source`.

    Raises:
        ConfigError: the length is not above 0.
    """

    can_wait = True
    blocking = False

    def __init__(
        self,
        said: Iterable[Said],
        seed: int = 0,
        seconds: float | None = None,
        noise_db: float = -60.0,
        name: str = "millrace",
    ) -> None:
        if seconds is not None and not 0 < seconds < float("inf"):
            raise ConfigError(f"a soundtrack needs seconds > 0, not {seconds}; leave it out for an endless one")
        self.name = name
        self._said, self._seed = said, seed
        self._chunks = None if seconds is None else max(1, round(seconds * RATE / CHUNK))
        self._noise = round(FULL * 10 ** (noise_db / 20))
        self._closed = False

    def items(self) -> Iterator[Item]:
        """Every 100 ms.

        Raises:
            InputError: the plan is out of order.
            ConfigError: it names a sound that there is none of.
        """
        return self._items(everything=True)

    def audible(self) -> Iterator[Item]:
        """The items in which something sounds, and those of the 300 ms before and after: what lies between is noise.

        A stream of hours with few words is so heard in a small part of the time. Errors as of `items`.
        """
        return self._items(everything=False)

    def close(self) -> None:
        self._closed = True

    def _items(self, everything: bool) -> Iterator[Item]:
        plan, margin = _placed(self._said), APART * RATE // SECOND
        waiting = next(plan, None)
        sounding: list[tuple[int, Levels]] = []
        for index in count() if self._chunks is None else range(self._chunks):
            if self._closed:
                return
            start, end = index * CHUNK, (index + 1) * CHUNK
            while waiting is not None and waiting[0] < end + margin:
                sounding.append(waiting)
                waiting = next(plan, None)
            sounding = [(at, piece) for at, piece in sounding if at + len(piece) + margin > start]
            if everything or sounding:
                sound = Sound(self._mixed(index, sounding).astype(np.float32) / np.float32(FULL), RATE)
                yield Item(start * SECOND // RATE, "audio", sound, end * SECOND // RATE, source=self.name)
            elif waiting is None and self._chunks is None:
                return

    def _mixed(self, index: int, sounding: list[tuple[int, Levels]]) -> Levels:
        mixed = Draw(self._seed, SOUND, index).bell(CHUNK, self._noise).astype(np.int32)
        for at, piece in sounding:
            begin, cut = max(0, at - index * CHUNK), max(0, index * CHUNK - at)
            part = piece[cut : cut + max(0, CHUNK - begin)]
            mixed[begin : begin + len(part)] += part
        return np.clip(mixed, -FULL, FULL - 1).astype(np.int16)


def sounded(name: str) -> Levels:
    """A word or a beep: int16 [n] at 16 kHz, level -20 dB; not to be changed. ConfigError if there is none."""
    return _beep(BEEPS[name]) if name in BEEPS else spoken(name)


def lasting(name: str) -> int:
    """How long a word or a beep is, ns; ConfigError if there is none."""
    return len(sounded(name)) * SECOND // RATE


def _placed(said: Iterable[Said]) -> Iterator[tuple[int, Levels]]:
    """(first sample, samples) of each sound of a plan."""
    before = 0
    for one in said:
        if one.start < before:
            raise InputError(f"soundtrack: {one.word!r} at {one.start} ns begins before the sound in front of it; sort")
        before = one.start
        yield one.start * RATE // SECOND, sounded(one.word)


@cache
def _beep(hertz: float) -> Levels:
    time = np.arange(BEEP * RATE // SECOND) / RATE
    edge = np.minimum(1, np.minimum(time, time[::-1]) / 0.01)
    wave = np.sin(2 * np.pi * hertz * time) * edge
    samples = np.rint(wave * (FULL * LEVEL / np.sqrt(np.mean(wave**2)))).astype(np.int16)
    samples.flags.writeable = False
    return samples
