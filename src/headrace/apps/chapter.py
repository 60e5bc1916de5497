"""Chapter: a recording in a few parts, each with what tells it from the others.

Parts begin where events do; where there are none, as in a sound recording, after pauses in the talk. A line
is telling if its words are rare in the other parts, it stood long, and it was written large.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import TypeVar

from headrace.apps.result import EventMark, Result, SpeechLine, TextLine

Line = TypeVar("Line", TextLine, SpeechLine)

#: The most chapters of a result, and the least that each source may have.
CHAPTERS, LEAST = 12, 2

#: Characters of a line that are looked at.
LONG = 400

#: Lines that are shown of a chapter, and stretches of speech: more where there are few chapters.
FEW = 6

#: Weights of where talk goes on after the longest pause, and of where a line appears; an event has its score.
AFTER_PAUSE, AT_LINE = 0.3, 0.01

#: A scene is not divided at pauses and lines unless it is this long, seconds.
SPLIT_S = 60.0


@dataclass(slots=True)
class Chapter:
    """A part of one source.

    Attributes:
        source: its name.
        start_s, end_s: media seconds.
        picture: name of the thumbnail of the scene that stood longest, or None.
        shown, said: the most telling lines on screen and of speech, the most telling first.
        scenes, lines, utterances: how many begin in it.
        talk_s: seconds of speech.
    """

    source: str
    start_s: float
    end_s: float
    picture: str | None = None
    shown: list[TextLine] = field(default_factory=list)
    said: list[SpeechLine] = field(default_factory=list)
    scenes: int = 0
    lines: int = 0
    utterances: int = 0
    talk_s: float = 0.0


def chapters(result: Result, most: int = CHAPTERS) -> list[Chapter]:
    """The chapters of every source in which something was found, source by source, in order of time.

    `most` holds for all sources together, as long as each can have `LEAST`; of more than `most` sources
    the first are kept.
    """
    names = [source.name for source in result.sources]
    found = {line.source for line in result.text} | {line.source for line in result.speech}
    found |= {mark.source for mark in result.events}
    names = [name for name in dict.fromkeys(names) if name in found][:most]
    share = max(most // max(len(names), 1), LEAST)
    return [chapter for name in names for chapter in _of_source(result, name, share)]


def reach(result: Result, source: str) -> float:
    """Media seconds up to which something of the source is known."""
    ends = [line.last_s for line in result.text if line.source == source]
    ends += [line.last_s for line in result.speech if line.source == source]
    ends += [mark.last_s for mark in result.sounds if mark.source == source]
    ends += [mark.t_s for mark in result.events if mark.source == source]
    if series := result.series.get(source):
        ends += [t + series.step_s for t in series.t_s[-1:]]
    ends += [s.duration_s for s in result.sources if s.name == source and s.duration_s and not result.run.interrupted]
    return min(max(ends, default=0.0), result.span_s)


def terms(text: str) -> set[str]:
    """The words of a line in lower case, up to `LONG` characters; of scripts without spaces the pairs of characters."""
    found = set()
    for word in re.findall(r"\w+", text[:LONG].lower()):
        if word[0] < "\u2e80":
            found.add(word)
        else:
            found.update(word[i : i + 2] for i in range(max(len(word) - 1, 1)))
    return found


def cuts(
    candidates: Sequence[tuple[float, float]], starts: Sequence[float], end_s: float, most: int, least_s: float = 0.0
) -> list[float]:
    """Where chapters begin: `starts`, and candidates (time, weight 0..1), `most` in all.

    The longest chapter is split again and again, where the weight is great and both sides are long. None
    becomes shorter than half of an even share, and none of less than `least_s` is split.
    """
    made = list(starts)
    shortest = (end_s - made[0]) / (2 * most)
    while len(made) < most:
        best: tuple[float, float, float] | None = None
        for first, last in zip(made, [*made[1:], end_s], strict=True):
            if last - first < least_s or (best is not None and last - first < best[0]):
                continue
            for t, weight in candidates:
                near = min(t - first, last - t)
                if near >= shortest > 0:
                    value = (last - first, weight * math.sqrt(2 * near / (last - first)), t)
                    best = value if best is None else max(best, value)
        if best is None:
            break
        made = sorted([*made, best[2]])
    return made


def _of_source(result: Result, source: str, most: int) -> list[Chapter]:
    events = sorted((mark for mark in result.events if mark.source == source), key=lambda mark: mark.t_s)
    text = [line for line in result.text if line.source == source]
    speech = sorted((line for line in result.speech if line.source == source), key=lambda line: line.first_s)
    end = reach(result, source)
    weak = [(t, AFTER_PAUSE * length) for t, length in _pauses(speech)]
    weak += [(line.first_s, AT_LINE) for line in text]
    starts = cuts([(mark.t_s, mark.score) for mark in events], [0.0], end, most)
    starts = cuts(weak, starts, end, most, SPLIT_S)
    made = [Chapter(source, a, b) for a, b in zip(starts, [*starts[1:], end], strict=True)]
    for chapter in made:
        inside = [mark for mark in events if _holds(chapter, mark.t_s, made[-1])]
        lines = [line for line in text if _holds(chapter, line.first_s, made[-1])]
        said = [line for line in speech if _holds(chapter, line.first_s, made[-1])]
        chapter.scenes, chapter.lines, chapter.utterances = len(inside), len(lines), len(said)
        chapter.talk_s = sum(line.last_s - line.first_s for line in said)
        chapter.picture = _picture(events, chapter)
        chapter.shown, chapter.said = lines, [line for line in said if line.text]
    _tell(made)
    return made


def _holds(chapter: Chapter, t_s: float, last: Chapter) -> bool:
    return chapter.start_s <= t_s and (t_s < chapter.end_s or chapter is last)


def _pauses(speech: Sequence[SpeechLine]) -> list[tuple[float, float]]:
    """Where talk goes on after a pause; the longest pause has the weight 1."""
    pauses = [(b.first_s, b.first_s - a.last_s) for a, b in pairwise(speech)]
    longest = max((pause for _, pause in pauses), default=0.0)
    return [(t, pause / longest) for t, pause in pauses if pause > 0.2 * longest] if longest > 0 else []


def _picture(events: Sequence[EventMark], chapter: Chapter) -> str | None:
    """The picture of the scene that stood longest in the chapter, whenever it began."""
    ends = [mark.t_s for mark in events[1:]] + [math.inf]
    stood = [
        (min(end, chapter.end_s) - max(mark.t_s, chapter.start_s), mark.thumbnail)
        for mark, end in zip(events, ends, strict=False)
        if mark.thumbnail and mark.t_s <= chapter.end_s and end > chapter.start_s
    ]
    return max(stood, key=lambda pair: pair[0])[1] if stood else None


def _tell(made: list[Chapter]) -> None:
    """Keep the most telling lines of each chapter."""
    words = []
    for part in made:
        held = [terms(line.text) for line in part.shown] + [terms(line.text) for line in part.said]
        words.append(set().union(*held))
    spread = Counter(term for held in words for term in held)
    rare = {term: math.log(1 + len(made) / count) for term, count in spread.items()}
    few = len(made) <= FEW
    for part in made:
        tall = median([line.box[3] - line.box[1] for line in part.shown] or [1.0]) or 1.0
        longest = max((line.last_s - line.first_s for line in part.shown), default=0.0) or 1.0
        size = {line.id: min(max((line.box[3] - line.box[1]) / tall, 0.5), 2.5) ** 2 for line in part.shown}
        stood = {line.id: 0.3 + (line.last_s - line.first_s) / longest for line in part.shown}
        part.shown = _most(part.shown, rare, {i: size[i] * stood[i] for i in size}, 3 if few else 2)
        part.said = _most(part.said, rare, {}, 2 if few else 1)


def _most(lines: Sequence[Line], rare: dict[str, float], weight: dict[str, float], most: int) -> list[Line]:
    """The lines of greatest worth that do not repeat one another."""

    def worth(line: Line) -> float:
        words = sorted((rare[term] for term in terms(line.text)), reverse=True)[:10]
        return sum(words) * weight.get(line.id, 1.0) * max(line.score, 0.05)

    kept: list[tuple[Line, set[str]]] = []
    for line in sorted(lines, key=worth, reverse=True):
        held = terms(line.text)
        if held and all(len(held & other) <= 0.6 * min(len(held), len(other)) for _, other in kept):
            kept.append((line, held))
        if len(kept) == most:
            break
    return [line for line, _ in kept]
