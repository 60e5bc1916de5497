"""What is heard in a clip and when: narration by espeak-ng, noises and ambience, with their ground truth."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from headrace.core.errors import ConfigError

Samples = NDArray[np.float32]  # [n] mono, -1 to 1
What = Literal["silence", "loud", "change"]

RATE = 44_100  # twice what espeak-ng speaks at
NEEDS_ESPEAK = "needs espeak-ng (apt install espeak-ng)"
LOOP = 1 << 19  # samples of ambience until it repeats, 12 seconds
#: Seconds of one step of the energy by which speech is found, and of the longest pause within it.
GRID, PAUSE = 0.01, 0.3
#: Decibels below the loudest step of a sentence at which the voice counts as silent.
FLOOR_DB = 40.0


@dataclass(frozen=True)
class Say:
    """A sentence from `at` s on, spoken by a voice of espeak-ng at `speed` words a minute."""

    text: str
    at: float
    voice: str = "en-us"
    speed: int = 140
    level_db: float = -20.0


@dataclass(frozen=True)
class Noise:
    """A beep, a bang or a horn from `at` s on; `level_db` is its loudest 10 ms, in dB of full scale."""

    kind: Literal["beep", "bang", "horn"]
    at: float
    seconds: float = 0.5
    level_db: float = -9.0


@dataclass(frozen=True)
class Ambience:
    """What lies under everything from `at` to `until` s; silence is digital zero."""

    kind: Literal["room", "street", "rain", "silence"]
    at: float
    until: float
    level_db: float = -58.0


@dataclass(frozen=True)
class Speech:
    """A sentence that is heard from `on` to `off` (s), first to last sound of the voice."""

    text: str
    on: float
    off: float


@dataclass(frozen=True)
class Sounding:
    """A sound that stands out, from `on` to `off` (s); a change of ambience has on == off."""

    what: What
    name: str
    on: float
    off: float


@dataclass(frozen=True)
class Soundtrack:
    """The sound of a clip, rendered when first asked for; the same parts and seed give the same samples.

    Attributes:
        parts: in any order; ambiences may not overlap.
        seconds: how long the clip is.
        seed: draws the noise of ambiences and noises.
    """

    parts: tuple[Say | Noise | Ambience, ...]
    seconds: float
    seed: int = 0

    @cached_property
    def samples(self) -> Samples:
        """Float32 [n] at `RATE`.

        Raises:
            ConfigError: there is narration, and no espeak-ng.
        """
        mixed = np.zeros(round(self.seconds * RATE), np.float32)
        for index, part in enumerate(self.parts):
            rng = np.random.default_rng((self.seed, index))
            start = round(part.at * RATE)
            piece = _rendered(part, rng)[: len(mixed) - start]
            mixed[start : start + len(piece)] += piece
        return np.clip(mixed, -1, 1)

    @cached_property
    def speech(self) -> list[Speech]:
        """Each sentence with the time of its first and last sound."""
        found = []
        for part in self._said():
            spans = active(spoken(part))
            found.append(Speech(part.text, round(part.at + spans[0][0], 3), round(part.at + spans[-1][1], 3)))
        return found

    @cached_property
    def voice(self) -> list[tuple[float, float]]:
        """Where a voice is active, s; pauses under 0.3 s do not interrupt it."""
        spans = [(part.at + on, part.at + off) for part in self._said() for on, off in active(spoken(part))]
        return [(round(on, 3), round(off, 3)) for on, off in closed(spans)]

    @cached_property
    def sounds(self) -> list[Sounding]:
        """What stands out, by time: noises are loud, ambience is silent or changes."""
        found = [
            Sounding("loud", part.kind, part.at, round(part.at + part.seconds, 3))
            for part in self.parts
            if isinstance(part, Noise)
        ]
        under = sorted((part for part in self.parts if isinstance(part, Ambience)), key=lambda part: part.at)
        for before, after in zip((None, *under), under, strict=False):
            if after.kind == "silence":
                found.append(Sounding("silence", "silence", after.at, after.until))
            elif before is not None and before.kind not in ("silence", after.kind):
                found.append(Sounding("change", f"{before.kind} to {after.kind}", after.at, after.at))
        return sorted(found, key=lambda sounding: sounding.on)

    def _said(self) -> list[Say]:
        return sorted((part for part in self.parts if isinstance(part, Say)), key=lambda part: part.at)


def espeak() -> str | None:
    """Where espeak-ng is, None if it is not installed."""
    return shutil.which("espeak-ng")


def spoken(part: Say) -> Samples:
    """A sentence at `RATE`, at its level."""
    clean = read_aloud(part.text, part.voice, part.speed)
    loud = _energy(clean)
    rms = np.sqrt(np.mean(loud[loud > loud.max() * 10 ** (-FLOOR_DB / 10)]))
    return clean * np.float32(10 ** (part.level_db / 20) / rms)


@lru_cache(maxsize=256)
def read_aloud(text: str, voice: str, speed: int) -> Samples:
    """What espeak-ng says, at `RATE`; the same for the same words wherever the same version runs."""
    program = espeak()
    if program is None:
        raise ConfigError(f"narration {NEEDS_ESPEAK}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        command = [program, "-v", voice, "-s", str(speed), "-w", str(path), text]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not path.is_file():
            raise ConfigError(f"espeak-ng cannot say {text!r} as {voice}: {done.stderr.strip()}")
        with wave.open(str(path)) as file:
            rate, data = file.getframerate(), file.readframes(file.getnframes())
    samples = np.frombuffer(data, np.int16) / 32768
    return resampled(samples, len(samples) * RATE // rate)


def resampled(samples: NDArray[np.float64], length: int) -> Samples:
    """`samples` stretched to `length` samples without loss of band (Fourier)."""
    spectrum = np.fft.rfft(samples)
    return (np.fft.irfft(spectrum, length) * (length / len(samples))).astype(np.float32)


def active(clean: Samples) -> list[tuple[float, float]]:
    """Start and end (s) of the stretches of `clean` speech, found by its energy on a grid of 10 ms."""
    energy = _energy(clean)
    on = energy > energy.max() * 10 ** (-FLOOR_DB / 10)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], on, [False])).astype(np.int8)))
    return closed([(start * GRID, end * GRID) for start, end in edges.reshape(-1, 2).tolist()])


def closed(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans in order of time, joined where less than a pause lies between them."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and round(start - joined[-1][1], 6) < PAUSE:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _energy(samples: Samples) -> NDArray[np.float64]:
    """Mean square of each step of the grid."""
    step = round(GRID * RATE)
    whole = np.pad(samples, (0, -len(samples) % step)).astype(np.float64)
    return np.mean(whole.reshape(-1, step) ** 2, axis=1)


def _rendered(part: Say | Noise | Ambience, rng: np.random.Generator) -> Samples:
    if isinstance(part, Say):
        return spoken(part)
    if isinstance(part, Noise):
        return _noise(part, rng)
    return _ambience(part, rng)


def _noise(part: Noise, rng: np.random.Generator) -> Samples:
    t = np.arange(round(part.seconds * RATE)) / RATE
    if part.kind == "beep":
        wave_form = np.sin(2 * np.pi * 1000 * t)
    elif part.kind == "horn":  # two notes, a third apart, with their overtones
        wave_form = sum(np.sin(2 * np.pi * f * k * t) / k for f in (415, 523) for k in (1, 2, 3, 4))
    else:
        thud = np.cumsum(rng.standard_normal(len(t)))
        wave_form = (rng.standard_normal(len(t)) + (thud - thud.mean()) / 8) * np.exp(-t * 9)
    edge = np.minimum(1, np.minimum(t, part.seconds - t) / 0.005)
    shaped = wave_form * edge
    peak = np.sqrt(_energy(shaped.astype(np.float32)).max())
    return (shaped * (10 ** (part.level_db / 20) / peak)).astype(np.float32)


def _ambience(part: Ambience, rng: np.random.Generator) -> Samples:
    """Noise with a spectrum that falls (room, street) or rises a little (rain)."""
    length = round((part.until - part.at) * RATE)
    if part.kind == "silence":
        return np.zeros(length, np.float32)
    spectrum = np.fft.rfft(rng.standard_normal(LOOP))
    hertz = np.maximum(np.fft.rfftfreq(LOOP, 1 / RATE), 40)
    slope = {"room": hertz**-0.8, "street": hertz**-1.1, "rain": hertz**0.2 / (1 + (hertz / 9000) ** 4)}[part.kind]
    samples = np.resize(np.fft.irfft(spectrum * slope), length)  # a loop without a seam
    if part.kind == "street":  # the traffic comes and goes
        t = np.arange(length) / RATE
        samples *= 1 + 0.4 * np.sin(2 * np.pi * t / 7.3 + rng.uniform(0, 6))
    return (samples * (10 ** (part.level_db / 20) / np.sqrt(np.mean(samples**2)))).astype(np.float32)
