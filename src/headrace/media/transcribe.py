"""Transcribe: stretches of speech become what was said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from headrace.core.item import SECOND, Item, emission_id
from headrace.core.op import Op
from headrace.core.stateful import Snapshot
from headrace.media.heard import Utterance
from headrace.media.recognise import Phrase, Recogniser


@dataclass(frozen=True, slots=True)
class Said:
    """A phrase, or a stretch of speech without words.

    Attributes:
        id: stable name; the first of an utterance has the utterance's.
        first: media time in ns at which it begins.
        last: media time in ns at which it ends.
        text: the words; "" where there was speech, but no words are known.
        score: 0..1: the recogniser's, or that of the speech where there are no words.
        by: name of the recogniser; "" if there was none.
    """

    id: str
    first: int
    last: int
    text: str
    score: float
    by: str


class Transcribe(Op):
    """Items "speech" (an `Utterance`) in; for each, items "said" (a `Said` a phrase) out, at the phrase's first time.

    Without a recogniser, or where it finds no words, an utterance becomes one `Said` without text. Items of other
    kinds pass. Stateful: nothing is remembered between utterances.

    Args:
        recogniser: of this session alone; None tells when somebody spoke, not what.
    """

    holds_back = False

    def __init__(self, recogniser: Recogniser | None = None) -> None:
        self.recogniser = recogniser

    def step(self, item: Item) -> Iterable[Item]:
        return self._said(item) if item.kind == "speech" else (item,)

    def _said(self, item: Item) -> Iterator[Item]:
        speech: Utterance = item.data
        by = self.recogniser.name if self.recogniser is not None else ""
        phrases = self.recogniser.transcribe(speech.samples, speech.rate) if self.recogniser is not None else []
        if not phrases:
            said = Said(speech.id, speech.first, speech.last, "", speech.score, by)
            yield Item(speech.first, "said", said, item.arrival, item.epoch, item.source)
        for ordinal, phrase in enumerate(phrases):
            first, last = _times(phrase, speech.first, speech.last)
            name = emission_id(item.source, "speech", speech.first, ordinal) if ordinal else speech.id
            said = Said(name, first, last, phrase.text, phrase.score, by)
            yield Item(first, "said", said, item.arrival, item.epoch, item.source)

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        return Snapshot("transcribe")

    def restore(self, snapshot: Snapshot) -> None:
        snapshot.expect("transcribe")

    def fork(self) -> Self:
        return type(self)(self.recogniser)

    def nbytes(self) -> int:
        return 0

    def max_bytes(self) -> int:
        return 0


def _times(phrase: Phrase, first: int, last: int) -> tuple[int, int]:
    """When a phrase began and ended in ns, within its utterance."""
    start = min(first + max(round(phrase.start_s * SECOND), 0), last)
    return start, min(max(first + round(phrase.end_s * SECOND), start), last)
