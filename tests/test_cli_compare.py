"""`headrace compare` as people and programs use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("transformers")
pytest.importorskip("av")
pytest.importorskip("cv2")
pytest.importorskip("matplotlib")

import headrace.cli_compare
from headrace.apps.compare import state
from headrace.apps.compare.result import Comparison
from headrace.apps.compare.table import TERMINAL, markdown
from headrace.apps.compare.understanding import run as watching
from headrace.apps.compare.understanding import table as keepers
from headrace.apps.compare.understanding.result import Understanding
from headrace.cli import main
from headrace.core.errors import CapacityError
from headrace.recipes import tokens
from headrace.recipes.baselines import BASELINES
from tests.apps.compared import comparison
from tests.apps.kept import dies, understanding

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Comparisons are made up; the options of each are kept."""
    asked: list[dict[str, object]] = []

    def compare_state(names: list[str], **options: object) -> Comparison:
        asked.append({"names": names, **options})
        return comparison()

    monkeypatch.setattr(state, "compare_state", compare_state)
    return asked


@pytest.fixture
def kept_streams(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """The same of gates and memories."""
    asked: list[dict[str, object]] = []

    def compare_understanding(names: list[str], **options: object) -> Understanding:
        asked.append({"names": names, **options})
        return understanding()

    monkeypatch.setattr(watching, "compare_understanding", compare_understanding)
    return asked


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([*map(str, words)])
    return int(end.value.code or 0)


def test_a_small_run_from_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recipe and the window over a file; what is printed is what is written."""
    text = "".join(f"def name{i}(value):\n\treturn value + {i}\n" for i in range(400))
    (tmp_path / "text.txt").write_text(text)
    few = ("--stream", "text.txt", "--streams", 1, "--tokens", 384, "--budget", 128, "--seed", 3)
    assert run("compare", "streamingllm", *few, "--out", "out", "--json") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    told = Comparison.from_json(json.loads(printed.out))
    assert told.to_json() == json.loads(Path("out/table.json").read_text())
    assert Path("out/table.md").read_text() == markdown(told)
    assert Path("out/pareto.png").read_bytes().startswith(b"\x89PNG")
    assert [method.name for method in told.methods] == ["streamingllm", "window", "unigram"]
    assert (told.streams, told.tokens, told.budget, told.seed, told.stream) == (1, 384, 128, 3, "text.txt")
    last = list(told.buckets)[-1]
    assert all(0 < method.loss[last].mean < 10 for method in told.methods)
    assert told.method("streamingllm").resident_bytes > 10_000


def test_for_a_person(measured: list[dict[str, object]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", "state", "--tokens", 5120, "--out", "out") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "\t".join(TERMINAL)
    assert lines[1].startswith("streamingllm\trecipe\t2.920\t−0.150*\t")
    assert "does not remember what has left it" in lines[-2]
    assert lines[-1] == "written: out/table.json, out/table.md, out/pareto.png"
    options = {name: value for name, value in measured[0].items() if name != "progress"}
    assert options == {"names": ["state"], "tokens": 5120}


def test_for_a_program(measured: list[dict[str, object]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", "streamingllm", "dense", "--seed", 7, "--json") == 0
    assert json.loads(capsys.readouterr().out) == comparison().to_json()
    assert (measured[0]["names"], measured[0]["seed"]) == (["streamingllm", "dense"], 7)
    assert list(Path().iterdir()) == []


def test_figures_are_printed_before_the_disk_is_full(
    measured: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise CapacityError("the disk is full")

    monkeypatch.setattr("headrace.apps.compare.report.write_report", full)
    assert run("compare", "state", "--out", "out") == 2
    printed = capsys.readouterr()
    assert printed.out.startswith("method\t")
    assert printed.err == "headrace: error: the disk is full\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["streamingllmm"], "did you mean streamingllm?"),
        (["windw"], "did you mean window?"),
        (["zzzzzz"], "unknown method 'zzzzzz'"),
        (["headracee"], "did you mean headrace?"),
        (["understanding", "flashvstrem"], "did you mean flashvstream?"),
        (["streamingbench"], "streamingbench"),
        (["streamingllm", "headrace"], "are of different families; compare those of one family at a time"),
        (["state", "understanding"], "are of different families"),
        (["understanding", "--tokens", "5120"], "--tokens is an option of family 'state'"),
        (["understanding", "--model", "theirs"], "--model is an option of family 'state'"),
        (["state", "--minutes", "5"], "--minutes is an option of family 'understanding'"),
        (["window", "--hours", "0"], "--hours is an option of family 'understanding'"),
        (["understanding", "--budget", "3"], "use 192 rows or more"),
        (["understanding", "--minutes", "2"], "5 minutes to a day"),
        (["understanding", "--minutes", "inf"], "5 minutes to a day"),
        (["understanding", "--hours", "0.5"], "1 to 24 hours"),
        (["understanding", "--hours", "-1"], "--hours"),
        (["understanding", "--streams", "0"], "streams"),
        (["understanding", "--out", "theirs"], "was not written by"),
        (["rekv"], "is planned"),
        (["streamingllm", "timechat"], "timechat"),
        ([], "missing argument"),
        (["state", "--seed", "-1"], "--seed"),
        (["state", "--streams", "0"], "streams"),
        (["state", "--tokens", "-5"], "tokens"),
        (["state", "--tokens", "many"], "--tokens"),
        (["state", "--budget", "0"], "budget"),
        (["state", "--budget", "3"], "budget"),
        (["state", "--budget", "256", "--tokens", "100"], "tokens"),
        (["state", "--stream", "no.txt"], "no.txt: cannot be read"),
        (["state", "--stream", "."], "cannot be read"),
        (["state", "--stream", "empty.txt"], "empty.txt: "),
        (["state", "--stream", "short.txt"], "short.txt: "),
        (["state", "--stream", "noise.bin"], "noise.bin: is no text"),
        (["state", "--tokens", "9999999"], "a longer text"),
        (["state", "--model", "zoo:nothing"], "zoo:tiny-llama"),
        (["state", "--model", "./models/none"], "./models/none' is no folder with a model"),
        (["state", "--model", "theirs"], "theirs cannot be loaded"),
        (["state", "--out", "short.txt"], "short.txt is no folder"),
        (["state", "--out", "short.txt/out"], "short.txt is no folder"),
        (["state", "--out", "theirs"], "was not written by"),
        (["state", "--out", ""], "--out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_leaves_nothing(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "short.txt").write_text("a few words " * 20)
    (tmp_path / "noise.bin").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "pareto.png").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    out = [] if "--out" in words else ["--out", "out"]
    assert run("compare", *words, *out) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("headrace: error: ")
    assert (printed.err.count("\n"), printed.err[-1]) == (1, "\n")
    assert told.lower() in printed.err.lower()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_model_without_a_tokenizer_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    LlamaForCausalLM(LlamaConfig(vocab_size=64, **size)).save_pretrained(tmp_path / "bare")
    capsys.readouterr()
    assert run("compare", "state", "--model", "bare") == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert told == "headrace: error: bare: compare needs a model folder with a tokenizer"


def test_interrupted_it_says_so_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> Comparison:
        raise KeyboardInterrupt

    monkeypatch.setattr(state, "compare_state", interrupted)
    assert run("compare", "state", "--out", "out") == 130
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "interrupted; nothing was written\n")
    assert list(Path().iterdir()) == []


def test_gates_and_memories_for_a_person(
    kept_streams: list[dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("compare", "understanding", "--minutes", 7.5, "--hours", 0, "--budget", 300, "--out", "out") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "\t".join(keepers.TERMINAL)
    assert lines[1].startswith("everything\tbaseline\t0.99\t")
    assert lines[2].startswith("headrace\tours\t0.97\t0.95\t")
    assert "the upper limit" in lines[-2]
    assert lines[-1] == "written: out/table.json, out/table.md, out/pareto.png"
    assert Path("out/table.md").read_text() == keepers.markdown(understanding())
    options = {name: value for name, value in kept_streams[0].items() if name != "progress"}
    assert options == {"names": ["understanding"], "minutes": 7.5, "hours": 0.0, "budget": 300}


def test_gates_and_memories_for_a_program(
    kept_streams: list[dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that two families know goes with the others."""
    assert run("compare", "window", "headrace", "--streams", 3, "--json") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert json.loads(printed.out) == understanding().to_json()
    assert (kept_streams[0]["names"], kept_streams[0]["streams"]) == (["window", "headrace"], 3)
    assert list(Path().iterdir()) == []


def test_a_worker_that_dies_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(watching, "_work", dies)
    assert run("compare", "everything", "--minutes", 5, "--streams", 1, "--hours", 0, "--out", "out") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("headrace: error: a process that watched a stream was ended from outside")
    assert printed.err.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_gates_and_memories_need_no_language_model(
    kept_streams: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(headrace.cli_compare, "find_spec", lambda name: None if name == "transformers" else object())
    assert run("compare", "understanding") == 0
    monkeypatch.setattr(headrace.cli_compare, "find_spec", lambda name: None if name == "av" else object())
    capsys.readouterr()
    assert run("compare", "understanding") == 2
    assert capsys.readouterr().err.endswith("run: pip install 'headrace[media]'\n")


@pytest.mark.parametrize(
    ("absent", "command"),
    [
        ({"transformers"}, "pip install 'headrace[hf]'"),
        ({"matplotlib", "cv2"}, "pip install 'headrace[media]'"),
        ({"transformers", "av"}, "pip install 'headrace[hf,media]'"),
    ],
    ids=["hf", "media", "both"],
)
def test_without_an_extra_it_says_how_to_get_it(
    absent: set[str], command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(headrace.cli_compare, "find_spec", lambda name: None if name in absent else object())
    assert run("compare", "state", "--out", "out") == 2
    assert capsys.readouterr().err.endswith(f"run: {command}\n")
    assert list(Path().iterdir()) == []


def test_help_is_quick_and_has_examples() -> None:
    """Neither the list of commands nor this command's help imports torch, and every baseline has a name to type."""
    code = (
        "import sys\nfrom headrace.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code\n"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "120"}
    for words in (["--help"], ["compare", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "compare" in done.stdout
    assert "headrace compare state --out out" in done.stdout
    assert all(name in done.stdout for name in (*BASELINES, "unigram", *tokens.OURS, *tokens.BASELINES))
