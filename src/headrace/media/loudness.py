"""Loudness: silences and sudden loud passages, by the level of the sound."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import log10
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from headrace.core.item import SECOND
from headrace.core.stateful import Snapshot
from headrace.media.heard import What

Samples = npt.NDArray[np.float32]
#: Samples of a block at 16 kHz: 100 ms.
BLOCK = 1600
LASTING = SECOND // 10
#: Level given to digital silence, dBFS.
NOTHING = -120.0
#: Blocks before which the noise floor is not known yet, and blocks in which a sudden rise happens.
KNOWN, SUDDEN = 20, 3
#: What sounds (blocks louder than `SOUNDING` dBFS) is usually at `SUPPOSED` dBFS until `FEW` blocks of it were heard,
#: and not below that until `ENOUGH`.
SOUNDING, SUPPOSED, FEW, ENOUGH = -50.0, -26.0, 10, 50
#: dB of a score of 1.
SILENT_DB, LOUD_DB = 60.0, 40.0


def level_db(samples: Samples) -> float:
    """Level in dBFS: 20 log10 of the root mean square, unweighted; 0 is a full-scale square wave, -3.01 a sine.

    Never below -120, which is also the level of no samples.
    """
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return max(NOTHING, 10 * log10(power)) if power > 0 else NOTHING


@dataclass(slots=True, frozen=True)
class Mark:
    """Something that happened, as `headrace.media.heard.SoundEvent` says it; `first` names it."""

    what: What
    first: int
    last: int
    level_db: float
    score: float
    new: bool


@dataclass(slots=True, frozen=True)
class Limits:
    """What counts as silent and as loud.

    Attributes:
        silent_db: dBFS; at or below is silence, whatever is usual.
        margin_db: at most so far above the stream's own noise floor (10th percentile of its blocks) is silence …
        contrast_db: … if also so far below its usual level (90th percentile).
        lasting: blocks (100 ms) that a silence takes.
        sound: blocks in a row above the limit, by 3 dB, that end it.
        rise_db: so far above the usual level (90th percentile of what sounds) is loud, if it came within 300 ms.
        loud_db: dBFS; never loud below.
        longest: blocks after which what was loud is usual.
        memory: blocks that the floor and the usual level are made from.
    """

    silent_db: float = -60.0
    margin_db: float = 6.0
    contrast_db: float = 15.0
    lasting: int = 20
    sound: int = 2
    rise_db: float = 10.0
    loud_db: float = -30.0
    longest: int = 50
    memory: int = 600


class Loudness:
    """Judges one stream by blocks of 100 ms; Stateful.

    The blocks of a silence under way are not learned, so that a long one does not become what is usual; those of a
    loud passage are learned when it ends.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.reset()

    def reset(self) -> None:
        self._levels: deque[float] = deque(maxlen=self.limits.memory)
        self._recent: deque[float] = deque(maxlen=SUDDEN)
        self._silent = self._loud = False
        self._limit = self.limits.silent_db
        self._since = self._until = 0  # ns: the first quiet block; the end of the last block of the passage under way
        self._run = self._breaks = 0  # blocks of the passage; blocks in a row that are not like it
        self._sum = self._usual = 0.0
        self._passage: list[float] = []
        self.quiet = True

    def see(self, pts: int, block: Samples) -> list[Mark]:
        """The next block, float32 [1600] at `pts`; what it begins and ends. `quiet` then says how it was judged."""
        level = level_db(block)
        if not self._silent:
            self._limit = self._silence_limit()
        self.quiet = level <= self._limit + (3.0 if self._silent else 0.0)
        if self._loud:
            marks = self._in_loud(pts, level)
        elif self._silent:
            marks = self._in_silence(pts, level)
        else:
            marks = self._in_sound(pts, level)
        self._recent.append(level)
        return marks

    def finish(self) -> list[Mark]:
        """The end of what is under way."""
        return [self._end()] if self._silent or self._loud else []

    def _silence_limit(self) -> float:
        """The level in dBFS at or below which a block is quiet now."""
        if len(self._levels) < KNOWN:
            return self.limits.silent_db
        floor, usual = np.percentile(self._levels, (10, 90))
        own = min(floor + self.limits.margin_db, usual - self.limits.contrast_db)
        return max(self.limits.silent_db, float(own))

    def _usual_level(self) -> float:
        """Of what sounds, dBFS."""
        sounding = [level for level in self._levels if level > SOUNDING]
        known = float(np.percentile(sounding, 90)) if len(sounding) >= FEW else SUPPOSED
        return known if len(sounding) >= ENOUGH else max(SUPPOSED, known)

    def _in_sound(self, pts: int, level: float) -> list[Mark]:
        """Neither a silence nor a loud passage is under way."""
        if self._is_loud(level):
            self._usual = self._usual_level()
            self._loud, self._since, self._until = True, pts, pts + LASTING
            self._passage, self._breaks, self._run = [level], 0, 0
            return [self._mark(True)]
        self._levels.append(level)
        if not self.quiet:
            self._run = 0
            return []
        if not self._run:
            self._since, self._sum = pts, 0.0
        self._run, self._sum, self._until = self._run + 1, self._sum + level, pts + LASTING
        if self._run < self.limits.lasting:
            return []
        self._silent, self._breaks, self._usual = True, 0, self._usual_level()
        return [self._mark(True)]

    def _in_silence(self, pts: int, level: float) -> list[Mark]:
        if self.quiet:
            self._run, self._sum, self._breaks = self._run + 1, self._sum + level, 0
            self._until = pts + LASTING
            return []
        self._breaks += 1
        loud = self._is_loud(level)
        if self._breaks < self.limits.sound and not loud:
            return []
        marks = [self._end()]
        return [*marks, *self._in_sound(pts, level)]

    def _in_loud(self, pts: int, level: float) -> list[Mark]:
        if level >= self._usual + self.limits.rise_db / 2 and level >= self.limits.loud_db - 6.0:
            self._passage.append(level)
            self._breaks, self._until = 0, pts + LASTING
            return [self._end()] if len(self._passage) >= self.limits.longest else []
        self._breaks += 1
        return [self._end()] if self._breaks >= self.limits.sound else []

    def _is_loud(self, level: float) -> bool:
        rise = self.limits.rise_db
        if len(self._recent) < SUDDEN or level < max(self.limits.loud_db, min(self._recent) + rise):
            return False
        return level >= self._usual_level() + rise

    def _end(self) -> Mark:
        mark = self._mark(False)
        self._silent = self._loud = False
        self._run = self._breaks = 0
        self._levels.extend(self._passage)
        self._passage = []
        return mark

    def _mark(self, new: bool) -> Mark:
        if self._loud:
            level = max(self._passage)
            score = min(1.0, max(0.0, (level - self._usual) / LOUD_DB))
            return Mark("loud", self._since, self._until, level, score, new)
        level = self._sum / self._run
        score = min(1.0, max(0.0, (self._usual - level) / SILENT_DB))
        return Mark("silence", self._since, self._until, level, score, new)

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        meta: dict[str, Any] = {name: getattr(self, f"_{name}") for name in FIELDS}
        meta |= {"quiet": self.quiet, "passage": list(self._passage), "recent": list(self._recent)}
        return Snapshot("loudness", meta, {"levels": np.array(self._levels, np.float64)})

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect("loudness").meta
        self.reset()
        for name in FIELDS:
            setattr(self, f"_{name}", meta[name])
        self.quiet, self._passage = meta["quiet"], list(meta["passage"])
        self._recent.extend(meta["recent"])
        self._levels.extend(float(level) for level in snapshot.arrays["levels"])

    def fork(self) -> Self:
        other = type(self)(self.limits)
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return 8 * (len(self._levels) + len(self._recent) + len(self._passage) + len(FIELDS) + 1)

    def max_bytes(self) -> int:
        return 8 * (self.limits.memory + SUDDEN + self.limits.longest + len(FIELDS) + 1)


FIELDS = ("silent", "loud", "limit", "since", "until", "run", "breaks", "sum", "usual")
