"""`headrace calibrate`, `simulate` and `capacity` as people and programs use them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.cli import main

QUICK = ("--seconds", "4", "--seeds", "1", "--cost", "zoo:tiny-llama", "--load", "live:period=1s,chunk=512,reply=64")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([*map(str, words)])
    return int(end.value.code or 0)


def told(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line that a mistake is answered with."""
    assert run(*words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    return printed.err.removeprefix("headrace: error: ").rstrip("\n")


def test_simulate_prints_a_row_for_each_scheduler_and_says_simulated(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("simulate", "synthetic:chat:rate=2,seconds=5,reply=16", "--scheduler", "fcfs,edf") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines[:3]] == ["scheduler", "fcfs", "edf"]
    assert lines[3].startswith("simulated: ")


def test_simulate_reads_a_trace_under_another_promise_and_rate(capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f'{{"arrival": {i}, "units": 64, "outputs": 8, "first": 9}}\n' for i in range(10))
    Path("trace.jsonl").write_text(rows)
    words = ("simulate", "trace.jsonl", "--rate", 5, "--first-ms", 0.001, "--replicas", 2, "--json")
    assert run(*words) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["simulated"] is True
    found = said["schedulers"]["least-slack"]
    assert (found["sent"], found["finished"], found["kept"]) == (10, 10, 0)
    assert found["seconds"] < 5


def test_simulate_says_when_nothing_was_promised(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("simulate", "synthetic:shared_prefix:groups=1,members=2", "--scheduler", "fcfs") == 0
    assert "nothing was promised" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("simulate", "nowhere.csv"), "no such file"),
        (("simulate", "synthetic:chat", "--scheduler", "edff"), "did you mean edf?"),
        (("simulate", "synthetic:chat", "--scheduler", "edf,edf"), "each once"),
        (("simulate", "synthetic:chat", "--route", "nearest"), "unknown route"),
        (("simulate", "synthetic:chat", "--cost", "none.json"), "--cost"),
        (("simulate", "synthetic:chat", "--every-ms", "5"), "first= too"),
        (("simulate", "synthetic:chat", "--format", "vidur"), "of files"),
        (("capacity", "--slo", "soon=1s"), "--slo"),
        (("capacity", "--slo", "first=1s", "--load", "dance"), "no load 'dance'"),
        (("capacity", "--slo", "first=1s", "--cost", "none.json"), "--cost"),
        (("capacity", "--slo", "first=1s", "--model", "zoo:none"), "does not ship"),
        (("calibrate", "zoo:none"), "does not ship"),
        (("calibrate", "zoo:tiny-llama", "--out", "nowhere/cost.json"), "no folder"),
    ],
)
def test_a_mistake_is_one_line(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    assert said in told(capsys, *words)


def test_a_trace_that_is_none_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("photo.jpg").write_bytes(bytes(range(256)) * 8)
    assert "photo.jpg" in told(capsys, "simulate", "photo.jpg")


def test_a_trace_whose_format_is_named_and_whose_blocks_have_a_size(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"timestamp": 0, "input_length": 32, "output_length": 2, "hash_ids": [1, 2]}
    Path("blocks").write_text(json.dumps(row) + "\n")
    assert run("simulate", "blocks", "--block", 16, "--scheduler", "fcfs") == 0
    capsys.readouterr()
    Path("blocks").write_text(json.dumps({**row, "hash_ids": [1, 2, 3]}) + "\n")
    assert "give their size, --block" in told(capsys, "simulate", "blocks", "--block", 16)
    assert "--format 'mooncakes' is not known" in told(capsys, "simulate", "blocks", "--format", "mooncakes")
    assert "holds no request" in told(capsys, "simulate", "blocks", "--format", "vidur")
    Path("own").write_text('{"arrival": 0, "units": 5, "outputs": 1}\n')
    assert "leave out --block" in told(capsys, "simulate", "own", "--block", 16)


def test_what_was_simulated_is_shown_when_it_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from headrace.apps.capacity import simulated

    made = simulated.simulate

    def cut(requests: object, machines: list[simulated.Machine], **words: object) -> object:
        if type(machines[0].lane.scheduler).__name__ == "LeastSlack":
            raise KeyboardInterrupt
        return made(requests, machines, **words)  # type: ignore[arg-type]

    monkeypatch.setattr(simulated, "simulate", cut)
    words = ("simulate", "synthetic:chat:rate=2,seconds=2,reply=4", "--scheduler", "fcfs,edf,least-slack")
    assert run(*words) == 130
    printed = capsys.readouterr()
    assert [line.split("\t")[0] for line in printed.out.splitlines()[:3]] == ["scheduler", "fcfs", "edf"]
    assert printed.out.splitlines()[3].startswith("simulated: ")
    assert "2 of 3 schedulers" in printed.err
    assert run(*words, "--json") == 130
    said = json.loads(capsys.readouterr().out)
    assert said["interrupted"] is True
    assert list(said["schedulers"]) == ["fcfs", "edf"]


def test_rows_are_written_as_they_are_done(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from headrace.apps.capacity import simulated

    made, seen = simulated.simulate, []

    def look(*given: object, **words: object) -> object:
        seen.append(capsys.readouterr().out)
        return made(*given, **words)  # type: ignore[arg-type]

    monkeypatch.setattr(simulated, "simulate", look)
    assert run("simulate", "synthetic:chat:rate=2,seconds=2,reply=4", "--scheduler", "fcfs,edf") == 0
    assert seen[0] == ""
    assert [line.split("\t")[0] for line in seen[1].splitlines()] == ["scheduler", "fcfs"]


def test_capacity_writes_what_it_found_and_draws_it(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    words = ("capacity", "--slo", "whole=1s", *QUICK, "--scheduler", "edf,fcfs", "--out", "found")
    assert run(*words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines[:3]] == ["scheduler", "edf", "fcfs"]
    said = json.loads(Path("found/capacity.json").read_text())
    for name, line in zip(("edf", "fcfs"), lines[1:3], strict=True):
        found = said["schedulers"][name]
        assert found["simulated"] is True
        assert found["engine"] is None
        assert line.split("\t")[1] == str(found["sessions"])
        assert 1 <= found["sessions"] < 100
    table = Path("found/capacity.md").read_text()
    assert [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")][2:] == ["edf", "fcfs"]
    assert said["machine"] in table
    assert "sessions, simulated" in table
    assert "sessions, engine" not in table
    assert Path("found/capacity.png").read_bytes().startswith(b"\x89PNG")


def test_capacity_does_not_write_into_the_folder_of_another(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    Path("theirs").mkdir()
    Path("theirs/capacity.json").write_text("{}")
    assert "theirs" in told(capsys, "capacity", "--slo", "whole=1s", *QUICK, "--out", "theirs")


def test_calibrate_measures_a_model_and_what_it_writes_can_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("transformers")
    words = ("calibrate", "zoo:tiny-llama", "--out", "cost.json", "--launches", 40, "--rows", 3, "--budget", 100)
    assert run(*words) == 0
    printed = capsys.readouterr()
    assert "base\t" in printed.out
    assert "written: cost.json" in printed.out
    assert "mean and" in printed.out
    assert "launches held out" in printed.out
    assert json.loads(Path("cost.json").read_text())["model"] == "zoo:tiny-llama"
    assert run("simulate", "synthetic:live:sessions=2,seconds=2", "--cost", "cost.json", "--budget", 100) == 0
    assert "zoo:tiny-llama" in capsys.readouterr().out
