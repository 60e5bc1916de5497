"""View: what a person sees while a run goes on.

The caller tells a view everything, the time included; views read no clock.
"""

from __future__ import annotations

from collections import deque
from typing import IO, TYPE_CHECKING, Protocol

from headrace.apps.panel import NOTES, held, panel
from headrace.apps.status import Note, SourceStatus, State, Status
from headrace.apps.wording import clean, clock, factor, percent

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["LiveView", "Note", "PlainView", "SilentView", "SourceStatus", "State", "Status", "View", "choose_view"]

#: Wall seconds between two pictures of the live view.
EVERY_S = 0.25

#: Media seconds between two status lines of the plain view.
PLAIN_EVERY_S = 10.0


class View(Protocol):
    """Shows a run. `update` may be called as often as one likes."""

    def update(self, status: Status) -> None: ...

    def note(self, t_s: float, kind: str, text: str, source: str = "") -> None:
        """Something happened at media time `t_s`; `text` and `source` may come from the stream as they are."""
        ...

    def close(self) -> None:
        """Leave the terminal in order; may be called more than once."""
        ...


class SilentView:
    """Shows nothing."""

    def update(self, status: Status) -> None:
        pass

    def note(self, t_s: float, kind: str, text: str, source: str = "") -> None:
        pass

    def close(self) -> None:
        pass


class PlainView:
    """One line a note, a line where a source changes its state, and a status line every `PLAIN_EVERY_S` of media.

    For pipes and logs. Where there are several sources a note begins with the name of its own. A status line
    is written once everything up to its time has been told.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._told_s: float | None = None
        self._states: dict[str, State] = {}
        self._names: set[str] = set()

    def update(self, status: Status) -> None:
        self._names.update(source.name for source in status.sources)
        for source in status.sources:
            before = self._states.setdefault(source.name, "playing")
            if source.state != before:
                self._states[source.name] = source.state
                self.note(source.media_s, "source", source.state, source.name)
        at = status.media_s if status.told_s is None else min(status.told_s, status.media_s)
        if self._told_s is not None and at < self._told_s + PLAIN_EVERY_S:
            return
        self._told_s = at // PLAIN_EVERY_S * PLAIN_EVERY_S
        self._status(status, at)

    def note(self, t_s: float, kind: str, text: str, source: str = "") -> None:
        self._names.update([source] if source else [])
        where = f"{clean(source, 40)}: " if source and len(self._names) > 1 else ""
        self._line(t_s, kind, where + clean(text))

    def close(self) -> None:
        self._stream.flush()

    def _status(self, status: Status, at: float) -> None:
        parts = [f"{factor(status.realtime_factor)} real time", f"{status.fps:.1f} fps"]
        parts += [f"admitted {percent(status.admitted_share)}", f"state {held(status)}", f"dropped {status.drops:,}"]
        if len(status.sources) > 1:
            playing = sum(source.state == "playing" for source in status.sources)
            parts.append(f"{playing:,} of {len(status.sources):,} sources playing")
        self._line(at, "status", ", ".join(parts))

    def _line(self, t_s: float, kind: str, text: str) -> None:
        line = f"{clock(t_s, tenths=True):>9}  {clean(kind):<7} {text}\n"
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(line.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


class LiveView:
    """A panel that is drawn over itself at most every `EVERY_S` wall seconds as `Status.wall_s` tells.

    It stays within the terminal. Text of the stream reaches it as plain characters: markup and control
    characters in it have no effect.
    """

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self._console = console
        self._notes: deque[Note] = deque(maxlen=NOTES)
        self._status = Status()
        self._drawn_s: float | None = None
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop", redirect_stdout=False)
        self._live.start()

    def update(self, status: Status) -> None:
        self._status = status
        if self._drawn_s is None or not self._drawn_s <= status.wall_s < self._drawn_s + EVERY_S:
            self._drawn_s = status.wall_s
            self._draw()

    def note(self, t_s: float, kind: str, text: str, source: str = "") -> None:
        self._notes.append((t_s, clean(kind, 12), clean(text, 400), clean(source, 40)))

    def close(self) -> None:
        if self._live.is_started:
            self._draw()
            self._live.stop()

    def _draw(self) -> None:
        width, height = self._console.size
        self._live.update(panel(self._status, self._notes, width, height - 1), refresh=True)


def choose_view(console: Console, json: bool = False) -> View:
    """Silent if the output is `json`, live on a terminal, else plain lines on the console's stream."""
    if json:
        return SilentView()
    return LiveView(console) if console.is_terminal and not console.is_dumb_terminal else PlainView(console.file)
