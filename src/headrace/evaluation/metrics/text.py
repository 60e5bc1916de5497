"""Text read from a stream, against the lines that were shown."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from headrace.core.errors import InputError
from headrace.core.item import Emission
from headrace.evaluation.metrics.score import Score
from headrace.evaluation.truth import Event

#: Two lines are the same from this similarity on.
SAME = 0.85


@dataclass(frozen=True, slots=True)
class Lines:
    """The outcome of one stream.

    Attributes:
        delays: of each line found, t_emit of the emission that has it - the line's start, ns, in order of the lines.
        missed: lines not found.
        duplicates: emissions of a line that another emission has.
        wrong: emissions of no line that was there.
    """

    delays: tuple[int, ...]
    missed: int
    duplicates: int
    wrong: int

    @property
    def score(self) -> Score:
        """TP: lines found; FP: duplicates and wrong ones; FN: lines missed."""
        return Score(len(self.delays), self.duplicates + self.wrong, self.missed)

    @property
    def delay(self) -> float | None:
        """Median delay until a line is first seen, ns; None if none was."""
        return median(self.delays) if self.delays else None


def line_score(emitted: Sequence[Emission], lines: Sequence[Event], *, same: float = SAME, slack: int = 0) -> Lines:
    """Emissions of text against lines with the times between which they were shown, one to one.

    An emission has a line if its text's `similarity` to it is at least `same` and its `start` (media time of the
    first sight) lies within the line's time, give or take `slack` ns. Each line, in order of appearance, takes
    the earliest free emission that has it. Cancelled emissions are left out.

    Args:
        emitted: contents are str, or objects with a "text".
        lines: contents are str.
    """
    reads = _in_order(emitted)
    keys = [normalise(_text(read)) for read in reads]
    taken: set[int] = set()
    known: set[int] = set()
    delays: list[int] = []
    for line in _by_time(lines):
        key = normalise(line.content)
        having = [
            index
            for index, read in enumerate(reads)
            if line.start - slack <= read.start <= line.end + slack and _similarity(keys[index], key, same) >= same
        ]
        known.update(having)
        first = next((index for index in having if index not in taken), None)
        if first is not None:
            taken.add(first)
            delays.append(reads[first].t_emit - line.start)
    return Lines(tuple(delays), len(lines) - len(delays), len(known - taken), len(reads) - len(known))


def word_recall(emitted: Sequence[Emission], lines: Sequence[Event], *, slack: int = 0) -> Score:
    """Words of the lines that were read while shown, each read word counting once.

    Words are compared as runs of letters and digits, ignoring case. TP: words found; FP: words read beyond them;
    FN: words not found. Lines take words in order of appearance, from emissions whose `start` lies within their
    time, give or take `slack` ns.
    """
    reads = _in_order(emitted)
    left = [Counter(words(_text(read))) for read in reads]
    total = sum(counter.total() for counter in left)
    found = wanted = 0
    for line in _by_time(lines):
        need = Counter(words(line.content))
        wanted += need.total()
        for read, have in zip(reads, left, strict=True):
            if line.start - slack <= read.start <= line.end + slack:
                taken = need & have
                need, found = need - taken, found + taken.total()
                have.subtract(taken)
    return Score(found, total - found, wanted - found)


def normalise(text: str) -> str:
    """Letters and digits alone, in compatibility form (NFKC) and folded case: spaces and punctuation do not count."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def words(text: str) -> list[str]:
    """Runs of letters and digits, in compatibility form and folded case."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c if c.isalnum() else " " for c in folded).split()


def similarity(a: str, b: str) -> float:
    """1 - edit distance / length of the longer, of the normalised texts: 0 to 1; 1 for two empty ones.

    Source: V. Levenshtein (1966), insertions, deletions and substitutions at a cost of 1.
    """
    return _similarity(normalise(a), normalise(b), 0.0)


def _similarity(a: str, b: str, least: float) -> float:
    """Of normalised texts; 0 as soon as it is clear that `least` is out of reach."""
    longest = max(len(a), len(b))
    if not longest:
        return 1.0
    if min(len(a), len(b)) < least * longest:
        return 0.0
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            corner, row[j] = row[j], min(corner + (x != y), row[j] + 1, row[j - 1] + 1)
    return 1 - row[-1] / longest


def _text(emission: Emission) -> str:
    content = emission.content
    text = content.get("text") if isinstance(content, dict) else content
    if not isinstance(text, str):
        raise InputError(f"emission {emission.id} holds no text: its content is neither text nor has one under 'text'")
    return text


def _in_order(emitted: Sequence[Emission]) -> list[Emission]:
    return sorted((e for e in emitted if not e.cancelled), key=lambda e: (e.t_emit, e.start, e.id))


def _by_time(lines: Sequence[Event]) -> list[Event]:
    return sorted(lines, key=lambda line: (line.start, line.end, str(line.content)))
