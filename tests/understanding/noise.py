"""Synthetic recordings of text on screen, with the noise of recognition, and questions about them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from headrace.core.item import SECOND
from headrace.understanding.observation import Observation
from tests.clips.words import UNSHOWN, VOCABULARY, number

LOOK = {"o": "0", "l": "1", "i": "l", "s": "5", "b": "8", "e": "c", "m": "rn", "g": "q", "u": "v"}
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def misread(text: str, rng: Random, *, spaces: float = 0.08, letters: float = 0.02) -> str:
    """`text` as recognition gives it: a share of spaces dropped and of letters replaced or dropped.

    Half of the wrong letters are look-alikes. Digits stay: a wrong digit is a wrong fact, not noise.
    """
    out = []
    for letter in text:
        if letter == " ":
            out.append("" if rng.random() < spaces else " ")
        elif letter.isalpha() and rng.random() < letters:
            out.append(rng.choice((LOOK.get(letter, ""), LOOK.get(letter, ""), rng.choice(LETTERS), "")))
        else:
            out.append(letter)
    return "".join(out)


@dataclass
class Recording:
    """What was shown (`lines` by observation id) and what was read (`rows`), slide after slide."""

    lines: dict[str, str]
    rows: list[Observation]
    shown: list[str]
    hidden: list[str]


def recording(seed: int, slides: int = 60, vocabulary: int = 300) -> Recording:
    """Slides of 8 s with 3 to 7 lines of 3 to 6 of `vocabulary` words, some lines with a number.

    `hidden` holds the other words: exotic ones, and ones as ordinary as those shown.
    """
    rng = Random(seed)
    words = rng.sample(VOCABULARY, len(VOCABULARY))
    made = Recording({}, [], words[:vocabulary], words[vocabulary:] + list(UNSHOWN))
    for slide in range(slides):
        start = slide * 8 * SECOND
        event = f"event-{slide}"
        made.rows.append(Observation(event, "event", "camera", "", start, start, segment=event))
        for row in range(rng.randint(3, 7)):
            parts = rng.sample(made.shown, rng.randint(3, 6))
            if rng.random() < 0.3:
                parts.insert(rng.randint(1, len(parts)), number(rng))
            text, name = " ".join(parts).capitalize(), f"line-{slide}-{row}"
            made.lines[name] = text
            read, last = misread(text, rng), start + 7 * SECOND
            made.rows.append(Observation(name, "text", "camera", read, start, last, segment=event))
    return made


ABOUT = (
    "what was the {}?",
    "when did the {} appear?",
    "is there anything about {}?",
    "did it say {}?",
    "how long was {} on screen?",
    "{}",
    "what does the line about the {} show?",
)


def asked_about(made: Recording, count: int, rng: Random) -> list[tuple[str, set[str]]]:
    """Questions about shown lines, verbatim, reordered or of half their words, and the lines they fit.

    A question fits every line that holds all the words it took.
    """
    asked = []
    for i in range(count):
        parts = rng.choice(list(made.lines.values())).lower().split()
        if i % 3 == 1:
            rng.shuffle(parts)
        if i % 3 == 2:
            parts = [parts[k] for k in sorted(rng.sample(range(len(parts)), (len(parts) + 1) // 2))]
        fits = {name for name, line in made.lines.items() if set(parts) <= set(line.lower().split())}
        asked.append((rng.choice(ABOUT).format(" ".join(parts)), fits))
    return asked


def never_shown(made: Recording, count: int, rng: Random) -> list[str]:
    """Questions of 1 to 3 words that no line holds; half of them hold one word of a shown line too."""
    asked = []
    for i in range(count):
        hard = i % 2
        parts = rng.sample(made.hidden, rng.randint(1, 2) if hard else rng.randint(1, 3))
        if hard:
            parts.insert(rng.randint(0, len(parts)), rng.choice(made.shown))
        asked.append(rng.choice(ABOUT).format(" ".join(parts)))
    return asked
