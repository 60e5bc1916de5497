"""LineTracks: lines of text followed over time: first seen, last seen, where."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from typing import Self

import numpy as np

from headrace.core.item import MS, SECOND, emission_id
from headrace.core.stateful import Snapshot
from headrace.understanding.admission import Mask
from headrace.understanding.blockadmission import BlockAdmission
from headrace.understanding.observation import Observation
from headrace.understanding.reader import ReadLine
from headrace.understanding.sameline import alike, clock, counted, grown, newest, normalise, part

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
#: Range of luma from which a block holds ink, and blocks of a line of which it is known, at most.
INK, LARGEST_INK = 14.0, 1024
#: A line read amid movement must stand for this long before it is told, and movement is this share of what is about it.
STAND, RESTLESS = 500 * MS, 0.25
#: A line that is part of one which stood there less than `FRAGMENT_WITHIN` ago must stand for this long.
FRAGMENT_STAND, FRAGMENT_WITHIN = 10 * SECOND, 2 * SECOND
#: A line that was not told is forgotten after this time out of sight.
FORGET = 5 * SECOND
#: A value ticks if it stands for less than this; so many values in a row make a line that ticks (a running clock: one).
TICK, TICKS = 1750 * MS, 3
#: A clock is read this much too early or late, at most.
CLOCK_SLACK = 2 * SECOND
#: A line that ticks may be out of sight for this long.
UNSEEN = 10 * SECOND
#: Letters of a part by which a line that scrolled is known again.
SCROLLED = 8
#: Stands between the first and the newest value of a line that ticks.
TICKED = " … "

#: Blocks of the scene: (col0, row0, col1, row1), half open.
Cells = tuple[int, int, int, int]


@dataclass(slots=True)
class Track:
    """A line under way.

    Attributes:
        cells: scene blocks (col0, row0, col1, row1) of its last reading.
        tick: the gate's tick of its last reading.
        cut: its last reading ended at the border of the frame.
        ink: which of the cells held ink then, row by row, "1" or "0".
        wait: ns that it must stand before it is told; 0: it is told.
        since: first sight of its present value, ns.
        quick: values in a row that stood for a moment only, before this one.
        start: its first text, if it ticks.
        live: it still stands, as far as known.
    """

    observation: Observation
    key: str
    cells: Cells
    tick: int
    cut: bool
    ink: str = ""
    wait: int = 0
    since: int = 0
    quick: int = 0
    start: str = ""
    live: bool = True


class LineTracks:
    """Turns readings into observations; Stateful.

    A line lives while at least half of the blocks that held its ink show what was read: textured, not
    moving, and nothing else admitted there since. A reading extends a line that it equals but for
    noise (similarity of letters and digits; digits must agree, so a counter gives a line per value).
    A reading that is part of a line extends it if one of them is cut by the border of the frame, if it
    goes on where the line stopped, or if the rest of the line still stands beside it. If the rest is
    gone and the line is a moment old, it was read in transition, and the later reading replaces it.

    A line read amid movement is told only once it has stood `STAND`, and what is part of a line that
    stood there a moment ago only after `FRAGMENT_STAND`. Values that tick, `TICKS` in a row or those
    of a clock, are one line that goes on: its text is the first value and the newest one.
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
                if not track.wait:
                    yield track.observation

    def look(self, pts: int, admission: BlockAdmission) -> Iterator[Observation]:
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
                if not track.wait:
                    yield track.observation

    def ripe(self, pts: int) -> Iterator[Observation]:
        """The lines that have now stood for long enough to be told; those that did not are forgotten."""
        for track in [track for track in self._tracks if track.wait]:
            if track.observation.last - track.since >= track.wait:
                track.wait, track.since = 0, track.observation.first
                yield track.observation
            elif pts - track.observation.last > FORGET:
                self._tracks.remove(track)

    def read(
        self,
        pts: int,
        admission: BlockAdmission,
        source: str,
        line: ReadLine,
        segment: str | None = None,
        *,
        hasty: bool = False,
    ) -> tuple[Observation, bool] | None:
        """Take in one reading: its observation and whether the line is new; None if there is nothing to tell (yet).

        Args:
            pts: media time of the frame, ns.
            segment: id of the event under way.
            hasty: it was read where nothing held still.
        """
        text = line.text[:LONGEST_TEXT]
        key = normalise(text)
        if len(key) < (2 if any(c.isdigit() for c in key) else 3):
            return None
        cut = line.box[0] < BORDER or line.box[2] > admission.frame.width - BORDER
        cells = admission.cells(line.box)
        track, replaced = self._match(pts, key, line.score, cut, cells, admission)
        if track is None:
            seen = Observation("", "text", source, text, pts, pts, box=line.box, score=line.score, segment=segment)
            new = Track(seen, key, cells, admission.tick, cut, _ink(admission, cells), since=pts)
            return self._begin(pts, admission, new, hasty)
        seen = track.observation
        if not track.live:
            seen.weight += 1
        if track.wait and not _same_place(cells, track.cells):
            track.since = pts
        better = line.score > seen.score and len(key) >= len(track.key)
        if not track.start and (better or len(key) > len(track.key) or replaced):
            seen.text, seen.score, track.key = text, line.score, key
        seen.last = max(seen.last, pts)
        if len(key) >= len(track.key) or not _stands(track, admission):
            track.cells, track.ink = cells, _ink(admission, cells)
        track.tick, track.cut, track.live = admission.tick, cut, True
        if not track.wait:
            return seen, False
        if seen.last - track.since < track.wait:
            return None
        track.wait, track.since = 0, seen.first
        return seen, True

    def _begin(self, pts: int, admission: BlockAdmission, new: Track, hasty: bool) -> tuple[Observation, bool] | None:
        """A reading of no known line: the next value of one that ticks, or a new line."""
        before = self._counted(pts, new)
        if before is not None:
            new.quick = before.quick + 1
            if before.start or new.quick >= TICKS or _runs(pts, before, new):
                return self._tick(pts, before, new)
        if self._fragment(pts, new):
            new.wait = FRAGMENT_STAND
        elif hasty or _restless(admission, new.cells):
            new.wait = STAND
        else:
            self._replaced(new.cells)
        ordinal = self._ordinals.get(pts, 0)
        self._ordinals = {pts: ordinal + 1}
        new.observation.id = emission_id(new.observation.source, "text", pts, ordinal)
        self._tracks.append(new)
        return None if new.wait else (new.observation, True)

    def _counted(self, pts: int, new: Track) -> Track | None:
        """The line in the same place of which a reading is the next value, if its value stood for a moment only."""
        for track in reversed(self._tracks):
            if not counted(new.key, track.key) or not _same_place(track.cells, new.cells):
                continue
            last = track.observation.last
            if pts - last >= UNSEEN:
                return None
            if (clock(track.observation.text), clock(new.observation.text)) != (None, None):
                return track if _runs(pts, track, new) else None
            return track if (last if track.start else pts) - track.since < TICK else None
        return None

    def _tick(self, pts: int, before: Track, new: Track) -> tuple[Observation, bool] | None:
        """The next value of a line that ticks: the line goes on with it."""
        seen = before.observation
        before.start = before.start or seen.text
        seen.text = (before.start + TICKED + newest(before.start, new.observation.text))[:LONGEST_TEXT]
        seen.last = before.since = pts
        before.key, before.cells, before.ink, before.quick = new.key, new.cells, new.ink, new.quick
        before.tick, before.cut, before.live = new.tick, new.cut, True
        if not before.wait:
            return seen, False
        if pts - seen.first < before.wait:
            return None
        before.wait = 0
        return seen, True

    def _fragment(self, pts: int, new: Track) -> bool:
        """Whether a reading is part of a line that stands, or stood a moment ago, in its place."""
        return any(
            pts - track.observation.last <= FRAGMENT_WITHIN
            and len(new.key) < len(track.key)
            and _beside(new.cells, track.cells)
            and _under(new.cells, track.cells)
            and part(new.key, track.key, fuzzy=len(new.key) > 3)
            for track in self._tracks
        )

    def _replaced(self, cells: Cells) -> None:
        """A new line stands on these blocks: what stood there no longer does, although few blocks changed."""
        for track in self._tracks:
            if track.live and _same_place(track.cells, cells):
                track.tick = -1

    def end(self) -> Iterator[Observation]:
        """The lines still standing at the end of the stream."""
        for track in self._tracks:
            if track.live and not track.wait:
                yield track.observation

    def _match(
        self, pts: int, key: str, score: float, cut: bool, cells: Cells, admission: BlockAdmission
    ) -> tuple[Track | None, bool]:
        """The newest line that a reading extends, and whether it replaces its text."""
        for track in reversed(self._tracks):
            seen = track.observation
            if pts - seen.last > RETURN_WITHIN:
                continue
            if key == track.key or alike(key, track.key, sure=min(score, seen.score) >= SURE):
                return track, False
            if pts - seen.last >= PART_WITHIN or track.start:
                continue
            if len(key) > len(track.key) and seen.weight > 1 and not (cut or track.cut):
                continue  # a line that came back, such as a prompt, begins another one
            if not _beside(cells, track.cells):
                if _scrolled(key, cells, track) and not _stands(track, admission):
                    return track, False
                continue
            if grown(track.key, key) and abs(cells[0] - track.cells[0]) <= 1:
                return track, False
            if not part(key, track.key, fuzzy=cut or track.cut):
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
        return sum(
            512 + 2 * len(track.observation.text) + len(track.start) + len(track.key) + len(track.ink)
            for track in self._tracks
        )

    def max_bytes(self) -> int:
        return REMEMBERED * (512 + 4 * LONGEST_TEXT + LARGEST_INK)


