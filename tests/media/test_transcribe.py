"""From stretches of speech to what was said."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.core.errors import StateError
from headrace.core.item import SECOND, Item, emission_id
from headrace.core.stateful import Snapshot, Stateful
from headrace.media.heard import Utterance
from headrace.media.recognise import Phrase
from headrace.media.transcribe import Said, Transcribe


class Fixed:
    """Says the same phrases of every stretch."""

    name = "fixed:one"

    def __init__(self, *phrases: Phrase) -> None:
        self.phrases = phrases

    def transcribe(self, samples: np.ndarray, rate: int) -> list[Phrase]:
        assert (samples.dtype, rate) == (np.float32, 16_000)
        return list(self.phrases)


def speech(first: int, last: int) -> Item:
    name = emission_id("hall", "speech", first, 0)
    data = Utterance(name, first, last, 0.8, np.zeros(16, dtype=np.float32))
    return Item(first, "speech", data, arrival=9, source="hall")


def test_without_a_recogniser_speech_has_no_words() -> None:
    item = speech(2 * SECOND, 5 * SECOND)
    (made,) = Transcribe().step(item)
    assert (made.kind, made.pts, made.source, made.arrival) == ("said", 2 * SECOND, "hall", 9)
    assert made.data == Said(item.data.id, 2 * SECOND, 5 * SECOND, "", 0.8, "")


def test_without_words_the_speech_is_told_still() -> None:
    item = speech(0, SECOND)
    (made,) = Transcribe(Fixed()).step(item)
    assert made.data == Said(item.data.id, 0, SECOND, "", 0.8, "fixed:one")


def test_phrases_have_their_own_times_and_names() -> None:
    item = speech(2 * SECOND, 5 * SECOND)
    by = Fixed(Phrase("one", 0.25, 1.0, 0.9), Phrase("two", 1.5, 9.0, 0.7), Phrase("three", 9.0, 9.5, 0.6))
    made = list(Transcribe(by).step(item))
    names = [item.data.id, *(emission_id("hall", "speech", 2 * SECOND, i) for i in (1, 2))]
    spans = [(2.25, 3.0), (3.5, 5.0), (5.0, 5.0)]
    words = [("one", 0.9), ("two", 0.7), ("three", 0.6)]
    expected = [
        Said(name, int(first * SECOND), int(last * SECOND), text, score, "fixed:one")
        for name, (first, last), (text, score) in zip(names, spans, words, strict=True)
    ]
    assert [one.data for one in made] == expected
    assert [one.pts for one in made] == [said.first for said in expected]
    assert len({said.id for said in expected}) == 3


def test_other_items_pass_as_they_are() -> None:
    item = Item(5, "video", object())
    (same,) = Transcribe(Fixed(Phrase("one", 0, 1, 1))).step(item)
    assert same is item


def test_it_remembers_nothing() -> None:
    op = Transcribe(Fixed())
    assert isinstance(op, Stateful)
    list(op.step(speech(0, SECOND)))
    assert op.snapshot() == Transcribe().snapshot()
    op.restore(op.fork().snapshot())
    assert op.nbytes() == op.max_bytes() == 0
    with pytest.raises(StateError):
        op.restore(Snapshot("hold"))
