"""Log: the numbered emissions of one session, the last of which are kept for those who listen.

Listeners are places in one ring and have no queue of their own: whoever was overtaken by the ring's end is told what he
missed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import Any
from weakref import WeakSet

from headrace.core.errors import CapacityError, InputError
from headrace.server.live.emission import Emission, Kind, emission, gap
from headrace.server.live.journal import Journal

log = logging.getLogger("headrace.server")


class Listener:
    """One reader's place in a log."""

    def __init__(self, log: Log, after: int) -> None:
        self.log, self.place = log, after

    async def next(self) -> list[Emission]:
        """What comes next, at least one emission; [] when the log is closed and all was read.

        The first may be a gap: what was asked for and is no longer kept.
        """
        while True:
            batch = self.log.after(self.place)
            if batch:
                self.place = batch[-1].number
                return batch
            if self.log.closed and self.place >= self.log.number:
                return []
            await self.log.grown.wait()

    def leave(self) -> None:
        """Listen no more."""
        self.log.listeners.discard(self)


class Log:
    """Emissions by number; those that a journal has not on disk yet are not shown.

    Args:
        session: its id.
        keep: emissions that are kept; the journal's length too.
        most: listeners at a time.
        journal: where they are written before anybody sees them; None: nowhere.

    Attributes:
        number: of the last emission.
        closed: there will be no more.
        failed: why the journal cannot be written any more, or "".
        grown: set when there is more to see; another takes its place then.
    """

    def __init__(self, session: str, keep: int, most: int, journal: Journal | None = None) -> None:
        self.session, self.keep, self.most, self.journal = session, keep, most, journal
        self.listeners: WeakSet[Listener] = WeakSet()  # a reader who never began to read leaves no trace
        self.number = 0
        self.closed = False
        self.failed = ""
        self.grown = asyncio.Event()
        self._kept: deque[Emission] = deque(maxlen=keep)
        self._shown = 0
        self._unwritten: list[str] = []
        self._writing: asyncio.Task[None] | None = None

    def recall(self, emissions: Iterable[Emission]) -> None:
        """Begin behind these, of an earlier run."""
        self._kept.extend(emissions)
        self.number = self._shown = self._kept[-1].number if self._kept else 0

    def append(self, kind: Kind, text: str = "", **fields: Any) -> Emission:
        """Number one more and show it, when it is written; see `emission` for the fields."""
        self.number += 1
        made = emission(self.session, self.number, kind, text, **fields)
        self._kept.append(made)
        if self.journal is None or self.failed:
            self._show(self.number)
        else:
            self.note({"emission": made.short()})
        return made

    def note(self, line: dict[str, Any]) -> None:
        """Write a line that is no emission, in order with them."""
        if self.journal is not None and not self.failed:
            self._unwritten.append(self.journal.line(line))
            if self._writing is None:
                self._writing = asyncio.create_task(self._write())

    def after(self, number: int) -> list[Emission]:
        """What is shown behind `number`, with a gap in front if some of it is no longer kept."""
        if number >= self._shown:
            return []
        oldest = self._kept[0].number
        first = max(number + 1, oldest)
        last = self._kept[-1].number
        batch = [self._kept[at - oldest] for at in range(first, min(last, self._shown) + 1)]
        return [gap(self.session, number + 1, oldest - 1), *batch] if number + 1 < oldest else batch

    def listen(self, after: int) -> Listener:
        """A new listener behind `after`.

        Raises:
            InputError: there is no such number yet.
            CapacityError: too many listen already.
        """
        if not 0 <= after <= self.number:
            raise InputError(f"after={after}: the last emission of this session is {self.number}")
        if len(self.listeners) >= self.most:
            raise CapacityError(f"{self.most} listen to this session already; close one of them")
        listener = Listener(self, after)
        self.listeners.add(listener)
        return listener

    async def flush(self) -> None:
        """Return when all is written."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    async def forget(self) -> None:
        """Write no more, when all is written that was."""
        await self.flush()
        self.journal = None

    def close(self, reason: str) -> None:
        """The last emission, which says why."""
        if not self.closed:
            self.closed = True
            self.append("closed", reason)

    def _show(self, number: int) -> None:
        self._shown = number
        grown, self.grown = self.grown, asyncio.Event()
        grown.set()

    async def _write(self) -> None:
        assert self.journal is not None
        try:
            while self._unwritten:
                lines, self._unwritten, number = self._unwritten, [], self.number
                kept = list(self._kept) if self.journal.full(len(lines)) else None
                try:
                    await asyncio.to_thread(self.journal.write, lines, kept)
                except OSError as error:
                    log.error("the journal of session %s cannot be written: %s", self.session, error.strerror)
                    self.failed, self._unwritten, number = str(error.strerror), [], self.number
                if number > self._shown:
                    self._show(number)
        finally:
            self._writing = None
