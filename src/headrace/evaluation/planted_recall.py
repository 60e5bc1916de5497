"""EventRecall: what a gate drops, and which events it lets in nevertheless."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from headrace.core.item import SECOND
from headrace.evaluation.planted import box_at
from headrace.evaluation.truth import Event

#: An event's area is looked at in points this many pixels apart: half the side of a block.
STEP = 8


class EventRecall:
    """Counts, frame by frame, which part of each event's area enters in time.

    In time is from when the event is half there until `within` after it is wholly there: what enters before
    shows mostly what was there before. An event is found if at least `least` of its area entered. A quarter is
    enough to see that something is there and to look at the rest of it, and more than a stray block or two;
    `coverage` says how much of the area entered.

    Args:
        events: their `content` as `box_at` wants it; "full": ns at which the event is wholly there
            (default: its start).
        within: ns.
        least: share of the area.
    """

    def __init__(self, events: Sequence[Event], within: int = SECOND, least: float = 0.25) -> None:
        self._events, self._within, self._least = events, within, least
        self._points = [_points(event) for event in events]
        self._entered = [np.zeros(x.shape, bool) for x, _ in self._points]
        self._admitted = self._blocks = 0

    def see(
        self, pts: int, admitted: npt.NDArray[np.bool_], corner: tuple[float, float] = (0.0, 0.0), pitch: float = 16.0
    ) -> None:
        """One frame.

        Args:
            pts: its media time, ns.
            admitted: [rows, cols], the blocks that enter.
            corner: (x, y) pixel at which block (0, 0) begins.
            pitch: pixels per side of a block.
        """
        self._admitted += int(admitted.sum())
        self._blocks += admitted.size
        for event, (x, y), entered in zip(self._events, self._points, self._entered, strict=True):
            full = event.content.get("full", event.start)
            if (event.start + full) // 2 <= pts <= full + self._within:
                moved = box_at(event, pts)[0] - event.content["box"][0] - corner[0]
                col, row = ((side // pitch).astype(int) for side in (x + moved, y - corner[1]))
                inside = (row >= 0) & (row < admitted.shape[0]) & (col >= 0) & (col < admitted.shape[1])
                entered[inside] |= admitted[row[inside], col[inside]]

    @property
    def dropped(self) -> float:
        """Share of all blocks that did not enter; 0 before the first frame."""
        return 1 - self._admitted / self._blocks if self._blocks else 0.0

    @property
    def coverage(self) -> float:
        """Mean share of an event's area that entered in time; 1 without events."""
        return float(np.mean([entered.mean() for entered in self._entered])) if self._entered else 1.0

    @property
    def recall(self) -> float:
        """Share of the events that were found; 1 without events."""
        return float(np.mean(self.found)) if self._entered else 1.0

    @property
    def found(self) -> list[bool]:
        """Whether each event was found."""
        return [bool(entered.mean() >= self._least) for entered in self._entered]


def _points(event: Event) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """x and y of points spread over the event's box, where it stands at its start."""
    x0, y0, x1, y1 = event.content["box"]
    columns, rows = (max(1, round((high - low) / STEP)) for low, high in ((x0, x1), (y0, y1)))
    x, y = x0 + (np.arange(columns) + 0.5) * (x1 - x0) / columns, y0 + (np.arange(rows) + 0.5) * (y1 - y0) / rows
    grid = np.meshgrid(x, y)
    return grid[0].ravel(), grid[1].ravel()
