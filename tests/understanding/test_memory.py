"""The memory of observations: its budget, what it merges and what it forgets."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random
from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import ConfigError, StateError
from headrace.core.item import SECOND
from headrace.core.stateful import Snapshot, Stateful, load, save
from headrace.understanding.observation import Observation, format_span, format_time
from headrace.understanding.observations import SMALLEST, ObservationMemory, near_duplicate
from headrace.understanding.search import Query
from tests.clips.words import VOCABULARY
from tests.understanding.noise import recording


def line(name: str, text: str, at: float, *, weight: float = 1.0, score: float = 0.9) -> Observation:
    first = int(at * SECOND)
    return Observation(name, "text", "camera", text, first, first + SECOND, weight, None, score)


def stream(rows: int, seed: int) -> Iterator[Observation]:
    """A mix of new lines, lines that return, and events; every string and box is its own object."""
    rng, known = Random(seed), [""]
    for i in range(rows):
        at = i * SECOND // 2
        if i % 20 == 0:
            yield Observation(f"event-{i}", "event", "camera", "", at, at, thumbnail=f"event-{i}.jpg")
            continue
        text = " ".join(rng.choices(VOCABULARY, k=rng.randint(2, 7))) if rng.random() < 0.9 else rng.choice(known)
        known = [*known[-50:], text]
        x, y = rng.randint(300, 900), rng.randint(300, 700)
        box = (x, y, x + 300, y + 30)
        yield Observation(f"line-{i}", "text", "camera", text, at, at + SECOND, 1.0, box, rng.random())


def total(memory: ObservationMemory) -> float:
    return sum(row.weight for row in memory.rows()) + memory.forgotten_weight


def test_times_are_written_for_people() -> None:
    assert [format_time(s * SECOND) for s in (0, 41, 599, 3723, 360_000)] == [
        "0:00",
        "0:41",
        "9:59",
        "1:02:03",
        "100:00:00",
    ]
    assert format_time(41 * SECOND + 999_999_999) == "0:41"
    assert format_time(-5 * SECOND) == "-0:05"
    assert format_span(41 * SECOND, 49 * SECOND) == "0:41-0:49"
    assert format_span(41 * SECOND, 41 * SECOND + 5) == "0:41"


def test_a_budget_too_small_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 64000"):
        ObservationMemory(SMALLEST - 1)


def test_writing_an_id_again_extends_it() -> None:
    memory = ObservationMemory(SMALLEST)
    memory.write(line("a", "Slujce gate", 5, score=0.6))
    memory.write(line("a", "Sluice gatc", 7, weight=3, score=0.9))
    memory.write(line("a", "Sluice gate", 9, weight=2, score=0.7))  # the writer corrects itself
    (row,) = memory.rows()
    assert (row.text, row.first, row.last, row.weight) == ("Sluice gate", 5 * SECOND, 10 * SECOND, 3)
    assert memory.get("a") is row
    assert memory.get("b") is None


def test_the_writer_keeps_its_own_object() -> None:
    memory, own = ObservationMemory(SMALLEST), line("a", "one", 0)
    memory.write(own)
    own.text = "another and much longer"
    assert [row.text for row in memory.rows()] == ["one"]


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("Results table 4.2 of", "Resultstable4.2of", True),
        ("Quarterly revenue report", "Quarterly rcvenue report", True),
        ("Level 4.21 m", "Level 4.27 m", False),
        ("Level 4.21 m", "Level 42.1 m", False),
        ("Outside -5 C today", "Outside 5 C today", False),
        ("Sensor A is ready now", "Sensor B is ready now", False),
        ("Valve 3 is now open again", "Valve 3 is not open again", False),
        ("turn right at the bridge", "turn light at the bridge", False),
    ],
)
def test_near_duplicates_are_noise_not_other_facts(a: str, b: str, same: bool) -> None:
    assert near_duplicate(a, b) is same
    assert near_duplicate(b, a) is same


def fill(memory: ObservationMemory, seed: int) -> None:
    """Write until the budget was reached once."""
    rng, i = Random(seed), 0
    while memory.merged + memory.forgotten == 0:
        memory.write(line(f"fill-{i}", " ".join(rng.sample(VOCABULARY, 5)), 100 + i))
        i += 1


def test_duplicates_merge_before_anything_is_forgotten() -> None:
    memory = ObservationMemory(SMALLEST)
    memory.write(line("early", "Quarterly revenue report 2030", 0, weight=4, score=0.95))
    for i in range(400):
        memory.write(
            line(
                f"again-{i}",
                "Quarterlyrevenue report2030" if i % 2 else "Quarterly rcvenue report 2030",
                10 + i,
            )
        )
    rows = list(memory.rows())
    assert memory.forgotten == 0
    assert memory.merged == 401 - len(rows) > 200
    best = max(rows, key=lambda row: row.weight)
    assert (best.text, best.first) == ("Quarterly revenue report 2030", 0)
    assert total(memory) == 404


def test_a_merged_line_still_counts_what_its_tracker_adds() -> None:
    memory = ObservationMemory(SMALLEST)
    memory.write(line("old", "Sluice gate three", 0, weight=5))
    memory.write(line("new", "Sluicegate three", 10, weight=1))
    fill(memory, 1)
    row = memory.get("new")
    assert row is not None
    assert row.weight == 6
    memory.write(line("new", "Sluicegate three", 11, weight=3))
    merged = memory.get("new")
    assert merged is not None
    assert merged.weight == 8


def test_neighbouring_light_events_merge_and_heavy_and_recent_ones_stay() -> None:
    memory = ObservationMemory(SMALLEST)
    i = 0
    while memory.merged == 0:
        weight = 9.0 if i == 5 else 1.0
        memory.write(Observation(f"event-{i}", "event", "camera", "", i * SECOND, i * SECOND, weight))
        i += 1
    assert memory.forgotten == 0
    assert total(memory) == i + 8
    rows = sorted(memory.rows(), key=lambda row: row.first)
    assert {row.weight for row in rows} == {1.0, 2.0, 9.0}
    assert all(row.weight == 1 for row in rows if row.last > 0.8 * i * SECOND)
    assert all(a.last < b.first for a, b in pairwise(rows))


def test_the_light_and_old_are_forgotten_first() -> None:
    memory = ObservationMemory(SMALLEST)
    memory.write(line("heavy", "harbour warning level alpha", 0, weight=1000))
    memory.write(line("light", "something else entirely", 0))
    fill(memory, 2)
    assert memory.get("light") is None
    assert memory.get("heavy") is not None
    newest = max(memory.rows(), key=lambda row: row.last)
    assert newest.id == f"fill-{memory.written - 3}"


def test_a_very_long_text_is_cut() -> None:
    memory = ObservationMemory(SMALLEST)
    memory.write(line("long", "ж" * 1_000_000, 0))
    assert memory.nbytes() <= SMALLEST
    assert len(next(memory.rows()).text) == 2_000


@given(st.lists(st.tuples(st.integers(0, 30), st.text(max_size=400), st.floats(1, 5), st.booleans()), max_size=300))
def test_the_budget_holds_and_no_count_is_lost(writes: list[tuple[int, str, float, bool]]) -> None:
    memory = ObservationMemory(SMALLEST)
    expected = 0.0
    for i, (near, text, weight, event) in enumerate(writes):
        kind = "event" if event else "text"
        memory.write(Observation(f"{i}", kind, "camera", text * 3, (i - near) * SECOND, i * SECOND, weight))
        expected += weight
        assert memory.nbytes() <= memory.max_bytes()
    assert total(memory) == pytest.approx(expected)
    assert len(memory) + memory.merged + memory.forgotten == memory.written


@pytest.mark.parametrize("seed", [8, 9])
def test_an_id_counts_its_highest_weight_and_anew_once_its_row_is_gone(seed: int) -> None:
    memory, rng = ObservationMemory(SMALLEST), Random(seed)
    counted: dict[str, float] = {}
    expected, returned = 0.0, 0
    for i in range(3000):
        row = line(f"{rng.randint(i // 15, i // 10)}", " ".join(rng.choices(VOCABULARY[:40], k=2)), i)
        row.weight = float(rng.randint(1, 9))
        held = memory.get(row.id) is not None
        returned += row.id in counted and not held
        before = counted[row.id] if held else 0.0
        counted[row.id] = max(before, row.weight)
        expected += counted[row.id] - before
        memory.write(row)
    assert min(memory.merged, memory.forgotten, returned) > 0
    assert total(memory) == expected


def test_a_hundred_thousand_writes_stay_quick_and_within_budget() -> None:
    rows = list(stream(100_000, 3))
    memory = ObservationMemory(1_000_000)
    start = process_time()
    for row in rows:
        memory.write(row)
    assert process_time() - start < 5
    assert memory.nbytes() <= 1_000_000
    assert total(memory) == pytest.approx(100_000)


def test_real_memory_is_what_nbytes_says() -> None:
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        memory = ObservationMemory(1_000_000)
        for row in stream(8_000, 4):
            memory.write(row)
        held, peak = (size - before for size in tracemalloc.get_traced_memory())
    finally:
        tracemalloc.stop()
    assert memory.nbytes() / 2 < held < 1.2 * memory.nbytes()
    assert peak < 2 * memory.max_bytes()


def test_reading_changes_nothing() -> None:
    memory = ObservationMemory(1_000_000)
    for row in recording(1, slides=10).rows:
        memory.write(row)
    before = memory.snapshot()
    memory.read(Query("anything at all"), 0)
    assert memory.snapshot() == before


class Letters:
    """An encoder that counts letters."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        counts = np.array([[text.lower().count(c) + 0.01 for c in "abcdefgh"] for text in texts])
        return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float16)


