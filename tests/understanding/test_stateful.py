"""What a reader of text remembers goes along with it. The laws run over its parts in tests/laws."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.core.stateful import load, save
from headrace.state.laws import marks
from headrace.understanding.reader import TextReader
from headrace.understanding.reading import Reading
from tests.laws.seen import judged, sightings
from tests.understanding.pictures import SIZE, noisy, page


def test_a_restored_reader_reads_as_the_one_that_was_saved(tmp_path: Path) -> None:
    """What was read when it was clear is known again under noise, and by the restored reader too."""
    pytest.importorskip("rapidocr")
    whole, clear = (0, 0, *SIZE), page(("Sluice gate 3", (20, 60)), ("Water level", (20, 130)))
    first, restored, other = TextReader(), TextReader(), TextReader()
    read = list(first.read(clear, whole))
    save(tmp_path / "state", first.snapshot())
    assert len(read) == 2
    assert first.nbytes() > 0
    list(other.read(page(("Another page", (20, 90))), whole))
    for reader in (restored, other):
        reader.restore(load(tmp_path / "state"))
        assert marks(reader) == marks(first)
        assert reader.nbytes() == first.nbytes()
    for seed in range(3):
        again = noisy(clear, 3.0, seed)
        assert list(restored.read(again, whole)) == list(other.read(again, whole)) == list(first.read(again, whole))
    assert marks(restored) == marks(first)
    restored.reset()
    assert restored.nbytes() == 0
    assert marks(restored) == marks(TextReader())


def test_reading_takes_the_state_of_its_reader_along(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr")
    original = Reading(TextReader())
    for moment in judged()[:12]:
        list(original.step(moment))
    assert original.snapshot().part("reader").meta["lines"]
    save(tmp_path / "state", original.snapshot())
    restored = Reading(TextReader())
    restored.restore(load(tmp_path / "state"))
    assert marks(restored) == marks(original)
    assert restored.nbytes() == original.nbytes()
    for moment in judged()[12:24]:
        assert sightings(restored.step(moment)) == sightings(original.step(moment))
    assert marks(restored) == marks(original)
