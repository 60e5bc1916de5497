"""Chapters: they cover the recording, none is tiny, and their lines are those that tell them apart."""

from __future__ import annotations

import itertools
from random import Random

import pytest

from headrace.apps.chapter import CHAPTERS, chapters, cuts, reach, terms
from headrace.apps.result import EventMark, Result, RunInfo, SourceInfo, SpeechLine, TextLine
from tests.apps.recordings import recording

BOX = (0.0, 0.0, 100.0, 30.0)


@pytest.mark.parametrize("sources", [("a",), ("a", "b", "c")])
def test_chapters_cover_each_source_without_overlap(sources: tuple[str, ...]) -> None:
    result = recording(hours=2, slides=120, sources=sources)
    made = chapters(result)
    assert len(made) == CHAPTERS
    for name in sources:
        own = [chapter for chapter in made if chapter.source == name]
        assert own[0].start_s == 0
        assert own[-1].end_s == pytest.approx(reach(result, name))
        assert all(a.end_s == b.start_s for a, b in itertools.pairwise(own))
        assert sum(chapter.lines for chapter in own) == sum(line.source == name for line in result.text)
        assert sum(chapter.utterances for chapter in own) == sum(line.source == name for line in result.speech)
        assert sum(chapter.scenes for chapter in own) == sum(mark.source == name for mark in result.events)


def test_cuts_are_at_candidates_and_no_part_is_tiny() -> None:
    rng = Random(3)
    for most in (2, 5, 12):
        candidates = [(rng.uniform(0, 100), rng.random()) for _ in range(200)]
        starts = cuts(candidates, [0], 100, most)
        assert len(starts) == most
        assert set(starts[1:]) <= {t for t, _ in candidates}
        assert min(b - a for a, b in itertools.pairwise([*starts, 100])) >= 100 / (2 * most) - 1e-9
    assert cuts([], [0], 100, 5) == [0]
    assert cuts([(0.0, 1.0)], [0], 0, 5) == [0]


def test_a_strong_boundary_beats_a_weak_one_beside_it() -> None:
    assert cuts([(49, 0.2), (52, 0.9), (55, 0.2)], [0], 100, 2) == [0, 52]
    assert cuts([(30, 0.9), (70, 0.9)], [0, 50], 100, 9, least_s=60) == [0, 50]


def test_the_line_that_is_nowhere_else_is_told_and_what_stands_everywhere_is_not() -> None:
    result = Result([SourceInfo("s", height=720)], RunInfo(media_s=100))
    for part, topic in enumerate(("budget of the harbour", "a bridge is closed", "election of the mayor")):
        start = part * 33.0
        result.events.append(EventMark(f"e{part}", "s", start))
        for i, text in enumerate(("confidential - internal use only", topic, "page of pages")):
            result.text.append(TextLine(f"{part}-{i}", "s", text, start + 1, start + 30, BOX))
        for i, text in enumerate(("good morning everybody", f"now we speak about {topic}")):
            result.speech.append(SpeechLine(f"u{part}-{i}", "s", text, start + 10 * i, start + 10 * i + 5))
    made = chapters(result, 3)
    told = [(chapter.shown[0].text, chapter.said[0].text) for chapter in made]
    assert told == [
        (topic, f"now we speak about {topic}")
        for topic in ("budget of the harbour", "a bridge is closed", "election of the mayor")
    ]


def test_sound_alone_has_chapters_after_pauses() -> None:
    result = Result([SourceInfo("talk.mp3", channels=1)], RunInfo(media_s=900))
    t = 0.0
    for part in range(3):
        for i in range(6):
            result.speech.append(SpeechLine(f"{part}-{i}", "talk.mp3", f"part {part} says {i}", t, t + 30))
            t += 32
        t += 100
    starts = [line.first_s for line in result.speech if line.id in ("1-0", "2-0")]
    assert [chapter.start_s for chapter in chapters(result, 3)] == [0.0, *starts]


def test_a_scene_that_goes_on_lends_its_picture() -> None:
    result = Result([SourceInfo("s")], RunInfo(media_s=1000), events=[EventMark("e", "s", 0, 1, "a.jpg")])
    result.text = [TextLine(str(i), "s", f"line {i}", 100.0 * i, 100.0 * i + 5, BOX) for i in range(10)]
    made = chapters(result)
    assert len(made) > 2
    assert {chapter.picture for chapter in made} == {"a.jpg"}


def test_terms_of_scripts_without_spaces() -> None:
    assert terms("Die 2 Häuser!") == {"die", "2", "häuser"}
    assert terms("会議の議題") == {"会議", "議の", "の議", "議題"}
    assert terms("日") == {"日"}


def test_nothing_found_has_no_chapters() -> None:
    assert chapters(Result([])) == []
    assert chapters(Result([SourceInfo("a")])) == []
