"""Perceive: frames in, moments out: what was admitted, and in which event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from headrace.core.item import Item, emission_id
from headrace.core.op import Op
from headrace.core.stateful import Snapshot
from headrace.understanding.blockadmission import BlockAdmission, BlockGate
from headrace.understanding.boundary import Boundary, BoundaryDetector
from headrace.understanding.scene import roll


@dataclass(slots=True)
class Moment:
    """One frame, judged.

    Attributes:
        admission: what the gate let in.
        segment: id of the event under way, as far as known at this frame.
        boundary: the boundary found at this frame; the first frame opens the first event with a
            boundary of score 0.
    """

    admission: BlockAdmission
    segment: str
    boundary: Boundary | None = None

    @property
    def nbytes(self) -> int:
        return self.admission.frame.nbytes


class Perceive(Op):
    """Runs the gate and the boundary detector over video items; Stateful."""

    def __init__(self, gate: BlockGate, boundaries: BoundaryDetector | None = None) -> None:
        self.gate, self.boundaries = gate, boundaries or BoundaryDetector()
        self._segment = ""

    def reset(self) -> None:
        self.gate.reset()
        self.boundaries.reset()
        self._segment = ""

    def go_on(self, segment: str) -> None:
        """Begin within an event that is under way, "" for at the start."""
        self._segment = segment

    def step(self, item: Item) -> Iterable[Item]:
        admission = self.gate.admit(item)
        boundary = self.boundaries.see(item.pts, item.data)
        if not self._segment:
            boundary = Boundary(item.pts, 0.0, item.pts)
        if boundary is not None:
            self._segment = emission_id(item.source, "event", boundary.pts)
        return (item.derive(Moment(admission, self._segment, boundary), "moment"),)

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        parts = {"gate": self.gate.snapshot(), "boundaries": self.boundaries.snapshot()}
        return Snapshot.join("perceive", parts, {"segment": self._segment})

    def restore(self, snapshot: Snapshot) -> None:
        self._segment = snapshot.expect("perceive").meta["own"]["segment"]
        self.gate.restore(snapshot.part("gate"))
        self.boundaries.restore(snapshot.part("boundaries"))

    def fork(self) -> Self:
        other = type(self)(self.gate.fork(), self.boundaries.fork())
        other._segment = self._segment
        return other

    def nbytes(self) -> int:
        return self.gate.nbytes() + self.boundaries.nbytes()

    def max_bytes(self) -> int:
        return self.gate.max_bytes() + self.boundaries.max_bytes()


def merge_moments(older: Item, newer: Item) -> Item:
    """The newer moment, with what the older one admitted and found: for an edge on which moments may wait.

    What a slow reader missed is thus read from the newest frame, never from an old one.
    """
    newer.data.boundary = newer.data.boundary or older.data.boundary
    before, now = older.data.admission, newer.data.admission
    if before.admitted.shape != now.admitted.shape:
        return newer
    cols, rows = now.origin[0] - before.origin[0], now.origin[1] - before.origin[1]
    now.admitted = now.admitted | roll(before.admitted, cols, rows, False)
    now.jumped = now.jumped | roll(before.jumped & before.admitted, cols, rows, False)
    return newer
