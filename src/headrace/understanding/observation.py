"""Observation: one thing that was seen, and how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Self

from headrace.core.item import SECOND


@dataclass(slots=True)
class Observation:
    """One line of text, event or (later) utterance in the memory of a stream.

    Attributes:
        id: stable name; writing the same id again extends the same observation.
        kind: "text", "event", "speech" or "sound".
        source: name of the stream.
        text: what was read or said, or what a sound is ("silence", …); may be empty for an event or speech.
        first: media time of the first sight, ns.
        last: media time of the last sight, ns; >= `first`.
        weight: how many sightings it stands for.
        box: x0, y0, x1, y1 in pixels of the full frame.
        score: the reader's or detector's confidence, 0 to 1.
        thumbnail: file name of a picture.
        segment: id of the event in whose segment it was first seen.
        level_db: loudness of a sound, dBFS.
    """

    id: str
    kind: str
    source: str
    text: str
    first: int
    last: int
    weight: float = 1.0
    box: tuple[int, int, int, int] | None = None
    score: float = 1.0
    thumbnail: str | None = None
    segment: str | None = None
    level_db: float | None = None

    @classmethod
    def of(cls, values: Sequence[Any]) -> Self:
        """The observation of its fields in order, as `values` or JSON gives them."""
        made = cls(*values)
        made.box = None if made.box is None else (made.box[0], made.box[1], made.box[2], made.box[3])
        return made

    def values(self) -> list[Any]:
        """The fields in order, as `of` takes them; quicker than `dataclasses.astuple`, which copies."""
        return list(_VALUES(self))

    def together(self, other: Observation) -> bool:
        """Whether both were there at the same time: same source, and same segment or overlapping times."""
        if self.source != other.source:
            return False
        if self.segment is not None and self.segment == other.segment:
            return True
        return self.first <= other.last and other.first <= self.last


_VALUES = attrgetter(*(part.name for part in fields(Observation)))


def format_time(ns: int) -> str:
    """Media time for people, whole seconds rounded down: "0:41", "1:02:03", "-0:05"."""
    sign, seconds = ("-", -ns // SECOND) if ns < 0 else ("", ns // SECOND)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02}:{seconds:02}" if hours else f"{sign}{minutes}:{seconds:02}"


def format_span(first: int, last: int) -> str:
    """A span of media time, "0:41-0:49", or one time if both ends fall in the same second."""
    start, end = format_time(first), format_time(last)
    return start if start == end else f"{start}-{end}"
