"""Calls of `headrace watch` that share a process, each with a limit of time and of memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Timer

from tests.apps.watching import ROOT, environ


@dataclass(frozen=True)
class Said:
    """How a call ended. `code` is None if the process died or was killed because it took too long.

    Attributes:
        peak: bytes of memory that it took at most.
    """

    code: int | None
    out: str
    err: str
    peak: int = 0


class Command:
    """One process that runs calls one after another; it is started again after it has died.

    Args:
        patience: seconds a call may take.
        most: bytes of address space that the process may take.
    """

    def __init__(self, patience: float = 60, most: int = 24 << 30) -> None:
        self._patience, self._most = patience, most
        self._process: subprocess.Popen[str] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="headrace-broken-")

    def __call__(self, *words: str) -> Said:
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(words) + "\n")
        process.stdin.flush()
        timer = Timer(self._patience, process.kill)
        timer.start()
        line = process.stdout.readline()
        timer.cancel()
        if not line:
            self._process = None
            return Said(None, "", f"the process ended with {process.wait()}")
        return Said(**json.loads(line))

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.communicate()
        self._folder.cleanup()

    def _start(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.broken.server", str(self._most)],
            cwd=self._folder.name,
            env=environ() | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self._process


def watch(command: Command, sources: Sequence[str], out: os.PathLike[str]) -> Said:
    """`headrace watch SOURCE… --out OUT --json --speed max`."""
    return command("watch", *sources, "--out", os.fspath(out), "--json", "--speed", "max")
