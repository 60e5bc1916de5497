"""A screen recording: an editor, a dialog with an error, a page that is scrolled, a note that pops up."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np

from tests.clips.fonts import BOLD, MONO, SANS, font
from tests.clips.photos import PHOTOS, cover, photo, photograph
from tests.clips.phrases import Phrases
from tests.clips.scenes import Colour, Mark, Text
from tests.clips.stage import Picture, Piece, Recording, Stage

WIDTH, HEIGHT, FPS = 1280, 720, 30
MENU = 28  # height of the bar at the top
INK, GREY, PALE = (34, 38, 46), (112, 118, 130), (206, 210, 218)
PAPER, BAR, SIDE, LINK = (253, 253, 254), (226, 228, 234), (238, 240, 244), (24, 92, 200)
DARK, DARK_BAR, DARK_SIDE, CODE, NUMBERS = (36, 39, 48), (50, 54, 66), (44, 47, 58), (222, 226, 234), (106, 112, 128)
BLUE, ORANGE, GREEN = (46, 124, 230), (236, 150, 60), (70, 170, 96)

EDITOR = (96, 64, 876, 640)
BROWSER = (180, 52, 1236, 690)
DIALOG = (424, 250, 904, 452)
PITCH = 27  # pixels from one line of the editor to the next
NOTCH = 96  # pixels that the page moves at a turn of the wheel
POINTER = ((0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12))


class Desktop:
    """The desktop of one recording; every verb takes the time it needs."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(f"screen {seed}")
        self.phrases = Phrases(self.rng)
        self.stage = Stage((WIDTH, HEIGHT), FPS)
        self.t = 0.0
        self.minute = self.rng.randint(2, 50)
        wall = photograph(self.rng.choice(("terrain", "dusk", "hubble")), True, WIDTH, HEIGHT)
        self.wall = Picture(wall, 0, 0)
        self.pointer = (900, 500)
        self.arrow = _arrow()
        self.notes = [self.phrases.sentence() for _ in range(6)]
        self.typed = ""
        self.caret = True
        self.files = [self.phrases.once("~{n}.md", "~{p}.md", "~{a}_{n}.md") for _ in range(7)]
        self.page = Page(self.phrases, self.rng)
        self.scrolled = 0
        self.windows: list[str] = ["editor"]
        self.note = ""
        self.complaint = self.phrases.once(
            "The {n} in the {p} is full", "The {a} {n} is used by the {p}", "The {p} does not answer"
        )

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.t += seconds

    def show(self, *, event: bool = False) -> None:
        """Put everything on the stage as it is now."""
        pieces: list[Piece] = [self.wall, *self._dock()]
        for window in self.windows:
            pieces += {"editor": self._editor, "browser": self._browser, "dialog": self._dialog}[window]()
        pieces += self._menu()
        if self.note:
            pieces += self._note()
        pieces.append(replace(self.arrow, x=self.pointer[0], y=self.pointer[1]))
        self.stage.show(self.t, pieces, event=event)

    def move(self, x: int, y: int) -> None:
        """Move the pointer there in half a second."""
        start = self.pointer
        for step in range(1, 16):
            share = step / 15
            eased = share * share * (3 - 2 * share)
            self.pointer = (round(start[0] + (x - start[0]) * eased), round(start[1] + (y - start[1]) * eased))
            self.show()
            self.wait(1 / FPS)

    def type(self, text: str) -> None:
        """A line into the editor, letter by letter."""
        self.caret = True
        for end in range(1, len(text) + 1):
            self.typed = text[:end]
            self.show()
            self.wait(self.rng.choice((0.06, 0.08, 0.08, 0.12)))
        self.notes.append(text)
        self.typed = ""
        self.show()

    def rest(self, seconds: float) -> None:
        """Wait while the caret blinks twice a second."""
        for step in range(round(seconds / 0.5)):
            self.caret = step % 2 == 1
            self.show()
            self.wait(0.5)
        self.caret = True

    def scroll(self, notches: int) -> None:
        """Turn the wheel."""
        for _ in range(notches):
            for _ in range(4):
                self.scrolled += NOTCH // 4
                self.show()
                self.wait(1 / FPS)
            self.wait(0.12)

    def _menu(self) -> list[Piece]:
        minute = self.minute + int(self.t // 60)
        name = {"editor": "Editor", "browser": "Browser", "dialog": "Editor"}[self.windows[-1]]
        pieces: list[Piece] = [Mark((24, 26, 34), (0, 0, WIDTH, MENU)), Text(name, BOLD, 15, 20, 5, PALE)]
        pieces.append(Text("File   Edit   View   Window   Help", SANS, 15, 110, 5, PALE))
        return [*pieces, Text(f"Monday 9 June  10:{minute:02d}", SANS, 15, 1086, 5, PALE)]

    def _dock(self) -> list[Piece]:
        pieces: list[Piece] = [Mark((20, 22, 30, 150), (8, 200, 72, 560), 14)]
        for index, colour in enumerate((BLUE, ORANGE, GREEN, (150, 96, 200), (200, 70, 80))):
            y = 214 + 68 * index
            pieces += [
                Mark(colour, (18, y, 62, y + 44), 10),
                Mark((255, 255, 255, 200), (30, y + 12, 50, y + 32), 4 + index),
            ]
        return pieces

    def _frame(
        self, box: tuple[int, int, int, int], bar: Colour, paper: Colour, title: str, ink: Colour
    ) -> list[Piece]:
        """A window: shadow, paper, bar with three buttons and a title."""
        x0, y0, x1, y1 = box
        shadow = [Mark((0, 0, 0, 34), (x0 - s, y0 - s + 6, x1 + s, y1 + s + 6), 10 + s) for s in (10, 6, 2)]
        buttons = [
            Mark(colour, (x0 + 14 + 22 * k, y0 + 11, x0 + 26 + 22 * k, y0 + 23), 6)
            for k, colour in enumerate(((236, 106, 94), (244, 191, 79), (97, 197, 84)))
        ]
        left = round((x0 + x1) / 2 - font(SANS, 15).getlength(title) / 2)
        return [
            *shadow,
            Mark(paper, (x0, y0 + 17, x1, y1)),
            Mark(bar, (x0, y0, x1, y0 + 34), 8),
            Mark(bar, (x0, y0 + 17, x1, y0 + 34)),
            *buttons,
            Text(title, SANS, 15, left, y0 + 8, ink),
        ]

    def _editor(self) -> list[Piece]:
        x0, y0, _, y1 = EDITOR
        pieces = self._frame(EDITOR, DARK_BAR, DARK, self.files[0], PALE)
        pieces.append(Mark(DARK_SIDE, (x0, y0 + 34, x0 + 190, y1)))
        pieces.append(Mark(DARK_BAR, (x0 + 6, y0 + 48, x0 + 184, y0 + 74), 5))
        for index, name in enumerate(self.files):
            pieces.append(Text(name, SANS, 15, x0 + 18, y0 + 52 + 30 * index, CODE if not index else NUMBERS))
        rows = [*self.notes, self.typed]
        room = (y1 - y0 - 34 - 24) // PITCH
        first = max(0, len(rows) - room)
        for index, row in enumerate(rows[first:]):
            y = y0 + 48 + PITCH * index
            pieces.append(Text(str(first + index + 1), MONO, 15, x0 + 204, y + 1, NUMBERS))
            if row:
                pieces.append(Text(row, MONO, 17, x0 + 242, y, CODE))
        if self.caret and "dialog" not in self.windows:
            x = x0 + 242 + round(font(MONO, 17).getlength(self.typed))
            y = y0 + 48 + PITCH * (len(rows) - 1 - first)
            pieces.append(Mark(CODE, (x + 1, y, x + 3, y + 20)))
        return pieces

    def _dialog(self) -> list[Piece]:
        x0, y0, x1, y1 = DIALOG
        sign = ((x0 + 36, y0 + 98), (x0 + 62, y0 + 52), (x0 + 88, y0 + 98), (x0 + 36, y0 + 98), (x0 + 62, y0 + 52))
        return [
            *self._frame(DIALOG, BAR, SIDE, "Error", INK),
            Mark(ORANGE, points=sign, width=6),
            Mark(ORANGE, (x0 + 60, y0 + 66, x0 + 65, y0 + 84)),
            Mark(ORANGE, (x0 + 60, y0 + 87, x0 + 65, y0 + 92)),
            Text(f"Cannot save {self.files[0]}", BOLD, 18, x0 + 112, y0 + 54, INK),
            Text(self.complaint, SANS, 16, x0 + 112, y0 + 86, INK),
            Text("Your changes are still open", SANS, 15, x0 + 112, y0 + 112, GREY),
            Mark(BAR, (x1 - 232, y1 - 50, x1 - 132, y1 - 18), 6),
            Text("Cancel", SANS, 16, x1 - 208, y1 - 44, INK),
            Mark(BLUE, (x1 - 120, y1 - 50, x1 - 20, y1 - 18), 6),
            Text("Try again", SANS, 16, x1 - 106, y1 - 44, (255, 255, 255)),
        ]

    def _browser(self) -> list[Piece]:
        x0, y0, x1, y1 = BROWSER
        inner = self.page.pieces(x0, y0 + 84 - self.scrolled, x1)
        top = y0 + 84
        seen = [piece for piece in inner if _bottom(piece) > top and _top(piece) < y1]
        length = max(_bottom(piece) for piece in inner) - (y0 + 84 - self.scrolled) + 40
        share = (y1 - top) / length
        bar = round(top + (y1 - top) * self.scrolled / length)
        address = self.page.address
        frame = self._frame(BROWSER, BAR, PAPER, self.page.title, INK)
        paper, head = frame[:4], frame[4:]
        chrome: list[Piece] = [
            Mark(BAR, (x0, y0 + 10, x1, y0 + 84)),
            Mark(BAR, (x0, y0, x1, y0 + 34), 8),
            *head,
            Mark(PAPER, (x0 + 120, y0 + 44, x1 - 120, y0 + 74), 12),
            Text(address, SANS, 15, x0 + 140, y0 + 50, GREY),
            Text("<   >", BOLD, 18, x0 + 26, y0 + 48, GREY),
            Mark((190, 194, 202), (x1 - 10, bar, x1 - 3, round(bar + (y1 - top) * share)), 3),
            self._under(y1),
        ]
        return [*paper, Mark(PAPER, (x0, top, x1, y1)), *seen, *chrome]

    def _under(self, y: int) -> Piece:
        """The wall below the window, which the page does not reach."""
        return Picture(np.ascontiguousarray(self.wall.pixels[y:]), 0, y)

    def _note(self) -> list[Piece]:
        x0, y0 = 952, 44
        return [
            Mark((248, 248, 250), (x0, y0, x0 + 312, y0 + 84), 12),
            Mark(GREEN, (x0 + 14, y0 + 20, x0 + 58, y0 + 64), 10),
            Text("New message", BOLD, 16, x0 + 72, y0 + 18, INK),
            Text(self.note, SANS, 15, x0 + 72, y0 + 46, INK),
        ]


class Page:
    """A long page of the browser: heading, paragraphs, a picture."""

    def __init__(self, phrases: Phrases, rng: Random) -> None:
        self.title = phrases.title()
        self.address = f"www.{phrases.place()}.example/{phrases.thing()}"
        self.blocks: list[tuple[str, list[str]]] = []
        self.shot = cover(photo(rng.choice(PHOTOS)), 560, 300)
        for index in range(6):
            body = [phrases.sentence() + "." for _ in range(rng.randint(3, 5))]
            self.blocks.append((self.title if not index else phrases.title(), body))

    def pieces(self, x0: int, y0: int, x1: int) -> list[Piece]:
        """All of the page from `y0` down, seen or not."""
        found: list[Piece] = []
        x, y = x0 + 64, y0 + 36
        for index, (heading, body) in enumerate(self.blocks):
            size = 26 if index else 38
            found.append(Text(heading, BOLD, size, x, y, INK))
            y += size + 26
            for line in body:
                found.append(Text(line, SANS, 19, x, y, INK))
                y += 34
            if index in (0, 3):
                y += 14
                found.append(Picture(self.shot if not index else self.shot[:, ::-1].copy(), x, y))
                y += self.shot.shape[0] + 24
            y += 26
        aside = y0 + 108
        found.append(Mark(SIDE, (x1 - 300, aside, x1 - 40, aside + 168), 8))
        for row, (heading, _) in enumerate(self.blocks[1:5]):
            found.append(Text(heading, SANS, 16, x1 - 280, aside + 18 + 36 * row, LINK))
        return found


def screen(seed: int) -> Recording:
    """About 95 seconds of a desktop: a frame only when something changes, up to 30 a second."""
    desk = Desktop(seed)
    desk.show()
    desk.wait(1.2)
    desk.move(600, 420)
    for _ in range(3):
        desk.type(desk.phrases.sentence())
        desk.rest(1.5)
    desk.rest(2)
    desk.windows.append("dialog")
    desk.show(event=True)
    desk.wait(5)
    desk.move(DIALOG[2] - 180, DIALOG[3] - 34)
    desk.wait(0.8)
    desk.windows.pop()
    desk.show(event=True)
    desk.rest(2.5)
    desk.move(38, 304)
    desk.wait(0.5)
    desk.windows.append("browser")
    desk.show(event=True)
    desk.wait(6)
    desk.move(560, 470)
    for notches in (3, 3, 4, 2):
        desk.scroll(notches)
        desk.wait(desk.rng.uniform(3.5, 5))
    desk.page, desk.scrolled = Page(desk.phrases, desk.rng), 0
    desk.show(event=True)
    desk.wait(6)
    desk.scroll(3)
    desk.wait(3)
    desk.note = desk.phrases.once("The {n} is at the {p}", "Bring the {a} {n}")
    desk.show()
    desk.wait(5)
    desk.note = ""
    desk.show()
    desk.move(38, 236)
    desk.windows.pop()
    desk.show(event=True)
    desk.rest(2)
    for _ in range(2):
        desk.type(desk.phrases.sentence())
        desk.rest(2)
    desk.rest(2)
    return Recording("screen", desk.stage, round(desk.t, 1), steady=False)


def _arrow() -> Picture:
    """The pointer: white with a dark edge."""
    import cv2

    points = np.array(POINTER, np.int32) + 2
    pixels = np.zeros((26, 18, 4), np.uint8)
    cv2.fillPoly(pixels, [points], (255, 255, 255, 255))
    cv2.polylines(pixels, [points], True, (20, 20, 20, 255), 1)
    return Picture(pixels, 0, 0)


def _top(piece: Piece) -> int:
    return piece.box[1] if isinstance(piece, Mark) else piece.box()[1]


def _bottom(piece: Piece) -> int:
    return piece.box[3] if isinstance(piece, Mark) else piece.box()[3]
