"""Scenes: the pictures of events, evenly picked."""

from __future__ import annotations

from headrace.apps.page.markup import named, section, when
from headrace.apps.page.pictures import Pictures
from headrace.apps.result import EventMark, Result
from headrace.apps.wording import clock, counted, evenly


def pick(marks: list[EventMark], most: int) -> list[int]:
    """Indices of at most `most` events with a picture, evenly picked in time."""
    pictured = sorted((i for i, mark in enumerate(marks) if mark.thumbnail), key=lambda i: marks[i].t_s)
    return [pictured[i] for i in evenly(len(pictured), most)]


def scenes(result: Result, marks: list[int], pictures: Pictures) -> str:
    """The section of pictures; each has the anchor `event-` and its index in the result."""
    total = len(result.events)
    if not total:
        return section("scenes", "Events", "", "<p class=empty>No event boundaries were found.</p>")
    shots, index = [], {source.name: i for i, source in enumerate(result.sources)}
    for i, mark in ((i, result.events[i]) for i in marks):
        image = pictures.image(mark.thumbnail, f"{mark.source} at {clock(mark.t_s)}")
        if image:
            where = f"<span>{named(result, mark.source)}</span>" if len(result.sources) > 1 else ""
            shots.append(
                f'<figure id="event-{i}" tabindex=-1 data-t="{mark.t_s:.7g}" data-s="{index[mark.source]}">{image}'
                f"<figcaption>{when(mark.t_s)}{where}<i title='how sure the boundary is'>{mark.score:.2f}</i>"
                "</figcaption></figure>"
            )
    note = counted(total, "event") if len(shots) == total else f"{len(shots):,} of {total:,}, evenly picked in time"
    note += "; beside the time, how sure the boundary is (0 to 1)"
    if not shots:
        note = f"{counted(total, 'event')}, no pictures"
    body = f'<div class=strip tabindex=0 role=region aria-label="Pictures of events">{"".join(shots)}</div>'
    return section("scenes", "Events", f"<span data-count=shots>{note}</span>", body if shots else "")
