"""What a clip shows and when: pages in order, and the ground truth that follows from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tests.clips.fonts import extent
from tests.clips.sound import Sounding, Speech

Frame = NDArray[np.uint8]  # [H, W, 3], red green blue
Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels, x1 and y1 exclusive
Colour = tuple[int, ...]  # red green blue, alpha optional
Transition = Literal["cut", "fade", "push"]

#: Seconds that a transition takes.
TRANSITIONS: dict[Transition, float] = {"cut": 0.0, "fade": 1.0, "push": 0.6}
#: Seconds that the text of a slow fade takes from nothing to full opacity.
SLOW_FADE = 4.0
#: Speed of a pan, in pixels a second on a frame 720 pixels high.
PAN = 36.0
FOREVER = float("inf")


@dataclass(frozen=True)
class Text:
    """One line of text on a page; `appear` and `vanish` are seconds after the page's start."""

    text: str
    font: str
    size: int
    x: int
    y: int
    fill: Colour
    outline: Colour | None = None
    appear: float = 0.0
    vanish: float = FOREVER

    def box(self) -> Box:
        """Where the ink lies on the page."""
        x0, y0, x1, y1 = extent(self.font, self.size, self.text)
        return (self.x + x0, self.y + y0, self.x + x1, self.y + y1)


@dataclass(frozen=True)
class Mark:
    """A filled rectangle, rounded by `radius` pixels, or a polyline of `width` pixels through `points`."""

    fill: Colour
    box: Box = (0, 0, 0, 0)
    radius: int = 0
    points: tuple[tuple[int, int], ...] = ()
    width: int = 0
    appear: float = 0.0
    vanish: float = FOREVER


@dataclass(frozen=True, eq=False)
class Page:
    """A drawing: `base` paints the background [H, canvas, 3]; marks and then texts go on top."""

    base: Callable[[], Frame]
    texts: tuple[Text, ...]
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Scene:
    """A page on the screen for `seconds`, after `transition`, under `effect` (see `effects`)."""

    regime: str
    page: Page
    seconds: float
    transition: Transition = "cut"
    effect: str = "still"


@dataclass(frozen=True)
class Line:
    """One line of text that is on the screen from `on` to `off` (s).

    It is on from the end of its transition (fade, push), from half opacity (slow fade), and while it is
    fully inside the frame (pan). `size` is the font's size in pixels; `box` is where it stands at `on`.
    """

    text: str
    on: float
    off: float
    regime: str
    size: int
    box: Box
    slide: int


@dataclass(frozen=True)
class Segment:
    """One slide, from `t0` to `t1` (s); its transition lies in the first `transition_s` of it."""

    t0: float
    t1: float
    regime: str
    transition: Transition
    transition_s: float


@dataclass
class Truth:
    """All that there is to see in a clip.

    Attributes:
        lines: every line of text, by slide.
        segments: one for each slide.
        boundaries: start and end (s) of each transition between different slides; a cut has start == end.
        duration: in seconds.
        fps: frames a second.
        size: width and height in pixels.
        speech: every sentence that is heard.
        voice: start and end (s) of each stretch of speech; pauses under 0.3 s do not end one.
        sounds: every other sound that stands out.
        passing: text that stands for too short a time to be asked for: typed half, or scrolled away.
    """

    lines: list[Line]
    segments: list[Segment]
    boundaries: list[tuple[float, float]]
    duration: float
    fps: int
    size: tuple[int, int]
    speech: list[Speech] = field(default_factory=list)
    voice: list[tuple[float, float]] = field(default_factory=list)
    sounds: list[Sounding] = field(default_factory=list)
    passing: list[Line] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The truth as JSON text; `extra` is written beside the other fields."""
        fields = asdict(self)
        fields.update(fields.pop("extra"))
        return json.dumps(fields, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Truth:
        """The inverse of `to_json`."""
        fields = json.loads(text)
        return cls(
            lines=[_line(line) for line in fields.pop("lines")],
            segments=[Segment(**segment) for segment in fields.pop("segments")],
            boundaries=[(start, end) for start, end in fields.pop("boundaries")],
            duration=fields.pop("duration"),
            fps=fields.pop("fps"),
            size=tuple(fields.pop("size")),
            speech=[Speech(**speech) for speech in fields.pop("speech", [])],
            voice=[(on, off) for on, off in fields.pop("voice", [])],
            sounds=[Sounding(**sounding) for sounding in fields.pop("sounds", [])],
            passing=[_line(line) for line in fields.pop("passing", [])],
            extra=fields,
        )


def _line(fields: dict[str, Any]) -> Line:
    return Line(**{**fields, "box": tuple(fields["box"])})


def pan_speed(size: tuple[int, int]) -> float:
    """Pixels a second."""
    return PAN * size[1] / 720


def truth(scenes: tuple[Scene, ...], size: tuple[int, int], fps: int) -> Truth:
    """The ground truth of scenes shown one after another."""
    lines: list[Line] = []
    segments: list[Segment] = []
    boundaries: list[tuple[float, float]] = []
    frame = 0
    for slide, scene in enumerate(scenes):
        start = frame / fps
        frame += round(scene.seconds * fps)
        end = frame / fps
        length = TRANSITIONS[scene.transition] if slide else 0.0
        segments.append(
            Segment(round(start, 3), round(end, 3), scene.regime, scene.transition if slide else "cut", length)
        )
        if slide and scenes[slide - 1].page is not scene.page:
            boundaries.append((round(start, 3), round(start + length, 3)))
        for text in scene.page.texts:
            on, off = start + max(length, text.appear), min(end, start + text.vanish)
            x0, y0, x1, y1 = text.box()
            if scene.effect == "slowfade":
                on = start + SLOW_FADE / 2
            elif scene.effect in ("pan", "jitter"):
                speed = pan_speed(size)
                on, off = max(on, start + (x1 - size[0]) / speed), min(off, start + x0 / speed)
                shift = round((on - start) * speed)
                x0, x1 = x0 - shift, x1 - shift
            box = (x0, y0, x1, y1)
            lines.append(Line(text.text, round(on, 3), round(off, 3), scene.regime, text.size, box, slide))
    return Truth(lines, segments, boundaries, round(frame / fps, 3), fps, size)
