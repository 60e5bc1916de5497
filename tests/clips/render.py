"""Turns scenes into frames and frames into files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import count
from pathlib import Path
from random import Random
from typing import Protocol

import cv2
import numpy as np
from PIL import Image, ImageDraw

from headrace.core.files import atomic_path, atomic_write
from headrace.media.write import SoundTrack
from tests.clips.effects import Effects
from tests.clips.fonts import font
from tests.clips.layout import ALL, plan
from tests.clips.scenes import SLOW_FADE, TRANSITIONS, Frame, Mark, Page, Scene, Text, Truth, pan_speed, truth
from tests.clips.sound import RATE, Soundtrack

JITTER = 3.0  # pixels up and down, on a frame 720 pixels high
JITTER_HZ = 0.7
SMOOTHING = 3  # how much larger round marks are drawn


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip that is drawn while it is iterated over: read-only uint8 rgb frames [H, W, 3].

    Frames that do not change are the same array. Iterating twice gives the same frames.
    """

    scenes: tuple[Scene, ...]
    seed: int
    size: tuple[int, int]
    fps: int
    sound: Soundtrack | None = None

    @cached_property
    def truth(self) -> Truth:
        """All that there is to see and to hear; known without drawing."""
        shown = truth(self.scenes, self.size, self.fps)
        if self.sound is not None:
            shown.speech, shown.voice, shown.sounds = self.sound.speech, self.sound.voice, self.sound.sounds
        return shown

    def __len__(self) -> int:
        return sum(round(scene.seconds * self.fps) for scene in self.scenes)

    def __iter__(self) -> Iterator[Frame]:
        effects = Effects(self.size, np.random.default_rng(self.seed))
        return play(self.scenes, self.seed, self.size, self.fps, effects)

    def timed(self) -> Iterator[tuple[int, Frame]]:
        """Every frame with its time in units of 1 / fps."""
        return enumerate(self)


def clip(seed: int, regimes: Iterable[str] = ALL, *, size: tuple[int, int] = (1280, 720), fps: int = 30) -> Clip:
    """A clip of the regimes in the order given; the same seed gives the same frames.

    Args:
        seed: draws words, layout and noise.
        regimes: names out of `ALL`.
        size: width and height in pixels.
        fps: frames a second.

    Raises:
        ConfigError: an unknown regime, or a revisit with fewer than two slides before it.
    """
    return Clip(plan(Random(f"clip {seed}"), regimes, size), seed, size, fps)


def endless(seed: int, size: tuple[int, int] = (1280, 720), fps: int = 30) -> Iterator[Frame]:
    """Frames for ever: all regimes in turn, with new words each round, in constant memory."""
    effects = Effects(size, np.random.default_rng(seed))
    previous: Frame | None = None
    for turn in count():
        scenes = plan(Random(f"endless {seed} {turn}"), ALL, size)
        for frame in play(scenes, seed, size, fps, effects, previous, turn):
            yield frame
        previous = frame


class Writable(Protocol):
    """What `write` encodes: a `Clip` or a recording."""

    @property
    def size(self) -> tuple[int, int]: ...
    @property
    def fps(self) -> int: ...
    @property
    def sound(self) -> Soundtrack | None: ...
    @property
    def truth(self) -> Truth: ...
    def timed(self) -> Iterator[tuple[int, Frame]]: ...


def write(
    clip: Writable, path: str | os.PathLike[str], *, crf: int = 23, gop: int = 60, sound_bit_rate: int = 64_000
) -> Truth:
    """Encode a clip as H.264 mp4 (libx264 veryfast, yuv420p, one thread) and write its truth beside it.

    Args:
        clip: what to encode; its sound, if it has any, is encoded as AAC.
        path: the video; the truth goes to `path` with the suffix .json.
        crf: constant rate factor of libx264.
        gop: frames from one key frame to the next.
        sound_bit_rate: bits a second.

    Raises:
        ConfigError: the clip has narration, and espeak-ng is missing.
    """
    import av

    with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=clip.fps)
        stream.width, stream.height = clip.size
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "veryfast", "crf": str(crf), "g": str(gop), "threads": "1"}
        stream.codec_context.thread_count = 1
        track = None
        if clip.sound is not None:
            track = SoundTrack(container, clip.sound.samples, RATE, bit_rate=sound_bit_rate)
        last: Frame | None = None
        for tick, pixels in clip.timed():
            if pixels is not last:
                picture, last = av.VideoFrame.from_ndarray(pixels).reformat(format="yuv420p"), pixels
            picture.pts, picture.time_base = tick, Fraction(1, clip.fps)
            container.mux(stream.encode(picture))
            if track is not None:
                track.write_until((tick + 1) / clip.fps)
        container.mux(stream.encode())
        if track is not None:
            track.finish()
    atomic_write(Path(path).with_suffix(".json"), clip.truth.to_json())
    return clip.truth


