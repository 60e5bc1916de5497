"""Contents: the recording by chapter, so that hours read in a minute."""

from __future__ import annotations

from itertools import groupby

from headrace.apps.chapter import Chapter, chapters
from headrace.apps.page.cards import CARDS
from headrace.apps.page.markup import plain, section, when
from headrace.apps.page.pictures import Pictures
from headrace.apps.result import Result
from headrace.apps.wording import clock, counted, length


def contents(result: Result, pictures: Pictures) -> str:
    """The section of chapters; nothing if there is nothing to divide."""
    made = chapters(result)
    if not made or not any(chapter.shown or chapter.said or chapter.picture for chapter in made):
        return ""
    several, body = len(result.sources) > 1, ""
    for source, group in groupby(made, key=lambda chapter: chapter.source):
        items = "".join(_chapter(chapter, result, pictures) for chapter in group)
        body += (f"<h3>{plain(source, 80)}</h3>" if several else "") + f"<ol class=chapters>{items}</ol>"
    told = len({chapter.source for chapter in made})
    note = "each with its longest scene, and the lines that tell it from the others"
    if told < len(result.sources):
        note += f"; {told:,} of {counted(len(result.sources), 'source')}"
    return section("chapters", "In short", note, body)


def _chapter(chapter: Chapter, result: Result, pictures: Pictures) -> str:
    image = pictures.image(chapter.picture, f"{chapter.source} after {clock(chapter.start_s)}")
    counts = [counted(chapter.scenes, "event")] if chapter.scenes else []
    counts += [counted(chapter.lines, "line")] if chapter.lines else []
    counts += [f"{length(chapter.talk_s)} of speech"] if chapter.talk_s else []
    heads, rest = chapter.shown[:1], chapter.shown[1:]
    name = f"<h4>{plain(heads[0].text, 90)}</h4>" if heads else ""
    shown = "".join(f"<li>{plain(line.text, 110)}</li>" for line in rest)
    said = "".join(
        f"<blockquote>{plain(line.text, 160)} {when(line.first_s, line.last_s)}</blockquote>" for line in chapter.said
    )
    if not heads and not said:
        said = f"<p class=note>{'Speech, not put into words.' if chapter.utterances else 'No text, no speech.'}</p>"
    return (
        f'<li class="chapter{"" if image else " bare"}">{image}<div><p class=note>'
        f"{when(chapter.start_s, chapter.end_s)} {_flags(chapter, result)}</p>{name}"
        f"{f'<ul>{shown}</ul>' if shown else ''}{said}<p class=count>{', '.join(counts)}</p></div></li>"
    )


def _flags(chapter: Chapter, result: Result) -> str:
    """Links to the answers and alerts that rest on something in the chapter."""
    held = []
    cards = [("alert", f"A{i}", alert.evidence) for i, alert in enumerate(result.alerts[:CARDS], 1)]
    cards += [("answer", f"Q{i}", answer.evidence) for i, answer in enumerate(result.answers[:CARDS], 1)]
    for kind, label, evidence in cards:
        proofs = [proof for proof in evidence if proof.source == chapter.source]
        if any(chapter.start_s <= proof.start_s < chapter.end_s for proof in proofs):
            held.append(f'<a class="tag {kind}" href="#{kind}-{label[1:]}">{label}</a>')
    more = f" <span>and {len(held) - 6} more</span>" if len(held) > 6 else ""
    return "".join(held[:6]) + more
