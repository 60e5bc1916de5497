"""Sound of every kind: alone, beside pictures, late, short, silent, of many channels and rates, and not a number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.broken.case import Case, Refused, Watched
from tests.broken.write import Tone, wav, write


def alone(name: str, tone: Tone) -> Callable[[Path], Path]:
    return lambda folder: write(folder / name, None, tone)


def beside(name: str, tone: Tone) -> Callable[[Path], Path]:
    """With the usual second of pictures."""
    return lambda folder: write(folder / name, tone=tone)


def samples(data: bytes, **fields: int) -> Callable[[Path], Path]:
    return lambda folder: wav(folder / "sound.wav", data, **fields)


def hear(make: Callable[[Path], Path], channels: int, *errors: str) -> Case:
    """A sound without pictures."""
    return Case(make, Watched(0, errors, channels=channels))


def both(make: Callable[[Path], Path], channels: int) -> Case:
    """A video with sound."""
    return Case(make, Watched(12, channels=channels))


STEP = np.sin(np.arange(16_000) * 0.17).astype(np.float32)
BAD = np.where(np.arange(16_000) % 7 == 0, np.float32("nan"), np.where(STEP > 0.9, np.float32("inf"), STEP))
SHORT = (STEP * 9000).astype("<i2").tobytes()

CASES = {
    "wav_mono": hear(alone("a.wav", Tone(codec="pcm_s16le")), 1),
    "wav_stereo": hear(alone("a.wav", Tone(codec="pcm_s16le", layout="stereo")), 2),
    "wav_8k": hear(alone("a.wav", Tone(codec="pcm_s16le", rate=8000)), 1),
    "wav_192k": hear(alone("a.wav", Tone(codec="pcm_s16le", rate=192_000, layout="stereo")), 2),
    "wav_24_bit": hear(alone("a.wav", Tone(codec="pcm_s24le", rate=48_000)), 1),
    "wav_float": hear(alone("a.wav", Tone(codec="pcm_f32le", rate=44_100)), 1),
    "wav_u8": hear(alone("a.wav", Tone(codec="pcm_u8")), 1),
    "wav_6_channels": hear(alone("a.wav", Tone(codec="pcm_s16le", rate=48_000, layout="5.1")), 6),
    "aac_8_channels": hear(alone("a.m4a", Tone(rate=48_000, layout="7.1")), 8),
    "mp3": hear(alone("a.mp3", Tone(codec="libmp3lame")), 1),
    "opus": hear(alone("a.opus", Tone(codec="libopus", rate=48_000)), 1),
    "opus_10_channels": hear(
        alone("a.opus", Tone(48_000, "10 channels", "libopus", options={"mapping_family": "255"})), 10
    ),
    "flac": hear(alone("a.flac", Tone(codec="flac", rate=96_000, layout="stereo")), 2),
    "one_sample": hear(samples(SHORT[:2]), 1),
    "hundred_samples": hear(samples(SHORT[:200]), 1),
    "silence": hear(samples(bytes(32_000)), 1),
    "not_a_number": hear(samples(BAD.astype("<f4").tobytes(), code=3, bits=32), 1),
    "fifty_channels": hear(samples(SHORT[: 50 * 2 * 100], channels=50), 50),
    "rate_of_1": Case(samples(SHORT[:20], rate=1), Refused("could be decoded")),
    "rate_of_4_gigahertz": Case(samples(SHORT, rate=0xFFFFFFFF), Refused("sound.wav")),
    "no_samples": Case(samples(b""), Refused("sound.wav")),
    "no_channels": Case(samples(SHORT, channels=0), Refused("sound.wav")),
    "no_rate": Case(samples(SHORT, rate=0), Refused("sound.wav")),
    "unknown_code": Case(samples(SHORT, code=0x7777), Refused("sound.wav")),
    "half_a_sample": hear(samples(SHORT[:1601]), 1),
    "with_sound": both(beside("a.mp4", Tone()), 1),
    "with_stereo": both(beside("a.mkv", Tone(layout="stereo")), 2),
    "with_six_channels": both(beside("a.mp4", Tone(rate=48_000, layout="5.1")), 6),
    "with_silence": both(beside("a.mp4", Tone(loud=0.0)), 1),
    "late_sound": both(beside("a.mkv", Tone(start=0.5, seconds=0.5)), 1),
    "short_sound": both(beside("a.mp4", Tone(seconds=0.3)), 1),
    "long_sound": both(beside("a.mp4", Tone(seconds=3)), 1),
    "very_late_sound": both(beside("a.mkv", Tone(start=5, seconds=0.5)), 1),
    "no_sound": Case(lambda folder: write(folder / "a.mp4"), Watched(12, channels=0)),
}
