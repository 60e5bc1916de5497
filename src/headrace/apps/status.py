"""Status: the state of a run at one moment, as it is told to a view."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

#: A note: media seconds, kind ("event", "text", "speech", "sound", "answer", "alert", …), what happened,
#: and the name of the source ("" for that of a run with one).
Note = tuple[float, str, str, str]

#: How a source fares. "lost" is a connection that will not come back, "ended" an end as it should be.
State = Literal["opening", "playing", "reconnecting", "lost", "ended"]


@dataclass(slots=True)
class SourceStatus:
    """One source at one moment.

    Attributes:
        name: as in the result.
        media_s: media time reached.
        duration_s: its length, None if it is live or unknown.
        state: see `State`.
        level_db: loudness of what is heard now, dBFS; None without sound.
        voice: probability of speech now, 0..1.
        backlog, dropped: items waiting on all its edges, and dropped on them so far.
        age_s: age of the item processed last, 0 where time follows the media.
        admitted_share: blocks admitted of all blocks so far, 0..1.
    """

    name: str
    media_s: float = 0.0
    duration_s: float | None = None
    state: State = "playing"
    level_db: float | None = None
    voice: float = 0.0
    backlog: int = 0
    dropped: int = 0
    age_s: float = 0.0
    admitted_share: float = 0.0


@dataclass(slots=True)
class Status:
    """The state of a run at one moment.

    Attributes:
        media_s: media time reached.
        told_s: media time up to which everything found has been told: no later note is about
            something that came to an end before it. None if that is `media_s`.
        wall_s: wall seconds since the start.
        source: names of the sources, for a view that was told no `sources`.
        duration_s: length of the source, None if it is live or unknown.
        speed: "max", "realtime" or a factor.
        fps: frames processed a wall second.
        realtime_factor: media seconds done a wall second.
        edges: (name, items waiting, bound, items dropped) of each edge; of several sources the name
            begins with that of the source.
        state_bytes, budget_bytes: what is remembered and what may be (0: no budget).
        admitted_share: blocks admitted of all blocks, 0..1.
        sources: each source; may be empty.
        recent: notes to show instead of those that the view was given by `note`.
    """

    media_s: float = 0.0
    told_s: float | None = None
    wall_s: float = 0.0
    source: str = ""
    duration_s: float | None = None
    speed: str = "max"
    fps: float = 0.0
    realtime_factor: float = 0.0
    edges: list[tuple[str, int, int, int]] = field(default_factory=list)
    state_bytes: int = 0
    budget_bytes: int = 0
    admitted_share: float = 0.0
    sources: list[SourceStatus] = field(default_factory=list)
    recent: deque[Note] = field(default_factory=deque)

    @property
    def drops(self) -> int:
        """Items dropped on all edges."""
        return sum(dropped for _, _, _, dropped in self.edges)
