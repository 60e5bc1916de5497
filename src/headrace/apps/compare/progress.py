"""progress: how far a comparison is, on standard error: drawn over itself on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import IO, TYPE_CHECKING, Protocol, Self

from headrace.apps.wording import clean, length

if TYPE_CHECKING:
    from rich.console import Console

#: Seconds between two plain lines, and before the first.
EVERY_S = 10.0


class Progress(Protocol):
    """Told where a comparison is; a context that leaves the terminal in order."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """`done` of `total` tokens are read, over all methods and streams; `what` is being done now."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Pace:
    """Tokens (or what else is counted) a second since what is being done changed; `now` gives seconds."""

    def __init__(self, now: Callable[[], float], unit: str = "tokens") -> None:
        self._now, self._unit = now, unit
        self._what, self._began, self._from = "", now(), 0

    def words(self, what: str, done: int, total: int) -> str:
        """`12,800 of 92,160 tokens, 2,410 a second, 33 s left`; nothing where there is one thing to be done."""
        now = self._now()
        if what != self._what or done < self._from:
            self._what, self._began, self._from = what, now, done
        if total <= 1:
            return ""
        told, took = f"{done:,} of {total:,} {self._unit}", now - self._began
        if done == self._from or took < 1 or done >= total:
            return told
        rate = (done - self._from) / took
        return f"{told}, {rate:,.0f} a second, {length((total - done) / rate)} left"


class PlainProgress:
    """A line every `EVERY_S`; nothing of a run that is quicker."""

    def __init__(self, stream: IO[str], now: Callable[[], float] = time.monotonic, unit: str = "tokens") -> None:
        self._stream, self._now, self._pace = stream, now, Pace(now, unit)
        self._told = now()

    def __call__(self, what: str, done: int, total: int) -> None:
        words = self._pace.words(what, done, total)
        if self._now() < self._told + EVERY_S:
            return
        self._told = self._now()
        line = f"{clean(what, 60)}: {words}" if words else clean(what, 60)
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(f"{line}\n".encode(encoding, "replace").decode(encoding))
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class LiveProgress:
    """A bar with what is being done, tokens done, their rate and the time left; gone at the end."""

    def __init__(self, console: Console, unit: str = "tokens") -> None:
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bars

        told = [TextColumn("{task." + name + "}", markup=False) for name in ("description", "fields[words]")]
        self._bars = Bars(told[0], BarColumn(bar_width=24), told[1], console=console, transient=True)
        self._task = self._bars.add_task("", total=None, words="")
        self._pace = Pace(time.monotonic, unit)

    def __call__(self, what: str, done: int, total: int) -> None:
        words = self._pace.words(what, done, total)
        share = {"completed": done, "total": total} if total > 1 else {"total": None}
        self._bars.update(self._task, description=clean(what, 60), words=words, **share)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()


def choose_progress(console: Console, unit: str = "tokens") -> Progress:
    """Live on a terminal, else plain lines on the console's stream."""
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveProgress(console, unit)
    return PlainProgress(console.file, unit=unit)
