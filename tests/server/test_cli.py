"""`headrace serve`, as a process of its own where it runs to the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest

import headrace
from headrace import cli, cli_serve
from headrace.cli_serve import NEEDS
from headrace.core.errors import ConfigError

for module in NEEDS:
    pytest.importorskip(module, reason=f"needs {module}, which the extra server brings")

MAIN = "import headrace.cli as c; c.COMMANDS = ('headrace.cli_serve',); c.main()"
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(headrace.__file__).parents[1])}


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", MAIN, "serve", *words]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that cannot serve, and gives its one line."""
    monkeypatch.setattr(cli, "COMMANDS", ("headrace.cli_serve",))
    monkeypatch.delenv("HEADRACE_API_KEYS", raising=False)

    def run(*words: str) -> str:
        with pytest.raises(SystemExit) as left:
            cli.main(["serve", *words])
        out, err = capsys.readouterr()
        assert (left.value.code, out) == (2, "")
        (line,) = err.splitlines()
        return line

    return run


def test_help_has_examples() -> None:
    done = subprocess.run(command("--help"), env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout.count("headrace serve ") >= 4
    for option in ("--host", "--port", "--workers", "--state", "--api-key", "--scheduler", "--budget", "--drain"):
        assert option in done.stdout


def test_what_cannot_be_served_is_one_line(
    refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"port {port} of 127.0.0.1 is taken" in refused("zoo:tiny-llama", "--port", port)
    keys = tmp_path / "keys"
    keys.write_text("short\n")
    assert "line 1" in refused("zoo:tiny-llama", "--api-key", str(keys))
    assert "is no folder" in refused("zoo:tiny-llama", "--state", str(keys))
    assert "did you mean edf" in refused("zoo:tiny-llama", "--scheduler", "edd")
    assert "cannot be listened at" in refused("zoo:tiny-llama", "--host", "203.0.113.7", "--port", "0")
    monkeypatch.setenv("HEADRACE_API_KEYS", "tiny")
    assert "line 1" in refused("zoo:tiny-llama")


@pytest.mark.parametrize(("host", "own"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)])
def test_what_is_open_to_others(host: str, own: bool) -> None:
    assert cli_serve.loopback(host) is own


def test_what_is_lacking_is_named_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_serve, "find_spec", lambda name: None if name == NEEDS[1] else object())
    with pytest.raises(ConfigError, match=r"needs uvicorn; run: pip install 'headrace\[server,hf\]'"):
        cli_serve.serve("zoo:tiny-llama")


def test_it_serves_a_model_that_ships_until_it_is_told_to_stop(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="needs transformers, which the extra hf brings")
    words = command("zoo:tiny-llama", "--port", "0", "--workers", "1", "--state", str(tmp_path / "state"), "--json")
    with subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            ready = json.loads(process.stdout.readline())
            assert (ready["type"], ready["model"], ready["pid"]) == ("ready", "zoo:tiny-llama", process.pid)
            with urlopen(ready["url"] + "/health") as health:
                assert health.status == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            assert process.stderr.read() == ""
            assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
        finally:
            process.kill()
