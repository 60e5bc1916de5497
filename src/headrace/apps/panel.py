"""panel: one picture of the live view, in as many rows and columns as the terminal has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from headrace.apps.status import Note, SourceStatus, Status
from headrace.apps.wording import clean, clock, factor, length, percent, size

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

#: Notes, edges and sources shown at most; a low terminal shows fewer.
NOTES, EDGES, SOURCES = 8, 8, 12

#: The least notes that sources and edges leave room for.
LEAST = 3

STYLES = {
    "alert": "bold red", "answer": "green", "event": "cyan", "text": "none", "speech": "yellow",
    "sound": "magenta", "error": "red", "source": "blue",
}  # fmt: skip

STATES = {"opening": "dim", "playing": "green", "reconnecting": "yellow", "lost": "bold red", "ended": "dim"}

#: Loudness at the left end of the meter, dBFS.
FLOOR = -60.0


def panel(status: Status, notes: Iterable[Note], width: int, height: int = 0) -> RenderableType:
    """One picture, `width` cells wide and at most `height` rows high (0: as many as it takes).

    With several sources each has a row, those in trouble first; with one, each edge has.
    """
    from rich.box import ROUNDED
    from rich.panel import Panel
    from rich.text import Text

    room = max(width - 4, 20)
    several = len(status.sources) > 1
    top = [_progress(status, room), _facts(status, room)]
    if len(status.sources) == 1 and (heard := _heard(status.sources[0], room)) is not None:
        top.append(heard)
    low = [_state(status, room)]
    if not height:
        height = 2 + len(top) + len(low) + 2 + max(EDGES, SOURCES) + 1 + NOTES
    free = max(height - 2 - len(top) - len(low), 0)
    middle = _sources(status.sources, room, min(SOURCES, free - LEAST)) if several else []
    middle += _edges(status.edges, room, min(EDGES, free - LEAST - len(middle) - 2) if not several else 0)
    free -= len(middle)
    most = max(min(NOTES, free), 0)
    blank = [Text()] if free - most >= 2 else []
    shown = [(*note, "")[:4] for note in list(status.recent or notes)[-most:]] if most else []
    told = [_note(t_s, kind, text, source if several else "", room) for t_s, kind, text, source in shown]
    rows = [*top, *blank, *middle, *low, *blank, *told, *(Text() for _ in range(most - len(shown)))]
    for row in rows:
        row.truncate(room, overflow="ellipsis")
    names = ", ".join(source.name for source in status.sources) or status.source
    name = f"{len(status.sources)} sources" if several else clean(names, max(room - 22, 8)) or "no source"
    return Panel(
        Text("\n", no_wrap=True, overflow="crop").join(rows),
        title=Text.assemble(" headrace watch · ", (name, "bold"), " "),
        title_align="left",
        box=ROUNDED,
        border_style="dim",
        width=width,
        padding=(0, 1),
        highlight=False,
    )


def _note(t_s: float, kind: str, text: str, source: str, room: int) -> Text:
    from rich.text import Text

    style = STYLES.get(kind, "none")
    row = Text.assemble((f"{clock(t_s):>8}  ", "dim"), (f"{clean(kind, 7):<7} ", style))
    if source:
        wide = 14 if room >= 90 else 10
        row.append(f"{_tail(source, wide):<{wide}} ", "dim")
    return row.append(clean(text, 400), style if kind == "alert" else "none")


def _tail(name: str, wide: int) -> str:
    """The end of a name, where those of several files in one folder differ."""
    name = clean(name)
    return name if len(name) <= wide else "…" + name[1 - wide :]


def _progress(status: Status, room: int) -> Text:
    from rich.text import Text

    ends = [source.duration_s or 0.0 for source in status.sources if source.state != "lost"]
    end_s = status.duration_s or (max(ends) if ends and all(ends) else 0.0)
    if not end_s:
        return Text.assemble((clock(status.media_s), "bold"), ("  of an open end", "dim"))
    share = min(status.media_s / end_s, 1.0)
    left = ""
    if status.realtime_factor > 0 and share < 1:
        left = f"  {length((end_s - status.media_s) / status.realtime_factor)} left"
    end = f"  {clock(status.media_s)} of {clock(end_s)}{left}"
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


def _heard(source: SourceStatus, room: int) -> Text | None:
    """State and loudness of the only source; None if there is nothing to say of them."""
    from rich.text import Text

    if source.state == "playing" and source.level_db is None and not source.age_s:
        return None
    row = Text.assemble((f"{source.state:<16}", STATES[source.state]))
    if source.level_db is not None:
        row.append(_meter(source, _wide(room))).append(f"  {source.level_db:.0f} dBFS".replace("-", "−"))
        row.append("  speech" if source.voice >= 0.5 else "", "yellow")
    return row.append(f"  {length(source.age_s)} old" if source.age_s else "", "dim")


def _sources(sources: Sequence[SourceStatus], room: int, most: int) -> list[Text]:
    """A row for each source, those in trouble first, at most `most` rows."""
    from rich.text import Text

    rank = ("lost", "reconnecting", "opening", "playing", "ended")
    if not sources or most < 1:
        return []
    ranked = sorted(sources, key=lambda source: (rank.index(source.state), -source.dropped))
    kept = ranked if len(sources) <= most else ranked[: most - 1]
    chosen = {id(source) for source in kept}
    rows = [_source(source, room) for source in sources if id(source) in chosen]
    if len(rows) < len(sources):
        held = Counter(source.state for source in ranked[len(kept) :])
        told = ", ".join(f"{number:,} {state}" for state, number in held.items())
        rows.append(Text(f"and {len(sources) - len(kept):,} more: {told}", style="dim"))
    return rows


def _source(source: SourceStatus, room: int) -> Text:
    """Name, state, time, loudness, and what waits, was dropped, and its age, as far as there is room."""
    from rich.text import Text

    wide = min(max(room - 66, 10), 28)
    end = f" of {clock(source.duration_s)}" if source.duration_s else ""
    row = Text.assemble(
        (f"{_tail(source.name, wide):<{wide}} ", "bold"), (f"{source.state:<12} ", STATES[source.state])
    )
    row.append(f"{clock(source.media_s) + end:<19}")
    if source.level_db is None:
        row.append(f"{'no sound' if source.media_s else '':<9}", "dim")
    else:
        row.append(_meter(source, 8)).append("●" if source.voice >= 0.5 else " ", "yellow")
    if source.dropped:
        row.append(f" {source.dropped:,} dropped", "bold red")
    if source.age_s:
        row.append(f" {length(source.age_s)} old", "dim")
    return row.append(f" {source.backlog:,} waiting" if source.backlog else "")


def _edges(edges: Sequence[tuple[str, int, int, int]], room: int, most: int) -> list[Text]:
    from rich.text import Text

    if not edges or most < 1:
        return []
    kept = edges if len(edges) <= most else edges[: most - 1]
    rows = [_edge(*edge, room) for edge in kept]
    if len(kept) < len(edges):
        rows.append(Text(f"{'':16}and {len(edges) - len(kept)} more edges", style="dim"))
    return rows


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
    return Text.assemble((f"{'state':<15} ", "dim"), _bar(share, _wide(room), colour), f"  {held(status)}")


def held(status: Status) -> str:
    """What is remembered, and of which budget: `5.00 MiB of 8.00 MiB`."""
    budget = f" of {size(status.budget_bytes)}" if status.budget_bytes else ""
    return f"{size(status.state_bytes)}{budget}"


def _meter(source: SourceStatus, wide: int) -> Text:
    """Loudness now, red from -3 dBFS, where it may be distorted."""
    level = FLOOR if source.level_db is None else source.level_db
    return _bar(min(max(1 - level / FLOOR, 0.0), 1.0), wide, "red" if level > -3 else "green")


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
