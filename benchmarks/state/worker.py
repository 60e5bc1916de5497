"""A peer's process: started once in its own environment, asked case by case."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Timer
from typing import Any

from benchmarks.state.configs import CACHE, HERE

ROOT = HERE.parents[1]
#: Peers that need another environment than this one; the others share its torch, so that figures differ by code alone.
OWN = frozenset({"llamacpp"})
#: Seconds after which a peer that does not answer is ended.
PATIENCE = 180.0


class PeerError(Exception):
    """What a peer cannot do, in one line."""


class Worker:
    """One peer; `version` is what it says of itself.

    Args:
        peer: its name.
        package: where its module is, `with_NAME`.
        threads: of its libraries.

    Raises:
        PeerError: its environment cannot be made, or it does not start.
    """

    def __init__(self, peer: str, package: str = "benchmarks.state.peers", threads: int = 1) -> None:
        keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        counts = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "OPENBLAS", "MKL")}
        settings = {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONHASHSEED": "0", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        python = environment(peer) if peer in OWN else Path(sys.executable)
        self.peer = peer
        CACHE.mkdir(parents=True, exist_ok=True)
        self.log = CACHE / f"{package.split('.')[1]}-{peer}-{threads}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(python), "-m", f"{package}.with_{peer}"],
                env=keep | counts | settings,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.version = str(self.ask("version"))

    def ask(self, what: str, **request: Any) -> Any:
        """What the peer answers; PeerError if it cannot."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        limit = Timer(PATIENCE, self.process.kill)
        limit.start()
        try:
            self.process.stdin.write(json.dumps({"ask": what} | request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            limit.cancel()
        if not line:
            said = self.log.read_text(errors="replace").strip().splitlines()
            raise PeerError(f"{self.peer} ended: {said[-1] if said else 'without a word'}")
        reply = json.loads(line)
        if "error" in reply:
            raise PeerError(reply["error"])
        return reply["value"]

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
            self.process.wait(20)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self.process.kill()
            self.process.wait()


def environment(peer: str) -> Path:
    """The Python of the peer's environment, which is made anew when its pinned requirements have changed."""
    requirements = HERE / "requirements" / f"{peer}.txt"
    home = CACHE / "environments" / peer
    stamp = home / "requirements.sha256"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    python = home / "bin" / "python"
    if stamp.exists() and stamp.read_text() == digest:
        return python
    print(f"making the environment of {peer}", file=sys.stderr)
    home.parent.mkdir(parents=True, exist_ok=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(home)],
        [*pip, ":all:", "-r", str(requirements)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise PeerError(f"its environment cannot be made: {lines[-1] if lines else command[0]}")
    stamp.write_text(digest)
    return python
