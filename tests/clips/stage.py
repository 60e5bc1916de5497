"""A screen that changes in steps: what stands on it, from when to when, and what of it can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tests.clips.fonts import extent, font
from tests.clips.scenes import Box, Colour, Frame, Line, Mark, Segment, Text, Truth
from tests.clips.sound import Soundtrack

#: Seconds that a line stands in one place if it is asked for; one that stands less than `GLIMPSE` is not told at all.
LEAST, GLIMPSE = 1.2, 0.15
#: Marks of fewer pixels, such as a caret, hide no text.
SMALL = 600
SMOOTHING = 3  # how much larger round corners are drawn


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels uint8 [h, w, 3] whose corner is at `x`, `y`; with opacity, [h, w, 4], they hide nothing."""

    pixels: NDArray[np.uint8]
    x: int
    y: int

    def box(self) -> Box:
        """Where it lies."""
        return (self.x, self.y, self.x + self.pixels.shape[1], self.y + self.pixels.shape[0])


Piece = Text | Mark | Picture


@dataclass
class Stage:
    """Collects the states of a screen in order of time.

    Attributes:
        size: width and height in pixels.
        fps: ticks a second; a state begins at a tick.
        states: tick from which on, and the pieces that stand then, the lowest first.
        events: start and end (s) of each change of what the screen is about.
    """

    size: tuple[int, int]
    fps: int
    states: list[tuple[int, tuple[Piece, ...]]] = field(default_factory=list)
    events: list[tuple[float, float]] = field(default_factory=list)

    def show(self, t: float, pieces: list[Piece], *, event: bool = False) -> None:
        """What stands from `t` s on; a second state in the same tick replaces the first."""
        tick = round(t * self.fps)
        if self.states and self.states[-1][0] == tick:
            self.states.pop()
        self.states.append((tick, tuple(pieces)))
        if event:
            self.events.append((round(tick / self.fps, 3),) * 2)

    def lines(self, kind: str, end: float) -> tuple[list[Line], list[Line]]:
        """The lines that stand still long enough to be read, and those that do not; each by time.

        A line that moves while it can be read is one line; `box` is where it stands first.
        """
        shown: dict[str, _Stay] = {}
        stood: list[Line] = []
        passed: list[Line] = []
        starts = [tick / self.fps for tick, _ in self.states]
        for start, (_, pieces) in zip((*starts, end), (*self.states, (0, ())), strict=True):
            now = {text.text: text for text in readable(pieces, self.size)}
            for name in [name for name in shown if name not in now]:
                stay = shown.pop(name)
                if start - stay.on < GLIMPSE:
                    continue
                slide = sum(1 for t, _ in self.events if 0 < t <= stay.on + 1e-6)
                first = stay.first
                line = Line(name, round(stay.on, 3), round(start, 3), kind, first.size, first.box(), slide)
                (stood if stay.still(start) >= LEAST else passed).append(line)
            for name, text in now.items():
                shown.setdefault(name, _Stay(start, text, text, start)).move(text, start)
        return sorted(stood, key=lambda line: line.on), sorted(passed, key=lambda line: line.on)

    def truth(self, kind: str, seconds: float) -> Truth:
        """The ground truth of a screen that is recorded for `seconds`."""
        stood, passed = self.lines(kind, seconds)
        edges = [0.0, *(t for t, _ in self.events), seconds]
        segments = [Segment(a, b, kind, "cut", 0.0) for a, b in pairwise(edges)]
        return Truth(stood, segments, list(self.events), seconds, self.fps, self.size, passing=passed)


@dataclass
class _Stay:
    """A text while it can be read: since when, since when in this place, and the longest it stood in one."""

    on: float
    first: Text
    last: Text
    since: float
    longest: float = 0.0

    def move(self, text: Text, t: float) -> None:
        if (text.x, text.y) != (self.last.x, self.last.y):
            self.longest, self.since, self.last = self.still(t), t, text

    def still(self, t: float) -> float:
        return max(self.longest, t - self.since)


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording that is drawn while it is iterated over: read-only uint8 rgb frames [H, W, 3].

    Attributes:
        kind: "screen", "lecture", "street" or "terminal".
        stage: what stands when.
        seconds: how long it is.
        sound: what is heard, None if it has no sound.
        film: (picture of the stage, seconds) -> what the camera sees of it, at every tick; None: the stage itself.
        steady: a frame at every tick; else only where something changes, and a last one at the end.
    """

    kind: str
    stage: Stage
    seconds: float
    sound: Soundtrack | None = None
    film: Callable[[Frame, float], Frame] | None = None
    steady: bool = True

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.stage.size

    @property
    def fps(self) -> int:
        """Ticks a second."""
        return self.stage.fps

    @cached_property
    def truth(self) -> Truth:
        """All that there is to see and to hear."""
        told = self.stage.truth(self.kind, self.seconds)
        if self.sound is not None:
            told.speech, told.voice, told.sounds = self.sound.speech, self.sound.voice, self.sound.sounds
        return told

    def __iter__(self) -> Iterator[Frame]:
        return (frame for _, frame in self.timed())

    def timed(self) -> Iterator[tuple[int, Frame]]:
        """Every frame with its time in units of 1 / fps."""
        last = round(self.seconds * self.fps) - 1
        states, easel = self.stage.states, Easel(self.size)
        for index, (tick, pieces) in enumerate(states):
            following = states[index + 1][0] if index + 1 < len(states) else last + 1
            picture = easel.draw(pieces)
            picture.flags.writeable = False
            for step in range(tick, following if self.steady else tick + 1):
                frame = picture if self.film is None else self.film(picture, step / self.fps)
                frame.flags.writeable = False
                yield step, frame
        if not self.steady and states[-1][0] < last:
            yield last, picture


def readable(pieces: tuple[Piece, ...], size: tuple[int, int]) -> list[Text]:
    """The texts that lie whole inside the frame with nothing over them and say something."""
    found = []
    covers: list[Box] = [(-9999, -9999, 9999, 0), (-9999, size[1], 9999, 9999), (-9999, -9999, 0, 9999)]
    covers.append((size[0], -9999, 9999, 9999))
    for piece in reversed(pieces):
        if isinstance(piece, Text):
            x0, y0, x1, y1 = piece.box()
            if telling(piece.text) and not any(
                x0 < right and left < x1 and y0 < bottom and top < y1 for left, top, right, bottom in covers
            ):
                found.append(piece)
        elif isinstance(piece, Picture):
            if piece.pixels.shape[2] == 3:
                covers.append(piece.box())
        elif len(piece.fill) == 3 and not piece.points:
            x0, y0, x1, y1 = piece.box
            if (x1 - x0) * (y1 - y0) >= SMALL:
                covers.append(piece.box)
    return found[::-1]


def telling(text: str) -> bool:
    """Whether a text is worth reading: "97%" is, "12" and "[###--]" are not."""
    return len(text.replace(" ", "")) >= 3 and sum(c.isalnum() for c in text) >= 2


class Easel:
    """Draws one state after another; what two states in a row have lowest is drawn once.

    Args:
        size: width and height in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._last: tuple[Piece, ...] = ()
        self._under: tuple[Piece, ...] = ()
        self._blank = np.zeros((size[1], size[0], 3), np.uint8)
        self._picture = self._blank.copy()

    def draw(self, pieces: tuple[Piece, ...]) -> Frame:
        """The pieces on black, uint8 rgb [H, W, 3]."""
        pairs = zip(pieces, self._last, strict=False)
        same = next((index for index, (one, other) in enumerate(pairs) if one != other), None)
        same = min(len(pieces), len(self._last)) if same is None else same
        if same < len(self._under):
            self._under, self._picture = (), self._blank.copy()
        for piece in pieces[len(self._under) : same]:
            put(self._picture, piece)
        self._under, self._last = pieces[:same], pieces
        frame = self._picture.copy()
        for piece in pieces[same:]:
            put(frame, piece)
        return frame


