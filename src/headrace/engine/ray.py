"""Ray: workers as actors, on this machine or on others (`pip install "headrace[ray]"`)."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import Callable
from typing import Any

from headrace.core.errors import ConfigError
from headrace.engine.loop import Batch, run
from headrace.engine.spec import Spec

#: Seconds for which an actor holds a call that has nothing to answer yet.
WAIT = 0.5
#: Batches that are fetched with one call.
FETCHED = 64


class Actor:
    """What runs in the actor's process: a worker in a thread, and a mailbox that the parent polls.

    Args:
        spec: of the worker.
    """

    def __init__(self, spec: Spec) -> None:
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._outbox: queue.Queue[Batch | None] = queue.Queue(maxsize=1024)
        threading.Thread(target=self._work, args=(spec,), daemon=True).start()

    def _work(self, spec: Spec) -> None:
        try:
            run(spec, self._inbox, self._outbox.put)
        finally:
            self._outbox.put(None)

    def put(self, messages: list[Any]) -> None:
        """Messages for the worker."""
        for message in messages:
            self._inbox.put(message)

    def take(self) -> list[Batch | None]:
        """What the worker sent since; waits a while for the first batch. None: there will be no more."""
        out: list[Batch | None] = []
        try:
            out.append(self._outbox.get(timeout=WAIT))
            while len(out) < FETCHED:
                out.append(self._outbox.get_nowait())
        except queue.Empty:
            pass
        return out

    def pid(self) -> int:
        """Of the actor's process."""
        return os.getpid()


class RayLink:
    """A worker in an actor of Ray. Whole sessions live there; only messages and snapshots travel.

    Ray is started on this machine if the program has not connected to a cluster (`ray.init`).

    Args:
        spec: of the worker; its folder must be one that all machines see, if sessions are to outlive theirs.
    """

    def __init__(self, spec: Spec) -> None:
        try:
            import ray
        except ImportError:
            raise ConfigError("workers by Ray need it: pip install 'headrace[ray]'") from None
        if not ray.is_initialized():
            ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False)
        environment = {"env_vars": {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}}
        self._ray: Any = ray
        self.actor: Any = ray.remote(Actor).options(max_concurrency=4, num_cpus=1, runtime_env=environment).remote(spec)
        self._polling: asyncio.Task[None] | None = None

    def open(self, arrived: Callable[[Batch], None], gone: Callable[[], None]) -> None:
        self._polling = asyncio.ensure_future(self._poll(arrived, gone))

    def send(self, message: tuple[int, str, tuple[Any, ...]]) -> None:
        self.actor.put.remote([message])

    def close(self) -> None:
        self.actor.put.remote([None])

    def kill(self) -> None:
        self._ray.kill(self.actor)

    async def _poll(self, arrived: Callable[[Batch], None], gone: Callable[[], None]) -> None:
        try:
            while True:
                for batch in await self.actor.take.remote():
                    if batch is None:
                        self._ray.kill(self.actor)
                        return
                    arrived(batch)
        except self._ray.exceptions.RayError:
            return
        finally:
            gone()
