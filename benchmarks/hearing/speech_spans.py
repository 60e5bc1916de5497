"""How well speech is found: spans of narration with known pauses, in quiet, in noise and beside music.

Run it as `python -m benchmarks.hearing.speech_spans [--json FILE]` from the root of the repository; it needs espeak-ng
and the `audio` extra. Scores are over a grid of 10 ms. Beside the detector stand two that know nothing of speech:
always speech, and the level above limits set for the best F1 on the development narration. `Listen` is at its
defaults, which were not tuned on either set.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from headrace.core.item import SECOND
from headrace.media.listen import Listen
from headrace.media.loudness import level_db
from tests.media import narration
from tests.media.narration import RATE, Narration, Samples, chunks

Grid = npt.NDArray[np.bool_]
STEP = RATE // 100
#: Level of the narration, dBFS.
SPEECH_DB = -23.0
#: What plays beside the narration, and how far below it, dB; None is nothing.
CONDITIONS: dict[str, tuple[str, float] | None] = {
    "quiet": None,
    "white noise 20 dB": ("white", 20.0),
    "white noise 10 dB": ("white", 10.0),
    "pink noise 20 dB": ("pink", 20.0),
    "pink noise 10 dB": ("pink", 10.0),
    "music-like 20 dB": ("music", 20.0),
    "music-like 10 dB": ("music", 10.0),
    "music-like in the pauses": ("pauses", 3.0),
}


@dataclass(frozen=True)
class Spans:
    """One detector on narration under one condition, pooled over voices."""

    set: str
    condition: str
    detector: str
    precision: float
    recall: float
    f1: float


def mixed(told: Narration, condition: tuple[str, float] | None, seed: int) -> Samples:
    """The narration with what plays beside it."""
    if condition is None:
        return told.samples
    kind, below = condition
    count = len(told.samples)
    makers: dict[str, Callable[[], Samples]] = {
        "white": lambda: narration.noise(count, seed),
        "pink": lambda: narration.noise(count, seed, pink=True),
        "music": lambda: narration.music(count, seed),
        "pauses": lambda: narration.music(count, seed) * ~np.repeat(truth(told), STEP)[:count],
    }
    return np.asarray(told.samples + makers[kind]() * 10 ** ((SPEECH_DB - below) / 20), np.float32)


def truth(told: Narration) -> Grid:
    """Where speech is, bool [ceil(n / 160)]."""
    return on_grid([(first, last) for first, last in told.spans], len(told.samples))


def on_grid(spans: Sequence[tuple[float, float]], samples: int) -> Grid:
    grid = np.zeros(-(-samples // STEP), bool)
    for first, last in spans:
        grid[round(first * 100) : round(last * 100)] = True
    return grid


def heard(samples: Samples, listen: Listen) -> Grid:
    """Where `Listen` finds utterances."""
    listen.reset()
    items = [found for item in chunks(samples) for found in listen.step(item)] + list(listen.finish())
    spans = [(one.data.first / SECOND, one.data.last / SECOND) for one in items if one.kind == "speech"]
    return on_grid(spans, len(samples))


@dataclass(frozen=True)
class Energy:
    """Speech is where the level of 30 ms is above both limits."""

    dbfs: float
    above_floor_db: float  #: the floor is the 10th percentile of the whole recording, which no live detector knows

    def __call__(self, levels: npt.NDArray[np.float64]) -> Grid:
        return levels > max(self.dbfs, float(np.percentile(levels, 10)) + self.above_floor_db)


def levels(samples: Samples) -> npt.NDArray[np.float64]:
    """dBFS of the 30 ms around each step."""
    count = -(-len(samples) // STEP)
    return np.array([level_db(samples[max(0, (k - 1) * STEP) : (k + 2) * STEP]) for k in range(count)])


def best_energy(told: Sequence[Narration]) -> Energy:
    """The limits with the best F1 over development narration, all conditions pooled."""
    pairs = [
        (levels(mixed(one, condition, seed)), truth(one))
        for condition in CONDITIONS.values()
        for seed, one in enumerate(told)
    ]
    limits = [Energy(dbfs, above) for dbfs in range(-60, -20, 2) for above in range(15)]
    return max(limits, key=lambda energy: scored([(energy(level), true) for level, true in pairs])[2])


def scored(pairs: Sequence[tuple[Grid, Grid]]) -> tuple[float, float, float]:
    """Precision, recall and F1 over grids (found, true), pooled."""
    hit = sum(int((found & true).sum()) for found, true in pairs)
    found, true = sum(int(f.sum()) for f, _ in pairs), sum(int(t.sum()) for _, t in pairs)
    precision, recall = hit / max(1, found), hit / max(1, true)
    return precision, recall, 2 * hit / max(1, found + true)


def told(name: str) -> list[Narration]:
    """The narrations of a set, one a voice."""
    texts, voices = {
        "development": (narration.DEVELOPMENT, narration.DEVELOPMENT_VOICES),
        "held-out": (narration.HELD_OUT, narration.HELD_OUT_VOICES),
    }[name]
    return [narration.narrate(texts, voice, seed) for seed, voice in enumerate(voices)]


def measure(sets: Sequence[str] = ("development", "held-out")) -> tuple[list[Spans], float]:
    """The table, and CPU seconds of `Listen` a media second."""
    listen, energy = Listen(), best_energy(told("development"))
    rows: list[Spans] = []
    cpu = media = 0.0
    for name in sets:
        narrations = told(name)
        for condition, mix in CONDITIONS.items():
            sounds = [(mixed(one, mix, 100 + seed), truth(one)) for seed, one in enumerate(narrations)]
            began = time.process_time()
            found = [(heard(samples, listen), true) for samples, true in sounds]
            cpu += time.process_time() - began
            media += sum(len(samples) for samples, _ in sounds) / RATE
            loud = [(energy(levels(samples)), true) for samples, true in sounds]
            always = [(np.ones_like(true), true) for _, true in sounds]
            detectors = {"listen": found, "energy": loud, "always speech": always}
            rows += [Spans(name, condition, detector, *scored(pairs)) for detector, pairs in detectors.items()]
    return rows, cpu / media


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=["development", "held-out"])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows, cpu = measure(given.sets)
    for row in rows:
        print(
            f"{row.set:12s} {row.condition:25s} {row.detector:16s} "
            f"precision {row.precision:.3f} recall {row.recall:.3f} F1 {row.f1:.3f}"
        )
    print(f"CPU of Listen {cpu:.4f} s a media second")
    if given.json:
        figures = {"cpu_per_media_s": cpu, "rows": [asdict(row) for row in rows]}
        given.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
