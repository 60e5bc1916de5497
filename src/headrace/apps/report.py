"""report.html: one page, without network, that explains a recording in a minute.

Pictures, style and script are inside the page; a content policy forbids everything else, scripts
other than our own included. Whatever comes from outside (text on screen, speech, names, questions) is
escaped, and cleaned of control and direction characters. Without script the page says the same.
"""

from __future__ import annotations

import os
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from headrace.apps.page.cards import cards
from headrace.apps.page.contents import contents
from headrace.apps.page.facts import facts
from headrace.apps.page.head import head, title
from headrace.apps.page.lanes import timeline
from headrace.apps.page.pictures import Pictures
from headrace.apps.page.scenes import pick, scenes
from headrace.apps.page.transcript import transcript
from headrace.apps.result import Result
from headrace.core.files import atomic_write

#: The most pictures inside a page, of which half may go to evidence and chapters.
PICTURES = 200

#: The parts of the script, in order; they share one scope.
SCRIPTS = ("view.js", "transcript.js", "timeline.js", "tip.js", "start.js")

STYLES = ("report.css", "timeline.css", "print.css")


def write_report(result: Result, out_dir: str | os.PathLike[str], path: str | os.PathLike[str] | None = None) -> Path:
    """Write the page of `result` and return its path.

    Args:
        result: what was found; thumbnails are files in `out_dir`. A missing one leaves a gap.
        out_dir: the folder of the result.
        path: where the page goes; `out_dir`/report.html if None.
    """
    target = Path(path) if path is not None else Path(out_dir) / "report.html"
    atomic_write(target, page(result, Path(out_dir)))
    return target


def page(result: Result, folder: Path) -> str:
    """The page as HTML; its size is bounded by the limits of its parts (pictures, cards, chapters, lines, sources)."""
    style = _templates(STYLES)
    script = f'"use strict";\n(() => {{\n{_templates(SCRIPTS)}}})();\n'
    pictures = Pictures(folder, PICTURES)
    first = pictures.share(PICTURES // 2)
    found, chapters = cards(result, first), contents(result, first)
    pictures.taken(first)
    marks = pick(result.events, PICTURES - pictures.used)
    strip = scenes(result, marks, pictures)
    body = [head(result), found, chapters, timeline(result, set(marks)), strip, transcript(result), facts(result)]
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{_digest(script)}'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        '<link rel="icon" href="data:,">'
        f"<title>{title(result)} · headrace watch</title>\n<style>{style}</style></head>\n"
        f"<body><main>{''.join(body)}</main>\n<script>{script}</script></body></html>\n"
    )


def _templates(names: tuple[str, ...]) -> str:
    folder = Path(__file__).with_name("templates")
    return "".join((folder / name).read_text(encoding="utf-8") for name in names)


def _digest(script: str) -> str:
    return b64encode(sha256(script.encode()).digest()).decode()
