"""The examples run, and print what they promise."""

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_barge_in() -> None:
    lines = run("barge_in.py").splitlines()
    assert [line.split()[2] for line in lines[:3]] == ["you", "asked", "why"]
    assert not any(2.0 < float(line.split()[0]) < 10.0 for line in lines)  # the voice at 2 s voided the rest
    assert lines[-1].split()[2] == "long"
    assert float(lines[-1].split()[0]) > 3600
    assert run("barge_in.py").splitlines() == lines


def test_live_sessions() -> None:
    lines = run("live_sessions.py").splitlines()
    assert lines[0] == "updated: 11 tokens kept"
    assert lines[1].startswith("session 0: 48 said")
    assert 9 <= int(lines[2].split()[2]) < 48  # 8 tokens, what was on its way, and the word that it was cut off
    assert lines[4].startswith("fork: ")


def test_watch_cameras() -> None:
    out = run("watch_cameras.py", "demo:")
    assert "ALERT at 29" in out
    assert "Level" in out


def test_the_example_of_the_readme() -> None:
    code = (EXAMPLES.parent / "README.md").read_text("utf-8").split("```python\n")[1].split("```")[0]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "Sluice gate 3 is open" in lines[0]
    assert len(lines) > 5
    assert all(0 < float(line) < 255 for line in lines[1:])
