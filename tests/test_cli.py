"""The command line as its users meet it: exit codes, one-line errors, help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

import headrace.cli
from headrace.cli import Session, build_app, main
from headrace.core.errors import InputError
from headrace.version import __version__

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("HEADRACE_CONFIG", raising=False)


def run(*words: str) -> int:
    """Exit code of one command."""
    with pytest.raises(SystemExit) as end:
        main(words)
    return int(end.value.code or 0)


def start(*words: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "headrace", *words]
    return subprocess.Popen(command, env=environ, stdout=pipe, stderr=pipe, text=True)


def commands(group: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path]
    for name, command in group.commands.items():
        nested = isinstance(command, typer.core.TyperGroup)
        found += commands(command, (*path, name)) if nested else [(*path, name)]
    return found


ALL = commands(typer.main.get_command(build_app()))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_explains_itself_with_examples(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*path, "--help") == 0
    out = capsys.readouterr().out
    assert "Examples:" in out
    called = "headrace eval BENCH" if path == ("eval", "run") else " ".join(("headrace", *path))
    assert called in out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"headrace {__version__}\n"


def test_an_error_is_one_line_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("recipes", "show", "timechot") == 2
    err = capsys.readouterr().err
    assert err == "headrace: error: unknown recipe 'timechot'; did you mean timechat?\n"


def test_debug_shows_the_traceback() -> None:
    with start("--debug", "recipes", "show", "timechot") as process:
        _, err = process.communicate(timeout=60)
    assert "Traceback" in err
    assert "ConfigError: unknown recipe" in err


@pytest.mark.parametrize("words", [["nonsense"], ["recipes", "--status", "done"], ["recipes", "check"]])
def test_usage_errors_exit_2(words: list[str]) -> None:
    assert run(*words) == 2


def test_a_user_error_without_debug_has_no_traceback() -> None:
    with start("recipes", "--family", "understandin") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err == "headrace: error: unknown family 'understandin'; did you mean understanding?\n"


def test_a_reader_that_goes_away_is_no_error() -> None:
    with start("recipes", "--json") as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (KeyboardInterrupt(), 130, ""),
        (
            InputError("clip.mp4:\n no video; give a video"),
            2,
            "headrace: error: clip.mp4: no video; give a video\n",
        ),
    ],
)
def test_how_a_command_ends(
    raised: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise raised

    monkeypatch.setattr(headrace.cli, "build_app", lambda: app)
    assert run() == code
    assert capsys.readouterr().err == said


def test_modules_add_commands_and_see_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cli_extra.py").write_text(
        "import typer\n"
        "def register(app): app.command('extra')(extra)\n"
        "def extra(context: typer.Context): print(context.obj)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(headrace.cli, "COMMANDS", ("cli_extra", "headrace.cli_absent", "headrace.cli_setup"))
    assert run("--debug", "extra") == 0
    assert capsys.readouterr().out.strip() == repr(Session(debug=True))
    assert run("config") == 0


def test_config_prints_what_is_in_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "headrace.toml").write_text("[watch]\nllm_timeout = 5.0\n")
    assert run("config") == 0
    text = capsys.readouterr().out
    assert tomllib.loads(text)["watch"]["llm_timeout"] == 5
    assert run("config", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["settings"]["watch"]["llm_timeout"] == 5
    assert list(printed["from"]) == ["watch.llm_timeout"]


def test_a_wrong_config_file_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "headrace.toml").write_text("[watch]\nspead = 5\n")
    assert run("config") == 2
    assert "watch.spead: unknown key; did you mean speed?" in capsys.readouterr().err
