"""Render the words of millrace: `python -m zoo.words.render`; needs espeak-ng (Debian: `apt install espeak-ng`).

Writes `src/headrace/evaluation/millrace/words.npz`: `samples`, int16 [N] at 16 kHz, all words one after another in the
order of `WORDS`, each of level `LEVEL`, and `ends`, int64 [words], where each ends. The same release of
espeak-ng gives the same file.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import wave
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headrace.core.errors import ConfigError
from headrace.core.files import atomic_write
from headrace.evaluation.millrace.words import LEVEL, RATE, WORDS

SHIPPED = Path(__file__).parents[2] / "src" / "headrace" / "evaluation" / "millrace" / "words.npz"
VOICE, SPEED = "en-us", 170  # words a minute
#: What lies this far below the loudest 10 ms at either end of a word is cut.
QUIET_DB = 36.0


def main() -> None:
    """Write the file that ships and say how large it is."""
    words = [rendered(word) for word in WORDS]
    stored = BytesIO()
    ends = np.cumsum([len(word) for word in words])
    np.savez_compressed(stored, samples=np.concatenate(words), ends=ends)
    atomic_write(SHIPPED, stored.getvalue())
    longest = max(map(len, words)) / RATE
    sys.stdout.write(f"{SHIPPED.name}: {len(words)} words, {ends[-1] / RATE:.1f} s, the longest {longest:.2f} s, ")
    sys.stdout.write(f"{len(stored.getvalue()):,} bytes\n")


def rendered(word: str) -> NDArray[np.int16]:
    """One word at 16 kHz.

    Raises:
        ConfigError: espeak-ng is missing or cannot say it.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise ConfigError("words are rendered by espeak-ng, which is missing; apt install espeak-ng")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "said.wav")
        command = [program, "-v", VOICE, "-s", str(SPEED), "-w", str(path), word]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not path.is_file():
            raise ConfigError(f"espeak-ng cannot say {word!r} as {VOICE}: {done.stderr.strip()}")
        with wave.open(str(path)) as file:
            rate, data = file.getframerate(), file.readframes(file.getnframes())
    samples = np.frombuffer(data, np.int16).astype(np.float64)
    cut = trimmed(resampled(samples, len(samples) * RATE // rate))
    level = np.rint(cut * (LEVEL * (1 << 15) / np.sqrt(np.mean(cut**2))))
    if np.abs(level).max() >= 1 << 15:
        raise ConfigError(f"{word!r} does not fit 16 bits at its level; choose another word")
    return level.astype(np.int16)


def resampled(samples: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """`samples` brought to another length within their band (Fourier)."""
    spectrum = np.fft.rfft(samples)[: length // 2 + 1]
    return np.fft.irfft(spectrum, length) * (length / len(samples))


def trimmed(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """`samples` without the silence at both ends, with 5 ms of fading."""
    step = RATE // 100
    whole = samples[: len(samples) // step * step].reshape(-1, step)
    energy = (whole**2).mean(axis=1)
    loud = np.flatnonzero(energy > energy.max() * 10 ** (-QUIET_DB / 10))
    kept = samples[loud[0] * step : (loud[-1] + 1) * step].copy()
    ramp = np.linspace(0, 1, RATE // 200)
    kept[: len(ramp)] *= ramp
    kept[-len(ramp) :] *= ramp[::-1]
    return kept


if __name__ == "__main__":
    main()
