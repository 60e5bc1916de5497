"""Markup: the small pieces of HTML of which the page is made."""

from __future__ import annotations

from html import escape

from headrace.apps.result import Result
from headrace.apps.wording import clean, period


def plain(text: str, limit: int = 600) -> str:
    """Text from outside as HTML, safe in elements and in quoted attributes."""
    return escape(clean(text, limit), quote=True)


def named(result: Result, source: str) -> str:
    """The name of a source as HTML, or nothing if there is but one."""
    return plain(source, 40) if len(result.sources) > 1 else ""


def when(start_s: float, end_s: float | None = None, fine: bool = False) -> str:
    """A time that the script turns into a link to the timeline."""
    end = start_s if end_s is None else end_s
    return f'<time data-from="{start_s:.7g}" data-to="{end:.7g}">{period(start_s, end, fine)}</time>'


def section(anchor: str, heading: str, note: str, body: str) -> str:
    """A part of the page; `note` and `body` are HTML."""
    return (
        f'<section id="{anchor}" aria-labelledby="{anchor}-name"><header><h2 id="{anchor}-name">{heading}</h2>'
        f"<p>{note}</p></header>{body}</section>"
    )


def part_of(shown: int, total: int) -> str:
    """What to say where not everything is on the page; empty if everything is."""
    return f"the first {shown:,} of {total:,}; events.json has all" if shown < total else ""
