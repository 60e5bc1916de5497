"""progress: how far a run is, on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from headrace.apps.evaluate.run import Told
from headrace.apps.wording import clean, length
from headrace.core.clock import Stopwatch

if TYPE_CHECKING:
    from rich.console import Console

#: Seconds between two plain lines, and before the first.
EVERY_S = 10.0


class Plain:
    """A line every `EVERY_S`; nothing of a run that is quicker."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream, self._watch, self._told = stream, Stopwatch(), 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now = self._watch.wall()
        if now < self._told + EVERY_S:
            return
        self._told = now
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        line = f"{clean(what, 60)}: {_words(done, total)}\n"
        self._stream.write(line.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


@contextmanager
def choose_progress(console: Console) -> Iterator[Told]:
    """A bar on a terminal, gone at the end; else plain lines on the console's stream."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield Plain(console.file)
        return
    from rich.progress import BarColumn, Progress, TextColumn

    columns = [TextColumn("{task." + name + "}", markup=False) for name in ("description", "fields[words]")]
    with Progress(columns[0], BarColumn(bar_width=24), columns[1], console=console, transient=True) as bars:
        task = bars.add_task("", total=None, words="")

        def told(what: str, done: int, total: int) -> None:
            bars.update(task, description=clean(what, 60), completed=done, total=total, words=_words(done, total))

        yield told


def _words(done: int, total: int) -> str:
    return f"{length(done)} of {length(total)} of recordings"
