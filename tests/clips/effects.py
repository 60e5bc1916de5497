"""What disturbs a steady page: sensor noise, a moving corner, flicker.

An effect maps (frame uint8 [H, W, 3], seconds since the page began) to a new frame. Effects that move or
fade the page itself (pan, jitter, slowfade) are in `render`.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from tests.clips.photos import cover, photo
from tests.clips.scenes import Frame

Effect = Callable[[Frame, float], Frame]
MARGIN = 64  # pixels by which a noise field is larger than the frame

#: The corner that always moves, on a frame of 1280x720.
CORNER = (1000, 24, 1256, 240)


class Effects:
    """Makes effects for frames of one size; they share a few noise fields.

    Args:
        size: width and height of the frames in pixels.
        rng: draws the noise fields.
    """

    def __init__(self, size: tuple[int, int], rng: np.random.Generator) -> None:
        self.width, self.height = size
        shape = (self.height + MARGIN, self.width + MARGIN)
        self.fields = [self._field(shape, rng) for _ in range(4)]

    @staticmethod
    def _field(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        luma = rng.standard_normal(shape, np.float32)[..., None] * 7
        chroma = rng.standard_normal((*shape, 3), np.float32) * 3
        return np.rint(luma + chroma).astype(np.int16)

    def make(self, effect: str, rng: np.random.Generator) -> Effect | None:
        """The effect of that name with its own random numbers; None for those that disturb nothing."""
        makers = {
            "noise": self._noise,
            "shapes": self._shapes,
            "video": self._video,
            "flicker": self._flicker,
            "bands": self._bands,
        }
        return makers[effect](rng) if effect in makers else None

    def _noise(self, rng: np.random.Generator) -> Effect:
        """Sensor noise: 7 levels of luma and 3 of each colour, one standard deviation."""

        def effect(frame: Frame, t: float) -> Frame:
            field = self.fields[int(rng.integers(4))]
            y, x = rng.integers(MARGIN, size=2)
            return cv2.add(frame, field[y : y + self.height, x : x + self.width], dtype=cv2.CV_8U)

        return effect

    def _corner(self) -> tuple[slice, slice]:
        x0, y0, x1, y1 = CORNER
        sx, sy = self.width / 1280, self.height / 720
        return slice(round(y0 * sy), round(y1 * sy)), slice(round(x0 * sx), round(x1 * sx))

    def _shapes(self, rng: np.random.Generator) -> Effect:
        """A turning bar and a ball that runs to and fro."""
        rows, columns = self._corner()
        unit = (rows.stop - rows.start) / 220

        def effect(frame: Frame, t: float) -> Frame:
            frame = frame.copy()
            corner = np.full((rows.stop - rows.start, columns.stop - columns.start, 3), (60, 90, 120), np.uint8)
            centre = (corner.shape[1] / 2, corner.shape[0] / 2)
            bar = cv2.boxPoints((centre, (150 * unit, 90 * unit), t * 120)).astype(np.int32)
            cv2.fillPoly(corner, [bar], (240, 200, 60), cv2.LINE_AA)
            ball = (round(centre[0] + 60 * unit * np.cos(t * 3.3)), round(centre[1]))
            cv2.circle(corner, ball, max(1, round(30 * unit)), (200, 40, 40), -1, cv2.LINE_AA)
            frame[rows, columns] = corner
            return frame

        return effect

    def _video(self, rng: np.random.Generator) -> Effect:
        """A hand-held webcam: a photograph that sways, under grain."""
        rows, columns = self._corner()
        height, width = rows.stop - rows.start, columns.stop - columns.start
        picture = cover(photo("chelsea"), round(width * 1.3), round(height * 1.3))
        sway = 0.13 * width, 0.13 * height

        def effect(frame: Frame, t: float) -> Frame:
            frame = frame.copy()
            x, y = sway[0] * (1 + np.sin(t * 2.9)), sway[1] * (1 + np.sin(t * 4.3))
            view = cv2.warpAffine(picture, np.array([[1, 0, -x], [0, 1, -y]], np.float32), (width, height))
            u, v = rng.integers(MARGIN, size=2)
            grain = self.fields[int(rng.integers(4))][v : v + height, u : u + width]
            frame[rows, columns] = cv2.add(view, grain, dtype=cv2.CV_8U)
            return frame

        return effect

    def _flicker(self, rng: np.random.Generator) -> Effect:
        """The light of the whole frame swings by 7 % at 8.3 Hz."""
        levels = np.arange(256, dtype=np.float32)

        def effect(frame: Frame, t: float) -> Frame:
            gain = 0.92 + 0.07 * np.sin(2 * np.pi * 8.3 * t) + rng.uniform(-0.01, 0.01)
            return cv2.LUT(frame, np.clip(levels * gain, 0, 255).astype(np.uint8))

        return effect

    def _bands(self, rng: np.random.Generator) -> Effect:
        """Bands of 8 % that roll upwards, as mains light makes them on a rolling shutter."""
        period = round(500 * self.height / 720)
        rows = np.arange(self.height + period)
        gain = np.rint(192 * (1 + 0.08 * np.sin(2 * np.pi * rows / period))).astype(np.uint8)
        tall = np.ascontiguousarray(np.broadcast_to(gain[:, None, None], (len(rows), self.width, 3)))

        def effect(frame: Frame, t: float) -> Frame:
            top = round(t * 2.3 * period) % period
            return cv2.multiply(frame, tall[top : top + self.height], scale=1 / 192)

        return effect
