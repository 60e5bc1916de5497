"""Reading: moments in, sightings of lines of text out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, Protocol, Self

import numpy as np
import numpy.typing as npt

from headrace.core.item import Item
from headrace.core.op import Op
from headrace.core.stateful import Snapshot
from headrace.understanding.blockadmission import Box
from headrace.understanding.observation import Observation
from headrace.understanding.planner import ReadingPlan
from headrace.understanding.reader import ReadLine
from headrace.understanding.tracks import LineTracks


class Reader(Protocol):
    """Reads the lines of text in a box of a luma plane, big ones first."""

    def read(self, luma: npt.NDArray[np.uint8], box: Box) -> Iterator[ReadLine]: ...
    def reset(self) -> None: ...
    def snapshot(self) -> Snapshot: ...
    def restore(self, snapshot: Snapshot) -> None: ...
    def nbytes(self) -> int: ...
    def max_bytes(self) -> int: ...


@dataclass(slots=True)
class Sighting:
    """A line of text, as known when this left: new, seen again, or gone."""

    observation: Observation
    change: Literal["new", "again", "gone"]


class Reading(Op):
    """Plans regions, reads them, follows the lines; for a worker: each line leaves as it is read.

    Stateful. If the work is cut
    short because the frame grew too old, the regions left over are planned again.

    Attributes:
        calls, lines: regions read, lines recognised.
    """

    def __init__(self, reader: Reader, plan: ReadingPlan | None = None) -> None:
        self.reader, self.plan, self.tracks = reader, plan or ReadingPlan(), LineTracks()
        self.calls = self.lines = 0

    def reset(self) -> None:
        self.reader.reset()
        self.plan.reset()
        self.tracks.reset()
        self.calls = self.lines = 0

    def step(self, item: Item) -> Iterator[Item]:
        moment = item.data
        admission = moment.admission
        for gone in self.tracks.look(item.pts, admission):
            yield item.derive(Sighting(replace(gone), "gone"), "sighting")
        for told in self.tracks.ripe(item.pts):
            yield item.derive(Sighting(replace(told), "new"), "sighting")
        if moment.boundary is not None:
            for moved in self.tracks.enter(moment.boundary.pts, moment.segment):
                yield item.derive(Sighting(replace(moved), "again"), "sighting")
        regions = self.plan.plan(admission)
        try:
            while regions:
                box, forced = regions[0]
                self.calls += 1
                found = 0
                for line in self.reader.read(admission.frame.y, box):
                    found += 1
                    self.lines += 1
                    read = self.tracks.read(item.pts, admission, item.source, line, moment.segment, hasty=forced)
                    if read is not None:
                        seen, new = read
                        change: Literal["new", "again"] = "new" if new else "again"
                        yield item.derive(Sighting(replace(seen), change), "sighting")
                regions.pop(0)
                if forced:
                    self.plan.learn(admission, box, found)
        finally:
            for box, _ in regions:
                self.plan.postpone(admission, box)

    def finish(self) -> Iterable[Item]:
        for line in self.tracks.end():
            yield Item(line.last, "sighting", Sighting(replace(line), "gone"), source=line.source)

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        parts = {"plan": self.plan.snapshot(), "tracks": self.tracks.snapshot(), "reader": self.reader.snapshot()}
        return Snapshot.join("reading", parts, {"calls": self.calls, "lines": self.lines})

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect("reading").meta["own"]
        self.reader.restore(snapshot.part("reader"))
        self.calls, self.lines = meta["calls"], meta["lines"]
        self.plan.restore(snapshot.part("plan"))
        self.tracks.restore(snapshot.part("tracks"))

    def fork(self) -> Self:
        """Shares the reader, whose cache changes no result; not for another thread."""
        other = type(self)(self.reader, self.plan.fork())
        other.tracks = self.tracks.fork()
        other.calls, other.lines = self.calls, self.lines
        return other

    def nbytes(self) -> int:
        return self.plan.nbytes() + self.tracks.nbytes() + self.reader.nbytes()

    def max_bytes(self) -> int:
        return self.plan.max_bytes() + self.tracks.max_bytes() + self.reader.max_bytes()
