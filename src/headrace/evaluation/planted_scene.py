"""Canvas: the pixels of one planted scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Placed:
    """One object of a scene.

    Attributes:
        box: (x0, y0, x1, y1) in pixels of the picture at `start`.
        start, full, end: ns; it fades in from `start` to `full` (equal: at once) and is gone from `end` on.
        contrast: levels of luma by which it differs from its surroundings.
        moved: pixels by which the camera has moved at `start`, see `Canvas.view`.
    """

    box: tuple[int, int, int, int]
    start: int
    full: int
    end: int
    contrast: float
    moved: int = 0


@dataclass(slots=True)
class Picture:
    """Planes before they are rounded: luma [height, width], two of chroma at half of it."""

    luma: Floats
    chroma: tuple[Floats, Floats]

    def mix(self, other: Picture, share: float) -> Picture:
        """This picture and a `share` of the other."""
        one, two = self.chroma, other.chroma
        return Picture(
            self.luma + np.float32(share) * (other.luma - self.luma),
            (one[0] + np.float32(share) * (two[0] - one[0]), one[1] + np.float32(share) * (two[1] - one[1])),
        )


class Canvas:
    """A scene twice as wide as the picture, so that a camera can move over it, with its objects.

    Args:
        draw: of everything random.
        size: (width, height) of the picture.
        objects: what appears in it.
        begin: column of the canvas at which the picture begins before the camera moves.
    """

    def __init__(
        self, draw: np.random.Generator, size: tuple[int, int], objects: tuple[Placed, ...], begin: int = 0
    ) -> None:
        self._size, self._objects, self._begin = size, objects, begin
        width, height = 2 * size[0], size[1]
        self._luma = draw.uniform(80, 160) + draw.uniform(12, 35) * texture(draw, width, height)
        self._chroma = [draw.uniform(108, 148) + 6 * texture(draw, width // 2, height // 2) for _ in range(2)]
        for _ in range(int(draw.integers(4, 9))):
            self._shape(draw, width, height)
        self._patches = [self._patch(draw, placed) for placed in objects]

    def view(self, moved: float, pts: int) -> Picture:
        """What a camera sees at `pts` (ns) that has moved by so many pixels to the right since the scene began."""
        luma = _window(self._luma, self._left(moved), self._size[0])
        u, v = (_window(plane, self._left(moved) / 2, self._size[0] // 2) for plane in self._chroma)
        for placed, (patch, mask, tint) in zip(self._objects, self._patches, strict=True):
            if not placed.start <= pts < placed.end:
                continue
            there = (
                1.0 if placed.full == placed.start else min(1.0, (pts - placed.start) / (placed.full - placed.start))
            )
            x0 = round(placed.box[0] + placed.moved - moved)
            _paste(luma, patch, mask * np.float32(there), x0, placed.box[1])
            half = mask[::2, ::2] * np.float32(there)
            for plane, colour in zip((u, v), tint, strict=True):
                _paste(plane, np.full_like(half, colour), half, x0 // 2, placed.box[1] // 2)
        return Picture(luma, (u, v))

    def _left(self, moved: float) -> float:
        """Left edge of the camera on the canvas, at whose ends it stops."""
        return min(max(self._begin + moved, 0.0), float(self._size[0]))

    def _shape(self, draw: np.random.Generator, width: int, height: int) -> None:
        """Paint a large ellipse or box into the background, keeping its texture."""
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        y, x = draw.uniform(0, height), draw.uniform(0, width)
        b, a = draw.uniform(0.1, 0.5) * height, draw.uniform(0.05, 0.25) * width
        far = np.abs(columns - x) / a, np.abs(rows - y) / b
        inside = far[0] ** 2 + far[1] ** 2 < 1 if draw.random() < 0.5 else np.maximum(*far) < 1
        self._luma[inside] += draw.uniform(-60, 60)
        for plane in self._chroma:
            plane[inside[::2, ::2]] += draw.uniform(-25, 25)
        np.clip(self._luma, 20, 235, out=self._luma)

    def _patch(self, draw: np.random.Generator, placed: Placed) -> tuple[Floats, Floats, tuple[float, float]]:
        """Luma, mask (0 to 1) and chroma of an object, its luma `contrast` away from what it covers."""
        x0, y0, x1, y1 = placed.box
        w, h = x1 - x0, y1 - y0
        left = round(self._left(placed.moved)) + x0
        behind = float(self._luma[y0:y1, left : left + w].mean())
        contrast = placed.contrast if 30 < behind + placed.contrast < 225 else -placed.contrast
        patch = np.clip(behind + contrast + 10 * texture(draw, w, h), 0, 255).astype(np.float32)
        rows, columns = np.mgrid[:h, :w].astype(np.float32)
        far = np.abs(columns - (w - 1) / 2) / (w / 2), np.abs(rows - (h - 1) / 2) / (h / 2)
        kind = int(draw.integers(3))
        inside = (np.maximum(*far) <= 1, far[0] ** 2 + far[1] ** 2 <= 1, far[0] + far[1] <= 1.2)[kind]
        tint = (float(draw.uniform(88, 168)), float(draw.uniform(88, 168)))
        return patch, inside.astype(np.float32), tint


def texture(draw: np.random.Generator, width: int, height: int) -> Floats:
    """Noise whose amplitude falls as 1/f, mean 0 and deviation 1: the statistics of natural pictures.

    Source: D. J. Field, "Relations between the statistics of natural images and the response properties of
    cortical cells", Journal of the Optical Society of America A 4 (1987).
    """
    vertical, horizontal = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    frequency = np.hypot(vertical, horizontal)
    frequency[0, 0] = np.inf
    waves = np.fft.rfft2(draw.standard_normal((height, width))) / frequency
    made = np.fft.irfft2(waves, s=(height, width))
    return np.asarray(made / made.std(), np.float32)


def _window(plane: Floats, left: float, width: int) -> Floats:
    """Columns [left, left + width) of a plane, at fractions of a pixel by linear interpolation."""
    whole = min(int(left), plane.shape[1] - width)
    part = np.float32(left - whole)
    window = plane[:, whole : whole + width].copy()
    if 0 < part < 1 and whole + width < plane.shape[1]:
        window += part * (plane[:, whole + 1 : whole + 1 + width] - window)
    return window


def _paste(plane: Floats, patch: Floats, mask: Floats, x: int, y: int) -> None:
    """Blend a patch into a plane at (x, y), cut to it."""
    height, width = plane.shape
    left, right = max(0, x), min(width, x + patch.shape[1])
    bottom = min(height, y + patch.shape[0])
    if left >= right or y >= bottom:
        return
    inner = (slice(0, bottom - y), slice(left - x, right - x))
    area = plane[y:bottom, left:right]
    area += mask[inner] * (patch[inner] - area)
