"""The views: what they show, at every width, at what cost, and that nothing shown can do harm."""

from __future__ import annotations

import io
import time
from collections import deque

import pytest
from rich.cells import cell_len
from rich.console import Console

from headrace.apps.live import LiveView, PlainView, SilentView, SourceStatus, Status, View, choose_view
from headrace.apps.panel import NOTES, panel

EDGES = [("decode → gate", 3, 8, 0), ("gate → reader", 4, 4, 12)]
EVIL = "[bold red]boom[/bold red] [/] \x1b[2J\x07\r\n日本語 \u202e" + "long " * 90


def status(**changes: object) -> Status:
    told = {
        "media_s": 900.0,
        "source": "talk [1].mp4",
        "duration_s": 7200.0,
        "realtime_factor": 4.7,
        "fps": 29.7,
    }
    return Status(**{**told, "edges": EDGES, "state_bytes": 5 << 20, "budget_bytes": 8 << 20, **changes})  # type: ignore[arg-type]


def shown(now: Status, notes: list[tuple[float, str, str]], width: int, height: int = 0) -> list[str]:
    console = Console(width=width, file=io.StringIO(), record=True, force_terminal=True)
    console.print(panel(now, [(*note, "door") for note in notes], width, height))
    return console.export_text().rstrip("\n").split("\n")


@pytest.mark.parametrize("width", [20, 60, 80, 140, 200])
@pytest.mark.parametrize("duration", [None, 7200.0])
def test_every_width_holds(width: int, duration: float | None) -> None:
    lines = shown(status(duration_s=duration, source=EVIL), [(i, "text", EVIL) for i in range(20)], width)
    assert {cell_len(line) for line in lines} == {max(width, 1)}
    assert len(lines) == 2 + 3 + len(EDGES) + 1 + 1 + NOTES


def test_the_panel_says_what_matters_and_markup_stays_text() -> None:
    text = "\n".join(shown(status(), [(754.2, "alert", EVIL)], 140))
    for words in (
        "talk [1].mp4",
        "15:00 of 2:00:00",
        "22 min 20 s left",
        "4.7× real time",
        "12 dropped",
        "4 of 4",
    ):
        assert words in text
    assert "5.00 MiB of 8.00 MiB" in text
    assert "12:34  alert   [bold red]boom[/bold red] [/]" in text
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text


SOURCES = [
    SourceStatus("/cameras/north/hall.mp4", 900, 7200, level_db=-21, voice=0.9, backlog=2),
    SourceStatus("bay", 880, None, "reconnecting", None, 0, 1, 12, 1.4),
    SourceStatus("door", 120, 120, "ended", -60),
]


def test_several_sources_are_told_apart_at_80_columns() -> None:
    lines = shown(status(sources=SOURCES), [(10, "speech", "good morning")], 80, 23)
    rows = {name: next(line for line in lines if name in line) for name in ("hall.mp4", "bay", "door   ")}
    assert "playing" in rows["hall.mp4"]
    assert "15:00 of 2:00:00" in rows["hall.mp4"]
    assert "2 waiting" in rows["hall.mp4"]
    assert "●" in rows["hall.mp4"]
    for words in ("reconnecting", "14:40", "no sound", "12 dropped", "1.4 s old"):
        assert words in rows["bay"]
    assert "ended" in rows["door   "]
    assert "●" not in rows["door   "]
    assert rows["hall.mp4"].count("━") > rows["door   "].count("━") == 0
    assert any("speech  door" in line and "good morning" in line for line in lines)
    assert "3 sources" in lines[0]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 12), (40, 10), (20, 6), (200, 60)])
@pytest.mark.parametrize("number", [0, 1, 3, 40])
def test_the_panel_stays_within_the_terminal(width: int, height: int, number: int) -> None:
    sources = [SourceStatus(EVIL, i, None, "playing", -3.0 * i) for i in range(number)]
    edges = [(EVIL, 1, 2, 3)] * 30
    lines = shown(status(sources=sources, edges=edges), [(i, "text", EVIL) for i in range(20)], width, height)
    assert {cell_len(line) for line in lines} == {width}
    assert len(lines) <= height
    if height >= 12:
        assert sum("text" in line for line in lines) >= 3


def test_of_many_sources_those_in_trouble_are_shown() -> None:
    sources = [SourceStatus(f"cam {i}", 9, None, "lost" if i % 20 == 7 else "playing") for i in range(60)]
    text = "\n".join(shown(status(sources=sources), [], 80, 24))
    for words in ("cam 7 ", "cam 27 ", "cam 47 ", "and 49 more: 49 playing"):
        assert words in text
    quiet = "\n".join(shown(status(sources=sources[:7]), [], 80, 24))
    assert "more" not in quiet


def test_the_end_is_that_of_the_sources_that_are_not_lost() -> None:
    sources = [SourceStatus("gone", 0, None, "lost"), SourceStatus("hall", 30, 120.0), SourceStatus("door", 30, 60.0)]
    assert "0:30 of 2:00" in shown(status(media_s=30, duration_s=None, sources=sources), [], 80)[1]
    sources[2].duration_s = None
    assert "of an open end" in shown(status(media_s=30, duration_s=None, sources=sources), [], 80)[1]


