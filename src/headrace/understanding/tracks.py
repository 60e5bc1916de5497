"""LineTracks: lines of text followed over time: first seen, last seen, where."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from difflib import SequenceMatcher
from typing import Self

import numpy as np

from headrace.core.item import SECOND, emission_id
from headrace.core.stateful import Snapshot
from headrace.understanding.gate import Admission
from headrace.understanding.observation import Observation
from headrace.understanding.reader import ReadLine

#: Two readings are the same line from this similarity on (letters and digits only).
SAME = 0.85
#: Share of a cut line's letters that must be found, in order, in the whole line.
PART = 0.8
#: A reading that is part of another one is the same line within this time.
PART_WITHIN = 12 * SECOND
#: A line read again within this time of its first sight was in transition: the later reading counts.
SETTLING = 3 * SECOND // 2
#: A line whose box ends this many pixels from the border of the frame is cut by it.
BORDER = 16
#: A line that returns within this time is the same line again.
RETURN_WITHIN = 600 * SECOND
#: Share of a line's blocks from which a new line there has taken its place.
COVERED = 0.6
#: Readings below this score do not argue about digits.
SURE = 0.8
#: Tracks that are remembered for matching; older ones are left to the memory.
REMEMBERED = 512
#: Characters of a line that are kept.
LONGEST_TEXT = 2000


#: Blocks of the scene: (col0, row0, col1, row1), half open.
Cells = tuple[int, int, int, int]


@dataclass(slots=True)
class Track:
    """A line under way.

    Attributes:
        cells: scene blocks (col0, row0, col1, row1) of its last reading.
        tick: the gate's tick of its last reading.
        cut: its last reading ended at the border of the frame.
        live: it still stands, as far as known.
    """

    observation: Observation
    key: str
    cells: Cells
    tick: int
    cut: bool
    live: bool = True


class LineTracks:
    """Turns readings into observations; Stateful.

    A line lives while at least half of its blocks show what was read: not moving, and nothing else
    admitted there since. A reading extends a line that it equals but for noise (similarity of letters
    and digits; digits must agree, so a counter gives a line per value). A reading that is part of a
    line extends it if one of them is cut by the border of the frame, or if the rest of the line still
    stands beside it. If the rest is gone and the line is a moment old, it was read in transition, and
    the later reading replaces it.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._tracks: deque[Track] = deque(maxlen=REMEMBERED)
        self._ordinals: dict[int, int] = {}

    def enter(self, boundary: int, segment: str) -> Iterator[Observation]:
        """A new event began at `boundary` (ns), as is known now: lines first seen since belong to it."""
        for track in self._tracks:
            if track.observation.first >= boundary and track.observation.segment != segment:
                track.observation.segment = segment
                yield track.observation

    def look(self, pts: int, admission: Admission) -> Iterator[Observation]:
        """Extend the lines that still stand at this frame; yields those that have just ended."""
        while self._tracks and not self._tracks[0].live and pts - self._tracks[0].observation.last > RETURN_WITHIN:
            self._tracks.popleft()
        for track in self._tracks:
            if not track.live:
                continue
            window = admission.window(track.cells)
            if _stands(track, admission):
                track.observation.last = max(track.observation.last, pts)
                continue
            if window is None or pts - track.observation.last > SECOND:
                track.live = False
                yield track.observation

    def read(self, pts: int, admission: Admission, source: str, line: ReadLine) -> tuple[Observation, bool] | None:
        """Take in one reading: its observation and whether the line is new; None if it is no text."""
        text = line.text[:LONGEST_TEXT]
        key = normalise(text)
        if len(key) < (2 if any(c.isdigit() for c in key) else 3):
            return None
        cut = line.box[0] < BORDER or line.box[2] > admission.frame.width - BORDER
        cells = admission.cells(line.box)
        track, replaced = self._match(pts, key, line.score, cut, cells, admission)
        if track is None:
            self._replaced(cells)
            ordinal = self._ordinals.get(pts, 0)
            self._ordinals = {pts: ordinal + 1}
            observation = Observation(
                id=emission_id(source, "text", pts, ordinal), kind="text", source=source, text=text,
                first=pts, last=pts, box=line.box, score=line.score,
            )  # fmt: skip
            self._tracks.append(Track(observation, key, cells, admission.tick, cut))
            return observation, True
        seen = track.observation
        if not track.live:
            seen.weight += 1
        better = line.score > seen.score and len(key) >= len(track.key)
        if better or len(key) > len(track.key) or replaced:
            seen.text, seen.score, track.key = text, line.score, key
        seen.last = max(seen.last, pts)
        if len(key) >= len(track.key) or not _stands(track, admission):
            track.cells = cells
        track.tick, track.cut, track.live = admission.tick, cut, True
        return seen, False

    def _replaced(self, cells: Cells) -> None:
        """A new line stands on these blocks: what stood there no longer does, although few blocks changed."""
        for track in self._tracks:
            if track.live and _covered(track.cells, cells) >= COVERED:
                track.tick = -1

    def end(self) -> Iterator[Observation]:
        """The lines still standing at the end of the stream."""
        for track in self._tracks:
            if track.live:
                yield track.observation

    def _match(
        self, pts: int, key: str, score: float, cut: bool, cells: Cells, admission: Admission
    ) -> tuple[Track | None, bool]:
        """The newest line that a reading extends, and whether it replaces its text."""
        for track in reversed(self._tracks):
            seen = track.observation
            if pts - seen.last > RETURN_WITHIN:
                continue
            if key == track.key or _alike(key, track.key, sure=min(score, seen.score) >= SURE):
                return track, False
            if pts - seen.last >= PART_WITHIN or not _part(key, track.key, fuzzy=cut or track.cut):
                continue
            if cells[3] <= track.cells[1] or track.cells[3] <= cells[1]:  # another row of the picture
                continue
            if cut or track.cut or len(key) > len(track.key) or _stands(track, admission, beside=cells):
                return track, False
            if pts - seen.first < SETTLING:
                return track, True
        return None, False

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        tracks = [{**asdict(track), "observation": list(astuple(track.observation))} for track in self._tracks]
        ordinals = [list(pair) for pair in self._ordinals.items()]
        return Snapshot("line-tracks", {"tracks": tracks, "ordinals": ordinals})

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect("line-tracks").meta
        self.reset()
        self._ordinals = dict(meta["ordinals"])
        for saved in meta["tracks"]:
            observation = Observation.of(saved["observation"])
            left, top, right, bottom = saved["cells"]
            self._tracks.append(Track(**{**saved, "observation": observation, "cells": (left, top, right, bottom)}))

    def fork(self) -> Self:
        other = type(self)()
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return sum(512 + 2 * len(track.observation.text) + len(track.key) for track in self._tracks)

    def max_bytes(self) -> int:
        return REMEMBERED * (512 + 3 * LONGEST_TEXT)


