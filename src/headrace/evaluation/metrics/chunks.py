"""Chunks: stretches of speech, laid out over the exchanges that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from headrace.core.errors import InputError
from headrace.core.item import Emission
from headrace.evaluation.benchmark import text_of
from headrace.evaluation.metrics.heard import spoken_until
from headrace.evaluation.metrics.text import normalise
from headrace.evaluation.truth import Exchange

#: A word with the times between which it is spoken, ns.
Word = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Chunk:
    """One stretch of speech.

    Attributes:
        start, end: when it is spoken, ns.
        text: what is said.
        words: the same with times between `start` and `end`, where they are known.
        cut: an interruption ended it.
    """

    start: int
    end: int
    text: str
    words: tuple[Word, ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Laid:
    """What was said in one exchange.

    Attributes:
        exchange: the exchange.
        spoken: whole chunks, in order of time.
        early: what was said before the answer could be known.
        core: what was said from then on.
    """

    exchange: Exchange
    spoken: list[Chunk] = field(default_factory=list)
    early: list[Chunk] = field(default_factory=list)
    core: list[Chunk] = field(default_factory=list)

    @property
    def spill(self) -> int:
        """ns spoken past the end of the exchange."""
        return max((chunk.end for chunk in self.spoken), default=self.exchange.end) - self.exchange.end


def chunks(emitted: Sequence[Emission]) -> list[Chunk]:
    """Emissions as speech: from `t_emit` to `end` (at once if it ends by then), in order of time.

    Words are taken from a content that has "words": a list of [text, start, end] with times in ns, which are moved to
    the next time at which the emission is spoken where they lie outside.

    Raises:
        InputError: words of another form, or others than those of the text (case, spaces and punctuation aside).
    """
    spoken = [
        Chunk(one.t_emit, spoken_until(one), text_of(one), _words(one, one.t_emit, spoken_until(one)), one.cancelled)
        for one in sorted(emitted, key=lambda one: (one.t_emit, one.end, one.id))
    ]
    return sorted(spoken, key=lambda chunk: (chunk.start, chunk.end))


def undivided(spoken: Sequence[Chunk]) -> list[Chunk]:
    """Chunks without their words: all of each counts from when it left, whatever its words claim."""
    return [replace(chunk, words=()) for chunk in spoken]


def lay_out(spoken: Sequence[Chunk], exchanges: Sequence[Exchange]) -> tuple[list[Laid], list[Chunk]]:
    """Each chunk to the exchange [start, end) in which it begins, the latest-starting of several; the rest apart.

    A chunk is early if it begins before `t_answer`. One that is spoken across it is divided there, word by word, where
    the times of its words are known. Chunks that were cut count in interrupted exchanges alone: elsewhere they never
    reached anyone.

    Returns:
        what was said in each exchange, in the order given, and the chunks that begin in none.
    """
    laid = [Laid(exchange) for exchange in exchanges]
    loose = []
    for chunk in sorted(spoken, key=lambda chunk: (chunk.start, chunk.end)):
        holding = [index for index, one in enumerate(exchanges) if one.start <= chunk.start < one.end]
        if not holding:
            if not chunk.cut:
                loose.append(chunk)
            continue
        slot = laid[max(holding, key=lambda index: (exchanges[index].start, index))]
        if chunk.cut and not slot.exchange.interrupted:
            continue
        slot.spoken.append(chunk)
        for part in _divided(chunk, slot.exchange.t_answer):
            (slot.early if part.start < slot.exchange.t_answer else slot.core).append(part)
    return laid, loose


def said(parts: Sequence[Chunk]) -> str:
    """The texts, one behind the other."""
    return " ".join(text for part in parts if (text := part.text.strip()))


def _divided(chunk: Chunk, at: int) -> list[Chunk]:
    before = tuple(word for word in chunk.words if word[1] < at)
    behind = tuple(word for word in chunk.words if word[1] >= at)
    if not chunk.start < at < chunk.end or not before or not behind:
        if chunk.words and behind and not before and chunk.start < at:
            return [_of(chunk, behind)]
        return [chunk]
    return [_of(chunk, before), _of(chunk, behind)]


def _of(chunk: Chunk, words: tuple[Word, ...]) -> Chunk:
    return Chunk(words[0][1], words[-1][2], " ".join(text for text, _, _ in words), words, chunk.cut)


def _words(emission: Emission, since: int, until: int) -> tuple[Word, ...]:
    content = emission.content
    if not isinstance(content, dict) or "words" not in content:
        return ()
    try:
        made = [(str(text), int(start), int(end)) for text, start, end in content["words"]]
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"emission {emission.id}: its words are no [text, start, end] with times in ns") from None
    if made and normalise("".join(text for text, _, _ in made)) != normalise(text_of(emission)):
        raise InputError(f"emission {emission.id}: its words are not those of its text; give both alike, or the text")
    return tuple((text, _within(start, since, until), _within(end, since, until)) for text, start, end in made)


def _within(t: int, since: int, until: int) -> int:
    return min(max(t, since), until)
