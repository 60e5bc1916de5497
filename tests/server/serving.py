"""A server over a pool on a port of its own, in a thread of this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from headrace.server.keys import Keys
from headrace.server.run import address, bind, run
from headrace.server.settings import Settings

T = TypeVar("T")


@dataclass
class Served:
    """A running server: its URL, its pool, and the loop that it runs on."""

    url: str
    pool: Any
    loop: asyncio.AbstractEventLoop
    stop: Callable[[], None]
    thread: threading.Thread

    def until(self, holds: Callable[[], bool], seconds: float = 5.0) -> bool:
        """Whether something of the pool comes to hold in time."""

        async def wait() -> bool:
            for _ in range(round(seconds * 200)):
                if holds():
                    return True
                await asyncio.sleep(0.005)
            return False

        return self.do(wait())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)


@contextmanager
def served(pool: Any, settings: Settings | None = None, keys: Keys | None = None) -> Iterator[Served]:
    """Serve a pool; it is drained and closed at the end."""
    begun, made = threading.Event(), {}

    async def main() -> None:
        listener, stop = bind("127.0.0.1", 0), asyncio.Event()
        loop = asyncio.get_running_loop()
        made.update(url=address(listener), loop=loop, stop=lambda: loop.call_soon_threadsafe(stop.set))
        await run(pool, settings or Settings(drain=0.5), keys or Keys(), listener, begun.set, stop)

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert begun.wait(20), "the server did not start"
    try:
        yield Served(made["url"], pool, made["loop"], made["stop"], thread)
    finally:
        with suppress(RuntimeError):  # it has stopped by itself
            made["stop"]()
        thread.join(20)
