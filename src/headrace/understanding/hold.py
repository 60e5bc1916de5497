"""Hold: a picture stays on the screen until the next one comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Self

from headrace.core.frame import Frame
from headrace.core.item import SECOND, Item
from headrace.core.op import Op
from headrace.core.stateful import Snapshot

#: A gap between frames this many times the spacing is one in which the picture stood still.
RARE = 1.5
#: A picture is shown again for this long after it came, and once more before the next: by then it has settled.
SETTLING = SECOND


class Hold(Op):
    """Fills the gaps of streams whose frames are rare: slides in a folder, screen recordings that write a frame
    only when something changes, one frame a second. Gates then judge by media time, not by frames; Stateful.

    Args:
        spacing: ns between looks; frames that come as often pass as they are.
    """

    def __init__(self, spacing: int) -> None:
        self.spacing = spacing
        self.reset()

    def reset(self) -> None:
        self._last: Item | None = None
        self._rare = True

    def step(self, item: Item) -> Iterable[Item]:
        last, self._last = self._last, item
        if last is None:
            return (item,)
        self._rare = item.pts - last.pts > RARE * self.spacing
        return (*self._again(last, item.pts, item.arrival), item) if self._rare else (item,)

    def finish(self) -> Iterable[Item]:
        """The last picture of a stream with rare frames, for as long as it needs to settle."""
        last = self._last
        return self._again(last, last.pts + SETTLING + self.spacing, last.arrival) if last and self._rare else ()

    def _again(self, item: Item, until: int, arrival: int) -> Iterator[Item]:
        """The same picture at each look from its own time until another comes."""
        times = range(item.pts + self.spacing, until - self.spacing // 2, self.spacing)
        for pts in times:
            if pts - item.pts <= SETTLING or pts == times[-1]:
                yield replace(item, pts=pts, arrival=arrival)

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        last = self._last
        if last is None:
            return Snapshot("hold")
        frame: Frame = last.data
        planes = {name: plane for name in ("y", "u", "v") if (plane := getattr(frame, name)) is not None}
        item = {"pts": last.pts, "kind": last.kind, "arrival": last.arrival, "epoch": last.epoch, "source": last.source}
        meta = {"item": item, "full_range": frame.full_range, "key": frame.key, "rare": self._rare}
        return Snapshot("hold", meta, {name: plane.copy() for name, plane in planes.items()})

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect("hold").meta
        self.reset()
        if meta:
            planes = {name: plane.copy() for name, plane in snapshot.arrays.items()}
            frame = Frame(**planes, full_range=meta["full_range"], key=meta["key"])
            self._last, self._rare = Item(data=frame, **meta["item"]), meta["rare"]

    def fork(self) -> Self:
        other = type(self)(self.spacing)
        other._last, other._rare = self._last, self._rare  # items and frames are never changed
        return other

    def nbytes(self) -> int:
        return 256 + (self._last.data.nbytes if self._last is not None else 0)

    def max_bytes(self) -> int:
        """One frame of the largest size that a gate takes, with its chroma."""
        return 256 + 16384 * 8640 * 3 // 2
