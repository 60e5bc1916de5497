"""Sets random words on pages, as a person would set slides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from random import Random

from headrace.core.errors import ConfigError
from tests.clips.effects import CORNER
from tests.clips.fonts import BOLD, MONO, SANS, SERIF, SERIF_BOLD, font
from tests.clips.photos import PHOTOS, photograph, plain
from tests.clips.scenes import Colour, Mark, Page, Scene, Text, Transition, pan_speed
from tests.clips.words import VOCABULARY, Wording

PAPERS: dict[str, Colour] = {"plain": (255, 255, 255), "cream": (244, 238, 222), "dark": (24, 28, 44)}
LIGHT_INKS: tuple[Colour, ...] = ((250, 250, 250), (255, 240, 150), (160, 230, 255))
DARK_INKS: tuple[Colour, ...] = ((16, 16, 20), (20, 30, 90), (110, 20, 20))
ACCENTS: tuple[Colour, ...] = ((214, 92, 40), (30, 120, 160), (70, 130, 70), (150, 60, 120))

#: For each regime its scenes: background, effect, transition, seconds.
REGIMES: dict[str, tuple[tuple[str, str, Transition, float], ...]] = {
    "calm": (("plain", "still", "cut", 8), ("dark", "still", "cut", 7)),
    "fade": (("photo light", "still", "fade", 8), ("photo dark", "still", "fade", 8)),
    "push": (("cream", "still", "push", 8), ("photo light", "still", "push", 7)),
    "noise": (("plain", "noise", "cut", 7), ("photo dark", "noise", "cut", 8)),
    "pan": (("photo light", "pan", "cut", 10), ("plain", "jitter", "cut", 10)),
    "corner": (("cream", "shapes", "cut", 8), ("dark", "video", "fade", 8)),
    "flicker": (("plain", "flicker", "cut", 7), ("photo dark", "bands", "cut", 7)),
    "build": (("cream", "build", "cut", 10),),
    "photo": (("photo dark", "still", "cut", 7), ("photo light", "still", "fade", 7)),
    "digit": (("plain", "digit", "cut", 8),),
    "slowfade": (("plain", "slowfade", "cut", 10),),
    "revisit": (),
}
ALL = tuple(REGIMES)
BUILD_STEP = 1.4  # seconds from one line to the next
DIGIT_STEP = 2.0  # seconds that a digit stays


def plan(rng: Random, regimes: Iterable[str], size: tuple[int, int]) -> tuple[Scene, ...]:
    """Scenes for the regimes in the order given, no line twice; a revisit comes last.

    Raises:
        ConfigError: an unknown regime, none at all, or a revisit with fewer than two slides before it.
    """
    chosen = tuple(regimes)
    unknown = [regime for regime in chosen if regime not in REGIMES]
    if unknown or not chosen:
        raise ConfigError(f"unknown regimes {unknown} in {chosen}; choose from {', '.join(ALL)}")
    typesetter = Typesetter(rng, size)
    scenes = [
        typesetter.scene(regime, background, effect, transition, seconds)
        for regime in chosen
        for background, effect, transition, seconds in REGIMES[regime]
    ]
    if "revisit" in chosen:
        if len(scenes) < 2:
            raise ConfigError("a revisit needs two slides before it; add a regime such as calm")
        first = scenes[0]
        scenes.append(replace(first, regime="revisit", transition="cut", seconds=max(6.0, first.seconds - 2)))
    return tuple(scenes)


class Typesetter:
    """Makes the scenes of one clip.

    Args:
        rng: draws words, fonts, sizes, colours and places.
        size: width and height of the frame in pixels.
    """

    def __init__(self, rng: Random, size: tuple[int, int]) -> None:
        self.rng, self.size = rng, size
        self.scale = min(size[0] / 1280, size[1] / 720)
        self.wording = Wording(rng)
        self.photos: list[str] = []

    def px(self, length: float) -> int:
        """A length on the 1280x720 frame in pixels of this frame."""
        return max(1, round(length * self.scale))

    def scene(self, regime: str, background: str, effect: str, transition: Transition, seconds: float) -> Scene:
        """A scene with new words."""
        moving = effect in ("pan", "jitter")
        travel = round(pan_speed(self.size) * seconds) if moving else 0
        canvas, height = self.size[0] + travel, self.size[1]
        dark, on_photo = "dark" in background, background.startswith("photo")
        if on_photo:
            mirror = self.rng.random() < 0.5
            base = partial(photograph, self._photo(), dark, canvas, height, mirror=mirror)
        else:
            base = partial(plain, PAPERS[background], canvas, height)
        right = self.px(CORNER[0] - 24) if effect in ("shapes", "video") else self.size[0] - self.px(56)
        texts = self._texts(effect, dark, on_photo, right, seconds)
        marks: tuple[Mark, ...] = ()
        if not on_photo and not moving:
            _, _, x1, y1 = texts[0].box()
            bar = (texts[0].x, y1 + self.px(10), min(x1, texts[0].x + self.px(96)), y1 + self.px(15))
            marks = (Mark(self.rng.choice(ACCENTS), bar),)
        return Scene(regime, Page(base, tuple(texts), marks), seconds, transition, effect)

    def _photo(self) -> str:
        """The photographs in turn, in an order of their own for every clip."""
        if not self.photos:
            self.photos = self.rng.sample(PHOTOS, len(PHOTOS))
        return self.photos.pop()

    def _texts(self, effect: str, dark: bool, on_photo: bool, right: int, seconds: float) -> list[Text]:
        rng = self.rng
        inks = LIGHT_INKS if dark else DARK_INKS
        outline = ((0, 0, 0) if dark else (255, 255, 255)) if on_photo else None
        body = (18, 20, 22, 24, 28, 30, 34) if on_photo else (18, 20, 22, 26, 30, 34, 38)
        sizes = [34 if on_photo and effect == "still" else rng.choice((44, 52, 60))]
        sizes += [rng.choice(body) for _ in range(rng.randint(2, 5))]
        left, y, bottom = self.px(64), self.px(rng.randint(44, 84)), self.size[1] - self.px(44)
        texts: list[Text] = []
        for index, points in enumerate(sizes):
            title = index == 0
            name = rng.choice((BOLD, SERIF_BOLD) if title else (SANS, SANS, BOLD, SERIF, MONO))
            size = max(6, self.px(points))
            x = left if title else left + self.px(rng.choice((0, 0, 0, 40, 120)))
            text = self._fitting(name, size, (2, 4) if title else (3, 7), right - x)
            if effect in ("pan", "jitter"):
                x = self._pan_place(font(name, size).getlength(text), seconds, enters=index % 2 == 1)
            appear = index * BUILD_STEP if effect == "build" else 0.0
            line = Text(text, name, size, x, y, rng.choice(inks), outline, appear)
            placed = self._counting(line, seconds) if effect == "digit" and index == 1 else [line]
            y1 = placed[0].box()[3]
            if y1 > bottom:
                break
            texts += placed
            y = y1 + self.px(rng.randint(44 if title else 26, 84))
        return texts

    def _fitting(self, name: str, size: int, words: tuple[int, int], room: int) -> str:
        """A new line no wider than `room` pixels."""
        most = words[1]
        while True:
            text = self.wording.line(self.rng.randint(min(words[0], most), most))
            if font(name, size).getlength(text) <= room:
                return text
            most = max(2, most - 1)

    def _pan_place(self, width: float, seconds: float, *, enters: bool) -> int:
        """Where a line stands on the canvas so that it is inside the frame for 3 seconds or more.

        One that `enters` begins at least partly outside at the right; another may leave at the left.
        """
        speed = pan_speed(self.size)
        if enters:
            return round(self.size[0] - width + speed * self.rng.uniform(1, seconds - 3.2))
        least, most = 3.2 * speed, self.size[0] - width
        return round(self.rng.uniform(least, max(least, min(most, 0.55 * self.size[0]))))

    def _counting(self, line: Text, seconds: float) -> list[Text]:
        """`line` as a reading of which only the last digit changes."""
        noun = self.rng.choice(VOCABULARY).capitalize()
        whole, tenth = self.rng.randint(1, 9), self.rng.randint(0, 9)
        last = self.rng.sample(range(10), round(seconds / DIGIT_STEP))
        return [
            replace(
                line,
                text=f"{noun} level {whole}.{tenth}{digit} metres",
                size=max(6, self.px(36)),
                font=BOLD,
                appear=index * DIGIT_STEP,
                vanish=(index + 1) * DIGIT_STEP if index + 1 < len(last) else float("inf"),
            )
            for index, digit in enumerate(last)
        ]
