"""Captions: what was said, as a WebVTT file (W3C, "WebVTT: The Web Video Text Tracks Format")."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from headrace.apps.result import Result
from headrace.apps.wording import clean
from headrace.core.files import atomic_write

#: Characters a line and lines a cue: what subtitles usually keep to.
WIDTH, LINES = 42, 2
#: The shortest a cue may be, in ms.
SHORTEST = 1

Cue = tuple[int, int, str]


def write_captions(result: Result, path: str | os.PathLike[str]) -> None:
    """Write the speech of a result that has words to `path`, whole or not at all.

    Cues are sorted by their times; a phrase too long for one is parted between words, its time in proportion to
    their letters. With several sources a voice tag says which one spoke.
    """
    atomic_write(path, captions(result))


def captions(result: Result) -> str:
    """The text of the file; without speech it has no cues, and is still valid."""
    several = len(result.sources) > 1
    cues: list[Cue] = []
    for line in result.speech:
        voice = f"<v {_voice(line.source)}>" if several else ""
        first = max(round(line.first_s * 1000), 0)
        for start, end, text in _cues(first, round(line.last_s * 1000), clean(line.text)):
            cues.append((start, end, voice + text))
    names = ", ".join(clean(source.name).replace("-->", "->") for source in result.sources)
    head = f"WEBVTT\n\nNOTE Speech in {names or 'no source'}, written by headrace {result.headrace}\n"
    return head + "".join(f"\n{_clock(start)} --> {_clock(end)}\n{text}\n" for start, end, text in sorted(cues))


def _cues(first: int, last: int, text: str) -> Iterator[Cue]:
    """One phrase as cues (start ms, end ms, escaped lines) without gaps; none if it has no words."""
    lines = _wrapped(text.split())
    parts = [lines[i : i + LINES] for i in range(0, len(lines), LINES)]
    last = max(last, first + SHORTEST * len(parts))
    total, said, start = sum(map(len, lines)), 0, first
    for left, part in enumerate(reversed(range(len(parts)))):
        said += sum(map(len, parts[left]))
        end = min(max(first + (last - first) * said // total, start + SHORTEST), last - SHORTEST * part)
        yield start, end, "\n".join(map(_escaped, parts[left]))
        start = end


def _wrapped(words: Sequence[str]) -> list[str]:
    """Lines of at most `WIDTH` characters; a longer word is cut."""
    lines: list[str] = []
    for word in words:
        pieces = [word[i : i + WIDTH] for i in range(0, len(word), WIDTH)]
        if lines and len(lines[-1]) + 1 + len(pieces[0]) <= WIDTH:
            lines[-1] += f" {pieces.pop(0)}"
        lines += pieces
    return lines


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _voice(name: str) -> str:
    """A source's name as an annotation: on one line, escaped, never empty."""
    return _escaped(clean(name)) or "source"


def _clock(ms: int) -> str:
    minutes, rest = divmod(ms, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
