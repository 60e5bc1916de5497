from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core import (
    MS,
    CapacityError,
    Emission,
    Graph,
    InputError,
    Item,
    ProfileClock,
    Threads,
    Trace,
    emission_id,
    read_trace,
)
from headrace.core.trace import TYPES

#: JSON nested more deeply than Python reads.
DEEP = b"[" * 200_000 + b"\n"


def emission(pts: int = 0, content: object = "a") -> Emission:
    return Emission(emission_id("s", "text", pts), "text", content, pts, pts, pts + 1, pts, "s")


def fill(trace: Trace) -> None:
    for pts in range(10_000):
        trace.emit(emission(pts))


def write(path: Path, count: int = 3, content: object = "a") -> list[dict]:
    trace = Trace(path, {"stream": "s", "seed": 7})
    for pts in range(count):
        trace.item(pts, Item(pts, "video", None, source="s"))
        trace.emit(emission(pts, content))
    trace.end(count, drops={}, errors={})
    trace.close()
    return list(read_trace(path))


def test_records_have_the_fields_that_are_documented(tmp_path):
    clock = ProfileClock({"model": 5 * MS})
    with_steps = Trace(tmp_path / "steps", {"clock": "profile"})
    graph = Graph(clock, trace=with_steps)
    graph.sink(lambda _: None, graph.source([Item(3, "n", 0, arrival=MS)], "cam"), on=Threads(), name="model")
    graph.run()
    with_steps.close()
    header, step = read_trace(tmp_path / "steps")
    assert (header["type"], header["format"], header["clock"]) == ("header", 1, "profile")
    expected = {"t0": MS, "t1": 6 * MS, "stage": "model", "source": "cam", "pts": 3, "out": 0}
    assert step == {"type": "step", **expected}

    records = write(tmp_path / "trace", 1)
    assert [record["type"] for record in records] == ["header", "in", "emit", "end"]
    assert records[0]["seed"] == 7
    assert records[1] == {"type": "in", "t": 0, "source": "s", "kind": "video", "pts": 0}
    fields = {"id", "kind", "content", "start", "end", "t_emit", "t_input", "source", "cancelled", "cause"}
    assert records[2].keys() == {"type"} | fields
    assert records[3] == {"type": "end", "t": 1, "drops": {}, "errors": {}}
    assert {record["type"] for record in records} | {"step", "mark", "resume"} == TYPES


@given(st.integers(300, 3000), st.lists(st.text(max_size=30), min_size=1, max_size=60))
def test_rotation_stays_within_its_bytes_and_loses_only_the_oldest(tmp_path_factory, max_bytes, contents):
    path = tmp_path_factory.mktemp("t") / "trace"
    older = path.with_name("trace.1")
    trace = Trace(path, {"stream": "s"}, max_bytes=max_bytes)
    written = []
    for pts, content in enumerate(contents):
        try:
            trace.emit(emission(pts, content))
        except CapacityError as refused:
            assert "does not fit" in str(refused)  # noqa: PT017  a record may be too large for so small a bound
            continue
        written.append(content)
        trace.sync()
        assert path.stat().st_size + (older.stat().st_size if older.exists() else 0) <= max_bytes
    trace.close()
    parts = [list(read_trace(part)) for part in (older, path) if part.exists()]
    assert all(part[0] == parts[0][0] for part in parts), "each file begins with the same header"
    kept = [record["content"] for part in parts for record in part[1:]]
    assert kept == written[len(written) - len(kept) :]
    assert len(kept) == len(written) or older.exists()


def test_a_header_beyond_the_bound(tmp_path):
    with pytest.raises(CapacityError, match="does not fit"):
        Trace(tmp_path / "trace", {"stream": "s" * 500}, max_bytes=400)


@given(st.integers(1, 200), st.sampled_from(["a", "日本語のテロップ", "né\u2028x"]))
def test_a_cut_last_line_is_left_out(tmp_path_factory, cut, content):
    path = tmp_path_factory.mktemp("t") / "trace"
    records = write(path, 2, content)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    kept = list(read_trace(path))
    assert kept == records[: len(kept)]
    assert len(kept) == whole[:-cut].count(b"\n")


@pytest.mark.parametrize(
    "damage", [b"\xff\xfe\n", b"{}\n", b'{"type":"other"}\n', b"\n", b'{"type":"in"\n', b"[]\n", b'{"type":[]}\n', DEEP]
)
def test_a_damaged_line_before_the_last_is_an_error(tmp_path, damage):
    path = tmp_path / "trace"
    write(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], damage, *lines[2:]]))
    with pytest.raises(InputError, match="line 3"):
        list(read_trace(path))


