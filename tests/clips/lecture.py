"""A recorded lecture: slides of one template, the lecturer in a corner, and what she says."""

from __future__ import annotations

from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.clips.fonts import BOLD, MONO, SANS, font
from tests.clips.phrases import THINGS, Phrases
from tests.clips.scenes import Colour, Frame, Mark, Text
from tests.clips.sound import RATE, Ambience, Noise, Say, Soundtrack, active, spoken
from tests.clips.stage import Piece, Recording, Stage

WIDTH, HEIGHT, FPS = 1280, 720, 25
SLIDES = 8
VOICE, SPEED = "en-us+steph", 150
CORNER = (1000, 500, 1264, 698)  # where the lecturer is
PAPER, INK, GREY, RULE = (252, 251, 247), (30, 36, 50), (112, 118, 130), (206, 208, 214)
ACCENTS: tuple[Colour, ...] = ((30, 90, 150), (150, 52, 60), (36, 116, 88))
GRAIN = 24  # noise fields that take turns
SKIN, HAIR, JUMPER, WALL = (206, 160, 134), (64, 44, 36), (62, 84, 120), (178, 170, 156)


class Lecture:
    """The slides and the words of one lecture."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(f"lecture {seed}")
        self.phrases = Phrases(self.rng)
        self.stage = Stage((WIDTH, HEIGHT), FPS)
        self.accent = self.rng.choice(ACCENTS)
        self.course = self.phrases.title()
        self.said: list[Say] = []
        self.t = 0.0

    def slide(self, number: int) -> None:
        """A slide whose points come one by one as they are spoken of."""
        kind = "title" if number == 1 else ("text", "chart", "text", "code")[number % 4]
        title = self.course if number == 1 else self.phrases.title()
        body: list[Piece] = []
        if kind == "title":
            body = [
                Text(title, BOLD, 52, 96, 210, self.accent),
                Text(self.phrases.sentence(), SANS, 26, 96, 306, INK),
                Text(f"Lecture {self.rng.randint(2, 14)}, Monday 9 June", SANS, 22, 96, 372, GREY),
            ]
        self._show(number, title, kind, body, event=number > 1)
        self.t += 0.6
        self._say(self.phrases.once("This is about the {n} and the {a} {n}", "Now we look at the {n} of the {p}"))
        if kind == "chart":
            body += self._chart()
            self._show(number, title, kind, body)
            self._say(self.phrases.sentence())
        elif kind == "code":
            body += self._code()
            self._show(number, title, kind, body)
            self._say(self.phrases.sentence())
        elif kind == "text":
            for row in range(self.rng.randint(3, 4)):
                y = 190 + 74 * row
                body.append(Mark(self.accent, (96, y + 12, 106, y + 22), 5))
                body.append(Text(self.phrases.sentence(), SANS, 27, 124, y, INK))
                self._show(number, title, kind, body)
                if row % 2 == 0:
                    self._say(self.phrases.sentence())
                else:
                    self.t += 1.4
        self.t += self.rng.uniform(1.2, 2.5)

    def _say(self, text: str) -> None:
        part = Say(f"{text}.", self.t, VOICE, SPEED)
        self.said.append(part)
        self.t += active(spoken(part))[-1][1] + self.rng.uniform(0.4, 0.9)

    def _show(self, number: int, title: str, kind: str, body: list[Piece], *, event: bool = False) -> None:
        foot = f"{self.course}, summer term"
        page = f"{number} of {SLIDES}"
        right = CORNER[0] - 40 - round(font(SANS, 16).getlength(page))
        pieces: list[Piece] = [
            Mark(PAPER, (0, 0, WIDTH, HEIGHT)),
            Mark(self.accent, (0, 0, WIDTH, 14)),
            Mark(RULE, (64, 664, CORNER[0] - 40, 666)),
            Text(foot, SANS, 16, 64, 676, GREY),
            Text(page, SANS, 16, right, 676, GREY),
        ]
        if kind != "title":
            pieces += [Text(title, BOLD, 42, 64, 62, self.accent), Mark(RULE, (64, 128, WIDTH - 64, 131))]
        self.stage.show(self.t, pieces + body, event=event)

    def _chart(self) -> list[Piece]:
        """Bars with names and values."""
        pieces: list[Piece] = [Mark(GREY, (120, 576, 900, 579)), Mark(GREY, (120, 200, 123, 579))]
        for index, name in enumerate(self.rng.sample(THINGS, 5)):
            value = self.rng.randint(12, 98)
            x, top = 160 + 148 * index, 570 - round(3.4 * value)
            pieces += [
                Mark(self.accent if index % 2 else (*self.accent, 150), (x, top, x + 92, 576)),
                Text(f"{value}%", BOLD, 20, x + 22, top - 30, INK),
                Text(name.capitalize(), SANS, 18, x + 4, 590, INK),
            ]
        return pieces

    def _code(self) -> list[Piece]:
        """A few lines of a program in a frame."""
        a, b, c = self.rng.sample(THINGS, 3)
        rows = (f"for {a} in {b}:", f"    {c} = measure({a})", f"    if {c} > {self.rng.randint(20, 90)}:")
        rows = (*rows, f"        report({a}, {c})", f"print(count({b}))")
        pieces: list[Piece] = [Mark((238, 239, 242), (96, 180, 900, 470), 8)]
        return [*pieces, *(Text(row, MONO, 24, 124, 204 + 50 * k, INK) for k, row in enumerate(rows))]


class Lecturer:
    """A drawn woman before a shelf, as a webcam sees her: she sways, nods, blinks and speaks.

    Args:
        voice: the loudness of her voice, 0 to 1, at every frame.
        seed: draws her books and the grain of the camera.
    """

    def __init__(self, voice: NDArray[np.float64], seed: int) -> None:
        self.voice = voice
        self.width, self.height = CORNER[2] - CORNER[0], CORNER[3] - CORNER[1]
        rng = np.random.default_rng((seed, 5))
        self.room = self._room(rng)
        shape = (GRAIN, self.height, self.width, 1)
        self.grain = np.rint(rng.standard_normal(shape, np.float32) * 4).astype(np.int16)

    def _room(self, rng: np.random.Generator) -> Frame:
        """A wall with two shelves of books, out of focus."""
        room = np.full((self.height, self.width, 3), WALL, np.uint8)
        for y in (58, 130):
            x = 4
            while x < self.width:
                width, tall = int(rng.integers(7, 17)), int(rng.integers(30, 52))
                colour = tuple(int(c) for c in rng.integers(40, 190, 3))
                cv2.rectangle(room, (x, y - tall), (x + width, y), colour, -1)
                x += width + int(rng.integers(1, 4))
            cv2.rectangle(room, (0, y), (self.width, y + 6), (110, 84, 62), -1)
        return cv2.GaussianBlur(room, (0, 0), 3)

    def __call__(self, frame: Frame, t: float) -> Frame:
        """The slide with her in its corner."""
        view = self.room.copy()
        x = self.width / 2 + 7 * np.sin(t * 0.9) + 4 * np.sin(t * 2.3)
        y = 92 + 3 * np.sin(t * 1.7) + 2 * np.sin(t * 3.1)
        loud = self.voice[min(len(self.voice) - 1, round(t * FPS))]
        ellipse(view, (self.width / 2 + 3 * np.sin(t * 0.9), 214), (84, 74), JUMPER)
        ellipse(view, (x, y + 2), (45, 54), HAIR)
        ellipse(view, (x, y + 52), (16, 26), tuple(int(c * 0.86) for c in SKIN))
        ellipse(view, (x, y + 8), (34, 43), SKIN)
        ellipse(view, (x - 12, y - 30), (34, 18), HAIR)
        shut = t % 3.7 < 0.13
        for side in (-13, 13):
            ellipse(view, (x + side, y + 2), (5, 1 if shut else 4), (250, 246, 240) if not shut else HAIR)
            if not shut:
                ellipse(view, (x + side + 1.5 * np.sin(t * 0.7), y + 2), (2.5, 3), (50, 40, 36))
            ellipse(view, (x + side, y - 7), (7, 1.5), HAIR)
        ellipse(view, (x + 2, y + 14), (3, 5), (190, 142, 118))
        ellipse(view, (x, y + 30), (10 - 2 * loud, 2 + 7 * loud), (132, 58, 58))
        view = cv2.GaussianBlur(view, (0, 0), 0.9)
        view = cv2.add(view, np.repeat(self.grain[round(t * FPS) % GRAIN], 3, axis=2), dtype=cv2.CV_8U)
        seen = frame.copy()
        seen[CORNER[1] : CORNER[3], CORNER[0] : CORNER[2]] = view
        return seen


def ellipse(frame: Frame, centre: tuple[float, float], axes: tuple[float, float], colour: Colour) -> None:
    """A filled ellipse with a smooth edge, placed between pixels."""
    at, size = (round(centre[0] * 16), round(centre[1] * 16)), (round(axes[0] * 16), round(axes[1] * 16))
    cv2.ellipse(frame, at, size, 0, 0, 360, colour, -1, cv2.LINE_AA, 4)


def loudness(samples: NDArray[np.float32], seconds: float) -> NDArray[np.float64]:
    """How loud it is at every frame, 0 to 1."""
    step = RATE // FPS
    frames = np.pad(samples, (0, max(0, round(seconds * RATE) - len(samples)) + step))
    rms = np.sqrt(np.mean(frames[: len(frames) // step * step].reshape(-1, step).astype(np.float64) ** 2, axis=1))
    return np.clip(rms / 0.12, 0, 1)


def lecture(seed: int) -> Recording:
    """About two minutes of eight slides at 25 frames a second, with narration and a cough of the microphone.

    Raises:
        ConfigError: espeak-ng is missing.
    """
    made = Lecture(seed)
    for number in range(1, SLIDES + 1):
        made.slide(number)
    seconds = round(made.t + 1, 1)
    bang = Noise("bang", round(made.said[len(made.said) // 2].at - 0.5, 2), 0.3, -8.0)
    track = Soundtrack((Ambience("room", 0.0, seconds, -56.0), bang, *made.said), seconds, seed)
    return Recording("lecture", made.stage, seconds, track, Lecturer(loudness(track.samples, seconds), seed))
