"""What a camera above a street sees: traffic and people, the light of an evening, a clock burnt in, a shop, a van."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.clips.fonts import BOLD, MONO, SERIF_BOLD, font
from tests.clips.phrases import Phrases
from tests.clips.scenes import Colour, Frame, Mark, Text
from tests.clips.sound import Ambience, Noise, Soundtrack
from tests.clips.stage import Picture, Piece, Recording, Stage, blend, fill, lettering

WIDTH, HEIGHT, FPS = 1280, 720, 15
SECONDS = 90.0
NIGHT = 62.0  # second at which the camera turns to infrared
LAMPS = 40.0  # second at which the lamps come on
GRAIN, MARGIN, SIGMA = 4, 64, 5.0  # noise fields that take turns, pixels they move by, one standard deviation
KERB = 468  # row where the road begins
LANES = ((556, 1.0, 1), (660, 1.32, -1))  # row of the wheels, scale, direction
PAINTS: tuple[Colour, ...] = (
    (150, 40, 40),
    (52, 76, 118),
    (196, 196, 192),
    (40, 42, 46),
    (98, 112, 92),
    (170, 140, 70),
)
COATS: tuple[Colour, ...] = ((70, 60, 56), (46, 62, 92), (120, 66, 58), (88, 96, 80), (150, 140, 120))
GLASS, TYRE = (70, 84, 96), (24, 24, 26)


@dataclass(frozen=True)
class Passer:
    """A car, a van or a person: when its middle enters at the edge, and how it goes on."""

    kind: str
    start: float
    lane: int
    speed: float  # pixels a second, signed
    colour: Colour
    stop: tuple[float, float, float] = (0.0, 0.0, 0.0)  # x of a halt, from, until

    def x(self, t: float) -> float:
        """Where its middle is."""
        edge = -260.0 if self.speed > 0 else WIDTH + 260.0
        at, since, until = self.stop
        if not until:
            return edge + self.speed * (t - self.start)
        if t < since:
            left = since - t
            return at - self.speed * (left**2 / 2.4 if left < 1.2 else left - 0.6)
        gone = max(0.0, t - until)
        return at + self.speed * (gone**2 / 2.4 if gone < 1.2 else gone - 0.6)


class Street:
    """One street on one evening."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(f"street {seed}")
        self.phrases = Phrases(self.rng)
        self.shop = (
            self.phrases.once("{a} {n} Bakery", "{n} and {n} Books", "{a} {n} Hotel").title().replace(" And ", " and ")
        )
        self.camera = f"CAM {self.rng.randint(1, 9)}  {self.phrases.place().capitalize()} Street"
        self.firm = self.phrases.once("{a} {n} Delivery").title()
        self.plate = f"{''.join(self.rng.sample('ABCDEHKLMNPRT', 2))} {self.rng.randint(1000, 9999)}"
        self.clock = 18 * 3600 + self.rng.randint(0, 3000)
        self.halt = (430.0, 20.0, 27.0)
        self.passers = self._traffic()
        rng = np.random.default_rng((seed, 9))
        self.base = self._houses(rng)
        self.grain = [self._field(rng) for _ in range(GRAIN)]
        y, x = np.mgrid[0:HEIGHT:8, 0:WIDTH:8].astype(np.float32)
        self.edge = 1 - 0.18 * (((x - WIDTH / 2) / 760) ** 2 + ((y - HEIGHT / 2) / 560) ** 2)
        lamps = (np.exp(-(((x - lamp) / 230) ** 2 + ((y - 250) / 260) ** 2)) for lamp in (250, 1010))
        self.glow = np.sum(list(lamps), axis=0)

    @staticmethod
    def _field(rng: np.random.Generator) -> NDArray[np.int16]:
        """Grain of two pixels' size, as wide as the frame and a margin."""
        coarse = rng.standard_normal(((HEIGHT + MARGIN) // 2, (WIDTH + MARGIN) // 2), np.float32)
        fine = cv2.resize(coarse, (WIDTH + MARGIN, HEIGHT + MARGIN)) * SIGMA * 1.4
        return np.repeat(np.rint(fine).astype(np.int16)[..., None], 3, axis=2)

    def _traffic(self) -> list[Passer]:
        rng = self.rng
        passers = [Passer("van", 17.0, 0, 250.0, (222, 220, 214), self.halt)]
        t = 1.0
        while t < SECONDS - 3:
            lane = rng.choice((0, 1, 1))
            busy = lane == 0 and 12 < t < 30
            if not busy:
                speed = LANES[lane][2] * rng.uniform(230, 380)
                passers.append(Passer("car", t, lane, speed, rng.choice(PAINTS)))
            t += rng.uniform(2.5, 6)
        t = 0.0
        while t < SECONDS - 4:
            way = rng.choice((-1, 1))
            passers.append(Passer("person", t - rng.uniform(0, 3), 2, way * rng.uniform(50, 95), rng.choice(COATS)))
            t += rng.uniform(3, 8)
        return passers

    def _houses(self, rng: np.random.Generator) -> Frame:
        """Sky, two rows of houses, the shop, pavement and road, without light."""
        frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        sky = np.linspace(0, 1, 200)[:, None]
        frame[:200] = ((1 - sky) * (150, 168, 190) + sky * (206, 198, 186))[:, None].astype(np.uint8)
        x = -30
        while x < WIDTH:
            width, top = int(rng.integers(170, 280)), int(rng.integers(10, 90))
            wall = rng.integers(92, 150) + np.array([14, 0, -14])
            frame[top:KERB, max(0, x) : x + width] = wall.astype(np.uint8)
            for y in range(top + 8, KERB, 9):  # courses of brick
                frame[y, max(0, x) : x + width] = (wall * 0.9).astype(np.uint8)
            for floor in range(top + 26, 290, 92):
                for column in range(x + 24, x + width - 50, 66):
                    cv2.rectangle(frame, (column, floor), (column + 38, floor + 58), (222, 218, 208), -1)
                    tone = int(rng.integers(40, 96))
                    cv2.rectangle(
                        frame, (column + 3, floor + 3), (column + 35, floor + 55), (tone, tone + 6, tone + 14), -1
                    )
                    cv2.line(frame, (column + 19, floor + 3), (column + 19, floor + 55), (210, 206, 198), 2)
            x += width
        frame[KERB - 58 : KERB] = (136, 132, 126)
        for x in range(0, WIDTH, 64):
            cv2.line(frame, (x, KERB - 58), (x - 30, KERB), (122, 118, 112), 1)
        frame[KERB - 6 : KERB] = (168, 166, 160)
        frame[KERB:] = (82, 84, 88)
        for x in range(-40, WIDTH, 150):
            cv2.fillPoly(
                frame, [np.array([(x, 604), (x + 84, 604), (x + 72, 614), (x - 14, 614)], np.int32)], (190, 188, 180)
            )
        self._shopfront(frame)
        self._tree(frame, rng)
        for lamp in (250, 1010):
            cv2.line(frame, (lamp, KERB - 10), (lamp, 170), (44, 48, 50), 7, cv2.LINE_AA)
            cv2.ellipse(frame, (lamp, 166), (26, 10), 0, 0, 360, (60, 62, 64), -1, cv2.LINE_AA)
        soft = cv2.GaussianBlur(rng.standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), 2) * 26
        return np.clip(frame + soft[..., None], 0, 255).astype(np.uint8)

    def _shopfront(self, frame: Frame) -> None:
        x0, x1 = 560, 950
        cv2.rectangle(frame, (x0, 290), (x1, KERB - 56), (58, 66, 60), -1)
        cv2.rectangle(frame, (x0 + 20, 358), (x0 + 250, KERB - 66), (178, 172, 150), -1)
        for shelf in (386, 404):
            for x in range(x0 + 30, x0 + 240, 22):
                cv2.ellipse(frame, (x, shelf), (9, 6), 0, 0, 360, (150, 108, 62), -1, cv2.LINE_AA)
        cv2.rectangle(frame, (x0 + 284, 350), (x1 - 24, KERB - 58), (92, 70, 52), -1)
        cv2.rectangle(frame, (x0 + 296, 362), (x1 - 36, KERB - 80), (128, 136, 138), -1)
        cv2.rectangle(frame, (x0, 286), (x1, 342), (34, 58, 48), -1)

    def _tree(self, frame: Frame, rng: np.random.Generator) -> None:
        cv2.line(frame, (420, KERB - 12), (424, 300), (62, 50, 40), 16, cv2.LINE_AA)
        for _ in range(420):
            x, y = rng.normal(424, 62), rng.normal(236, 52)
            green = rng.integers(0, 46)
            colour = (int(44 + green // 2), int(66 + green), int(38 + green // 3))
            cv2.circle(frame, (int(x), int(y)), int(rng.integers(6, 16)), colour, -1, cv2.LINE_AA)

    def pieces(self, t: int) -> list[Piece]:
        """What can be read in the second `t`: the sign, the clock, and the van while it stands."""
        found: list[Piece] = [Picture(self.base, 0, 0), self.sign()]
        if self.halt[1] <= t < self.halt[2]:
            found += self.lettering(self.halt[0])
        now = self.clock + t
        stamp = f"2025-06-09 {now // 3600:02d}:{now // 60 % 60:02d}:{now % 60:02d}"
        return [
            *found,
            Text(stamp, MONO, 24, 24, 18, (255, 255, 255)),
            Text(self.camera, MONO, 24, 24, 680, (255, 255, 255)),
        ]

    def sign(self) -> Text:
        """The name over the shop."""
        return centred(self.shop, SERIF_BOLD, 32, 755, 314, 360, (226, 204, 140))

    def lettering(self, x: float) -> list[Piece]:
        """The side of the van and its plate."""
        y = LANES[0][0]
        return [
            centred(self.firm, BOLD, 26, round(x - 48), y - 104, 236, (34, 70, 120)),
            Text(self.plate, BOLD, 19, round(x + 86), y - 66, (20, 20, 24)),
        ]

    def film(self, stage: Frame, t: float) -> Frame:
        """The street at `t`: its light, who passes, and what the sensor adds; the burnt-in text lies over it."""
        frame = self.base.copy()
        ink(frame, self.sign())
        for passer in sorted(self.passers, key=lambda passer: (-(passer.lane == 2), passer.lane)):
            if t >= passer.start and -260 <= passer.x(t) <= WIDTH + 260:
                {"car": self._car, "van": self._van, "person": self._person}[passer.kind](frame, passer, t)
        seen = self._lit(frame, t)
        tick = round(t * FPS)
        dy, dx = tick * 37 % MARGIN, tick * 23 % MARGIN
        seen = cv2.add(seen, self.grain[tick % GRAIN][dy : dy + HEIGHT, dx : dx + WIDTH], dtype=cv2.CV_8U)
        for text in self.pieces(int(t))[-2:]:
            assert isinstance(text, Text)
            ink(seen, Text(text.text, text.font, text.size, text.x + 1, text.y + 1, (0, 0, 0)))
            ink(seen, text)
        return seen

    def _lit(self, frame: Frame, t: float) -> Frame:
        """Dusk: clouds pass, it grows dark, lamps come on; at night the camera sees grey."""
        day = 1.02 - 0.5 * t / SECONDS + 0.05 * np.sin(t / 3.1) + 0.03 * np.sin(t / 1.3)
        light = self.edge * np.float32(day)
        if t >= LAMPS:
            share = min(1.0, (t - LAMPS) / 1.5)
            light = light + self.glow * np.float32(0.4 * share)
        tint = np.array([1.0, 1.0 - 0.05 * t / SECONDS, 1.0 - 0.12 * t / SECONDS], np.float32)
        gain = cv2.resize(np.clip(light[..., None] * tint * 128, 0, 255).astype(np.uint8), (WIDTH, HEIGHT))
        lit = cv2.multiply(frame, gain, scale=1 / 128)
        lit = cv2.GaussianBlur(lit, (0, 0), 0.7)
        if t >= NIGHT:
            grey = cv2.cvtColor(lit, cv2.COLOR_RGB2GRAY)
            lit = cv2.cvtColor(cv2.convertScaleAbs(grey, alpha=1.5, beta=14), cv2.COLOR_GRAY2RGB)
        return lit

    def _car(self, frame: Frame, passer: Passer, t: float) -> None:
        wheels, scale, way = LANES[passer.lane]
        x = passer.x(t)
        body = [(-112, -22), (-110, -48), (-70, -54), (-44, -82), (36, -84), (70, -54), (108, -46), (114, -22)]
        glass = [(-38, -77), (-6, -78), (-6, -55), (-58, -55)]
        glass2 = [(2, -78), (33, -79), (56, -55), (2, -55)]
        shadow(frame, x, wheels, 120 * scale)
        polygon(frame, body, x, wheels, scale * way, scale, passer.colour)
        dark = tuple(int(c * 0.7) for c in passer.colour)
        polygon(frame, [(-112, -22), (-111, -34), (113, -34), (114, -22)], x, wheels, scale * way, scale, dark)
        for pane in (glass, glass2):
            polygon(frame, pane, x, wheels, scale * way, scale, GLASS)
        for wheel in (-66, 66):
            disc(frame, x + wheel * scale * way, wheels - 18 * scale, 20 * scale, TYRE)
            disc(frame, x + wheel * scale * way, wheels - 18 * scale, 10 * scale, (140, 142, 146))
        disc(frame, x + 108 * scale * way, wheels - 40 * scale, 7 * scale, (250, 244, 214))

    def _van(self, frame: Frame, passer: Passer, t: float) -> None:
        y, x = LANES[0][0], passer.x(t)
        shadow(frame, x, y, 190)
        body = [(-180, -20), (-180, -158), (104, -160), (148, -100), (184, -84), (188, -20)]
        polygon(frame, body, x, y, 1, 1, passer.colour)
        polygon(frame, [(-180, -20), (-180, -30), (188, -30), (188, -20)], x, y, 1, 1, (70, 72, 76))
        polygon(frame, [(96, -146), (106, -146), (140, -100), (96, -96)], x, y, 1, 1, GLASS)
        for wheel in (-116, 126):
            disc(frame, x + wheel, y - 20, 24, TYRE)
            disc(frame, x + wheel, y - 20, 12, (140, 142, 146))
        left = round(x + 78)
        fill(frame, Mark((246, 246, 238), (left, y - 70, left + 104, y - 40), 3))
        for text in self.lettering(x):
            assert isinstance(text, Text)
            ink(frame, text)

    def _person(self, frame: Frame, passer: Passer, t: float) -> None:
        x, y = passer.x(t), KERB - 18 + 14 * (abs(passer.speed) > 72)
        step = np.sin(t * 7 * abs(passer.speed) / 80)
        for side in (-1, 1):
            foot = (round(x + side * step * 13), round(y))
            cv2.line(frame, (round(x), round(y - 42)), foot, (44, 44, 50), 9, cv2.LINE_AA)
        cv2.line(frame, (round(x - 2), round(y - 84)), (round(x), round(y - 44)), passer.colour, 24, cv2.LINE_AA)
        hand = (round(x + 12 * step), round(y - 50))
        cv2.line(frame, (round(x), round(y - 86)), hand, tuple(int(c * 0.8) for c in passer.colour), 8, cv2.LINE_AA)
        disc(frame, x, y - 108, 11, (198, 158, 134))
        disc(frame, x - 2, y - 112, 10, (60, 48, 42))


def centred(text: str, name: str, size: int, x: int, y: int, room: int, colour: Colour) -> Text:
    """A text about `x`, `y`, smaller if it is wider than `room`."""
    while font(name, size).getlength(text) > room:
        size -= 1
    x0, y0, x1, y1 = font(name, size).getbbox(text)
    return Text(text, name, size, round(x - (x0 + x1) / 2), round(y - (y0 + y1) / 2), colour)


def ink(frame: Frame, text: Text) -> None:
    """Write a text onto `frame`; what stands over its edges is cut."""
    mask, dx, dy = lettering(text.text, text.font, text.size)
    blend(frame, mask, text.fill, text.x + dx, text.y + dy)


def polygon(
    frame: Frame, points: list[tuple[int, int]], x: float, y: float, across: float, down: float, colour: Colour
) -> None:
    """A filled shape about `x`, `y`, stretched, placed between pixels."""
    placed = np.array([((x + px * across) * 16, (y + py * down) * 16) for px, py in points]).round().astype(np.int32)
    cv2.fillPoly(frame, [placed], colour, cv2.LINE_AA, 4)


def disc(frame: Frame, x: float, y: float, radius: float, colour: Colour) -> None:
    """A filled circle, placed between pixels."""
    cv2.circle(frame, (round(x * 16), round(y * 16)), round(radius * 16), colour, -1, cv2.LINE_AA, 4)


def shadow(frame: Frame, x: float, y: float, half: float) -> None:
    """Darkness on the road under a car."""
    x0, x1 = max(0, round(x - half)), min(WIDTH, round(x + half))
    if x0 < x1:
        strip: NDArray[np.uint8] = frame[round(y) - 6 : round(y) + 8, x0:x1]
        strip[:] = (strip * 0.55).astype(np.uint8)


def street(seed: int) -> Recording:
    """90 seconds at 15 frames a second, with the noise of the street, a horn and rain at the end."""
    made = Street(seed)
    stage = Stage((WIDTH, HEIGHT), FPS)
    for second in range(int(SECONDS)):
        stage.show(second, made.pieces(second), event=second == NIGHT)
    rng = made.rng
    parts = (
        Ambience("street", 0.0, 70.0, -42.0),
        Ambience("rain", 70.0, SECONDS, -32.0),
        Noise("horn", round(rng.uniform(18, 19.5), 2), 0.7, -10.0),
    )
    return Recording("street", stage, SECONDS, Soundtrack(parts, SECONDS, seed), made.film)
