"""Child: the process of one worker, `python -m headrace.engine.child FD`, where FD is a socket to its parent."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
from multiprocessing.connection import Connection
from typing import Any

from headrace.engine.loop import run


def main(descriptor: int) -> None:
    """Serve until the parent closes the socket, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent drains; a terminal sends it to both
    connection: Connection = Connection(descriptor)
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    spec = connection.recv()

    def listen() -> None:
        try:
            while True:
                inbox.put(connection.recv())
        except (EOFError, OSError):
            inbox.put(None)

    threading.Thread(target=listen, daemon=True).start()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        run(spec, inbox, connection.send)
    os._exit(0)  # nothing is left to be saved, and torch takes seconds to be taken down


if __name__ == "__main__":
    main(int(sys.argv[1]))
