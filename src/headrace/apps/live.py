"""View: what a person sees while a run goes on.

The caller tells a view everything, the time included; views read no clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Protocol

from headrace.apps.wording import clean, clock, factor, length, percent, size

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

#: A note: media seconds, kind ("event", "text", "answer", "alert", …) and what happened.
Note = tuple[float, str, str]

#: Wall seconds between two pictures of the live view.
EVERY_S = 0.25

#: Media seconds between two status lines of the plain view.
PLAIN_EVERY_S = 10.0

#: Notes, and edges, on the live view.
NOTES, EDGES = 8, 8

STYLES = {"alert": "bold red", "answer": "green", "event": "cyan", "text": "none", "error": "red"}


@dataclass(slots=True)
class Status:
    """The state of a run at one moment.

    Attributes:
        media_s: media time reached.
        wall_s: wall seconds since the start.
        source: names of the sources.
        duration_s: length of the source, None if it is live or unknown.
        speed: "max", "realtime" or a factor.
        fps: frames processed a wall second.
        realtime_factor: media seconds done a wall second.
        edges: (name, items waiting, bound, items dropped) of each edge.
        state_bytes, budget_bytes: what is remembered and what may be (0: no budget).
        admitted_share: blocks admitted of all blocks, 0..1.
        recent: notes to show instead of those that the view was given by `note`.
    """

    media_s: float = 0.0
    wall_s: float = 0.0
    source: str = ""
    duration_s: float | None = None
    speed: str = "max"
    fps: float = 0.0
    realtime_factor: float = 0.0
    edges: list[tuple[str, int, int, int]] = field(default_factory=list)
    state_bytes: int = 0
    budget_bytes: int = 0
    admitted_share: float = 0.0
    recent: deque[Note] = field(default_factory=deque)

    @property
    def drops(self) -> int:
        """Items dropped on all edges."""
        return sum(dropped for _, _, _, dropped in self.edges)


class View(Protocol):
    """Shows a run. `update` may be called as often as one likes."""

    def update(self, status: Status) -> None: ...

    def note(self, t_s: float, kind: str, text: str) -> None:
        """Something happened at media time `t_s`; `text` may come from the stream as it is."""
        ...

    def close(self) -> None:
        """Leave the terminal in order; may be called more than once."""
        ...


class SilentView:
    """Shows nothing."""

    def update(self, status: Status) -> None:
        pass

    def note(self, t_s: float, kind: str, text: str) -> None:
        pass

    def close(self) -> None:
        pass


class PlainView:
    """One line a note, and a status line every `PLAIN_EVERY_S` of media: for pipes and logs."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._told_s: float | None = None

    def update(self, status: Status) -> None:
        if self._told_s is not None and status.media_s < self._told_s + PLAIN_EVERY_S:
            return
        self._told_s = status.media_s // PLAIN_EVERY_S * PLAIN_EVERY_S
        parts = [f"{factor(status.realtime_factor)} real time", f"{status.fps:.1f} fps"]
        parts += [
            f"admitted {percent(status.admitted_share)}",
            f"state {_held(status)}",
            f"dropped {status.drops:,}",
        ]
        self._line(status.media_s, "status", ", ".join(parts))

    def note(self, t_s: float, kind: str, text: str) -> None:
        self._line(t_s, kind, clean(text))

    def close(self) -> None:
        self._stream.flush()

    def _line(self, t_s: float, kind: str, text: str) -> None:
        line = f"{clock(t_s, tenths=True):>9}  {clean(kind):<7} {text}\n"
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(line.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


class LiveView:
    """A panel that is drawn over itself at most every `EVERY_S` wall seconds as `Status.wall_s` tells.

    Text of the stream reaches the terminal as plain characters: markup and control characters in it
    have no effect.
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

    def note(self, t_s: float, kind: str, text: str) -> None:
        self._notes.append((t_s, clean(kind, 12), clean(text, 400)))

    def close(self) -> None:
        if self._live.is_started:
            self._draw()
            self._live.stop()

    def _draw(self) -> None:
        self._live.update(panel(self._status, self._notes, self._console.width), refresh=True)


def choose_view(console: Console, json: bool = False) -> View:
    """Silent if the output is `json`, live on a terminal, else plain lines on the console's stream."""
    if json:
        return SilentView()
    return LiveView(console) if console.is_terminal and not console.is_dumb_terminal else PlainView(console.file)


def panel(status: Status, notes: Iterable[Note], width: int) -> RenderableType:
    """One picture of the live view, `width` cells wide, at most 8 + `EDGES` + `NOTES` rows."""
    from rich.box import ROUNDED
    from rich.panel import Panel
    from rich.text import Text

    room = max(width - 4, 20)
    rows = [_progress(status, room), _facts(status, room), Text()]
    rows += [_edge(*edge, room) for edge in status.edges[:EDGES]]
    if len(status.edges) > EDGES:
        rows.append(Text(f"{'':16}and {len(status.edges) - EDGES} more edges", style="dim"))
    rows.append(_state(status, room))
    rows.append(Text())
    shown = list(status.recent or notes)[-NOTES:]
    for t_s, kind, text in shown:
        style = STYLES.get(kind, "none")
        row = Text.assemble((f"{clock(t_s):>8}  ", "dim"), (f"{clean(kind, 7):<7} ", style))
        row.append(clean(text, 400), style if kind == "alert" else "none")
        rows.append(row)
    rows += [Text() for _ in range(NOTES - len(shown))]
    for row in rows:
        row.truncate(room, overflow="ellipsis")
    title = Text(clean(status.source, max(room - 22, 8)) or "no source", style="bold")
    return Panel(
        Text("\n", no_wrap=True, overflow="crop").join(rows),
        title=Text.assemble(" headrace watch · ", title, " "),
        title_align="left",
        box=ROUNDED,
        border_style="dim",
        width=width,
        padding=(0, 1),
        highlight=False,
    )


def _progress(status: Status, room: int) -> Text:
    from rich.text import Text

    if not status.duration_s:
        return Text.assemble((clock(status.media_s), "bold"), ("  of an open end", "dim"))
    share = min(status.media_s / status.duration_s, 1.0)
    left = ""
    if status.realtime_factor > 0 and share < 1:
        left = f"  {length((status.duration_s - status.media_s) / status.realtime_factor)} left"
    end = f"  {clock(status.media_s)} of {clock(status.duration_s)}{left}"
    return Text.assemble(_bar(share, max(room - len(end), 8), "cyan"), (end, "bold"))


def _facts(status: Status, room: int) -> Text:
    from rich.text import Text

    pace = {"max": "", "realtime": " (paced)"}.get(status.speed, f" (paced at {clean(status.speed, 8)})")
    facts = [f"{factor(status.realtime_factor)} real time{pace}", f"{status.fps:.1f} fps"]
    facts += [f"{percent(status.admitted_share)} admitted", f"{status.drops:,} dropped"]
    text = Text()
    for fact in facts:
        number, _, rest = fact.partition(" ")
        style = "bold red" if rest == "dropped" and status.drops else "bold"
        text.append(number, style).append(f" {rest}   " if room >= 70 else f" {rest}  ")
    return text


def _edge(name: str, fill: int, bound: int, dropped: int, room: int) -> Text:
    from rich.text import Text

    share = min(fill / bound, 1.0) if bound else 0.0
    row = Text.assemble(
        (f"{clean(name, 15):<15} ", "dim"), _bar(share, _wide(room), "yellow" if share >= 1 else "blue")
    )
    row.append(f"  {f'{fill:,} of {bound:,}':<13}")
    return row.append(f" {dropped:,} dropped", "bold red") if dropped else row


def _state(status: Status, room: int) -> Text:
    from rich.text import Text

    share = min(status.state_bytes / status.budget_bytes, 1.0) if status.budget_bytes else 0.0
    colour = "red" if status.state_bytes > status.budget_bytes > 0 else "magenta"
    return Text.assemble((f"{'state':<15} ", "dim"), _bar(share, _wide(room), colour), f"  {_held(status)}")


def _held(status: Status) -> str:
    budget = f" of {size(status.budget_bytes)}" if status.budget_bytes else ""
    return f"{size(status.state_bytes)}{budget}"


def _wide(room: int) -> int:
    """Cells of a bar that leave room for the name before and the figures behind it."""
    return max(8, min(room - 50, 60))


def _bar(share: float, wide: int, colour: str) -> Text:
    """A bar of `wide` cells in half-cell steps: heavy is done, light is left, with or without colour."""
    from rich.text import Text

    halves = min(max(round(share * wide * 2), 1 if share > 0 else 0), 2 * wide)
    full, half = divmod(halves, 2)
    done = "━" * full + "╸" * half
    return Text.assemble((done, colour), ("─" * (wide - len(done)), "bright_black"))