def put(frame: Frame, piece: Piece) -> None:
    """Draw one piece onto `frame`."""
    if isinstance(piece, Text):
        mask, dx, dy = lettering(piece.text, piece.font, piece.size)
        blend(frame, mask, piece.fill, piece.x + dx, piece.y + dy)
    elif isinstance(piece, Picture):
        paste(frame, piece)
    elif piece.points:
        cv2.polylines(frame, [np.array(piece.points, np.int32)], False, piece.fill[:3], piece.width, cv2.LINE_AA)
    else:
        fill(frame, piece)


def fill(frame: Frame, mark: Mark) -> None:
    """Draw a rectangle onto `frame`."""
    x0, y0, x1, y1 = mark.box
    if len(mark.fill) == 3 and not mark.radius:
        frame[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = mark.fill
    elif x1 > x0 and y1 > y0:
        blend(frame, rounded(x1 - x0, y1 - y0, mark.radius), mark.fill, x0, y0)


def blend(frame: Frame, mask: NDArray[np.uint8], colour: Colour, x: int, y: int) -> None:
    """Lay a colour through `mask` [h, w] (255: opaque) onto `frame` at `x`, `y`; what stands over is cut."""
    top, left = max(0, y), max(0, x)
    bottom, right = min(frame.shape[0], y + mask.shape[0]), min(frame.shape[1], x + mask.shape[1])
    if top >= bottom or left >= right:
        return
    opacity = mask[top - y : bottom - y, left - x : right - x, None].astype(np.uint16)
    if len(colour) == 4:
        opacity = opacity * colour[3] // 255
    under = frame[top:bottom, left:right]
    mixed = (under * (255 - opacity) + np.array(colour[:3], np.uint16) * opacity + 127) // 255
    frame[top:bottom, left:right] = mixed.astype(np.uint8)


def paste(frame: Frame, picture: Picture) -> None:
    """Lay a picture onto `frame`; what stands over is cut."""
    x, y, pixels = picture.x, picture.y, picture.pixels
    top, left = max(0, y), max(0, x)
    bottom, right = min(frame.shape[0], y + pixels.shape[0]), min(frame.shape[1], x + pixels.shape[1])
    if top >= bottom or left >= right:
        return
    part = pixels[top - y : bottom - y, left - x : right - x]
    if part.shape[2] == 4:
        opacity = part[..., 3:].astype(np.uint16)
        under = frame[top:bottom, left:right] * (255 - opacity)
        part = ((under + part[..., :3] * opacity + 127) // 255).astype(np.uint8)
    frame[top:bottom, left:right] = part


@lru_cache(maxsize=4096)
def lettering(text: str, name: str, size: int) -> tuple[NDArray[np.uint8], int, int]:
    """The opacity [h, w] of a text, and where its corner lies from the place of the text."""
    x0, y0, x1, y1 = extent(name, size, text)
    image = Image.new("L", (max(1, x1 - x0), max(1, y1 - y0)))
    ImageDraw.Draw(image).text((-x0, -y0), text, 255, font(name, size))
    return np.array(image), x0, y0


@lru_cache(maxsize=512)
def rounded(width: int, height: int, radius: int) -> NDArray[np.uint8]:
    """The opacity [h, w] of a rectangle with round corners."""
    image = Image.new("L", (width * SMOOTHING, height * SMOOTHING))
    edge = (0, 0, width * SMOOTHING - 1, height * SMOOTHING - 1)
    ImageDraw.Draw(image).rounded_rectangle(edge, radius * SMOOTHING, 255)
    return np.array(image.reduce(SMOOTHING))
