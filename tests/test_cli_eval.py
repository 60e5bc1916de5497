"""`headrace eval` as people and programs use it."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

pytest.importorskip("av")
pytest.importorskip("cv2")
pytest.importorskip("matplotlib")

from headrace.apps.compare.understanding import methods
from headrace.apps.compare.understanding.blind import blind
from headrace.apps.compare.understanding.methods import Method
from headrace.apps.evaluate import find, folder, millrace, systems
from headrace.cli import main
from headrace.core.errors import ConfigError
from headrace.evaluation.benchmark import Benchmark
from headrace.evaluation.millrace import World
from headrace.recipes.registry import GROUP, open_registry
from headrace.recipes.tokens import Setting
from headrace.understanding.gates.everything import AdmitAll
from headrace.understanding.keeper import Keeper
from headrace.understanding.memories.everything import Everything
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.senses import Senses
from headrace.understanding.memories.window import Window
from tests.apps.chatting import chat
from tests.apps.evaluated import SHOWN, Eyes, annotations, recordings
from tests.evaluation.asked import Asked, Judged

ROOT = Path(__file__).parents[1]
OURS: dict[str, type[Benchmark]] = {"asked": Asked, "judged": Judged}


@pytest.fixture(autouse=True)
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two benchmarks of our own, their files, and a system that sees."""

    def opened(name: str) -> Benchmark:
        if name not in OURS:
            raise ConfigError(f"unknown benchmark {name!r}")
        return OURS[name]()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(find, "known", lambda: dict.fromkeys(OURS, "tests"))
    monkeypatch.setattr(find, "open_benchmark", opened)
    named = systems.system
    monkeypatch.setattr(systems, "system", lambda name, *rest: Eyes() if name == "eyes" else named(name, *rest))
    annotations(Path("asked.json"))
    rows = json.loads(Path("asked.json").read_text())
    Path("two.json").write_text(json.dumps({"two": rows["two"][:1]}))
    Path("half.json").write_text(json.dumps({"one/0": "A", "one/1": "B"}))
    Path("more.json").write_text(json.dumps({"two/0": "B"}))


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        main(["eval", *map(str, words)])
    return int(end.value.code or 0)


