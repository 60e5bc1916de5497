"""Lexical search in short, noisy lines: BM25 over words and over character trigrams.

There is no index. A question holds few words and trigrams, so counting them in every row takes less
time than building an inverted index once, and a live memory changes between any two questions; nothing
has to be kept within the byte budget. Trigrams run over the text without its spaces, because
recognition of text on screen drops spaces more often than letters.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: Characters that recognition confuses most, mapped to one of their class.
LOOK_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "8": "b", "2": "z", "6": "b"})

_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+")
_RUN = re.compile(r"[^\W_]+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for, and where.

    Attributes:
        text: the words: the question, or what is left of it without its time words.
        since, until: only what was there at some time in [since, until], ns; None is open.
        kinds: only these kinds; empty means all.
        sources: only these streams; empty means all.
        asked: the question in full, if `text` is only a part of it.
    """

    text: str
    since: int | None = None
    until: int | None = None
    kinds: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    asked: str = ""

    @property
    def question(self) -> str:
        """The question in full."""
        return self.asked or self.text

    @property
    def bounded(self) -> bool:
        """Whether it asks for a stretch of time."""
        return self.since is not None or self.until is not None


def fold(text: str) -> str:
    """Lower case without accents."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return text.casefold()


def tokens(text: str) -> list[str]:
    """Words and numbers of `text`, folded: "Gate3 open, 1,200 m" gives gate, 3, open, 1200, m."""
    folded = fold(text)
    return _TOKEN.findall(_THOUSANDS.sub("", folded) if "," in folded else folded)


def runs(text: str) -> list[str]:
    """Unbroken runs of letters and digits of `text`, folded."""
    return _RUN.findall(fold(text))


def compact(text: str) -> str:
    """Letters and digits of `text` alone, folded: what is left when spaces cannot be trusted."""
    return "".join(runs(text))


def trigrams(text: str) -> list[str]:
    """Character trigrams of `compact(text)`; the whole of it if it is shorter."""
    joined = compact(text)
    return [joined[i : i + 3] for i in range(max(1, len(joined) - 2))] if joined else []


def bm25(counts: Sequence[Sequence[int]], lengths: Sequence[int], k1: float = 1.5, b: float = 0.75) -> Scores:
    """Relevance of N rows to a query, as a share of the highest that its terms allow.

    Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), eq. 3.15,
    with the non-negative idf log(1 + (N - n + .5) / (n + .5)), divided by the sum of all idf.

    Args:
        counts: for each query term, how often it occurs in each of N rows.
        lengths: length of each row, in terms.

    Returns:
        float64 [N] in [0, 1).
    """
    size = np.asarray(lengths, dtype=np.float64)
    total, best = np.zeros(len(size)), 0.0
    if not len(size):
        return total
    saturation = k1 * (1 - b + b * size / max(size.mean(), 1e-9))
    for term in counts:
        frequency = np.asarray(term, dtype=np.float64)
        idf = inverse_frequency(int(np.count_nonzero(frequency)), len(size))
        total += idf * frequency / (frequency + saturation + 1e-12)
        best += idf
    return total / best if best else total


def inverse_frequency(holders: int, rows: int) -> float:
    """The idf of a term that `holders` of `rows` rows hold; > 0."""
    return math.log1p((rows - holders + 0.5) / (holders + 0.5))


def rank(query: str, texts: Iterable[str]) -> Scores:
    """Relevance of each of N texts to the query: the mean of BM25 over words and over trigrams.

    Returns:
        float64 [N] in [0, 1).
    """
    held = list(texts)
    words = [tokens(text) for text in held]
    joined = ["".join(row) for row in words]
    asked = list(dict.fromkeys(tokens(query)))
    grams = list(dict.fromkeys(trigrams(query)))
    by_word = bm25([[row.count(word) for row in words] for word in asked], [len(row) for row in words])
    by_gram = bm25([[row.count(gram) for row in joined] for gram in grams], [len(row) for row in joined])
    return (by_word + by_gram) / 2


def within(a: str, b: str, edits: int) -> bool:
    """Whether `a` becomes `b` by at most `edits` insertions, deletions and substitutions of one character."""
    same = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        same += 1
    a, b = a[same:], b[same:]
    if not a or not b:
        return len(a) + len(b) <= edits
    if not edits or abs(len(a) - len(b)) > edits:
        return False
    return within(a[1:], b[1:], edits - 1) or within(a[1:], b, edits - 1) or within(a, b[1:], edits - 1)
