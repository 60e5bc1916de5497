"""Epoch: the integer by which an interruption voids what is under way.

Control never rides the data queue. An interruption raises the epoch; whatever carries an older one
is dropped wherever it is met: when it is put, when it is taken, and when a worker returns with it.
"""

from __future__ import annotations

from collections.abc import Callable


class Epoch:
    """The current epoch of one session."""

    __slots__ = ("_listeners", "value")

    def __init__(self) -> None:
        self.value = 0
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each rise."""
        self._listeners.append(listener)

    def unsubscribe(self, listener: Callable[[], None]) -> None:
        self._listeners.remove(listener)

    def rise(self) -> int:
        """Void everything older; returns the new epoch once no queue holds an older item."""
        self.value += 1
        for listener in tuple(self._listeners):
            listener()
        return self.value
