"""Run: the server's process, from an open port to the last reply."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn

from headrace.core.errors import ConfigError
from headrace.engine.face import Pool
from headrace.server.app import create_app
from headrace.server.connections import Connections
from headrace.server.front import Front
from headrace.server.keys import Keys
from headrace.server.settings import Settings

log = logging.getLogger("headrace.server")

#: Bytes of a request's head.
HEAD = 64 << 10
#: Seconds that connections get to close once all replies are over.
CLOSE = 3
#: Seconds that streams get to send what is left of them; those that have no end are ended then.
LAST = 1
#: Connections that may wait to be accepted.
BACKLOG = 1024


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any free one.

    Raises:
        ConfigError: the port is taken or not allowed, or the host is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"port {port} of {host} is taken; give another --port, or 0 for any") from error
        if error.errno == errno.EACCES:
            raise ConfigError(f"port {port} of {host} is not allowed; give one of 1024 or more") from error
        raise ConfigError(f"{host}:{port} cannot be listened at: {error.strerror}; give another --host") from error
    except OverflowError:
        raise ConfigError(f"port {port}: give 0 to 65535") from None


def address(listener: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def run(
    pool: Pool,
    settings: Settings,
    keys: Keys,
    listener: socket.socket,
    ready: Callable[[], None] = lambda: None,
    stop: asyncio.Event | None = None,
) -> int:
    """Serve until SIGTERM, SIGINT or `stop`; then drain, and close the pool.

    While it drains, health and everything new is answered by 503; replies under way get `settings.drain` seconds. A
    second signal ends them at once.

    Args:
        ready: called when requests are taken.
        stop: ends it as a signal does; given, signals are left to whoever gave it.

    Returns:
        How many replies were cut off.
    """
    app = create_app(pool, settings, keys)
    connections = Connections(settings.connections, settings.arrive)
    app.state.connections = connections
    config = uvicorn.Config(
        app, http=connections.protocol(), log_level="warning", access_log=False, server_header=False,
        ws_max_size=4 * settings.frame, ws_per_message_deflate=False, h11_max_incomplete_event_size=HEAD,
        timeout_graceful_shutdown=CLOSE,
    )  # fmt: skip
    server = _Server(config)
    with _asked(stop) as (asked, again):
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        try:
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            if not serving.done():
                ready()
            asking = asyncio.ensure_future(asked.wait())
            await asyncio.wait((asking, serving), return_when=asyncio.FIRST_COMPLETED)
            asking.cancel()
            cut = await _drain(app.state.front, again)
            server.should_exit = True
            await serving
        finally:
            await pool.close()
    return cut


async def _drain(front: Front, again: asyncio.Event) -> int:
    """Let what is under way end; returns how many replies were cut off."""
    front.draining = True
    draining = asyncio.ensure_future(front.pool.drain(front.settings.drain))
    hurried = asyncio.ensure_future(again.wait())
    await asyncio.wait((draining, hurried), return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()
    cut = draining.result() if draining.done() else await front.pool.drain(0)
    draining.cancel()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LAST):
            while front.streams:
                await asyncio.sleep(0.01)
    front.end_streams()
    if cut:
        log.warning("%d replies were cut off after %g s", cut, front.settings.drain)
    return cut


@contextlib.contextmanager
def _asked(stop: asyncio.Event | None) -> Iterator[tuple[asyncio.Event, asyncio.Event]]:
    """Events that are set by the first and by the second signal."""
    first, second = stop or asyncio.Event(), asyncio.Event()
    if stop is not None:
        yield first, second
        return
    loop = asyncio.get_running_loop()

    def heard() -> None:
        (second if first.is_set() else first).set()

    signals = (signal.SIGTERM, signal.SIGINT)
    for one in signals:
        loop.add_signal_handler(one, heard)
    try:
        yield first, second
    finally:
        for one in signals:
            loop.remove_signal_handler(one)


class _Server(uvicorn.Server):
    """uvicorn, whose signals are looked after elsewhere."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