def _stands(track: Track, admission: BlockAdmission, beside: Cells | None = None) -> bool:
    """Whether at least half of a line's blocks of ink (those not in `beside`) still show what was read there."""
    window = admission.window(track.cells)
    if window is None:
        return False
    intact = (admission.version[window] <= track.tick) & ~admission.unstable[window]
    counts = np.ones_like(intact)
    column = admission.origin[0] + window[1].start
    if track.ink:
        left, top, right, bottom = track.cells
        ink = np.frombuffer(track.ink.encode(), np.uint8).reshape(bottom - top, right - left) == ord("1")
        row = admission.origin[1] + window[0].start - top
        counts = ink[row : row + intact.shape[0], column - left : column - left + intact.shape[1]]
        intact = intact & (admission.texture[window] > INK)
    if beside is not None:
        columns = np.arange(column, column + intact.shape[1])
        counts = counts & ((columns < beside[0]) | (columns >= beside[2]))
    return bool(counts.any() and intact[counts].mean() >= 0.5)


def _ink(admission: BlockAdmission, cells: Cells) -> str:
    """Which blocks of a line hold ink, see `Track`; empty if none does, or some lie outside the picture."""
    window = admission.window(cells)
    if window is None:
        return ""
    ink: Mask = np.asarray(admission.texture[window] > INK)
    if not ink.any() or ink.shape != (cells[3] - cells[1], cells[2] - cells[0]) or ink.size > LARGEST_INK:
        return ""
    return "".join("1" if block else "0" for block in ink.ravel())


