"""Text that no file name and no UTF-8 can hold, at every place of every benchmark's files: one line, or no harm."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from headrace.core.errors import InputError
from headrace.evaluation.benchmark import Stream, tasks
from headrace.evaluation.benchmarks import known, open_benchmark
from tests.evaluation.benchmarks.bad import SAMPLES

HOSTILE = ("a\ud800", "a\0b")
#: Keys and list places that lead to a value.
Place = tuple[Any, ...]


def places(value: Any, before: Place = ()) -> Iterator[Place]:
    """Of every text and every key, the first of each field."""
    if isinstance(value, str):
        yield before
    if isinstance(value, dict):
        for key, part in value.items():
            yield (*before, key, None)
            yield from places(part, (*before, key))
    if isinstance(value, list):
        for index, part in enumerate(value):
            yield from places(part, (*before, index))


def put(value: Any, place: Place, text: str) -> Any:
    """A copy with the text at the place, or as the key if the place ends in None."""
    if not place:
        return text
    made = value.copy()
    if place[1:] == (None,):
        made[text] = made.pop(place[0])
    else:
        made[place[0]] = put(made[place[0]], place[1:], text)
    return made


def read(path: Path) -> Any:
    text = path.read_text()
    return [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else json.loads(text)


def write(path: Path, value: Any) -> None:
    lines = [json.dumps(one) for one in value] if path.suffix == ".jsonl" else [json.dumps(value)]
    path.write_text("".join(f"{line}\n" for line in lines))


def given(folder: Path) -> Path:
    """What is named on the command line: a file that stands alone, else the folder."""
    held = list(folder.iterdir())
    return held[0] if len(held) == 1 and held[0].is_file() else folder


def hostile(folder: Path) -> Iterator[str]:
    """Damages one field of one file of a folder at a time, and says which."""
    for path in sorted(one for one in folder.rglob("*") if one.suffix in (".json", ".jsonl")):
        whole, text, seen = read(path), path.read_text(), set()
        for place in places(whole):
            field = tuple(step for step in place if not isinstance(step, int))
            if field in seen:
                continue
            seen.add(field)
            for bad in HOSTILE:
                write(path, put(whole, place, bad))
                yield f"{path.name} {place} {bad!r}"
        path.write_text(text)


def expect_one_line(error: InputError, where: str) -> None:
    line = str(error)
    assert line.encode(), where
    assert not {"\n", "\0"} & set(line), where


def expect_harmless(streams: Sequence[Stream], where: str) -> None:
    names = [name for stream in streams for name in (stream.id, stream.media)]
    names += [text for _, task in tasks(streams) for text in (task.id, task.kind, task.prompt)]
    assert "\0" not in "".join(names).encode().decode(), where


@pytest.mark.parametrize("name", known())
def test_annotations(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(SAMPLES / name, folder)
    bench = open_benchmark(name)
    assert bench.load(given(folder))
    for where in hostile(folder):
        try:
            streams = bench.load(given(folder))
            bench.blind(streams)
        except InputError as error:
            expect_one_line(error, where)
        else:
            expect_harmless(streams, where)


@pytest.mark.parametrize("name", [name for name in known() if (SAMPLES / f"{name}-responses").is_dir()])
def test_responses(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "responses"
    shutil.copytree(SAMPLES / f"{name}-responses", folder, ignore=shutil.ignore_patterns("unified.jsonl"))
    bench = open_benchmark(name)
    streams = bench.load(given(SAMPLES / name))
    assert bench.responses([given(folder)], streams)
    for where in hostile(folder):
        try:
            bench.responses([given(folder)], streams)
        except InputError as error:
            expect_one_line(error, where)


def test_ids_that_are_lines_of_text(tmp_path: Path) -> None:
    path = tmp_path / "RNG.txt"
    path.write_text("data/caption_videos/a\0b.mp4\nTimestamp: 00:00:00 Caption: A lamp.\n")
    with pytest.raises(InputError, match=r"RNG\.txt.*id .*holds characters that no file name can"):
        open_benchmark("livestar").load(path)
