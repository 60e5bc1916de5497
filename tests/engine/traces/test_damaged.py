"""A trace that cannot be used is refused in one line that says what, where and what to do."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.engine.traces import Arrivals, read
from headrace.engine.traces.files import beginning, rows

HEAD = "arrived_at,num_prefill_tokens,num_decode_tokens\n0,1,1\n"
BURST = "Timestamp,Model,Request tokens,Response tokens\n5,GPT-4,1,1\n"
MOON = '{"timestamp": 5, "input_length": 600, "output_length": 1, "hash_ids": [1, 2]}\n'
OWN = '{"arrival": 5, "units": 600, "outputs": 1}\n'
CRAWL = "type,endTime,content,query\ntavily_search,0,,q\n"


def moon(**fields: object) -> str:
    return MOON + json.dumps({"timestamp": 6, "input_length": 600, "output_length": 1, "hash_ids": [1, 2]} | fields)


def own(**fields: object) -> str:
    return OWN + json.dumps({"arrival": 6, "units": 10, "outputs": 1} | fields)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"t: is empty; give a trace"),
        (" \n\n", r"t: is empty; give a trace"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:4b\n", r"is a pointer of git-lfs.*git lfs pull"),
        ("a,b\n1,2\n", r"t: is of no known format \(its columns are a, b\); if it is of one, name it with --format"),
        ("[1, 2]", r"t: is of no known format \(it has no fields\)"),
        ('{"a": 1}', r"its fields are a\)"),
        ('[{"id": "x", "conv', r"t: its JSON ends early; fetch the whole file"),
        ('[{"id": "x", "ok": tr', r"t: its JSON ends early"),
        ('[{"id": "x", "ok": }]', r"t: is of no known format"),
        ('[{"conversations": [{"from": "hum', r"t: its JSON ends early"),
        (HEAD.splitlines()[0], r"t: holds no request"),
        (HEAD + "1,2\n", r"t, line 3: has 2 cells, the header 3"),
        (HEAD + "1,2,3,4\n", r"t, line 3: has 4 cells, the header 3"),
        (HEAD + "1,,3\n", r"t, line 3, 'num_prefill_tokens': is missing"),
        (HEAD + "1,x,3\n", r"t, line 3, 'num_prefill_tokens': is \"x\", not a finite number; mend the line"),
        (HEAD + "1,1_0,3\n", r"'num_prefill_tokens': is \"1_0\", not a finite number"),
        (HEAD + "1,2.5,3\n", r"'num_prefill_tokens': is \"2.5\", not a whole number"),
        (HEAD + "1,2,-3\n", r"t, line 3, 'num_decode_tokens': is \"-3\", not 0 or more"),
        (HEAD + "1,2,1e300\n", r"'num_decode_tokens': is \"1e300\", not a whole number of at most"),
        (HEAD + "nan,2,3\n", r"t, line 3, 'arrived_at': is \"nan\", not a finite number"),
        (HEAD + "inf,2,3\n", r"t, line 3, 'arrived_at': is \"inf\", not a finite number"),
        (HEAD + "-1,2,3\n", r"t, line 3, 'arrived_at': is \"-1\", not 0 or more"),
        (HEAD + "1e12,2,3\n", r"t, line 3, 'arrived_at': is \"1e12\", not a time of at most"),
        (HEAD + "2,2,3\n1,2,3\n", r"t, line 4, 'arrived_at': 1 s is before the 2 s above it; sort the file by it"),
        (HEAD + "1,0,0\n", r"t, line 3, .*no token goes in"),
        (HEAD + '1,"2,3\n', r"t, line 3: is damaged \(.*\); mend it"),
        ("arrived_at,arrived_at,num_prefill_tokens,num_decode_tokens\n", r"t, line 1: two columns have one name"),
        (BURST + "4,GPT-4,1,1\n", r"t, line 3, 'Timestamp': 4 s is before the 5 s above it"),
        (BURST + "NaN,GPT-4,1,1\n", r"t, line 3, 'Timestamp': is \"NaN\""),
        (BURST.splitlines()[0] + "\n1,ChatGPT,3,0\n", r"t: holds no request"),
        (MOON + "{", r"t, line 2: its JSON ends early"),
        (MOON + "{]}", r"t, line 2: is no JSON \(.* in column \d+\); mend it"),
        (MOON + "[1]", r"t, line 2: is no JSON object"),
        (MOON + "9" * 5000, r"t, line 2: is no JSON \(out of bounds\)"),
        (MOON + "[" * 100_000, r"t, line 2: is no JSON \(out of bounds\)"),
        (moon(timestamp=4), r"t, line 2, 'timestamp': 0.004 s is before the 0.005 s above it"),
        (moon(timestamp=float("nan")), r"t, line 2, 'timestamp': is NaN, not a finite number"),
        (moon(timestamp=10**400), r"t, line 2, 'timestamp': is 1000+…, not a finite number"),
        (moon(input_length=True), r"'input_length': is true, not a finite number"),
        (moon(input_length=None), r"t, line 2, 'input_length': is missing"),
        (moon(hash_ids=[1, 2, 3]), r"'hash_ids': 3 blocks of 512 are more than 600 tokens; give their size, --block"),
        (moon(hash_ids=[1, "2"]), r"'hash_ids': is \"2\", not a list of whole numbers"),
        (moon(hash_ids=7), r"'hash_ids': is 7, not a list"),
        (own(units=0, outputs=0), r"t, line 2, 'units': a request at .* of 0 tokens in and 0 out"),
        (own(first=0), r"t, line 2, 'first': is 0; give seconds above 0"),
        (own(every=1), r"t, line 2, 'every': counts from the first output"),
        (own(prefix=[1], block=20), r"t, line 2, 'units': a prefix of 1 blocks of 20 in 10 tokens"),
        (own(prefix=[1]), r"t, line 2, 'block': is missing"),
        (own(chunks=[[1]]), r"t, line 2, 'chunks': number 0 is not \[after, units\]"),
        (own(chunks=[[1, 2], [0, 2]]), r"t, line 2, chunk 1, 'after': is before the chunk above it"),
        (own(chunks=[[1, 2], [1, 2, 13]]), r"t, line 2, chunk 1, 'kept': 13 is more than the 12 tokens"),
        (own(session=3.5), r"t, line 2, 'session': is 3.5, not a text or whole number"),
        (own(session=True), r"t, line 2, 'session': is true, not a text or whole number"),
        ('[{"conversations": [{"from": "human", "value": 3}]}]', r"t, entry 1, turn 0, 'value': is 3, not a text"),
        ('[{"conversations": [3]}]', r"t, entry 1, 'conversations': its turn 0 is no object"),
        ('[{"conversations": []}]', r"t: holds no request"),
        ('[{"conversations": [}', r"t: is no JSON \(.* in column \d+\)"),
        (CRAWL, r"t: holds no request"),
        (CRAWL + "page_scrape,,text,\n", r"t, line 3, 'endTime': is missing"),
    ],
)
def test_what_is_wrong_and_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "t"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone: cannot be read \(No such file or directory\)"):
        read(tmp_path / "gone")
    with pytest.raises(InputError, match=r"holds no CSV file with columns type, endTime and query"):
        read(tmp_path)
    with pytest.raises(InputError, match=r"is a folder; give a file"):
        read(tmp_path, format="vidur")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=r"pipe: is no regular file"):
        read(tmp_path / "pipe")
    (tmp_path / "binary").write_bytes(b"arrived_at\xff\xfe\x00")
    with pytest.raises(InputError, match=r"binary: is no text in UTF-8"):
        read(tmp_path / "binary")
    (tmp_path / "late").write_bytes((HEAD + "1,2,3\n" * 20_000).encode() + b"\xff\n")
    with pytest.raises(InputError, match=r"late: is no text in UTF-8"):
        read(tmp_path / "late")


def test_a_file_above_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEAD)
    assert len(read(path, largest=len(HEAD))) == 1
    with pytest.raises(InputError, match=rf"has {len(HEAD)} bytes, above the limit of {len(HEAD) - 1}; give a part"):
        read(path, largest=len(HEAD) - 1)


def test_more_requests_than_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEAD + "1,1,1\n" * 5)
    monkeypatch.setattr("headrace.engine.traces.files.MOST", 5)
    with pytest.raises(InputError, match=r"t\.csv: holds more than 5 requests; give a part of it, or how many"):
        read(path)
    assert len(read(path, most=5)) == 5


def test_reading_stops_at_most(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEAD + "1,1,1\nbroken\n")
    assert len(read(path, most=2)) == 2
    assert read(path, most=0) == []


def test_the_width_of_fields_is_as_before_afterwards(tmp_path: Path) -> None:
    import csv

    before = csv.field_size_limit()
    path = tmp_path / "t.csv"
    path.write_text(HEAD + "1,2\n")
    with pytest.raises(InputError):
        list(rows(path))
    assert read(path, most=1)
    assert csv.field_size_limit() == before
    assert beginning(path, 3) == "arr"


@pytest.mark.parametrize(
    "wrong",
    [{"rate": 0}, {"rate": -1}, {"rate": float("nan")}, {"rate": float("inf")}, {"cv": -1}, {"cv": 1e9}, {"seed": -1}],
)
def test_arrivals_out_of_bounds(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"Arrivals\((rate|cv|seed)="):
        Arrivals(**wrong)
