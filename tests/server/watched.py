"""A server in a process of its own, over worker processes, that tells what it holds and can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODEL = "zoo:tiny-llama"
#: What is freed goes back to the system at once, so that resident bytes are those in use.
FRUGAL = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "2"}
#: Serves until SIGTERM; for each line of its input, what it holds as a line of JSON.
PROGRAM = """
import asyncio, gc, json, os, sys
from headrace.engine.pool import start
from headrace.engine.spec import Spec
from headrace.server import run as running
from headrace.server.keys import Keys
from headrace.server.settings import Settings


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def main(spec, settings, workers, port):
    pool = await start(Spec(**spec), workers)
    made, create = [], running.create_app

    def create_app(*arguments):
        made.append(create(*arguments))
        return made[0]

    running.create_app = create_app
    loop = asyncio.get_running_loop()

    async def look():
        for remote in pool.remotes:
            await remote.up.wait()
        front, figures = made[0].state.front, await pool.figures()
        children = [remote.link.process.pid for remote in pool.remotes]
        gauges = {name: sum(row["value"] for row in rows) for name, rows in figures["gauges"].items()}
        gc.collect()
        return {
            "tasks": len(asyncio.all_tasks()), "descriptors": descriptors(os.getpid()),
            "worker_descriptors": [descriptors(child) for child in children], "workers": children,
            "sessions": len(pool.sessions()), "engine_sessions": gauges["sessions"],
            "running": gauges["num_requests_running"] + gauges["num_requests_waiting"],
            "requests": front.shares.requests, "shares": front.shares._sessions.total(), "streams": len(front.streams),
            "connections": len(made[0].state.connections), "calls": sum(len(one._calls) for one in pool.remotes),
            "resident": resident(os.getpid()), "worker_resident": [resident(child) for child in children],
        }

    def asked():
        if not os.read(0, 64):
            loop.remove_reader(0)
            return
        task = loop.create_task(look())
        task.add_done_callback(lambda done: print(json.dumps(done.result()), flush=True))

    def ready():
        print(running.address(listener), flush=True)
        loop.add_reader(0, asked)

    with running.bind("127.0.0.1", port) as listener:
        await running.run(pool, Settings(**settings), Keys(), listener, ready)


if __name__ == "__main__":
    asyncio.run(main(*json.loads(sys.argv[1])))
"""


@dataclass
class Watched:
    """A running server.

    Attributes:
        url: where it is.
        process: its own; workers are in its group.
    """

    url: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def look(self) -> dict[str, Any]:
        """Tasks, descriptors, sessions, shares, streams and resident bytes, of the server and of its workers."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def kill(self) -> None:
        """kill -9 of the server and its workers."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)
        self.process.communicate(timeout=60)
        return self.process.returncode


def up(
    folder: Path, port: int = 0, workers: int = 1, spec: Mapping[str, Any] | None = None, **settings: Any
) -> Watched:
    """Start a server over `zoo:tiny-llama` whose durable sessions are in a folder; it is there on return."""
    told = [
        {"model": MODEL, "folder": str(folder / "engine"), **(spec or {})},
        {"folder": str(folder), "drain": 1.0, **settings},
        workers,
        port,
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, json.dumps(told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | FRUGAL,
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url, "the server did not start"
    return Watched(url, process)


@contextmanager
def watched(folder: Path, **options: Any) -> Iterator[Watched]:
    """`up`, and stopped at the end."""
    server = up(folder, **options)
    try:
        yield server
    finally:
        server.stop()
