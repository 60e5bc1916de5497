"""Turn: an interruptible response."""

from __future__ import annotations

import asyncio

from headrace.core.epoch import Epoch


class Turn:
    """One response under way. At most one is live in a reaction.

    An operator that reacts is an async generator `decide(item, turn)`; what it yields carries the
    turn's epoch, so nothing of it is delivered once the session has been interrupted. Interrupting
    also cancels the generator at its next await.

    Attributes:
        epoch: the session's epoch when the turn began.
    """

    __slots__ = ("_session", "_task", "epoch")

    def __init__(self, session: Epoch) -> None:
        self.epoch = session.value
        self._session = session
        self._task: asyncio.Task[None] | None = None

    @property
    def live(self) -> bool:
        """False once interrupted or finished; long computations may ask."""
        return self.epoch >= self._session.value and (self._task is None or not self._task.done())

    def bind(self, task: asyncio.Task[None]) -> None:
        """Tell the turn which task runs it."""
        self._task = task

    @property
    def cancelled(self) -> bool:
        """Whether the task was told to end; a generator may have swallowed it."""
        return self._task is not None and self._task.cancelling() > 0

    def cancel(self) -> None:
        """Cancel the task once: a second interruption does not break into its clean-up."""
        if self._task is not None and not self.cancelled:
            self._task.cancel()
