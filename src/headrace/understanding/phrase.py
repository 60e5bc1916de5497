"""Phrase: words of a question that bound the time, as marks to be found in a stream."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from headrace.understanding.search import compact, tokens

#: A clock time of a stream, m:ss or h:mm:ss; "10:30 am" is none.
CLOCK = r"(?:\b\d+:[0-5]\d(?::[0-5]\d)?(?![\d:]|\s*(?:[ap]\.?m\b|o'?clock)))"
#: The end of a clause that says that something was there no longer.
LEFT = re.compile(r"\s+(?:(?:is|was|has|had)\s+)?(?:gone|disappeared|vanished|went away)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mark:
    """A point in time, to be found in a stream: `offset` seconds after what `kind` names.

    Attributes:
        kind: "start" of the stream; "now", as far as it was watched; "opening" and "closing", where its
            beginning ends and its end begins; "share" of it (`value`, 0 to 1); the begin or the end of
            the "break"; or "seen", what `clause` says.
        edge: of "break" and "seen", whether the end is meant.
    """

    kind: Literal["start", "now", "opening", "closing", "share", "break", "seen"]
    offset: float = 0.0
    value: float = 0.0
    clause: str = ""
    edge: bool = False

    def moved(self, seconds: float) -> Mark:
        """The mark so many seconds later."""
        return Mark(self.kind, self.offset + seconds, self.value, self.clause, self.edge)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words of a question that bound the time; None is open.

    Attributes:
        since_open, until_open: whether the bound itself is left out.
    """

    words: str
    since: Mark | None = None
    until: Mark | None = None
    since_open: bool = False
    until_open: bool = False

    def verbatim(self, text: str) -> bool:
        """Whether a line says these very words, or the clock times among them: then they may not be time words."""
        clocks = re.findall(CLOCK, self.words)
        if clocks and self.words.split()[0].lower() in ("at", "around", "about"):
            return set(clocks) <= set(tokens(text))
        return compact(self.words) in compact(text)