def test_files_that_are_no_trace(tmp_path):
    path = tmp_path / "trace"
    with pytest.raises(InputError, match="No such file"):
        list(read_trace(path))
    for content in (
        "",
        "hello",
        "hello\nworld\n",
        '{"type":"in"}\n',
        '{"type":"header"}\n',
        '{"type":"header","format":1',
    ):
        path.write_text(content)
        with pytest.raises(InputError, match="trace"):
            list(read_trace(path))
    path.write_text(json.dumps({"type": "header", "format": 2}) + "\n")
    with pytest.raises(InputError, match="format 2"):
        list(read_trace(path))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_a_capacity_error():
    trace = Trace("/dev/full")
    with pytest.raises(CapacityError, match="No space left"):
        trace.sync()
    with pytest.raises(CapacityError, match="No space left"):
        fill(trace)
    with pytest.raises(CapacityError, match="No space left"):
        trace.close()
    trace.close()


def test_a_folder_that_is_gone_is_a_capacity_error(tmp_path):
    with pytest.raises(CapacityError, match="cannot be written"):
        Trace(tmp_path / "missing" / "trace")
    folder = tmp_path / "folder"
    folder.mkdir()
    trace = Trace(folder / "trace", max_bytes=1000)
    trace.emit(emission())
    for path in (folder / "trace", folder):
        path.unlink() if path.is_file() else path.rmdir()
    with pytest.raises(CapacityError, match="cannot be written"):
        fill(trace)


def test_equal_runs_give_equal_bytes(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@given(st.integers(0, 400), st.integers(0, 3), st.sampled_from(["a", "日本語のテロップ", "né\u2028x"]))
def test_a_trace_goes_on_behind_its_last_whole_line(tmp_path_factory, cut, count, content):
    path = tmp_path_factory.mktemp("t") / "trace"
    write(path, count, content)
    torn = path.read_bytes()[: -cut or None]
    path.write_bytes(torn)
    whole = torn[: torn.rfind(b"\n") + 1]
    trace = Trace(path, {"stream": "s", "seed": 7}, resume=True)
    trace.resume(11)
    trace.emit(emission(99, content))
    trace.sync()
    on_disk = path.read_bytes()
    trace.close()
    assert path.read_bytes() == on_disk
    if whole:
        assert on_disk.startswith(whole)
    records = list(read_trace(path))
    assert [record["type"] for record in records].count("header") == 1
    assert records[0]["seed"] == 7
    assert len(records) == max(whole.count(b"\n"), 1) + 2
    assert [record["type"] for record in records[-2:]] == ["resume", "emit"]
    assert records[-1]["content"] == content


def test_a_trace_that_is_not_there_is_begun(tmp_path):
    Trace(tmp_path / "trace", {"seed": 1}, resume=True).close()
    assert [record["type"] for record in read_trace(tmp_path / "trace")] == ["header"]


@given(st.lists(st.integers(0, 40), max_size=8), st.integers(600, 1500))
def test_a_trace_that_is_taken_up_again_and_again_stays_within_its_bytes(tmp_path_factory, lengths, max_bytes):
    path = tmp_path_factory.mktemp("t") / "trace"
    older, written = path.with_name("trace.1"), []
    Trace(path, {"stream": "s"}, max_bytes=max_bytes).close()
    for length in lengths:
        trace = Trace(path, {"stream": "s"}, max_bytes=max_bytes, resume=True)
        for _ in range(length):
            trace.mark("s", len(written))
            written.append(len(written))
            trace.sync()
            assert path.stat().st_size + (older.stat().st_size if older.exists() else 0) <= max_bytes
        trace.close()
        with path.open("ab") as file:
            file.write(b'{"type":"emit","id"')
    Trace(path, {"stream": "s"}, max_bytes=max_bytes, resume=True).close()
    parts = [list(read_trace(part)) for part in (older, path) if part.exists()]
    assert all(part[0] == parts[0][0] for part in parts), "each file begins with the same header"
    kept = [record["number"] for part in parts for record in part[1:]]
    assert kept == written[len(written) - len(kept) :]
    assert len(kept) == len(written) or older.exists()


def test_a_trace_may_begin_a_new_file(tmp_path):
    path, older = tmp_path / "trace", tmp_path / "trace.1"
    trace = Trace(path, {"seed": 1})
    trace.rotate()
    assert not older.exists(), "nothing was written: there is nothing to put away"
    for number in range(3):
        trace.mark("s", number)
        trace.rotate()
    trace.rotate()
    trace.mark("s", 3)
    trace.close()
    assert [record.get("number") for record in read_trace(older)] == [None, 2]
    assert [record.get("number") for record in read_trace(path)] == [None, 3]
    trace.rotate()
    assert [record.get("number") for record in read_trace(path)] == [None, 3], "a closed trace stays as it is"
