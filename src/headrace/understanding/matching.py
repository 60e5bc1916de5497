"""How surely a line of recognised text holds the words of a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from headrace.understanding.search import LOOK_ALIKE, Scores, runs, tokens, within

#: How sure a match is: the word itself; the word inside a run of letters; the word but for an edit.
EXACT, JOINED, NOISY = 1.0, 0.85, 0.75

_FUNCTION = """
a about above after again all also am an and any anyone anything anywhere are around as at be
because been before being below between but by can could did do does doing done during each either
else ever every for from get gets got had has have having he her here hers him his how i if in into
is it its itself just let like may me might mine more most much my of off on once one ones only or
other our ours out over own per please same she should since so some someone something somewhere
such tell than that the their them then there these they this those through to too under until up
upon us very was we were what when where whether which while who whom whose why will with would you
your yours appear appeared appearing appears ask comes came contain contained contains display
displayed displays exist find found give given happen happened happening happens hear heard hears long many mention
mentioned mentions occur occurred occurs often read reads refer referred said saw say says screen
see seen show showed showing shown shows spoken stand stands stated talked talking video visible watch write
written
"""
_STATE = "on off above below under over before after up down in out all more most"
_SOFT = """
amount colour color date figure information kind label level line message name notice number page
percentage price quantity sign size slide status text time title topic type value word words
"""
_SAYING = """
hear heard mention mentioned mentions said say says speak spoke spoken talk talked talking tell told
"""
_SPEAKERS = """
anchor announcer host lecturer man moderator narrator people person presenter professor reporter speaker
teacher voice woman
"""
_GENERAL = """
audio event everything first last line list next picture scene sentence sound speak speech spoke summarise
summarize talk text thing word
"""


#: Words that name a state: in what is waited for they are content.
STATE_WORDS = frozenset(_STATE.split())
#: What turns a word into its opposite when it stands before it, with look-alike letters made one.
NEGATING = tuple(prefix.translate(LOOK_ALIKE) for prefix in ("un", "in", "im", "ir", "il", "dis", "non", "de", "mis"))
#: Words by which a question asks for what was said.
SAYING = frozenset(_SAYING.split())
#: Words for who said it, which before such a word need not be shown or said themselves.
SPEAKERS = frozenset(_SPEAKERS.split())
#: Words that name what is remembered at large: "which lines were shown", "what events happened".
GENERAL = frozenset(_GENERAL.split())
#: Words of a question that ask but name nothing.
FUNCTION_WORDS = frozenset(_FUNCTION.split())
#: Words that may name a kind of thing without being shown themselves ("the value of …").
SOFT_WORDS = frozenset(_SOFT.split())


@dataclass(slots=True)
class Term:
    """A content word or number of a question: folded, without a plural s.

    Attributes:
        soft: it may name a kind of thing without being shown itself.
        joins: the question's runs of words that it is part of, without their spaces.
        number: it is a number.
        wholes: its joins, and itself if it may be such a run that lost its spaces.
        look: the word with look-alike letters made one.
        edits: wrong letters that are forgiven: 1 from five letters on, 2 from ten.
        pieces: edits + 1 parts of `look`; one of them is intact wherever the word is.
    """

    text: str
    soft: bool = False
    joins: tuple[str, ...] = ()
    number: bool = field(init=False)
    wholes: tuple[str, ...] = field(init=False)
    look: str = field(init=False)
    edits: int = field(init=False)
    pieces: list[str] = field(init=False)

    def __post_init__(self) -> None:
        size = len(self.text)
        self.number = self.text[0].isdigit()
        self.wholes = self.joins if self.number or size < 6 else (self.text, *self.joins)
        self.look = self.text.translate(LOOK_ALIKE)
        self.edits = 2 if size >= 10 else 1 if size >= 5 else 0
        cuts = [i * size // (self.edits + 1) for i in range(self.edits + 2)]
        self.pieces = [self.look[a:b] for a, b in pairwise(cuts)]


def content(question: str, keep: frozenset[str] = frozenset()) -> list[Term]:
    """The content words and numbers of a question, each once; all its words if none has content.

    Args:
        keep: function words that are content here.
    """
    asked = tokens(question)
    words = [word for word in dict.fromkeys(asked) if word not in FUNCTION_WORDS - keep]
    kept = [word for word in words if len(stem(word)) > 1 or not word.isascii() or word.isdigit()]
    groups = _groups(asked) if words == asked else [*_groups(asked), *_groups(words)]
    speakers = {word for word, verb in pairwise(asked) if word in SPEAKERS and verb in SAYING}
    soft = SOFT_WORDS | {stem(word) for word in speakers}
    joins: dict[str, list[str]] = {}
    for word in kept or words or dict.fromkeys(asked):
        joins.setdefault(stem(word) if words else word, []).extend(joined for group, joined in groups if word in group)
    return [Term(word, word in soft, tuple(dict.fromkeys(joined))) for word, joined in joins.items()]


def names_something(question: str) -> bool:
    """Whether a question has words to look for, besides those that only ask."""
    words = [word for word in tokens(question) if len(word) > 1 or not word.isalpha() or not word.isascii()]
    return any(stem(word) not in GENERAL and word not in FUNCTION_WORDS for word in words)


def chain(words: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Words and numbers without spaces, and where each begins and ends.

    Clock times lose their colon; numbers that meet are parted by "|". So is a number with a decimal point
    from everything: without the point it would be another number.
    """
    text, places = "", []
    for word in words:
        if word[0].isdigit():
            plain = word.replace(":", "")
            bare = not plain.isdigit()
            text += "|" if bare or text[-1:].isdigit() else ""
            word = f"{plain}|" if bare else plain
        places.append((len(text), len(text) + len(word.rstrip("|"))))
        text += word
    return text, places


