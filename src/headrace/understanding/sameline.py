"""When two readings are of one line: letters and digits compared."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

#: Two readings are the same line from this similarity on (letters and digits only).
SAME = 0.85
#: Share of a cut line's letters that must be found, in order, in the whole line.
PART = 0.8
#: Letters at the end of a half-typed line that may be misread, and the fewest that must agree.
CARET, TYPED = 2, 5

_CLOCK = re.compile(r"\d\d?:\d\d:\d\d")


def normalise(text: str) -> str:
    """Letters and digits only, lower case: recognition is unsure of spaces and punctuation."""
    return re.sub(r"[\W_]", "", text.lower())


def alike(a: str, b: str, *, sure: bool) -> bool:
    """Whether two readings (normalised) are of one whole line. Two sure ones must agree in their digits."""
    if abs(len(a) - len(b)) > 0.25 * max(len(a), len(b)):
        return False
    if sure and _digits(a) != _digits(b):
        return False
    return SequenceMatcher(None, a, b, autojunk=False).ratio() >= SAME


def part(a: str, b: str, *, fuzzy: bool) -> bool:
    """Whether the shorter of two readings is part of the longer; `fuzzy` forgives misread cut letters."""
    short, long = sorted((a, b), key=len)
    if not fuzzy:
        return short in long
    blocks = SequenceMatcher(None, short, long, autojunk=False).get_matching_blocks()
    found = sum(block.size for block in blocks)
    return found >= PART * len(short) and max(block.size for block in blocks) >= 0.6 * len(short)


def grown(short: str, long: str) -> bool:
    """Whether a longer reading goes on where a shorter one stopped, whose last letters a caret may have spoilt."""
    agree = next((k for k, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    rest = short[agree:]
    return len(long) > len(short) and agree >= TYPED and len(rest) <= CARET and not _digits(rest)


def counted(a: str, b: str) -> bool:
    """Whether two readings differ in their digits only."""
    return a != b and re.sub(r"\d+", "0", a) == re.sub(r"\d+", "0", b)


def clock(text: str) -> int | None:
    """The time of day to the second that a text tells last, in seconds; None if it tells none."""
    found = _CLOCK.findall(text)
    if not found:
        return None
    hours, minutes, seconds = (int(part) for part in found[-1].split(":"))
    return 3600 * hours + 60 * minutes + seconds


def newest(first: str, text: str) -> str:
    """What a text has beyond an earlier one from which it differs in digits: from the first value that differs on."""
    agree = next((k for k, (a, b) in enumerate(zip(first, text, strict=False)) if a != b), min(len(first), len(text)))
    while agree and (text[agree - 1].isdigit() or text[agree - 1] in ":.,"):
        agree -= 1
    return text[agree:]


def _digits(key: str) -> str:
    return re.sub(r"\D", "", key)
