"""A terminal session: commands, logs that scroll, progress, an error, a cleared screen."""

from __future__ import annotations

import re
from random import Random

from tests.clips.fonts import MONO, SANS, font
from tests.clips.phrases import Phrases
from tests.clips.scenes import Colour, Mark, Text
from tests.clips.stage import Piece, Recording, Stage

WIDTH, HEIGHT, BAR = 1280, 720, 34
FPS = 15
MARGIN = 12
BACK, TITLE_BAR = (22, 24, 30), (48, 50, 58)
PLAIN, DIM, GREEN, BLUE, RED, YELLOW = (
    (212, 214, 218),
    (128, 134, 146),
    (126, 200, 110),
    (110, 166, 240),
    (240, 98, 92),
    (226, 190, 90),
)
Row = list[tuple[str, Colour]]  # pieces of a row from left to right, with their colours


class Terminal:
    """A terminal window on a stage; every verb takes the time it needs.

    Args:
        rng: draws words and the pace.
        points: height of the letters in pixels.
    """

    def __init__(self, rng: Random, points: int) -> None:
        self.rng, self.points = rng, points
        self.phrases = Phrases(rng)
        self.stage = Stage((WIDTH, HEIGHT), FPS)
        self.t = 0.0
        self.rows: list[Row] = []
        self.pitch = round(points * 1.32)
        self.advance = font(MONO, points).getlength("m")
        self.height = (HEIGHT - BAR - 2 * MARGIN) // self.pitch
        self.user, self.host = "keeper", self.phrases.place()
        self.folder = self.phrases.thing()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.t += seconds

    def show(self, *, event: bool = False) -> None:
        """Put the rows on the stage as they are now."""
        pieces: list[Piece] = [Mark(BACK, (0, 0, WIDTH, HEIGHT)), Mark(TITLE_BAR, (0, 0, WIDTH, BAR))]
        for index, colour in enumerate(((236, 106, 94), (244, 191, 79), (97, 197, 84))):
            pieces.append(Mark(colour, (16 + 24 * index, 11, 28 + 24 * index, 23), 6))
        title = f"{self.user} at {self.host}"
        left = round(WIDTH / 2 - font(SANS, 15).getlength(title) / 2)
        pieces.append(Text(title, SANS, 15, left, 8, DIM))
        for index, row in enumerate(self.rows[-self.height :]):
            pieces += self._row(row, BAR + MARGIN + index * self.pitch)
        self.stage.show(self.t, pieces, event=event)

    def _row(self, row: Row, y: int) -> list[Piece]:
        """A row as texts; wide gaps part it into texts of their own."""
        pieces: list[Piece] = []
        column = 0
        for part, colour in row:
            if part == "█":
                x = MARGIN + round(column * self.advance)
                pieces.append(Mark(colour, (x, y, x + round(self.advance), y + self.pitch - 3)))
            else:
                for found in re.finditer(r"\S+( {1,2}\S+)*", part):
                    x = MARGIN + round((column + found.start()) * self.advance)
                    pieces.append(Text(found.group(), MONO, self.points, x, y, colour))
            column += len(part)
        return pieces

    def prompt(self) -> str:
        """The words before a command."""
        return f"{self.user}@{self.host}:~/{self.folder}$ "

    def type(self, command: str) -> None:
        """A prompt, then a command letter by letter."""
        self.rows.append([(self.prompt(), GREEN), ("█", PLAIN)])
        self.show()
        self.wait(self.rng.uniform(0.5, 1.1))
        for end in range(1, len(command) + 1):
            self.rows[-1] = [(self.prompt() + command[:end], GREEN), ("█", PLAIN)]
            self.show()
            self.wait(self.rng.choice((0.07, 0.07, 0.09, 0.13)))
        self.wait(0.4)
        self.rows[-1] = [(self.prompt() + command, GREEN)]
        self.show()
        self.wait(0.2)

    def print(self, text: str, colour: Colour = PLAIN, pause: float = 0.07) -> None:
        """One row of output."""
        self.rows.append([(text, colour)])
        self.show()
        self.wait(pause)

    def progress(self, label: str, seconds: float) -> None:
        """A bar that fills."""
        steps = round(seconds / 0.2)
        self.rows.append([])
        for step in range(steps + 1):
            share = step / steps
            bar = "#" * round(30 * share) + "-" * (30 - round(30 * share))
            self.rows[-1] = [(label, PLAIN), ("    ", PLAIN), (f"[{bar}]", BLUE), (f"    {share:4.0%}", PLAIN)]
            self.show()
            self.wait(0.2)

    def clear(self) -> None:
        """Empty the screen."""
        self.rows.clear()
        self.rows.append([(self.prompt(), GREEN), ("█", PLAIN)])
        self.show(event=True)
        self.rows.clear()
        self.wait(0.8)


