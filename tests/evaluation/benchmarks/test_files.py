"""Reading others' JSON: every error names the file, the entry and the field."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND
from headrace.evaluation.benchmark import Benchmark
from headrace.evaluation.benchmarks import files, known, open_benchmark
from headrace.evaluation.benchmarks.files import Entry, Unique, paths_of, read_list


def entry(**fields: object) -> Entry:
    return Entry("a.json, entry 3", fields)


def test_times_become_nanoseconds() -> None:
    one = entry(a=1.5, b="00:01:30", c="01:30.25", d=2, e="00:12450")
    assert one.seconds("a") == 1_500_000_000
    assert one.clock("b") == 90 * SECOND
    assert one.clock("c") == 90_250_000_000
    assert one.clock("d") == 2 * SECOND
    assert one.clock("e") == 12450 * SECOND


@pytest.mark.parametrize(
    ("reader", "value", "words"),
    [
        ("text", 3, "not a text"),
        ("text", None, "is missing"),
        ("number", "3", "not a finite number"),
        ("number", float("nan"), "NaN"),
        ("number", 10**400, "not a finite number"),
        ("number", True, "not a finite number"),
        ("whole", 1.5, "not a whole number"),
        ("flag", 1, "not true or false"),
        ("seconds", -1, "not a time"),
        ("seconds", 1e300, "not a time"),
        ("clock", "soon", "not a time"),
        ("clock", "1:2:3:4", "not a time"),
        ("texts", ["a", 1], "field[1]"),
        ("texts", "abc", "not a list"),
        ("child", [], "not an object"),
        ("children", [{}, 1], "field[1]"),
    ],
)
def test_a_field_of_another_type_is_named(reader: str, value: object, words: str) -> None:
    with pytest.raises(InputError, match=r"a\.json, entry 3") as caught:
        getattr(entry(field=value), reader)("field")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_long_value_is_not_printed_in_full() -> None:
    with pytest.raises(InputError) as caught:
        entry(field="x" * 10_000).whole("field")
    assert len(str(caught.value)) < 200


def test_lines_are_entries_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n{"a": 2}\n')
    assert [(one.where, one.whole("a")) for one in read_list(path)] == [("a.jsonl, line 1", 1), ("a.jsonl, line 3", 2)]
    path.write_text('{"a": 1}\n{"a": \n')
    with pytest.raises(InputError, match=r"a\.jsonl, line 2: is no whole JSON"):
        read_list(path)


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST", 2)
    path = tmp_path / "a.json"
    path.write_text("[{}, {}, {}]")
    with pytest.raises(InputError, match="more than 2 entries"):
        read_list(path)


def test_a_folder_stands_for_its_files(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", "c.txt"):
        tmp_path.joinpath(name).write_text("[]")
    assert [one.name for one in paths_of(tmp_path, ".json")] == ["a.json", "b.json"]


def test_an_id_comes_once() -> None:
    ids = Unique()
    ids.add("7", "entry 1")
    with pytest.raises(InputError, match="entry 4: id '7' is that of entry 1 too"):
        ids.add("7", "entry 4")


@pytest.mark.parametrize("name", ["ovobench", "streamingbench", "streameqa", "streamgaze"])
def test_known_benchmarks_open(name: str) -> None:
    assert known()[name].startswith("headrace.evaluation.benchmarks.")
    made = open_benchmark(name)
    assert isinstance(made, Benchmark)
    assert made.name == name


def test_an_unknown_benchmark_is_suggested() -> None:
    with pytest.raises(ConfigError, match="did you mean"):
        open_benchmark("streamingbensh")
