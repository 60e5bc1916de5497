"""The views: what they show, at every width, at what cost, and that nothing shown can do harm."""

from __future__ import annotations

import io
import time
from collections import deque

import pytest
from rich.cells import cell_len
from rich.console import Console

from headrace.apps.live import NOTES, LiveView, PlainView, SilentView, Status, View, choose_view, panel

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


def shown(now: Status, notes: list[tuple[float, str, str]], width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO(), record=True, force_terminal=True)
    console.print(panel(now, notes, width))
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
        view.update(Status(recent=deque([(1.0, "event", "cut")])))
        view.note(1, "text", "line")
        view.close()
    assert "cut" in terminal.file.getvalue()  # type: ignore[attr-defined]
