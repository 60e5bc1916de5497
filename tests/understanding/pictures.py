"""Small pictures and streams of them, for tests of what looks at pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import blake2b

import cv2
import numpy as np
import numpy.typing as npt

from headrace.core.frame import Frame
from headrace.core.item import SECOND, Item
from headrace.core.stateful import Snapshot
from headrace.understanding.blockadmission import BlockAdmission, BlockGate, Box
from headrace.understanding.reader import ReadLine

Plane = npt.NDArray[np.uint8]
RATE = 6
SIZE = (320, 192)

#: A line of text: what it says, and the left end of its base line.
Line = tuple[str, tuple[int, int]]


def page(*lines: Line, size: tuple[int, int] = SIZE, ground: int = 230, ink: int = 20) -> Plane:
    """A plain page with lines of text about 24 pixels high."""
    luma = np.full(size[::-1], ground, np.uint8)
    for text, place in lines:
        cv2.putText(luma, text, place, cv2.FONT_HERSHEY_SIMPLEX, 1.0, ink, 2, cv2.LINE_AA)
    return luma


def wall(width: int, height: int, seed: int = 0) -> Plane:
    """A picture full of soft detail: what a camera pans over."""
    rough = np.random.default_rng(seed).integers(40, 216, (height // 12 + 1, width // 12 + 1)).astype(np.uint8)
    return np.asarray(cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def noisy(luma: Plane, sigma: float, seed: int) -> Plane:
    noise = np.random.default_rng(seed).normal(0, sigma, luma.shape)
    return np.asarray(np.clip(luma + noise, 0, 255), np.uint8)


def frame(luma: Plane) -> Frame:
    """With chroma that is grey."""
    shape = ((luma.shape[0] + 1) // 2, (luma.shape[1] + 1) // 2)
    return Frame(luma, np.full(shape, 128, np.uint8), np.full(shape, 128, np.uint8))


def item(luma: Plane, tick: int) -> Item:
    pts = tick * SECOND // RATE
    return Item(pts, "video", frame(luma), pts, source="camera")


def items(pictures: Iterable[Plane]) -> list[Item]:
    return [item(luma, tick) for tick, luma in enumerate(pictures)]


def admissions(gate: BlockGate, pictures: Iterable[Plane]) -> list[BlockAdmission]:
    return [gate.admit(one) for one in items(pictures)]


def blocks(area: tuple[slice, slice]) -> tuple[slice, slice]:
    """The blocks of 16 x 16 pixels that an area [rows, columns] of pixels touches."""
    rows, columns = (slice(part.start // 16, -(-part.stop // 16)) for part in area)
    return rows, columns


def varied(count: int) -> Iterator[Plane]:
    """Pages that change every 9 frames, under noise, under flicker and panned in turn."""
    for tick in range(count):
        turn, step = divmod(tick, 9)
        lines = [(f"Page {turn} row {row}", (24, 50 + 60 * row)) for row in range(2 + turn % 2)]
        if turn % 4 == 3:
            canvas = cv2.addWeighted(page(*lines, size=(400, 192)), 0.6, wall(400, 192, turn), 0.4, 0)
            yield np.ascontiguousarray(canvas[:, 5 * step : 5 * step + SIZE[0]])
        elif turn % 4 == 2:
            gain = 0.9 + 0.08 * np.sin(2.4 * step)
            yield np.asarray(page(*lines) * gain, np.uint8)
        else:
            yield noisy(page(*lines), 2.0 * (turn % 2), tick)


class DigestReader:
    """Reads one line in every box: letters that depend on the pixels in it."""

    def read(self, luma: Plane, box: Box) -> Iterator[ReadLine]:
        x0, y0, x1, y1 = box
        digest = blake2b(np.ascontiguousarray(luma[y0:y1, x0:x1]).tobytes(), digest_size=6).hexdigest()
        yield ReadLine("".join(chr(ord("a") + int(c, 16)) for c in digest), 0.9, box)

    def reset(self) -> None:
        pass

    def snapshot(self) -> Snapshot:
        return Snapshot("digest-reader")

    def restore(self, snapshot: Snapshot) -> None:
        snapshot.expect("digest-reader")

    def nbytes(self) -> int:
        return 0

    def max_bytes(self) -> int:
        return 0


class PlacedReader(DigestReader):
    """Reads the given lines wherever a box reaches them."""

    def __init__(self, *lines: ReadLine) -> None:
        self.lines = list(lines)

    def read(self, luma: Plane, box: Box) -> Iterator[ReadLine]:
        for line in self.lines:
            if box[0] < line.box[2] and line.box[0] < box[2] and box[1] < line.box[3] and line.box[1] < box[3]:
                yield replace(line)
