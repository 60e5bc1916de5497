"""Links: the way to a worker: another process, a thread of this one, or an actor of Ray."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Protocol

from headrace.core.errors import ConfigError, StateError
from headrace.engine.loop import Batch, run
from headrace.engine.spec import Spec

#: Seconds that a worker has to end by itself.
PATIENCE = 10.0
_STOP = object()


class Died(StateError):
    """A worker died before it answered; whether it did what it was asked is not known."""


class Link(Protocol):
    """A way to one worker. All calls are made on the event loop's thread.

    Batches come to `arrived`, in order; `gone` is called once, when none will come any more.
    """

    def open(self, arrived: Callable[[Batch], None], gone: Callable[[], None]) -> None: ...

    def send(self, message: tuple[int, str, tuple[Any, ...]]) -> None: ...

    def close(self) -> None:
        """Let the worker end by itself."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


class ProcessLink:
    """A worker in a process of its own, on one thread.

    Two threads here read from it and write to it, so that a worker that stands still holds up nobody else.
    """

    def __init__(self, spec: Spec) -> None:
        ours, theirs = socket.socketpair()
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "headrace.engine.child", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
            )
        self._connection: Connection = Connection(ours.detach())
        self._outbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._outbox.put(spec)

    def open(self, arrived: Callable[[Batch], None], gone: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()

        def tell(call: Callable[..., None], *arguments: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(call, *arguments)

        def read() -> None:
            with contextlib.suppress(EOFError, OSError):
                while True:
                    tell(arrived, self._connection.recv())
            self.process.kill()
            self.process.wait()
            self._outbox.put(_STOP)
            tell(gone)

        def write() -> None:
            with contextlib.suppress(OSError):  # it is gone, which `gone` will say
                while (message := self._outbox.get()) is not _STOP:
                    self._connection.send(message)

        for work in (read, write):
            threading.Thread(target=work, daemon=True).start()

    def send(self, message: tuple[int, str, tuple[Any, ...]]) -> None:
        self._outbox.put(message)

    def close(self) -> None:
        self._outbox.put(None)

        def insist() -> None:
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()

        threading.Thread(target=insist, daemon=True).start()

    def kill(self) -> None:
        self.process.kill()


class ThreadLink:
    """A worker in a thread of this process: quick to start, and it shares the interpreter with everything else."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def open(self, arrived: Callable[[Batch], None], gone: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()

        def tell(call: Callable[..., None], *arguments: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(call, *arguments)

        def work() -> None:
            try:
                run(self._spec, self._inbox, lambda batch: tell(arrived, batch))
            finally:
                tell(gone)

        threading.Thread(target=work, daemon=True).start()

    def send(self, message: tuple[int, str, tuple[Any, ...]]) -> None:
        self._inbox.put(message)

    def close(self) -> None:
        self._inbox.put(None)

    def kill(self) -> None:
        self._inbox.put(None)


#: By name, what can carry a worker.
KINDS = ("process", "thread", "ray")


def connect(kind: str, spec: Spec) -> Link:
    """A link of a kind to a new worker; ConfigError if there is no such kind, or what it needs is not installed."""
    if kind == "process":
        return ProcessLink(spec)
    if kind == "thread":
        return ThreadLink(spec)
    if kind == "ray":
        from headrace.engine.ray import RayLink

        return RayLink(spec)
    raise ConfigError(f"workers run by {', '.join(KINDS)}, not by {kind!r}")
