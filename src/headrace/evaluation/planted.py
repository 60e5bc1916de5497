"""Planted streams: seeded video in which it is known what happens, when and where.

A stream is a row of scenes, 8 to 16 s each, joined by cuts and fades. A scene is a 1/f texture (the
spectrum of natural pictures) under large shapes; two or three textured objects appear in it one after
another, and stay to its end or vanish before it. One seed gives the same story in every regime:

- calm: a still camera, sensor noise of one level;
- noise: coarse grain of low light (sigma 5 levels in grains of 4 x 4 pixels);
- flicker: a rolling band of +-8 % brightness;
- pan: the camera moves at 8 to 18 pixels a second, fractions of a pixel included;
- corner: one corner never stops moving;
- slow: objects take 4 s to fade in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.frame import Frame
from headrace.core.item import MS, SECOND, Item
from headrace.evaluation.planted_scene import Canvas, Picture, Placed
from headrace.evaluation.truth import Event

REGIMES = ("calm", "noise", "flicker", "pan", "corner", "slow")
#: Time in which an object of the regime "slow" fades in.
SLOW = 4 * SECOND
NEVER = 1 << 62
#: The corner that never stops moving, as a share of the sides.
CORNER = (0.2, 0.27)


@dataclass(frozen=True)
class Scene:
    """What is seen from `start` (ns) on, after a fade of `fade` ns (0: a cut), until `end`."""

    number: int
    start: int
    fade: int
    end: int
    speed: float
    objects: tuple[Placed, ...]


@dataclass(frozen=True)
class Planted:
    """One planted stream. Deterministic; holds the pixels of two scenes at most, however long it is.

    Attributes:
        seed: of the story and of everything else that is random.
        regime: one of `REGIMES`.
        seconds: length.
        fps: frames a second.
        size: (width, height) in pixels, even, at least 160 x 96.

    Raises:
        ConfigError: unknown regime, or a length, rate or size that is too small.
    """

    seed: int = 0
    regime: str = "calm"
    seconds: float = 60
    fps: int = 6
    size: tuple[int, int] = (320, 180)

    def __post_init__(self) -> None:
        if self.regime not in REGIMES:
            raise ConfigError(f"planted stream: regime {self.regime!r} is none of {', '.join(REGIMES)}")
        width, height = self.size
        if width < 160 or height < 96 or width % 2 or height % 2:
            raise ConfigError(f"planted stream: size {width}x{height}; use even sides, 160x96 or more")
        if self.seed < 0 or self.fps < 1 or self.seconds * self.fps < 1:
            raise ConfigError("planted stream: use seed >= 0, fps >= 1 and at least one frame")

    @property
    def frames(self) -> int:
        """Their number."""
        return int(self.seconds * self.fps)

    @property
    def duration(self) -> int:
        """ns."""
        return self.pts(self.frames)

    def pts(self, index: int) -> int:
        """Media time of a frame, ns."""
        return index * SECOND // self.fps

    @cached_property
    def scenes(self) -> tuple[Scene, ...]:
        """The story."""
        draw = np.random.default_rng([self.seed, 0])
        scenes: list[Scene] = []
        first = 0
        while first < self.frames:
            last = first + int(draw.uniform(8, 16) * self.fps)
            fades = bool(draw.random() < 0.4) and bool(scenes)
            fade = int(draw.uniform(500, 1500)) * MS if fades else 0
            start, end = self.pts(first), self.pts(last)
            speed = float(draw.uniform(8, 18) * draw.choice([-1, 1]))
            objects = self._objects(draw, start + fade, end, speed, start)
            scenes.append(Scene(len(scenes), start, fade, end, speed, objects))
            first = last
        return tuple(scenes)

    @cached_property
    def boundaries(self) -> list[Event]:
        """Where one scene follows another: from the begin to the end of a fade; an instant at a cut.

        `content` is {"transition": "cut" or "fade"}.
        """
        return [
            Event(scene.start, scene.start + scene.fade, {"transition": "fade" if scene.fade else "cut"})
            for scene in self.scenes[1:]
            if scene.start + scene.fade < self.duration
        ]

    @cached_property
    def objects(self) -> list[Event]:
        """Objects, from the first trace of them to their end (or that of the stream).

        `content` holds what `box_at` needs, "contrast" (levels between object and surroundings) and
        "full": ns at which the object is wholly there. Left out is what the stream does not show for a second.
        """
        return [
            Event(
                placed.start,
                min(placed.end, scene.end, self.duration),
                {
                    "box": list(placed.box),
                    "drift": -scene.speed if self.regime == "pan" else 0.0,
                    "contrast": abs(placed.contrast),
                    "full": placed.full,
                },
            )
            for scene in self.scenes
            for placed in scene.objects
            if placed.full + SECOND <= self.duration
        ]

    def items(self) -> Iterator[Item]:
        """The frames as video items; every call begins anew."""
        canvases: dict[int, Canvas] = {}
        scenes = [*self.scenes, None]
        current = 0
        for index in range(self.frames):
            pts = self.pts(index)
            while (following := scenes[current + 1]) is not None and pts >= following.start:
                current += 1
            shown = scenes[current]
            assert shown is not None
            fading = current > 0 and pts < shown.start + shown.fade
            wanted = [current - 1, current] if fading else [current]
            canvases = {k: canvases.get(k) or self._canvas(k) for k in wanted}
            picture = self._view(self.scenes[current], canvases[current], pts)
            if fading:
                before = self._view(self.scenes[current - 1], canvases[current - 1], pts)
                picture = before.mix(picture, (pts - shown.start) / shown.fade)
            yield Item(pts, "video", self._film(picture, index), pts, source=f"planted-{self.regime}-{self.seed}")

    # -- the story ----------------------------------------------------------------------------

    def _objects(self, draw: np.random.Generator, begin: int, end: int, speed: float, shown: int) -> tuple[Placed, ...]:
        """Two or three objects in different cells of the picture, none in the moving corner."""
        width, height = self.size
        columns, rows = 4, 2
        cells = draw.permutation(columns * rows - 1)[: int(draw.integers(2, 4))]
        latest = end - SLOW - 1500 * MS
        placed = []
        for cell in cells:
            start = int(draw.uniform(begin + 500 * MS, max(begin + 501 * MS, latest)))
            start = self.pts(-(-start * self.fps // SECOND))
            w, h = (int(draw.uniform(0.5, 0.9) * side) for side in (width // columns, height // rows))
            x = int(cell) % columns * (width // columns) + int(draw.integers(0, width // columns - w))
            y = int(cell) // columns * (height // rows) + int(draw.integers(0, height // rows - h))
            contrast = float(draw.uniform(20, 70) * draw.choice([-1, 1]))
            full = start + (SLOW if self.regime == "slow" else 0)
            vanishes = bool(draw.random() < 0.4)
            gone = self.pts(int(draw.uniform(start + SLOW + SECOND, end) * self.fps // SECOND)) if vanishes else NEVER
            moved = (start - shown) / SECOND * speed if self.regime == "pan" else 0.0
            placed.append(Placed((x, y, x + w, y + h), start, full, gone, contrast, round(moved)))
        return tuple(placed)

    # -- the camera ---------------------------------------------------------------------------

    def _canvas(self, number: int) -> Canvas:
        scene = self.scenes[number]
        begin = 0 if scene.speed > 0 else self.size[0]
        return Canvas(np.random.default_rng([self.seed, 1, number]), self.size, scene.objects, begin)

    def _view(self, scene: Scene, canvas: Canvas, pts: int) -> Picture:
        moved = (pts - scene.start) / SECOND * scene.speed if self.regime == "pan" else 0.0
        return canvas.view(moved, pts)

    def _film(self, picture: Picture, index: int) -> Frame:
        """What the camera of this regime makes of a picture."""
        draw = np.random.default_rng([self.seed, 2, index])
        width, height = self.size
        luma = picture.luma
        if self.regime == "corner":
            w, h = int(width * CORNER[0]), int(height * CORNER[1])
            rows, columns = np.mgrid[:h, :w].astype(np.float32)
            t = index / self.fps
            luma[-h:, -w:] = 120 + 50 * np.sin(columns / 6 + 9 * t) + 40 * np.sin(rows / 5 - 7 * t)
        if self.regime == "flicker":
            phase = 1.7 * index / self.fps + np.arange(height) / height
            luma *= 1 + 0.08 * np.sin(2 * np.pi * phase)[:, None]
        if self.regime == "noise":
            grain = draw.normal(0, 5, (-(-height // 4), -(-width // 4))).astype(np.float32)
            luma += grain.repeat(4, axis=0).repeat(4, axis=1)[:height, :width]
        luma += draw.integers(-2, 3, (height, width), np.int8)
        y, u, v = (np.clip(plane, 0, 255).astype(np.uint8) for plane in (luma, *picture.chroma))
        return Frame(y, u, v)


def box_at(event: Event, pts: int) -> tuple[float, float, float, float]:
    """Where the object of an event stands at `pts`: its box (x0, y0, x1, y1), moved by its drift.

    `event.content` holds "box" (pixels, where it stands at `event.start`) and may hold "drift", its
    horizontal speed in pixels a second.
    """
    content: dict[str, Any] = event.content
    x0, y0, x1, y1 = content["box"]
    moved = content.get("drift", 0.0) * (pts - event.start) / SECOND
    return x0 + moved, y0, x1 + moved, y1
