"""Narration with known speech: phrases of espeak-ng, laid out with known pauses."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from headrace.core.item import SECOND, Item
from headrace.core.sound import Sound

Samples = npt.NDArray[np.float32]
RATE = 16_000
SPEAKS = shutil.which("espeak-ng") is not None

#: Short clauses without punctuation, so that they hold no pause.
DEVELOPMENT = (
    "the pump in hall two was switched off this morning",
    "please check the valve before lunch",
    "twenty people are waiting for the next train to the north",
    "our third slide shows the cost of the new bridge",
    "the door is open",
    "nobody has seen the red van since yesterday evening",
    "turn the handle slowly to the left",
    "we meet again on thursday at nine",
)
HELD_OUT = (
    "the harbour will be closed to small boats after sunset",
    "a loose cable was found behind the second cabinet",
    "good morning everyone and welcome",
    "water the seedlings twice a day during the first week",
    "her answer surprised the whole committee",
    "stop the belt",
    "the figures for autumn are printed on the last page",
    "you may leave your coats in the room beside the stairs",
    "the signal comes back within a quarter of an hour",
    "all lights on the upper deck are green again",
)
DEVELOPMENT_VOICES = ("en-us", "en-gb+f3")
HELD_OUT_VOICES = ("en-gb-scotland+m3", "en-gb-x-rp", "en-029+f2", "en-us+m7")


@dataclass(slots=True, frozen=True)
class Narration:
    """Sound and its truth: float32 [n] at 16 kHz, and spans of speech in seconds."""

    samples: Samples
    spans: tuple[tuple[float, float], ...]


@cache
def say(text: str, voice: str = "en-us", speed: int = 160) -> Samples:
    """One phrase at 16 kHz, float32 [n], without the quiet around it, at -23 dBFS."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", text]
    spoken = subprocess.run(command, check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64) / 32768
    samples = resampled(samples, rate)
    power = np.convolve(samples**2, np.ones(160) / 160, "same")
    heard = np.flatnonzero(power > 1e-5 * power.max())
    samples = samples[heard[0] : heard[-1] + 1]
    return (samples * 10 ** (-23 / 20) / np.sqrt(np.mean(samples**2))).astype(np.float32)


def resampled(samples: npt.NDArray[np.float64], rate: int) -> npt.NDArray[np.float64]:
    """To 16 kHz, by its spectrum."""
    count = round(len(samples) * RATE / rate)
    return np.fft.irfft(np.fft.rfft(samples)[: count // 2 + 1], count) * count / len(samples)


def narrate(texts: Sequence[str], voice: str, seed: int, pause: tuple[float, float] = (0.6, 3.0)) -> Narration:
    """The phrases in turn, with pauses drawn between the two, in seconds."""
    random = np.random.default_rng(seed)
    parts, spans, at = [], [], 0
    for text in texts:
        gap = np.zeros(round(random.uniform(*pause) * RATE), np.float32)
        phrase = say(text, voice, int(random.integers(140, 190)))
        spans.append(((at + len(gap)) / RATE, (at + len(gap) + len(phrase)) / RATE))
        parts += [gap, phrase]
        at += len(gap) + len(phrase)
    parts.append(np.zeros(RATE, np.float32))
    return Narration(np.concatenate(parts), tuple(spans))


def noise(count: int, seed: int, pink: bool = False) -> Samples:
    """Noise of power 1, white or pink."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    if pink:
        spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
        spectrum[0] = 0
    samples = np.fft.irfft(spectrum, count)
    return (samples / np.sqrt(np.mean(samples**2))).astype(np.float32)


def music(count: int, seed: int) -> Samples:
    """Chords of decaying harmonics over a beat, of power 1: like music, and nobody speaks or sings."""
    random = np.random.default_rng(seed)
    samples = np.zeros(count)
    beat = RATE // 2
    for start in range(0, count, beat):
        t = np.arange(min(2 * beat, count - start)) / RATE
        for semitone in random.choice([0, 3, 5, 7, 10, 12, 15], 3, replace=False):
            pitch = 220 * 2 ** (semitone / 12)
            tone = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 7))
            samples[start : start + len(t)] += tone * np.exp(-3 * t)
    return (samples / np.sqrt(np.mean(samples**2))).astype(np.float32)


def chunks(samples: Samples, sizes: Sequence[int] = (1600,), start: int = 0, source: str = "talk") -> Iterator[Item]:
    """Audio items of the sizes in turn, over and over; the first sample is at `start` ns."""
    at = index = 0
    while at < len(samples):
        size = sizes[index % len(sizes)]
        pts = start + at * SECOND // RATE
        yield Item(pts, "audio", Sound(samples[at : at + size], RATE), arrival=pts, source=source)
        at, index = at + size, index + 1


def scene(seconds: float = 9.0, seed: int = 0) -> Samples:
    """Noise, buzzing like a voice, a bang, digital silence and music: something of everything, without espeak-ng."""
    random = np.random.default_rng(seed)
    count = round(seconds * RATE)
    t = np.arange(count) / RATE
    pitch = 2 * np.pi * np.cumsum(120 + 20 * np.sin(2 * np.pi * 2.3 * t)) / RATE
    buzz = sum(np.sin(k * pitch) / k for k in range(1, 20)) * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * t)) * 0.1
    samples = random.standard_normal(count) * 10 ** (-50 / 20)
    voiced = (t % 3 > 0.6) & (t % 3 < 2.2)
    samples[voiced] += buzz[voiced]
    samples[(t > 2.4) & (t < 2.7)] *= 100
    samples[(t > 5.2) & (t < 7.8)] = 0.0
    samples[t >= 7.8] += music(count, seed)[t >= 7.8] * 0.1
    return np.clip(samples, -1, 1).astype(np.float32)


def plain(items: Iterable[Item]) -> list[tuple[str, object]]:
    """Outputs of `Listen` as values that compare equal: kind and fields, samples as bytes."""
    found: list[tuple[str, object]] = []
    for item in items:
        fields = asdict(item.data)
        found.append((item.kind, {k: v.tobytes() if isinstance(v, np.ndarray) else v for k, v in fields.items()}))
    return found