def draw(page: Page, t: float, *, text: bool = True) -> Frame:
    """The page `t` seconds after its start, uint8 rgb [H, canvas, 3], with or without its text."""
    image = Image.fromarray(page.base())
    marks = [mark for mark in page.marks if mark.appear <= t < mark.vanish]
    if marks:
        image = _marked(image, marks)
    brush = ImageDraw.Draw(image)
    for line in page.texts if text else ():
        if line.appear <= t < line.vanish:
            stroke = 0 if line.outline is None else 1
            face = font(line.font, line.size)
            brush.text((line.x, line.y), line.text, line.fill, face, stroke_width=stroke, stroke_fill=line.outline)
    return np.array(image)


def _marked(image: Image.Image, marks: list[Mark]) -> Image.Image:
    """`image` under `marks`; slanted and round edges are smoothed by drawing them larger."""
    grain = SMOOTHING if any(mark.points or mark.radius for mark in marks) else 1
    large = image.resize((image.width * grain, image.height * grain), Image.Resampling.NEAREST)
    brush = ImageDraw.Draw(large, "RGBA")
    for mark in marks:
        if mark.points:
            points = [(x * grain, y * grain) for x, y in mark.points]
            brush.line(points, mark.fill, mark.width * grain, joint="curve")
        else:
            x0, y0, x1, y1 = (edge * grain for edge in mark.box)
            brush.rounded_rectangle((x0, y0, x1 - 1, y1 - 1), mark.radius * grain, mark.fill)
    return large.reduce(grain)


def play(
    scenes: Iterable[Scene],
    seed: int,
    size: tuple[int, int],
    fps: int,
    effects: Effects,
    previous: Frame | None = None,
    turn: int = 0,
) -> Iterator[Frame]:
    """The frames of scenes; `previous` is the frame on the screen before them."""
    for index, scene in enumerate(scenes):
        disturb = effects.make(scene.effect, np.random.default_rng((seed, turn, index)))
        steps = round(TRANSITIONS[scene.transition] * fps) if previous is not None else 0
        before = previous
        for step, shown in enumerate(_shown(scene, size, fps)):
            frame = shown
            if before is not None and step + 1 < steps:
                frame = _between(before, frame, (step + 1) / steps, scene.transition)
            if disturb is not None:
                frame = disturb(frame, step / fps)
            frame.flags.writeable = False
            yield frame
        previous = frame


def _between(before: Frame, after: Frame, share: float, transition: str) -> Frame:
    """The frame at `share` of a fade or of a push from the right."""
    if transition == "fade":
        return cv2.addWeighted(after, share, before, 1 - share, 0)
    edge = round(after.shape[1] * share)
    return np.concatenate((before[:, edge:], after[:, :edge]), axis=1)


def _shown(scene: Scene, size: tuple[int, int], fps: int) -> Iterator[Frame]:
    """The frames of one scene without transition and disturbance."""
    page, frames = scene.page, round(scene.seconds * fps)
    if scene.effect in ("pan", "jitter"):
        yield from _panned(draw(page, 0), scene.effect == "jitter", size, fps, frames)
        return
    if scene.effect == "slowfade":
        empty, full = draw(page, 0, text=False), draw(page, 0)
        for step in range(frames):
            share = step / fps / SLOW_FADE
            yield full if share >= 1 else cv2.addWeighted(full, share, empty, 1 - share, 0)
        return
    parts: tuple[Text | Mark, ...] = (*page.texts, *page.marks)
    times = [time for part in parts for time in (part.appear, part.vanish)]
    changes = {round(time * fps) for time in times if time < scene.seconds}
    picture = draw(page, 0)
    for step in range(frames):
        if step and step in changes:
            picture = draw(page, (step + 0.5) / fps)
        yield picture


def _panned(canvas: Frame, jitter: bool, size: tuple[int, int], fps: int, frames: int) -> Iterator[Frame]:
    """A window that moves right over the canvas at the speed of a pan, between pixels too."""
    for step in range(frames):
        t = step / fps
        x = pan_speed(size) * t
        y = JITTER * size[1] / 720 * np.sin(2 * np.pi * JITTER_HZ * t) if jitter else 0.0
        shift = np.array([[1, 0, -x], [0, 1, y]], np.float32)
        yield cv2.warpAffine(canvas, shift, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
