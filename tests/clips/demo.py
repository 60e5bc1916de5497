"""The demo clip: an evening in the control room of a canal.

python -m tests.clips.demo [FOLDER] writes demo.mp4 and demo.json (the truth, and questions to put to it); the
sentences of the narration are in demo.lm.txt too, among others of a canal.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.clips.fonts import BOLD, SANS, SERIF, SERIF_BOLD, font
from tests.clips.photos import cover, photo, photograph, plain
from tests.clips.render import Clip, write
from tests.clips.scenes import FOREVER, Frame, Mark, Page, Scene, Text, Truth
from tests.clips.sound import Ambience, Noise, Say, Soundtrack

WIDTH, HEIGHT = 1280, 720
LEFT = 96
NAVY, NIGHT, SLATE = (16, 32, 50), (11, 22, 36), (35, 58, 82)
PAPER, SAND, INK, GREY = (248, 246, 241), (236, 231, 220), (27, 36, 46), (96, 106, 118)
WHITE, MIST, TEAL, AMBER, RED = (
    (255, 255, 255),
    (190, 208, 224),
    (64, 190, 176),
    (246, 178, 62),
    (166, 32, 38),
)
CANAL = (38, 112, 178)

GATE = "Sluice gate 3 is open"
CHANNEL = "Call the lock keeper on channel 7"
BARGE = "06:30  Grain barge Aurora arrives"
LEVELS = ("3.42", "3.47", "3.53", "3.58")
LEVEL_STEP = 3.0  # seconds that a level stands

#: What is said and never shown.
FOOTBRIDGE = "The foot bridge at the pump house is closed until Friday."
VOICE, SPEED = "en-us+steph", 145
NARRATION = (
    (1.0, "Good evening from the canal control room."),
    (9.0, "The sky stays clear, and the wind is light."),
    (19.5, "The water in the reservoir is rising, and the alarm is near."),
    (29.5, "Warning! The sluice gate is open. Please stay away from the water."),
    (39.5, FOOTBRIDGE),
    (49.5, "The first boat tomorrow brings grain to the basin."),
    (60.0, "That was the evening report. Good night."),
)
ALARM = 25.4  # seconds; the level nears the alarm

#: Frame of the photograph on the weather page.
PHOTO = (LEFT, 96, 596, 560)


def scenes() -> tuple[Scene, ...]:
    """The story: title, weather, rising level, warning, map, schedule, end."""
    return (
        Scene("calm", title(), 7),
        Scene("fade", weather(), 9, "fade"),
        Scene("digit", gauge(), LEVEL_STEP * len(LEVELS)),
        Scene("push", warning(), 9, "push"),
        Scene("pan", map_page(), 10, "cut", "pan"),
        Scene("fade", schedule(), 11, "fade"),
        Scene("fade", end(), 7, "fade"),
    )


def title() -> Page:
    """White on the hills, darkened."""
    return Page(
        partial(photograph, "terrain", True, WIDTH, HEIGHT),
        (
            Text("Canal control room", BOLD, 72, LEFT, 256, WHITE),
            Text("Eastern reach, evening shift", SANS, 36, LEFT, 384, MIST),
            Text("Monday 9 June, 21:00", SANS, 28, LEFT, 448, TEAL),
        ),
        (Mark((*NIGHT, 90), (0, 0, WIDTH, HEIGHT)), Mark(TEAL, (LEFT, 224, LEFT + 96, 232))),
    )


def weather() -> Page:
    """A photograph with its caption, and three facts beside it."""
    column = PHOTO[2] + 56
    return Page(
        weather_base,
        (
            Text("Weather at Hollow Lock", SERIF_BOLD, 42, column, 112, INK),
            Text("Clear sky, 14 degrees", SANS, 34, column, 246, INK),
            Text("Wind 12 km/h from the west", SANS, 34, column, 338, INK),
            Text("No rain before Tuesday noon", SANS, 34, column, 430, INK),
            Text("Signal towers at dusk, from Mill Weir", SERIF, 22, LEFT, PHOTO[3] + 20, GREY),
        ),
        (Mark(TEAL, (column, 182, column + 96, 188)),),
    )


def weather_base() -> Frame:
    """Paper with the photograph on it."""
    frame = plain(PAPER, WIDTH, HEIGHT)
    x0, y0, x1, y1 = PHOTO
    frame[y0:y1, x0:x1] = cover(photo("dusk"), x1 - x0, y1 - y0)
    return frame


def gauge() -> Page:
    """A level that rises, as a number and as a column of water."""
    texts = [
        Text("Reservoir gauge 4", BOLD, 44, LEFT, 112, WHITE),
        Text("Alarm above 3.60 m", SANS, 34, LEFT, 436, AMBER),
        Text("Inflow 18.6 cubic metres per second", SANS, 28, LEFT, 508, MIST),
    ]
    column, top, bottom = (976, 1136), 112, 608
    marks = [
        Mark(TEAL, (LEFT, 182, LEFT + 96, 188)),
        Mark(SLATE, (column[0], top, column[1], bottom), 16),
    ]
    for index, level in enumerate(LEVELS):
        last = index + 1 == len(LEVELS)
        appear, vanish = index * LEVEL_STEP, FOREVER if last else (index + 1) * LEVEL_STEP
        ink = AMBER if last else WHITE
        texts.append(Text(f"Level {level} m", BOLD, 96, LEFT, 262, ink, None, appear, vanish))
        surface = water(float(level), top, bottom)
        marks.append(Mark(CANAL, (column[0] + 8, surface, column[1] - 8, bottom - 8), 10, appear=appear, vanish=vanish))
    alarm = water(3.6, top, bottom)
    marks.append(Mark(AMBER, (column[0] - 24, alarm - 2, column[1] + 24, alarm + 3)))
    return Page(partial(plain, NAVY, WIDTH, HEIGHT), tuple(texts), tuple(marks))


def water(level: float, top: int, bottom: int) -> int:
    """Where the surface stands for a level in metres; the column shows 3.2 to 3.7 m."""
    return round(bottom - (level - 3.2) / 0.5 * (bottom - top))


def warning() -> Page:
    """White on red, with a warning triangle."""
    x, y = 1000, 236
    triangle = ((x, y + 170), (x + 98, y), (x + 196, y + 170), (x, y + 170), (x + 98, y))
    return Page(
        partial(plain, RED, WIDTH, HEIGHT),
        (
            Text("WARNING", BOLD, 40, LEFT, 168, AMBER),
            Text(GATE, BOLD, 64, LEFT, 268, WHITE),
            Text("Water falls quickly at Mill Weir", SANS, 34, LEFT, 436, WHITE),
            Text(CHANNEL, SANS, 34, LEFT, 506, WHITE),
        ),
        (
            Mark(AMBER, (0, 0, 24, HEIGHT)),
            Mark(WHITE, (LEFT, 380, LEFT + 96, 386)),
            Mark(AMBER, points=triangle, width=16),
            Mark(AMBER, (x + 89, y + 64, x + 107, y + 120), 6),
            Mark(AMBER, (x + 88, y + 130, x + 108, y + 150), 10),
        ),
    )


def map_page() -> Page:
    """The hills as a map, wider than the frame, with the canal and the names of its places."""
    canvas = 1640
    canal = ((0, 560), (230, 520), (420, 560), (640, 470), (860, 400), (1080, 420), (1290, 330), (1640, 300))
    places = (
        ("Pump house", 230, 520),
        ("Mill Weir", 640, 470),
        ("Gate 3", 860, 400),
        ("Hollow Lock", 1080, 420),
        ("North Basin", 1290, 330),
    )
    texts = [Text("Map of the eastern reach", BOLD, 40, 400, 84, INK)]
    marks = [
        Mark((*PAPER, 235), card(texts[0], 24), 10),
        Mark((*WHITE, 190), points=canal, width=20),
        Mark(CANAL, points=canal, width=12),
    ]
    for name, x, y in places:
        label = Text(name, BOLD, 30, x - round(font(BOLD, 30).getlength(name) / 2), y + 42, INK)
        marks += [
            Mark(WHITE, (x - 15, y - 15, x + 15, y + 15), 15),
            Mark(RED if name == "Gate 3" else CANAL, (x - 10, y - 10, x + 10, y + 10), 10),
            Mark((*PAPER, 225), card(label, 12), 8),
        ]
        texts.append(label)
    return Page(partial(map_base, canvas), tuple(texts), tuple(marks))


def map_base(canvas: int) -> Frame:
    """The shaded relief."""
    return cover(photo("terrain"), canvas, HEIGHT)


def card(text: Text, room: int) -> tuple[int, int, int, int]:
    """The box of a card behind `text`."""
    x0, y0, x1, y1 = text.box()
    return (x0 - room, y0 - room, x1 + room, y1 + room)


def schedule() -> Page:
    """A table whose rows come one after another."""
    rows = (
        BARGE,
        "08:15  Ferry Kingfisher departs",
        "11:00  Diver inspects the lock",
        "14:45  School boat to North Basin",
    )
    texts = [Text("Lock schedule for Tuesday", SERIF_BOLD, 44, LEFT, 96, INK)]
    marks = [Mark(TEAL, (LEFT, 168, LEFT + 96, 174))]
    for index, row in enumerate(rows):
        y = 220 + 104 * index
        marks.append(Mark(SAND, (LEFT, y, WIDTH - LEFT, y + 84), 10))
        texts.append(Text(row, SANS, 34, LEFT + 32, y + 22, INK, appear=1.0 + index))
    return Page(partial(plain, PAPER, WIDTH, HEIGHT), tuple(texts), tuple(marks))


def end() -> Page:
    """A quiet close in the manner of the title."""
    opening = title()
    lines = ("End of report", "Good night from the control room", "Next report at 22:00")
    return replace(
        opening,
        base=partial(photograph, "dusk", True, WIDTH, HEIGHT),
        texts=tuple(replace(text, text=line) for text, line in zip(opening.texts, lines, strict=True)),
    )


def soundtrack(seconds: float) -> Soundtrack:
    """The narration over the hum of a room, and one beep."""
    said = tuple(Say(text, at, VOICE, SPEED) for at, text in NARRATION)
    return Soundtrack((Ambience("room", 0.0, seconds), Noise("beep", ALARM, 0.6, -12.0), *said), seconds)


def demo(*, narrated: bool = True) -> Clip:
    """The demo clip, 1280x720 at 30 frames a second; its truth carries questions under "ask" and "when".

    Of a question, "line" is the line that shows the answer, "speech" the sentence that says it.

    Args:
        narrated: with sound; without it the truth needs no espeak-ng.
    """
    story = scenes()
    sound = soundtrack(sum(scene.seconds for scene in story)) if narrated else None
    clip = Clip(story, 0, (WIDTH, HEIGHT), 30, sound)
    opened = next(line.on for line in clip.truth.lines if line.text == GATE)
    clip.truth.extra.update(
        ask=[
            question("Which channel reaches the lock keeper?", "channel 7", line=CHANNEL),
            question("When does the grain barge arrive?", "06:30", line=BARGE),
            question("Until when is the foot bridge closed?", "friday", speech=FOOTBRIDGE),
            question("How long is the railway tunnel?"),
        ],
        when={"condition": "sluice gate 3 is open", "line": GATE, "time": opened},
    )
    return clip


def question(
    text: str, answer: str | None = None, line: str | None = None, speech: str | None = None
) -> dict[str, Any]:
    """A question with its answer and where it is found; without an answer it was not seen."""
    return {"question": text, "answer": answer, "line": line, "speech": speech}


def main(folder: Path) -> Truth:
    """Write demo.mp4 and demo.json into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    return write(demo(), folder / "demo.mp4")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "src/headrace/apps/demo"))
