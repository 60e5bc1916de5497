"""Transcript: everything shown, said and heard, in one list in order of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from headrace.apps.page.markup import named, plain, section, when
from headrace.apps.result import Result, SoundMark
from headrace.apps.wording import counted, length

#: The most lines in a page; the rest is in events.json.
ROWS = 5_000

#: Lines of one list; those outside the window are not laid out.
CHUNK = 100

LABELS = {"text": "Shown", "speech": "Said", "sound": "Heard"}

#: Below this score a line is marked as unsure.
SURE = 0.8


@dataclass(slots=True)
class Row:
    """One line of the transcript.

    Attributes:
        kind: "text", "speech" or "sound".
        number: its place in the result, which is in its anchor.
        place: for text, how far down the screen, 0..1.
        words: HTML.
    """

    kind: str
    number: int
    source: str
    first_s: float
    last_s: float
    words: str
    score: float
    place: float = 0.0


def transcript(result: Result) -> str:
    """The section of the transcript; anchors are the kind and the index in the result, as in `speech-3`."""
    rows = list(_rows(result))
    if not rows:
        return section(
            "transcript", "Transcript", "", "<p class=empty>No text was read on the screen, and no speech heard.</p>"
        )
    total, held = len(rows), Counter(row.kind for row in rows)
    kept = sorted(rows, key=lambda row: (row.kind == "sound", row.first_s - row.last_s))[:ROWS]
    kept.sort(key=lambda row: (row.first_s, row.source, row.place))
    index = {source.name: i for i, source in enumerate(result.sources)}
    fine = result.span_s < 120
    lines = [_line(row, result, index[row.source], fine) for row in kept]
    lists = "".join(f'<ol class="lines">{"".join(lines[i : i + CHUNK])}</ol>' for i in range(0, len(lines), CHUNK))
    note = f"the {len(kept):,} longest of {counted(total, 'line')}" if len(kept) < total else counted(total, "line")
    kinds = [kind for kind in LABELS if held[kind]]
    buttons = "".join(
        f'<button type="button" data-kind="{kind}" aria-pressed="true">{LABELS[kind]} <i>{held[kind]:,}</i></button>'
        for kind in kinds
    )
    tools = (
        '<span class="tools" hidden>'
        + (f'<span class="kinds" role="group" aria-label="Show">{buttons}</span>' if len(kinds) > 1 else "")
        + '<input type="search" id="search" placeholder="Search" aria-label="Search what was shown and said"></span>'
    )
    body = (
        f'<div class="scroll{" several" if len(result.sources) > 1 else ""}" tabindex=0 role=region '
        f'aria-label="Transcript">{lists}<p class=none hidden>Nothing matches.</p></div>'
    )
    return section("transcript", "Transcript", f'<span data-count=rows aria-live="polite">{note}</span>{tools}', body)


def _rows(result: Result) -> Iterator[Row]:
    heights = {source.name: source.height for source in result.sources}
    bottom = max((line.box[3] for line in result.text), default=1.0) or 1.0
    for i, line in enumerate(result.text):
        place = (line.box[1] + line.box[3]) / 2 / (heights.get(line.source) or bottom)
        words = plain(line.text)
        yield Row("text", i, line.source, line.first_s, line.last_s, words, line.score, min(max(place, 0.0), 1.0))
    for i, said in enumerate(result.speech):
        words = plain(said.text) or "<em>speech, not put into words</em>"
        yield Row("speech", i, said.source, said.first_s, said.last_s, words, said.score)
    for i, mark in enumerate(result.sounds):
        yield Row("sound", i, mark.source, mark.first_s, mark.last_s, f"<em>{_heard(mark)}</em>", mark.score)


def _heard(mark: SoundMark) -> str:
    level = f"{mark.level_db:.0f} dBFS".replace("-", "−")
    told = {"silence": f"silence for {length(mark.last_s - mark.first_s)}", "loud": f"loud, {level}"}
    return told.get(mark.what) or {"change": "the sound changes"}.get(mark.what) or plain(mark.what, 80)


def _line(row: Row, result: Result, source: int, fine: bool) -> str:
    where = f"<span class=from>{named(result, row.source)}</span>" if len(result.sources) > 1 else ""
    unsure = " unsure" if row.score < SURE else ""
    place = f' data-y="{row.place:.2f}"' if row.kind == "text" else ""
    return (
        f'<li id="{row.kind}-{row.number}" class="{row.kind}{unsure}" data-s="{source}"{place}>'
        f"{when(row.first_s, row.last_s, fine)}<b>{LABELS[row.kind]}</b><p>{row.words}</p>{where}"
        f'<i title="how sure">{row.score:.2f}</i></li>'
    )
