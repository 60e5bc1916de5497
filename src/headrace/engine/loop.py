"""Loop: a worker's thread: take messages, run a tick, give answers and events away."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any

from headrace.core.clock import machine_now
from headrace.engine.spec import Spec
from headrace.engine.worker import Worker

#: What a worker sends: answers to messages, and events.
Batch = tuple[list[tuple[int, str | None, Any]], list[Any]]
#: The number of the answer that says that a worker is there.
READY = 0
#: Seconds until a worker looks again whether what is ready can run, where there was no room for it.
IDLE = 0.02


def run(spec: Spec, inbox: queue.SimpleQueue[Any], send: Callable[[Batch], None]) -> None:
    """Build a worker and serve until None comes in.

    Args:
        inbox: messages (number, call, arguments).
        send: called in this thread.
    """
    from pathlib import Path

    try:
        engine, model = spec.build()
    except Exception as error:
        send(([(READY, type(error).__name__, str(error))], []))
        return
    worker: Worker[Any] = Worker(engine, machine_now, Path(spec.folder) if spec.folder else None)
    send(([(READY, None, model)], []))
    ran = True
    while True:
        answers = []
        message = _next(inbox, None if not worker.busy else 0.0 if ran else IDLE)
        while message is not _NOTHING:
            if message is None:
                return
            answers.append(worker.handle(message))
            message = _next(inbox, 0.0)
        ran = worker.tick()
        events = worker.events()
        if answers or events:
            send((answers, events))


_NOTHING = object()


def _next(inbox: queue.SimpleQueue[Any], wait: float | None) -> Any:
    """The next message within so many seconds (None: whenever it comes), or `_NOTHING`."""
    try:
        return inbox.get(timeout=wait) if wait != 0 else inbox.get_nowait()
    except queue.Empty:
        return _NOTHING
