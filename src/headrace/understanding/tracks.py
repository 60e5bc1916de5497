"""LineTracks: lines of text followed over time: first seen, last seen, where."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Self

from headrace.core.item import SECOND, emission_id
from headrace.core.stateful import Snapshot
from headrace.understanding.gate import Admission
from headrace.understanding.observation import Observation
from headrace.understanding.reader import ReadLine

#: Two readings are the same line from this similarity on (letters and digits only).
SAME = 0.85
#: A reading that is part of another one is the same line within this time.
PART_WITHIN = 12 * SECOND
#: A line that returns within this time is the same line again.
RETURN_WITHIN = 600 * SECOND
#: Readings below this score do not argue about digits.
SURE = 0.8
#: Tracks that are remembered for matching; older ones are left to the memory.
REMEMBERED = 512


@dataclass(slots=True)
class Track:
    """A line under way. `cells` are scene blocks, `tick` the gate's tick of its last reading."""

    observation: Observation
    key: str
    cells: tuple[int, int, int, int]
    tick: int
    live: bool = True


class LineTracks:
    """Turns readings into observations; Stateful.

    A line lives while at least half of its blocks show what was read: not moving, and nothing else
    admitted there since. A reading that matches a known line (similarity of letters and digits, or
    part of it) extends that line; digits must agree, so a counter gives a line per value.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._tracks: deque[Track] = deque(maxlen=REMEMBERED)
        self._ordinals: dict[int, int] = {}

    def look(self, pts: int, admission: Admission) -> Iterator[Observation]:
        """Extend the lines that still stand at this frame; yields those that have just ended."""
        for track in self._tracks:
            if not track.live:
                continue
            window = admission.window(track.cells)
            if window is not None:
                intact = (admission.version[window] <= track.tick) & ~admission.unstable[window]
                if intact.mean() >= 0.5:
                    track.observation.last = max(track.observation.last, pts)
                    continue
            if window is None or pts - track.observation.last > SECOND:
                track.live = False
                yield track.observation

    def read(self, pts: int, admission: Admission, source: str, line: ReadLine) -> tuple[Observation, bool] | None:
        """Take in one reading: its observation and whether the line is new; None if it is no text."""
        key = normalise(line.text)
        if len(key) < 2:
            return None
        track = self._match(pts, key, line.score)
        if track is None:
            ordinal = self._ordinals.get(pts, 0)
            self._ordinals = {pts: ordinal + 1}
            observation = Observation(
                id=emission_id(source, "text", pts, ordinal), kind="text", source=source, text=line.text,
                first=pts, last=pts, box=line.box, score=line.score,
            )  # fmt: skip
            self._tracks.append(Track(observation, key, admission.cells(line.box), admission.tick))
            return observation, True
        seen = track.observation
        if not track.live:
            seen.weight += 1
        better = line.score > seen.score and len(key) >= len(track.key)
        if better or len(key) > len(track.key):
            seen.text, seen.score, track.key = line.text, line.score, key
        seen.last = max(seen.last, pts)
        track.cells, track.tick, track.live = admission.cells(line.box), admission.tick, True
        return seen, False

    def end(self) -> Iterator[Observation]:
        """The lines still standing at the end of the stream."""
        for track in self._tracks:
            if track.live:
                yield track.observation

    def _match(self, pts: int, key: str, score: float) -> Track | None:
        for track in reversed(self._tracks):
            seen = track.observation
            if pts - seen.last > RETURN_WITHIN:
                continue
            if key == track.key:
                return track
            if key in track.key or track.key in key:
                if pts - seen.last < PART_WITHIN and _digits_agree(key, track.key, part=True):
                    return track
                continue
            if abs(len(key) - len(track.key)) > 0.25 * max(len(key), len(track.key)):
                continue
            if min(score, seen.score) >= SURE and not _digits_agree(key, track.key, part=False):
                continue
            if SequenceMatcher(None, key, track.key, autojunk=False).ratio() >= SAME:
                return track
        return None

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        return Snapshot("line-tracks", {"tracks": [asdict(track) for track in self._tracks]})

    def restore(self, snapshot: Snapshot) -> None:
        self.reset()
        for saved in snapshot.expect("line-tracks").meta["tracks"]:
            observation = dict(saved["observation"])
            observation["box"] = tuple(observation["box"]) if observation["box"] else None
            cells = tuple(saved["cells"])
            self._tracks.append(Track(Observation(**observation), saved["key"], cells, saved["tick"], saved["live"]))

    def fork(self) -> Self:
        other = type(self)()
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return sum(512 + 2 * len(track.observation.text) + len(track.key) for track in self._tracks)

    def max_bytes(self) -> int:
        """With lines of at most 1,000 characters."""
        return REMEMBERED * (512 + 3 * 1000)


def normalise(text: str) -> str:
    """Letters and digits only, lower case: recognition is unsure of spaces and punctuation."""
    return re.sub(r"[\W_]", "", text.lower())


def _digits_agree(a: str, b: str, *, part: bool) -> bool:
    digits_a, digits_b = (re.sub(r"\D", "", key) for key in (a, b))
    if part:
        return digits_a in digits_b or digits_b in digits_a
    return digits_a == digits_b
