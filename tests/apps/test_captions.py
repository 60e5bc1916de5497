"""Captions, read by a small parser of WebVTT of its own."""

from __future__ import annotations

import html
import random
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from headrace.apps.captions import LINES, WIDTH, captions, write_captions
from headrace.apps.result import Result, SourceInfo, SpeechLine

STAMP = r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})"


@dataclass
class Read:
    start: float
    end: float
    voice: str
    lines: list[str]


def read(text: str) -> list[Read]:
    """The cues, by the syntax of the specification; AssertionError if the file breaks it."""
    assert text.startswith("WEBVTT\n\n")
    assert "\r" not in text
    assert "\0" not in text
    cues = []
    for block in text[8:].strip("\n").split("\n\n"):
        head, *body = block.split("\n")
        if head.startswith("NOTE"):
            assert "-->" not in block
            continue
        times = re.fullmatch(f"{STAMP} --> {STAMP}", head)
        assert times, head
        part = [int(value or 0) for value in times.groups()]
        start, end = (part[i] * 3600 + part[i + 1] * 60 + part[i + 2] + part[i + 3] / 1000 for i in (0, 4))
        assert start < end
        assert body
        whole = "\n".join(body)
        assert "-->" not in whole
        tag = re.match(r"<v ([^>\n]+)>", whole)
        plain = whole[tag.end() :] if tag else whole
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", plain), plain
        cues.append(Read(start, end, html.unescape(tag[1]) if tag else "", html.unescape(plain).split("\n")))
    return cues


def result(*lines: SpeechLine, sources: tuple[str, ...] = ("talk",)) -> Result:
    return Result([SourceInfo(name) for name in sources], speech=list(lines))


def line(text: str, first: float, last: float, source: str = "talk") -> SpeechLine:
    return SpeechLine(f"{first}{text[:4]}", source, text, first, last)


def test_without_speech_the_file_is_valid_and_empty(tmp_path: Path) -> None:
    write_captions(result(line("", 1, 2), line(" \n ", 2, 3)), tmp_path / "captions.vtt")
    text = (tmp_path / "captions.vtt").read_text(encoding="utf-8")
    assert read(text) == []
    assert text.startswith("WEBVTT\n\nNOTE ")


def test_phrases_become_sorted_cues() -> None:
    cues = read(captions(result(line("second", 3661.5, 3662.25), line("first", 0.5, 2))))
    assert cues == [Read(0.5, 2, "", ["first"]), Read(3661.5, 3662.25, "", ["second"])]


def test_text_is_escaped_and_cannot_end_a_cue() -> None:
    text = "a < b && c --> d <v Mallory> &lt; \n\n00:00.000 --> 00:01.000"
    (cue,) = read(captions(result(line(text, 0, 1))))
    assert " ".join(cue.lines) == " ".join(text.split())


def test_several_sources_are_told_apart() -> None:
    names = ("hall", "a>b & c\n --> d")
    said = [line("one", 0, 1, names[0]), line("two", 0, 1, names[1])]
    cues = read(captions(result(*said, sources=names)))
    assert sorted((cue.voice, cue.lines[0]) for cue in cues) == sorted([("hall", "one"), ("a>b & c --> d", "two")])


@pytest.mark.parametrize("seed", range(20))
def test_long_phrases_are_parted_by_words_in_proportion(seed: int) -> None:
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefgh", k=rng.choice((1, 3, 7, 12)))) for _ in range(rng.randint(1, 90))]
    first = rng.random() * 9000
    last = first + rng.choice((0, 0.002, 3, 14.9))
    cues = read(captions(result(line(" ".join(words), first, last))))
    assert [word for cue in cues for part in cue.lines for word in part.split()] == words
    assert all(len(cue.lines) <= LINES and all(len(part) <= WIDTH for part in cue.lines) for cue in cues)
    assert abs(cues[0].start - first) < 0.001
    assert all(one.end == two.start for one, two in pairwise(cues))
    if last - first > 1:
        assert abs(cues[-1].end - last) < 0.001
        letters = sum(len(part) for cue in cues for part in cue.lines)
        for cue in cues:
            share = sum(map(len, cue.lines)) / letters
            assert abs((cue.end - cue.start) / (last - first) - share) < 0.002


def test_a_word_longer_than_a_line_is_cut() -> None:
    (cue,) = read(captions(result(line("x" * (WIDTH + 5), 0, 1))))
    assert cue.lines == ["x" * WIDTH, "x" * 5]


def test_times_that_make_no_sense_still_make_a_file() -> None:
    cues = read(captions(result(line("early", -1, -0.5), line("reversed", 5, 4))))
    assert [(cue.start, cue.lines) for cue in cues] == [(0, ["early"]), (5, ["reversed"])]