def normalise(text: str) -> str:
    """Letters and digits only, lower case: recognition is unsure of spaces and punctuation."""
    return re.sub(r"[\W_]", "", text.lower())


def _stands(track: Track, admission: Admission, beside: Cells | None = None) -> bool:
    """Whether at least half of a line's blocks (those not in `beside`) still show what was read there."""
    window = admission.window(track.cells)
    if window is None:
        return False
    intact = (admission.version[window] <= track.tick) & ~admission.unstable[window]
    if beside is not None:
        column = admission.origin[0] + window[1].start
        columns = np.arange(column, column + intact.shape[1])
        intact = intact[:, (columns < beside[0]) | (columns >= beside[2])]
    return bool(intact.size and intact.mean() >= 0.5)


def _covered(a: Cells, b: Cells) -> float:
    """Share of the smaller of two areas that both cover."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b))
    return width * height / smaller if width > 0 and height > 0 and smaller else 0.0


def _alike(a: str, b: str, *, sure: bool) -> bool:
    """Whether two readings are of one whole line. Two sure ones must agree in their digits."""
    if abs(len(a) - len(b)) > 0.25 * max(len(a), len(b)):
        return False
    if sure and _digits(a) != _digits(b):
        return False
    return SequenceMatcher(None, a, b, autojunk=False).ratio() >= SAME


def _part(a: str, b: str, *, fuzzy: bool) -> bool:
    """Whether the shorter of two readings is part of the longer; `fuzzy` forgives misread cut letters."""
    short, long = sorted((a, b), key=len)
    if not fuzzy:
        return short in long
    blocks = SequenceMatcher(None, short, long, autojunk=False).get_matching_blocks()
    found = sum(block.size for block in blocks)
    return found >= PART * len(short) and max(block.size for block in blocks) >= 0.6 * len(short)


def _digits(key: str) -> str:
    return re.sub(r"\D", "", key)