def test_a_meter_follows_the_level() -> None:
    full, half, none = (
        next(line for line in shown(status(sources=[SourceStatus("a", level_db=level)]), [], 80) if "dBFS" in line)
        for level in (0.0, -30.0, -90.0)
    )
    assert full.count("━") == 2 * half.count("━") > 0
    assert none.count("━") == 0
    assert "−30 dBFS" in half


def test_plain_status_does_not_run_ahead_of_what_is_told() -> None:
    view = PlainView(out := io.StringIO())
    view.update(status(media_s=0.0, told_s=0.0))
    for second in range(1, 31):
        view.update(status(media_s=float(second), told_s=max(second - 6.0, 0.0)))
        if second >= 6:
            view.note(second - 6.0, "text", "line")
    times = [float(line.split()[0].partition(":")[2]) for line in out.getvalue().splitlines()]
    kinds = [line.split()[1] for line in out.getvalue().splitlines()]
    assert kinds.count("status") == 3
    told = 0.0
    for kind, time_s in zip(kinds, times, strict=True):
        assert kind != "status" or time_s <= told + 1
        told = time_s if kind == "text" else told


def test_plain_lines_tell_which_source_and_when_its_state_changes() -> None:
    view = PlainView(out := io.StringIO())
    view.update(status(sources=SOURCES))
    view.update(status(sources=SOURCES))
    view.note(3.0, "text", "invoice", "bay")
    lines = out.getvalue().splitlines()
    assert [line for line in lines if "source  " in line] == [
        "  14:40.0  source  bay: reconnecting",
        "   2:00.0  source  door: ended",
    ]
    assert lines[-1].endswith("text    bay: invoice")
    assert "1 of 3 sources playing" in lines[2]
    alone = PlainView(out := io.StringIO())
    alone.note(3.0, "text", "invoice", "bay")
    assert out.getvalue() == "   0:03.0  text    invoice\n"


def test_bars_read_without_colour() -> None:
    full, half = (shown(status(edges=[("e", n, 8, 0)]), [], 80)[4].count("━") for n in (8, 4))
    assert full == 2 * half > 0


def test_the_live_view_draws_by_the_time_it_is_told() -> None:
    console = Console(width=100, height=40, file=(out := io.StringIO()), force_terminal=True)
    view = LiveView(console)
    sizes = []
    for i in range(20):
        view.note(i, "text", f"line {i}")
        view.update(status(wall_s=i * 0.05))
        sizes.append(len(out.getvalue()))
    assert len(set(sizes)) == 4
    view.close()
    view.close()
    assert "line 19" in out.getvalue().rsplit("headrace watch", 1)[1]
    assert "line 11" not in out.getvalue().rsplit("headrace watch", 1)[1]
    assert out.getvalue().rstrip().endswith("\x1b[?25h")  # the cursor is shown again


def test_the_live_view_is_cheap() -> None:
    """At four pictures a second it takes less than 2 % of a core: 5 ms a picture."""
    view = LiveView(Console(width=140, height=40, file=io.StringIO(), force_terminal=True))
    cost = []
    for i in range(40):
        view.note(i, "text", "a line of text on the screen " * 3)
        start = time.process_time()
        view.update(status(wall_s=i * 1.0))
        cost.append(time.process_time() - start)
    view.close()
    assert sorted(cost)[len(cost) // 2] < 5e-3


def test_plain_lines() -> None:
    out = io.StringIO()
    view = PlainView(out)
    for second in range(31):
        view.update(status(media_s=float(second), duration_s=None, admitted_share=0.0218))
    view.note(31.25, "alert", EVIL)
    view.close()
    lines = out.getvalue().splitlines()
    assert [line.split()[:2] for line in lines[:4]] == [[t, "status"] for t in ("0:00.0", "0:10.0", "0:20.0", "0:30.0")]
    assert "4.7× real time" in lines[0]
    assert "state 5.00 MiB of 8.00 MiB" in lines[0]
    assert "admitted 2.2 %" in lines[0]
    assert len(lines) == 5
    assert lines[4].startswith("   0:31.2  alert   [bold red]boom")
    assert "\x1b" not in lines[4]


def test_plain_lines_reach_a_stream_that_cannot_write_them() -> None:
    stream = io.TextIOWrapper(raw := io.BytesIO(), encoding="ascii")
    PlainView(stream).note(1, "text", "日本 ok \ud800")
    assert raw.getvalue().decode("ascii").endswith("?? ok\n")


def test_the_view_fits_the_output() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80)
    piped = Console(file=io.StringIO(), force_terminal=False)
    live, plain, silent = choose_view(terminal), choose_view(piped), choose_view(terminal, json=True)
    assert isinstance(live, LiveView)
    assert isinstance(plain, PlainView)
    assert isinstance(silent, SilentView)
    views: list[View] = [live, plain, silent]
    for view in views:
        view.update(Status(recent=deque([(1.0, "event", "cut", "")])))
        view.note(1, "text", "line")
        view.close()
    assert "cut" in terminal.file.getvalue()  # type: ignore[attr-defined]