def test_embeddings_are_counted_and_used() -> None:
    plain, embedded = ObservationMemory(SMALLEST), ObservationMemory(SMALLEST, Letters())
    for i, text in enumerate(["add bad", "beef", "cab", ""]):
        plain.write(line(str(i), text, i))
        embedded.write(line(str(i), text, i))
    assert embedded.nbytes() >= plain.nbytes() + 3 * 16
    view = embedded.read(Query("feeb"), 0)
    assert view.meaning is not None
    assert view.best(1)[0].text == "beef"
    assert view.meaning[3] == 0


def test_a_text_is_embedded_again_only_when_it_changes() -> None:
    class Counting(Letters):
        calls = 0

        def encode(self, texts: Sequence[str]) -> np.ndarray:
            self.calls += len(texts)
            return super().encode(texts)

    encoder = Counting()
    memory = ObservationMemory(SMALLEST, encoder)
    for at in range(5):
        memory.write(line("a", "beef", at))
    assert encoder.calls == 1
    memory.write(line("a", "cab", 5))
    assert encoder.calls == 2
    view = memory.read(Query("cab"), 0)
    assert view.meaning == pytest.approx([1], abs=1e-2)


@pytest.mark.parametrize("encoder", [None, Letters()])
def test_snapshot_restore_and_fork(encoder: Letters | None, tmp_path) -> None:
    memory = ObservationMemory(SMALLEST, encoder)
    assert isinstance(memory, Stateful)
    rows = list(stream(600, 5))
    for row in rows[:400]:
        memory.write(row)
    save(tmp_path / "memory.safetensors", memory.snapshot())
    restored = ObservationMemory(SMALLEST, encoder)
    restored.restore(load(tmp_path / "memory.safetensors"))
    forked, untouched = memory.fork(), memory.fork()
    assert restored.nbytes() == memory.nbytes()
    for row in rows[400:]:
        for each in (memory, restored, forked):
            each.write(row)
    assert same(memory.snapshot(), restored.snapshot())
    assert same(memory.snapshot(), forked.snapshot())
    assert untouched.written == 400
    memory.reset()
    assert (len(memory), memory.nbytes(), memory.written) == (0, 0, 0)
    with pytest.raises(StateError, match="snapshot is of"):
        memory.restore(Snapshot("other"))


def same(a: Snapshot, b: Snapshot) -> bool:
    return a.meta == b.meta and all(np.array_equal(a.arrays[key], b.arrays[key]) for key in a.arrays | b.arrays)


def test_a_smaller_memory_restores_what_fits() -> None:
    large, small = ObservationMemory(10 * SMALLEST), ObservationMemory(SMALLEST)
    for row in stream(700, 6):
        large.write(row)
    small.restore(large.snapshot())
    assert 0 < small.nbytes() <= SMALLEST
    assert total(small) == total(large)
