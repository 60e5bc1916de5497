"""Published formats are read with their own times and sizes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from headrace.core.errors import ConfigError
from headrace.core.item import MS, SECOND
from headrace.engine.request import Chunk, Request, Slo
from headrace.engine.traces import Arrivals, estimate, options_of, read, recognise, write_sessions

BURSTGPT = """Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45,ChatGPT,1087,0,1087,Conversation log
110.5,GPT-4,417,505,922,API log
"""
VIDUR = "arrived_at,num_prefill_tokens,num_decode_tokens\n0.0,374,44\n5.8926549999999995,91,16\n"
UNTIMED = "num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio\n3772,54,3826,69.8\n2015,156,2171,12.9\n"
MOONCAKE = (
    '{"timestamp": 0, "input_length": 1100, "output_length": 500, "hash_ids": [0, 1, 2]}\n'
    '{"timestamp": 3000, "input_length": 1024, "output_length": 26, "hash_ids": [0, 7]}\n'
    '{"timestamp": 3000, "input_length": 28, "output_length": 445, "hash_ids": [9]}\n'
)
CONVERSATIONS = [
    {
        "id": "a",
        "conversations": [
            {"from": "system", "value": "be brief"},
            {"from": "human", "value": "x" * 40},
            {"from": "gpt", "value": "y" * 80},
            {"from": "human", "value": "z" * 8},
            {"from": "gpt", "value": "w" * 4},
        ],
    },
    {"id": "b", "conversations": [{"from": "gpt", "value": "nobody asked"}]},
    {"id": "c", "conversations": [{"from": "user", "value": "u" * 400}, {"from": "assistant", "value": "v" * 8000}]},
    {"id": "d", "conversations": [{"from": "human", "value": "q" * 4}, {"from": "gpt", "value": "r" * 12}]},
]


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_burstgpt_keeps_its_times_and_counts_what_failed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = file(tmp_path, "b.csv", BURSTGPT)
    found = read(path)
    assert [(one.arrival, one.units, one.outputs) for one in found] == [
        (5 * SECOND, 472, 18),
        (110 * SECOND + 500 * MS, 417, 505),
    ]
    assert "1 of 3 requests had no response" in caplog.text
    assert [one.units for one in read(path, model="GPT-4")] == [417]
    assert [one.units for one in read(path, most=1)] == [472]


def test_vidur_with_times_and_without(tmp_path: Path) -> None:
    timed = read(file(tmp_path, "v.csv", VIDUR))
    assert [(one.arrival, one.units, one.outputs) for one in timed] == [(0, 374, 44), (5_892_655_000, 91, 16)]
    path = file(tmp_path, "u.csv", UNTIMED)
    drawn = read(path, arrivals=Arrivals(rate=4, seed=3))
    assert [one.units for one in drawn] == [3772, 2015]
    assert [one.arrival for one in drawn] == Arrivals(rate=4, seed=3).times(2)
    assert [one.arrival for one in read(tmp_path / "v.csv", arrivals=Arrivals(rate=4, seed=3))] == Arrivals(
        rate=4, seed=3
    ).times(2)


def test_mooncake_names_whole_blocks(tmp_path: Path) -> None:
    path = file(tmp_path, "m.jsonl", MOONCAKE)
    found = read(path)
    assert [(one.arrival, one.prefix, one.block) for one in found] == [
        (0, (0, 1), 512),
        (3 * SECOND, (0, 7), 512),
        (3 * SECOND, (), 0),
    ]
    assert [(one.units, one.outputs) for one in found] == [(1100, 500), (1024, 26), (28, 445)]
    assert [one.prefix for one in read(path, block=256)] == [(0, 1, 2), (0, 7), ()]


def test_sharegpt_draws_times_and_counts_tokens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = file(tmp_path, "s.json", json.dumps(CONVERSATIONS))
    found = read(path, arrivals=Arrivals(rate=2, seed=1))
    assert [(one.units, one.outputs, one.session) for one in found] == [(10, 20, ""), (1, 3, "")]
    assert [one.arrival for one in found] == Arrivals(rate=2, seed=1).times(2)
    assert "2 of 4 conversations are left out" in caplog.text
    assert len(read(path, longest=4000)) == 3
    assert [one.units for one in read(path, count=len)] == [40, 4]
    whole = read(path, exchanges=None)
    mine = [one for one in whole if one.session == "sharegpt-0"]
    assert [(one.units, one.outputs) for one in mine] == [(10, 20), (2, 1)]
    assert mine[0].arrival < mine[1].arrival
    assert whole == sorted(whole, key=lambda one: one.arrival)
    lines = file(tmp_path, "s.jsonl", "\n".join(json.dumps(one) for one in CONVERSATIONS))
    assert read(lines) == read(path)


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("four", 1), ("five5", 2)])
def test_the_estimate_is_four_characters_a_token(text: str, tokens: int) -> None:
    assert estimate(text) == tokens


def crawl(*rows: str) -> str:
    return "\n".join(["type,endTime,content,query", *rows, ""])


def test_stream2llm_brings_pages_at_differences_of_end_times(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    late = f'page_scrape,3.0,"{"c" * 399}",'
    file(tmp_path, "query_10.csv", crawl("tavily_search,0.5,,who?", "page_scrape,1.25,abc,", late))
    file(tmp_path, "query_2.csv", crawl("tavily_search,0.25,,what is it?", 'page_scrape,2.25,"a, b\nc",'))
    file(tmp_path, "query_3.csv", "type,endTime,query\ntavily_search,0.25,nothing\n")
    file(tmp_path, "notes.csv", "a,b\n1,2\n")
    found = read(tmp_path, arrivals=Arrivals(rate=0.01, cv=0), head=20, outputs=7)
    assert [one.arrival for one in found] == [100 * SECOND + 250 * MS, 200 * SECOND + 500 * MS]
    assert found[0].chunks == (Chunk(2 * SECOND, 2 + 3),)
    assert found[1].chunks == (Chunk(750 * MS, 1), Chunk(2500 * MS, 100 + 1))
    assert {(one.units, one.outputs) for one in found} == {(20, 7)}
    assert "1 crawls of 3 found no page" in caplog.text
    assert read(tmp_path / "query_10.csv")[0].chunks == found[1].chunks


def test_a_page_may_be_longer_than_a_common_field(tmp_path: Path) -> None:
    path = file(tmp_path, "q.csv", crawl("tavily_search,0,,q", f"page_scrape,1,{'x' * 999_999},"))
    assert read(path)[0].chunks[0].units == 250_000 + 1


def test_own_sessions_come_back_equal(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    requests = [
        Request(
            int(draw.integers(26 * 86400 * SECOND)),
            int(draw.integers(64, 500)),
            int(draw.integers(1, 500)),
            session=f"s{number % 7}",
            slo=Slo(first=int(draw.integers(1, 10**12)), every=int(draw.integers(1, 10**9))),
            value=float(draw.random()),
            program="p",
            prefix=(5, -1),
            block=16,
            chunks=(Chunk(int(draw.integers(10**9)), 9), Chunk(2 * SECOND, 4, 30)),
            foreseen=3,
        )
        for number in range(200)
    ]
    requests += [Request(1, 0, 1), Request(2, 1, 0, slo=Slo(whole=7))]
    requests.sort(key=lambda one: one.arrival)
    write_sessions(tmp_path / "t.jsonl", requests)
    assert read(tmp_path / "t.jsonl") == requests


def test_own_sessions_as_csv(tmp_path: Path) -> None:
    text = "arrival,units,outputs,session,whole,foreseen\n0,5,1,a,0.5,\n\n1.5,2,0,,,4\n"
    assert read(file(tmp_path, "t.csv", text)) == [
        Request(0, 5, 1, session="a", slo=Slo(whole=500 * MS)),
        Request(1500 * MS, 2, 0, foreseen=4),
    ]


def test_a_session_may_be_named_by_a_number(tmp_path: Path) -> None:
    rows = (
        {"arrival": 0, "units": 5, "outputs": 1, "session": 0, "program": 7},
        {"arrival": 1, "units": 2, "outputs": 1},
    )
    (tmp_path / "t").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [(one.session, one.program) for one in read(tmp_path / "t")] == [("0", "7"), ("", "")]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (BURSTGPT, "burstgpt"),
        (f"\ufeff{BURSTGPT}", "burstgpt"),
        (VIDUR, "vidur"),
        (UNTIMED, "vidur"),
        (MOONCAKE, "mooncake"),
        (json.dumps(CONVERSATIONS, indent=1), "sharegpt"),
        (json.dumps([{"id": "l", "conversations": [{"from": "human", "value": "x" * 100_000}]}]), "sharegpt"),
        (crawl(), "stream2llm"),
        ("arrival,units,outputs\n", "sessions"),
        ('{"arrival": 0, "units": 1, "outputs": 1, "chunks": []}', "sessions"),
    ],
)
def test_formats_are_known_by_content(tmp_path: Path, text: str, name: str) -> None:
    assert recognise(file(tmp_path, "any.txt", text)) == name


def test_a_folder_of_crawls_is_recognised(tmp_path: Path) -> None:
    assert recognise(tmp_path) == "stream2llm"


def test_options_of_another_format_are_refused(tmp_path: Path) -> None:
    assert "model" in options_of("burstgpt")
    path = file(tmp_path, "v.csv", VIDUR)
    with pytest.raises(ConfigError, match=r"v\.csv is of format vidur, which takes arrivals, most, largest, not model"):
        read(path, model="GPT-4")
    with pytest.raises(ConfigError, match="format 'csv' is not known; give one of sharegpt"):
        read(path, format="csv")


def test_a_second_answer_in_a_row_is_no_exchange(tmp_path: Path) -> None:
    turns = [("human", "a" * 8), ("gpt", "b" * 4), ("gpt", "c" * 4), ("human", "d" * 8), ("human", "e" * 12)]
    turns += [("gpt", "f" * 4)]
    talk = [{"conversations": [{"from": who, "value": text} for who, text in turns]}]
    found = read(file(tmp_path, "s.json", json.dumps(talk)), exchanges=None)
    assert [(one.units, one.outputs) for one in found] == [(2, 1), (3, 1)]