def _restless(admission: BlockAdmission, cells: Cells) -> bool:
    """Whether much of what has texture about a line, a line's height up and down, is moving."""
    height = cells[3] - cells[1]
    window = admission.window((cells[0], cells[1] - height, cells[2], cells[3] + height))
    if window is None:
        return False
    textured = admission.texture[window] > INK
    return bool((admission.unstable[window] & textured).sum() > RESTLESS * max(1, int(textured.sum())))


def _beside(a: Cells, b: Cells) -> bool:
    """Whether two lines stand in the same row of the picture."""
    return a[1] < b[3] and b[1] < a[3]


def _under(a: Cells, b: Cells) -> bool:
    """Whether a line stands within the columns of another, give or take two."""
    return b[0] - 2 <= a[0] and a[2] <= b[2] + 2


def _scrolled(key: str, cells: Cells, track: Track) -> bool:
    """Whether a reading elsewhere in the columns of a line may be part of that line."""
    return SCROLLED <= len(key) < len(track.key) and _under(cells, track.cells) and key in track.key


def _runs(pts: int, before: Track, now: Track) -> bool:
    """Whether two texts tell the time of day, and as much of it has passed between them as there really has."""
    a, b = clock(before.observation.text), clock(now.observation.text)
    return a is not None and b is not None and abs((b - a) * SECOND - (pts - before.since)) <= CLOCK_SLACK


def _same_place(a: Cells, b: Cells) -> bool:
    """Whether two lines stand on each other, and not only on neighbouring rows that share blocks."""
    return abs(a[1] + a[3] - b[1] - b[3]) < 2 and _covered(a, b) >= COVERED


def _covered(a: Cells, b: Cells) -> float:
    """Share of the smaller of two areas that both cover."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b))
    return width * height / smaller if width > 0 and height > 0 and smaller else 0.0
