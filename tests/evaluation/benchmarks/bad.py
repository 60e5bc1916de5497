"""Damaged copies of sample files, and what must be true of the error that each causes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from headrace.core.errors import InputError
from headrace.evaluation.benchmark import Benchmark
from headrace.evaluation.benchmarks.files import LARGEST

SAMPLES = Path(__file__).parent / "samples"
#: Changes the value of a JSON file in place, or returns another.
Damage = Callable[[Any], Any]


def damaged(sample: Path, folder: Path, damage: Damage) -> Path:
    """A copy of a sample, changed."""
    value = json.loads(sample.read_text())
    other = damage(value)
    path = folder / sample.name
    path.write_text(json.dumps(value if other is None else other))
    return path


def refused(benchmark: Benchmark, path: Path, *words: str) -> None:
    """Loading fails with one line that has all the words, the name of the file among them."""
    with pytest.raises(InputError) as caught:
        benchmark.load(path)
    line = str(caught.value)
    assert "\n" not in line
    for word in (path.name, *words):
        assert word in line, line


def refuses_unreadable(benchmark: Benchmark, sample: Path, folder: Path) -> None:
    """What is wrong with a file as a whole: it is cut, no text, no list, too deep, too large, missing, empty."""
    path = folder / sample.name
    text = sample.read_text()
    cases: Sequence[tuple[bytes, str]] = (
        (text[: len(text) // 2].encode(), "no whole JSON"),
        (b"\xff\xfe\x00junk", "no text in UTF-8"),
        (b'{"a": 1}', "not a list"),
        (b"[1]", "not an object"),
        (b"[" * 200_000, "nested too deeply"),
    )
    for data, words in cases:
        path.write_bytes(data)
        refused(benchmark, path, *([] if words in ("not a list", "not an object") else [words]))
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)
    refused(benchmark, path, "above the limit")
    path.unlink()
    refused(benchmark, path, "cannot be read")
    empty = folder / "empty"
    empty.mkdir()
    refused(benchmark, empty, "holds no file")