def terminal(seed: int) -> Recording:
    """About 100 seconds of a session at 15 frames a second, letters of 14, 16 or 18 pixels."""
    rng = Random(f"terminal {seed}")
    window = Terminal(rng, (14, 16, 18)[seed % 3])
    _look_around(window)
    _build(window)
    window.type("clear")
    window.clear()
    _copy(window)
    _log(window)
    window.type("clear")
    window.clear()
    _table(window)
    window.type("exit")
    window.wait(3)
    return Recording("terminal", window.stage, round(window.t, 1))


def _look_around(window: Terminal) -> None:
    """Files and a note."""
    phrases = window.phrases
    window.type("ls -l")
    window.print(f"total {phrases.count()}", pause=0)
    for _ in range(6):
        name = phrases.once("~{n}_{n}.txt", "~{a}_{n}.csv", "~{p}_{n}.log")
        window.print(
            f"-rw-r--r-- 1 {window.user} staff {phrases.count(1000, 9999)} June {window.rng.randint(10, 28)} {name}"
        )
    window.wait(3)
    window.type(phrases.once("~cat {n}_note.txt"))
    for _ in range(4):
        window.print(phrases.sentence() + ".", pause=0)
    window.wait(5)


def _build(window: Terminal) -> None:
    """A log that runs too fast to be read, a warning, an error that stays."""
    phrases = window.phrases
    window.type("make " + phrases.thing())
    for _ in range(70):
        window.print(
            phrases.once("~cc -c source/{a}_{n}.c -o build/{n}.o", "~cc -c source/{n}.c -o build/{a}_{n}.o"), DIM
        )
    window.print(phrases.once("~warning: the {n} of the {a} {n} is not used"), YELLOW, 0.6)
    window.print(phrases.once("~error: cannot find the {a} {n} in the {p}"), RED, 0.1)
    window.print(phrases.once("~error: {c} of the {n} files are broken"), RED, 0.1)
    window.print("make: stopped after two errors", PLAIN)
    window.wait(6)


def _copy(window: Terminal) -> None:
    """Two bars."""
    phrases = window.phrases
    window.type(phrases.once("~copy --all {n} /mnt/{p}"))
    window.progress(phrases.once("Copying the {a} {n}"), 4)
    window.progress(phrases.once("Checking the {n} of the {p}"), 3)
    window.print(phrases.once("~{c} files copied, none lost"), GREEN)
    window.wait(4)


def _log(window: Terminal) -> None:
    """A log followed at the pace of a person, then an error and its trace."""
    phrases, rng = window.phrases, window.rng
    window.type(phrases.once("~tail -f {p}.log"))
    minute = rng.randint(10, 50)
    second = 3
    for index in range(14):
        second += rng.randint(1, 3)
        stamp = f"09:{minute}:{second:02d}"
        if index == 10:
            window.print(f"{stamp} ERROR " + phrases.once("~the {n} at the {p} does not answer"), RED, 0.4)
            for text in (phrases.once("~  in read_{n}, line {c}"), phrases.once("~  in open_{a}_{n}, line {c}")):
                window.print(text, RED, 0.1)
            window.wait(4)
        else:
            window.print(f"{stamp} INFO " + phrases.once("~{a} {n} sent to the {p}", "~{n} of the {p} is ready"), PLAIN)
            window.wait(rng.uniform(0.2, 1.4))
    window.wait(2)


def _table(window: Terminal) -> None:
    """Columns."""
    phrases = window.phrases
    window.type("status --long")
    window.print(f"{'NAME':24}{'PLACE':24}{'STATE':16}LOAD", BLUE, 0)
    for _ in range(9):
        name, place = phrases.once("~{a}-{n}"), phrases.once("~{p} {n}")
        state = window.rng.choice(("running", "stopped", "waiting"))
        window.print(f"{name:24}{place:24}{state:16}{window.rng.randint(1, 99)}.{window.rng.randint(0, 9)}%", PLAIN, 0)
    window.wait(7)
