"""Series: what changed over time, in a bounded number of bins however long the run."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field, fields

#: The most points that a `Series` holds.
POINTS = 2000

#: Loudness of digital silence, dBFS.
QUIET = -120.0


@dataclass(slots=True)
class Series:
    """The course of one source, in at most `POINTS` bins of `step_s` seconds.

    `t_s` holds the start of each bin, the other lists the maximum within it. A bin in which nothing
    was added is absent. `step_s` is a power of two, so that bin edges are exact.

    Attributes:
        change, admitted: shares of the picture's blocks that moved and that entered, 0..1.
        state_bytes: bytes of the session's memory.
        backlog: items waiting.
        level_db: loudness, dBFS; `QUIET` where there is no sound.
        voice: probability of speech, 0..1.
    """

    step_s: float = 0.25
    t_s: list[float] = field(default_factory=list)
    change: list[float] = field(default_factory=list)
    admitted: list[float] = field(default_factory=list)
    state_bytes: list[int] = field(default_factory=list)
    backlog: list[int] = field(default_factory=list)
    level_db: list[float] = field(default_factory=list)
    voice: list[float] = field(default_factory=list)

    def add(
        self,
        t: float,
        change: float = 0.0,
        admitted: float = 0.0,
        state_bytes: int = 0,
        backlog: int = 0,
        level_db: float = QUIET,
        voice: float = 0.0,
    ) -> None:
        """Add a sample at media time `t` in seconds; samples may arrive out of order."""
        start = math.floor(t / self.step_s) * self.step_s
        at = bisect_left(self.t_s, start)
        new = (round(change, 5), round(admitted, 5), state_bytes, backlog, round(level_db, 2), round(voice, 4))
        if at < len(self.t_s) and self.t_s[at] == start:
            for column, value in zip(self._columns(), new, strict=True):
                column[at] = max(column[at], value)
            return
        self.t_s.insert(at, start)
        for column, value in zip(self._columns(), new, strict=True):
            column.insert(at, value)
        while len(self.t_s) > POINTS:
            self._halve()

    def _columns(self) -> tuple[list, ...]:  # type: ignore[type-arg]
        return (self.change, self.admitted, self.state_bytes, self.backlog, self.level_db, self.voice)

    def _halve(self) -> None:
        coarse = Series(step_s=2 * self.step_s)
        for row in zip(self.t_s, *self._columns(), strict=True):
            coarse.add(*row)
        for part in fields(self):
            setattr(self, part.name, getattr(coarse, part.name))
