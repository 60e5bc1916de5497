"""Pipe: standard input and named pipes, read so that a wait can be ended."""

from __future__ import annotations

import os
import select
from contextlib import suppress

from headrace.core.errors import InputError


class Pipe:
    """A pipe read without seeking, whose blocking read `wake` ends.

    Ctrl-C cannot pass through the library that calls `read`; it ends the pipe, and `check` then raises it.

    Args:
        path: of a named pipe, which is opened without waiting for its other end; "-" for standard input.

    Raises:
        InputError: standard input is a terminal, or the pipe cannot be opened.
    """

    def __init__(self, path: str = "-") -> None:
        if path == "-" and os.isatty(0):
            raise InputError("standard input is a terminal; pipe a video into it: … | headrace watch -")
        self.name = "standard input" if path == "-" else path
        try:
            self._descriptor = os.dup(0) if path == "-" else os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise InputError(f"{self.name}: cannot be opened ({reason}); check the pipe") from None
        self._woken, self._waker = os.pipe()
        self._interrupted = False

    def read(self, size: int) -> bytes:
        """At most `size` bytes, none at the end or after `wake`."""
        try:
            while not self._interrupted:
                ready, _, _ = select.select([self._descriptor, self._woken], [], [])
                if self._woken in ready:
                    break
                with suppress(BlockingIOError):
                    return os.read(self._descriptor, size)
        except KeyboardInterrupt:
            self._interrupted = True
        return b""

    def check(self) -> None:
        """Raise KeyboardInterrupt if a read was interrupted."""
        if self._interrupted:
            raise KeyboardInterrupt

    def wake(self) -> None:
        """End the read in progress and all that follow; may be called from any thread."""
        os.write(self._waker, b"\0")

    def __del__(self) -> None:
        if hasattr(self, "_waker"):
            for descriptor in (self._descriptor, self._woken, self._waker):
                os.close(descriptor)
