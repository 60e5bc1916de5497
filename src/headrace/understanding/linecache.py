"""LineCache: text that was already recognised, found again by the picture of its line."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headrace.core.stateful import Snapshot

Plane = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

#: Rows and columns of the thumbnail that ranks candidates.
_THUMBNAIL = (4, 32)


@dataclass(slots=True, frozen=True)
class _Entry:
    crop: Plane
    thumbnail: Floats
    text: str
    score: float

    @property
    def nbytes(self) -> int:
        return self.crop.nbytes + self.thumbnail.nbytes + len(self.text.encode())


class LineCache:
    """Line crop -> (text, score), least recently used first out.

    Two crops hold the same text if, after the best shift of a few pixels and the best gain and offset,
    **no stroke-sized patch** of one differs from the other. A correlation over the whole line would not
    do: one digit of thirty characters moves it by a hundredth. The patch is a signed box mean, in which
    noise and the halves of a sub-pixel shift cancel and a stroke that is only in one crop stays.

    Crops are compared at their own resolution, so the same words in another size are another line.
    The test is one-sided: in doubt it says "other", which costs a recognition and never a wrong text.
    """

    def __init__(self, *, lines: int = 256, budget: int = 4 << 20, tolerance: float = 0.4, candidates: int = 3) -> None:
        """
        Args:
            lines: greatest number of lines kept; 0 keeps none.
            budget: greatest number of bytes kept.
            tolerance: greatest patch difference, in standard deviations of the crop's luma.
            candidates: crops that are compared in full at one look-up.
        """
        self._lines, self._budget = lines, budget
        self._tolerance, self._candidates = tolerance, candidates
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._next = 0
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, crop: Plane) -> tuple[str, float] | None:
        """Text and score of an equal line, or None. `crop`: uint8 [height, width] luma."""
        height, width = crop.shape
        slack = _slack(height)
        near = [
            (key, entry)
            for key, entry in self._entries.items()
            if abs(entry.crop.shape[0] - height) <= slack and abs(entry.crop.shape[1] - width) <= slack
        ]
        if not near:
            return None
        thumbnail = _thumbnail(crop)
        near.sort(key=lambda pair: float(np.abs(pair[1].thumbnail - thumbnail).sum()))
        for key, entry in near[: self._candidates]:
            if _same(crop, entry.crop, slack, self._tolerance):
                self._entries.move_to_end(key)
                return entry.text, entry.score
        return None

    def put(self, crop: Plane, text: str, score: float) -> None:
        """Remember what a crop says; the crop is copied."""
        entry = _Entry(crop.copy(), _thumbnail(crop), text, score)
        if self._lines < 1 or entry.nbytes > self._budget:
            return
        while len(self._entries) >= self._lines or self._bytes + entry.nbytes > self._budget:
            self._bytes -= self._entries.popitem(last=False)[1].nbytes
        self._entries[self._next] = entry
        self._next += 1
        self._bytes += entry.nbytes

    def reset(self) -> None:
        self._entries.clear()
        self._bytes = 0

    def snapshot(self) -> Snapshot:
        entries = list(self._entries.values())
        arrays = {f"{i}": entry.crop for i, entry in enumerate(entries)}
        return Snapshot("line-cache", {"lines": [[entry.text, entry.score] for entry in entries]}, arrays)

    def restore(self, snapshot: Snapshot) -> None:
        self.reset()
        for i, (text, score) in enumerate(snapshot.expect("line-cache").meta["lines"]):
            self.put(snapshot.arrays[f"{i}"], text, score)

    def nbytes(self) -> int:
        """Bytes of the crops, thumbnails and texts."""
        return self._bytes

    def max_bytes(self) -> int:
        return self._budget


def _slack(height: int) -> int:
    """Pixels by which the borders of two detections of one line may differ: less than a full stop."""
    return 2 + height // 24


def _thumbnail(crop: Plane) -> Floats:
    import cv2

    small = cv2.resize(crop, _THUMBNAIL[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
    small -= small.mean()
    return np.asarray(small / (small.std() + 1.0), np.float32)


def _same(a: Plane, b: Plane, slack: int, tolerance: float) -> bool:
    import cv2

    rows, columns = min(a.shape[0], b.shape[0]), min(a.shape[1], b.shape[1])
    if rows <= 2 * slack + 4 or columns <= 2 * slack + 4:
        return False
    # The middle of `a` is searched in `b`; then the whole overlap at that shift is compared.
    inner = a[slack : rows - slack, slack : columns - slack]
    found = cv2.matchTemplate(b, inner, cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(found)
    if best < 0.8:
        return False
    dx, dy = x - slack, y - slack
    left, top = max(0, -dx), max(0, -dy)
    right, bottom = min(a.shape[1], b.shape[1] - dx), min(a.shape[0], b.shape[0] - dy)
    one = a[top:bottom, left:right].astype(np.float32)
    two = b[top + dy : bottom + dy, left + dx : right + dx].astype(np.float32)
    one -= one.mean()
    two -= two.mean()
    spread = float(one.std())
    gain = float((one * two).mean()) / (float((two * two).mean()) + 1e-6)
    if spread < 2.0 or not 0.75 < gain < 1.33:
        return False
    side = 3 + 2 * (bottom // 40)
    patches = cv2.blur(one - gain * two, (side, side), borderType=cv2.BORDER_REPLICATE)
    return float(np.abs(patches).max()) <= tolerance * spread