def _groups(words: Sequence[str]) -> list[tuple[Sequence[str], str]]:
    """Two or three neighbouring words and what they are without spaces, where that is six letters or more.

    "In active" is not "inactive".
    """
    text, places = chain(words)
    whole = [not _negated((word,)) for word in words]
    return [
        (words[at : at + size], joined)
        for size in (2, 3)
        for at in range(len(words) - size + 1)
        if all(whole[at : at + size])
        and len(joined := text[places[at][0] : places[at + size - 1][1]]) >= 6
        and "|" not in joined
        and not joined.isdigit()
    ]


def _negated(words: Sequence[str]) -> bool:
    return any(word.translate(LOOK_ALIKE) in NEGATING for word in words)


def stem(word: str) -> str:
    """The word without its plural ending (Harman, "How effective is suffixing?", 1991, the S stemmer)."""
    if len(word) > 4 and word.endswith("ies") and word[-4] not in "ae":
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and word[-2] not in "us":
        return word[:-1]
    return word


class Line:
    """A line prepared for matching."""

    __slots__ = ("_chain", "_plain", "look", "runs", "stems", "words")

    def __init__(self, text: str) -> None:
        self.words = words = tokens(text)
        self._plain = "".join(words).replace(":", "")
        self._chain: tuple[str, list[tuple[int, int]]] | None = None
        self.stems = {stem(word) for word in words}
        self.runs = list(dict.fromkeys(runs(text) + words))  # "table4" also as "table"
        self.look = " ".join(self.runs).translate(LOOK_ALIKE)

    def match(self, term: Term) -> float:
        """How surely the line holds the term: 0, `NOISY`, `JOINED` or `EXACT`.

        Numbers match only themselves. A word of four letters or more is also found run together with
        others, and one of five or more with an edit (two from ten letters on) at the beginning or end of
        a run; what is left of the run must be long enough to be words of its own. Where line or question
        dropped the spaces between words and numbers, they match as one.
        """
        word, look = term.text, self.look
        if word in self.stems:
            return EXACT
        for joined in term.wholes:
            if joined in self._plain and self.holds(joined):
                return JOINED
        if term.number or (len(word) < 4 and word.isascii()):
            return 0.0
        for piece in term.pieces:
            if piece in look:
                break
        else:
            return 0.0
        if any(_run_together(word, run) for run in self.runs if word in run):
            return JOINED
        return NOISY if any(_misread(term.look, run, term.edits) for run in look.split()) else 0.0

    def holds(self, joined: str) -> bool:
        """Whether neighbouring words of the line, without their spaces, are `joined`; not function words alone."""
        if joined not in self._plain:
            return False
        if self._chain is None:
            self._chain = chain(self.words)
        text, places = self._chain
        starts, ends = [start for start, _ in places], [end for _, end in places]
        at = text.find(joined)
        while at >= 0:
            if at in starts and at + len(joined) in ends:
                span = self.words[starts.index(at) : ends.index(at + len(joined)) + 1]
                return len(span) == 1 or not (_negated(span) or FUNCTION_WORDS.issuperset(span))
            at = text.find(joined, at + 1)
        return False


def _run_together(word: str, run: str) -> bool:
    """Whether `run` may be `word` and other words: what is left on either side is nothing or two letters.

    "unlocked" is not "locked" and something else.
    """
    before, _, after = run.partition(word)
    negated = before.translate(LOOK_ALIKE).endswith(NEGATING)
    return not negated and len(before) != 1 and len(after) != 1


def _misread(word: str, run: str, edits: int) -> bool:
    """Whether `run` is `word` up to `edits`, or begins or ends with it up to letters replaced.

    What is left of the run must be three letters or more. A word of less than seven letters must keep
    its first letter: most words that differ in one letter differ in that one. An opposite is not a misreading.
    """
    size = len(word)
    if abs(len(run) - size) <= edits:
        parts = [run]
    elif len(run) >= size + 3:
        parts = [run[:size]] if run[:-size].endswith(NEGATING) else [run[:size], run[-size:]]
    else:
        return False
    return any(
        (part[0] == word[0] or size >= 7) and within(word, part, edits) and not _opposite(word, part) for part in parts
    )


def _opposite(a: str, b: str) -> bool:
    """Whether two words differ in nothing but a negating prefix: complete, incomplete."""
    return a != b and not _bare(a).isdisjoint(_bare(b))


def _bare(word: str) -> set[str]:
    """The word, and the word without each negating prefix that it may begin with."""
    return {word, *(word.removeprefix(prefix) for prefix in NEGATING)}


def bearing(terms: Sequence[Term], surety: Scores) -> Scores:
    """[K, 1]: 1.0 for each of K rows that holds a word among the T terms, or if all are numbers; else 0.0."""
    words = np.array([not term.number for term in terms])
    bears = (surety[:, words] > 0).any(axis=1, keepdims=True)
    return np.where(bears | ~words.any(), 1.0, 0.0)