def told(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line that a mistake is answered with."""
    assert run(*words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    return printed.err.removeprefix("headrace: error: ").rstrip("\n")


def test_benchmarks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("\t")[0] == "benchmark"
    assert [line.split("\t")[0] for line in lines[1:]] == ["asked", "judged"]
    assert run("--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["judged"]) for one in found] == [("asked", False), ("judged", True)]


def test_the_house_lists_its_own_without_a_fault(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headrace", "eval", "--json"],
        capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "ovobench" in {one["name"] for one in json.loads(done.stdout)}


def test_score(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--annotations", "asked.json", "--responses", "half.json", "more.json")
    assert run("score", "asked", *given) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("\t") == [
        "figure", "published", "causal", "best blind, published", "best blind, causal", "count",
    ]  # fmt: skip
    colour = next(line.split("\t") for line in lines if line.startswith("colour"))
    assert colour[1].startswith("66.7 % [")
    assert colour[2].startswith("22.2 % [0.0, ")
    assert colour[2].endswith("] †")
    assert colour[4] == '33.3 % always "A"'
    assert "6 tasks of 9 without any response." in lines
    assert run("score", "asked", *given, "--json", "--resamples", 0) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["missing"], found["tasks"], found["who"]) == (6, 9, "half.json, more.json")
    figure = next(one for one in found["figures"] if one["figure"] == "colour")
    assert figure["causal"] == {"value": pytest.approx(200 / 9), "count": 9, "unit": "%", "low": None, "high": None}
    assert figure["blind"]["causal"]["policy"] == 'always "A"'


def test_a_judged_benchmark_needs_a_judge(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("score", "judged", "--annotations", "asked.json", "--responses", "half.json", "--json", "--resamples", 5)
    assert told(capsys, *given) == ("judged compares texts; give --judge exact, f1, meaning or the URL of a model")
    assert run(*given, "--judge", "exact") == 0
    assert json.loads(capsys.readouterr().out)["judge"] == "exact"
    with chat("10", "wonderful", "0") as server:
        assert run(*given, "--judge", server.url, "--judge-model", "judgy") == 0
        asked = len(server.asked)
    found = json.loads(capsys.readouterr().out)
    assert asked == len({body["messages"][0]["content"] for body in server.asked})  # nothing twice
    assert "1 replies of the judge were no mark; they count as wrong" in found["notes"]
    assert found["judge"] == "judgy, prompt 1"


def test_audit(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("audit", "asked", "--annotations", "asked.json", "--out", "out/audit") == 0
    text = capsys.readouterr().out
    assert "published: won outright by a blind policy: nothing." in text
    assert text.splitlines()[-1] == "written: out/audit/audit.json, out/audit/audit.md, out/audit/audit.png"
    assert Path("out/audit").stat().st_mode & 0o777 == 0o700
    written = json.loads(Path("out/audit/audit.json").read_text())
    assert written.pop("written_by") == "headrace eval audit"
    assert run("audit", "asked", "--annotations", "asked.json", "--json") == 0
    assert json.loads(capsys.readouterr().out) == written
    assert run("audit", "asked", "--annotations", "asked.json", "--out", "out/audit") == 0  # its own files it replaces


def test_a_system_from_end_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    recordings(Path("videos"))
    given = ("asked", "--annotations", "asked.json", "--videos", "videos", "--system", "eyes", "--out", "out")
    assert run(*given, "--limit", 2) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    lines = printed.out.splitlines()
    assert next(line for line in lines if line.startswith("colour")).split("\t")[2] == "100.0 % [100.0, 100.0]"
    assert lines[-1] == "written: out/report.json, out/report.md"
    assert len(list(Path("out/traces").iterdir())) == 2
    assert run(*given, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["run"]["streams kept"], found["run"]["streams run"]) == (2, 1)
    written = json.loads(Path("out/report.json").read_text())
    assert written.pop("written_by") == "headrace eval"
    assert written == found
    assert Path("out/report.md").read_text().startswith("# asked: eyes\n")


def test_a_model_behind_an_address(capsys: pytest.CaptureFixture[str]) -> None:
    recordings(Path("videos"))
    given = ("asked", "--annotations", "asked.json", "--videos", "videos", "--system", "openai", "--out", "out")
    with chat("A") as server:
        assert run(*given, "--url", server.url, "--model", "eyes-1", "--json", "--limit", 1) == 0
        assert len(server.asked) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["run"]["settings"]["model"] == "eyes-1"
    figure = next(one for one in found["figures"] if one["figure"] == "colour")
    assert figure["causal"]["value"] == pytest.approx(200 / 3)
    assert "no stream could be run; two: the model at" in told(
        capsys, "asked", "--annotations", "two.json", *given[3:7], "--out", "gone", "--url", server.url, "--model", "m"
    )


def test_a_fault_is_told_and_the_rest_is_scored(capsys: pytest.CaptureFixture[str]) -> None:
    videos = recordings(Path("videos"))
    (videos / "two").rename(videos / "renamed")
    assert run("asked", "--annotations", "asked.json", "--videos", "videos", "--system", "eyes", "--out", "out") == 0
    printed = capsys.readouterr()
    assert printed.err == "headrace: warning: two: its recording two is not in videos\n"
    assert "3 tasks of 9 without any response." in printed.out


def test_a_gate_and_a_memory_on_millrace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(millrace, "method", plain_method)
    given = ("millrace", "--gate", "everything", "--memory", "window", "--regime", "calm", "--minutes", 4)
    assert run(*given, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["budget"], found["streams"]) == (192, 1)
    kept, upper, *blind = found["rows"]
    assert (kept["name"], upper["name"]) == ("everything + window", "everything kept")
    assert upper["accuracy"] > kept["accuracy"]
    assert all(upper["accuracy"] > one["accuracy"] for one in blind)
    refuse = next(one for one in blind if one["name"] == "blind: refuse")
    assert (refuse["refused"], refuse["false_per_hour"], refuse["total_bytes"]) == (1, 0, None)
    assert kept["total_bytes"] < upper["total_bytes"]
    assert upper["slope"] > 0
    assert run(*given, "--budget", 99, "--minutes", 2) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("\t")[:3] == ["regime", "row", "accuracy"]
    assert [line.split("\t")[0] for line in lines[1:]] == ["calm"] * (2 + len(blind))
    assert told(capsys, "millrace", "--regime", "storm").startswith("unknown regime 'storm'; use all, calm")
    for minutes in ("1", "1441"):
        assert told(capsys, "millrace", "--minutes", minutes).startswith("invalid value for '--minutes'")


def test_blind_policies_of_millrace_know_other_streams_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are those of the comparison, row for row."""
    monkeypatch.setattr(millrace, "method", plain_method)
    made = millrace.run_millrace(regime="noisy", minutes=4, seed=3)
    expected = blind([World(7, "noisy", 240.0)], [], 3)
    assert [(row.name, row.accuracy, row.alerts) for row in made.rows[2:]] == [
        (f"blind: {one.name}", one.accuracy.mean, one.alerts.mean) for one in expected
    ]


def test_a_gate_of_another_package_on_millrace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    points = [EntryPoint(one, f"tests.apps.evaluated:{one.title()}", GROUP) for one in ("lets", "paint")]
    registry = open_registry(points)
    monkeypatch.setattr(methods, "open_registry", lambda: registry)
    assert run("millrace", "--gate", "lets", "--regime", "calm", "--minutes", 2, "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["name"] == "lets + window"
    assert told(capsys, "millrace", "--gate", "paint").startswith("paint cannot be compared")
    assert told(capsys, "millrace", "--gate", "understanding").startswith("'understanding' is no single method")
    assert told(capsys, "millrace", "--gate", "windw") == "unknown method 'windw'; did you mean window?"


def test_the_usage_line_shows_what_is_typed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("asked", "--help") == 0
    usage = next(line for line in capsys.readouterr().out.splitlines() if "Usage:" in line)
    assert " ".join(usage.split()) == "Usage: headrace eval BENCH [OPTIONS]"


def plain_method(name: str) -> Method:
    """Everything enters; what is heard is kept, and what is seen by the name."""

    def make(setting: Setting) -> Keeper:
        sight = Everything(Grid(4, 6, 48)) if name == "everything" else Window(Grid(4, 6, 48), setting.tokens)
        return Keeper(AdmitAll(), Senses(sight, Window(Grid(1, 1, 48, "sound"), 64)))

    return Method(name, "baseline", "", name == "window", make=make)


def test_clocks(capsys: pytest.CaptureFixture[str]) -> None:
    recordings(Path("videos"))
    given = ("asked", "--annotations", "asked.json", "--videos", "videos", "--system", "eyes", "--json", "--limit", 1)
    assert run(*given, "--out", "measured", "--clock", "measured", "--late", "every") == 0
    assert run(*given, "--out", "profile", "--clock", "profile", "--costs", "measured") == 0
    assert json.loads(capsys.readouterr().out.split("\n}\n")[1] + "\n}")["run"]["timing"]["clock"] == "profile"
    assert "--clock profile needs --costs" in told(capsys, *given, "--out", "x", "--clock", "profile")
    assert "--costs goes with --clock profile" in told(capsys, *given, "--out", "x", "--costs", "measured")
    assert "videos: holds no traces" in told(capsys, *given, "--out", "x", "--clock", "profile", "--costs", "videos")
    assert "made with another timing" in told(capsys, *given, "--out", "measured")


def test_a_blind_policy_runs_without_recordings(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("asked", "--annotations", "asked.json", "--system", 'blind:always "A"', "--out", "out") == 0
    assert "33.3 %" in capsys.readouterr().out
    assert len(list(Path("out/traces").iterdir())) == len(SHOWN)


FILES = ("--annotations", "asked.json")
SYSTEM = ("--system", "eyes", "--out", "out")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("score", "askd", *FILES, "--responses", "half.json"), "unknown benchmark 'askd'; did you mean asked?"),
        (("xyzzy", *FILES, *SYSTEM), "unknown benchmark 'xyzzy'; `headrace eval` lists all"),
        (("score", "timechat", *FILES, "--responses", "half.json"), "the recipe timechat builds no benchmark"),
        (("score", "asked", "--annotations", "no.json", "--responses", "half.json"),
         "--annotations: there is no file or folder 'no.json'"),
        (("score", "asked", *FILES, "--responses", "no.json"), "--responses: there is no file or folder 'no.json'"),
        (("score", "asked", *FILES, "--responses", "half.json", "empty"), "--responses: the folder 'empty' is empty"),
        (("score", "asked", "--annotations", "broken.json", "--responses", "half.json"), "broken.json: "),
        (("score", "asked", *FILES, "--responses", "none.json"), "none.json: no response to any task of asked"),
        (("score", "asked", *FILES, "--responses", "foreign.json"), "foreign.json: id 'q7' is no task"),
        (("score", "asked", *FILES), "missing option '--responses'"),
        (("score", "asked", *FILES, "--responses", "half.json", "--judge", "best"), "unknown judge 'best'"),
        (("audit", "asked", "--annotations", "tasks.json"), "asked: the annotations hold no task"),
        (("audit", "asked", *FILES, "--out", "asked.json"), "asked.json is no folder"),
        (("audit", "asked", *FILES, "--out", "foreign"), "foreign/audit.json was not written by `headrace eval audit`"),
        (("asked", *FILES, "--videos", "no", *SYSTEM), "no: is no folder; give the folder of the recordings"),
        (("asked", *FILES, "--videos", "empty", *SYSTEM), "empty: the folder is empty"),
        (("asked", *FILES, "--videos", "foreign", *SYSTEM), "foreign: none of 3 recordings is there, such as 'one'"),
        (("asked", *FILES, *SYSTEM), "--system eyes needs --videos"),
        (("asked", *FILES, "--system", "ears", "--out", "out"), "unknown system 'ears'; use watch, openai, blind:NAME"),
        (("asked", *FILES, "--system", "blind:me", "--out", "out"), "asked has no blind policy 'me'"),
        (("asked", *FILES, "--system", "openai", "--out", "out"), "--system openai needs --url and --model"),
        (("asked", *FILES, *SYSTEM, "--clock", "sun"), "invalid value for '--clock'"),
        (("asked", *FILES, "--system", "eyes"), "missing option '--out'"),
        (("--annotations", "asked.json"), ""),
        (("score", "--json", "asked"), "missing option"),
        (("--json", "score"), "give --json behind eval score"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(words: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("empty", "foreign"):
        Path(name).mkdir()
    Path("foreign/audit.json").write_text("{}")
    Path("broken.json").write_text('{"one": [')
    Path("none.json").write_text("{}")
    Path("foreign.json").write_text('{"q7": "A"}')
    Path("tasks.json").write_text('{"one": []}')
    assert told(capsys, *words).startswith(line)
    assert not Path("out").exists()


def test_recordings_that_cannot_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    Path("videos").mkdir()
    for name in SHOWN:
        Path("videos", name).write_bytes(b"no video at all" * 9)
    line = told(capsys, "asked", *FILES, "--videos", "videos", *SYSTEM)
    assert line.startswith("no stream could be run; one: ")


def test_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    real = folder.atomic_write

    def full(path: Path, data: bytes) -> None:
        if data:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, data)

    monkeypatch.setattr(folder, "atomic_write", full)
    line = told(capsys, "asked", *FILES, "--system", "blind:never", "--out", "out", "--json")
    assert line == "the disk of out is full; make room, or give another --out"


def test_interrupted_and_taken_up_again(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a stream: 130, one line; the same command goes on."""
    recordings(Path("videos"))
    code = (
        "import asyncio, sys, time; from headrace.apps.evaluate import find, systems; from headrace.cli import main;"
        "from tests.evaluation.asked import Asked; from tests.apps.evaluated import Eyes, Looking;"
        "find.known = lambda: {'asked': ''}; find.open_benchmark = lambda name: Asked();"
        "systems.system = lambda name, *rest: Eyes(); slow = Looking.observe\n"
        "def observe(self, item):\n"
        "    if self.stream == 'two' and len(sys.argv) > 1:\n"
        "        print('two', flush=True)\n"
        "        while not asyncio.current_task().cancelling(): time.sleep(0.01)\n"
        "    return slow(self, item)\n"
        "Looking.observe = observe\n"
        "main('eval asked --annotations asked.json --videos videos --system eyes --out out'.split())"
    )
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    begun = subprocess.Popen(
        [sys.executable, "-c", code, "slowly"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    )
    assert begun.stdout is not None
    assert begun.stdout.readline() == "two\n"
    begun.send_signal(signal.SIGINT)
    _, err = begun.communicate(timeout=30)
    assert begun.returncode == 130
    assert err == "interrupted; the streams that were done are kept, and the same command goes on\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(Path("out/report.json").read_text())["run"]["streams kept"] == 1
