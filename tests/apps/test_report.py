"""The page: it is self-contained, safe against what it shows, bounded, and sensible when empty."""

from __future__ import annotations

import itertools
import re
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from headrace.apps.chapter import chapters
from headrace.apps.page.lanes import figure
from headrace.apps.page.transcript import ROWS
from headrace.apps.report import PICTURES, page, write_report
from headrace.apps.result import (
    Alert,
    Answer,
    EventMark,
    Evidence,
    Result,
    RunInfo,
    SoundMark,
    SourceInfo,
    SpeechLine,
    TextLine,
)
from headrace.apps.series import Series
from tests.apps.recordings import recording

EVIL = "<script>alert('x')</script> \"><img src=x onerror=alert(1)> & ' \x00\u202e"
VOID = {"meta", "img", "br", "input", "link"}


class Page(HTMLParser):
    """The elements and the visible text of a page; fails on tags that do not close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._parts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.text = "".join(self._parts)
        assert not [tag for tag in self._open if tag != "th"]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open[-1] == "th" and tag != "th":
            self._open.pop()
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style"):
            self._parts.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def test_the_page_holds_what_was_found(tmp_path: Path) -> None:
    result = recording(folder=tmp_path, hours=0.5, slides=20)
    path = write_report(result, tmp_path)
    assert path == tmp_path / "report.html"
    shown = Page(path.read_text(encoding="utf-8"))
    for words in (
        "all-hands",
        "30 min 00 s",
        "Not seen",
        "an outage is mentioned",
        "2 of 3 questions",
        "settle",
    ):
        assert words in shown.text
    assert "never someone shows a price above 900" in " ".join(shown.text.split())
    assert shown.count("li") >= len(result.text) + len(result.speech) + len(result.sounds)
    for line in (*result.text, *result.speech):
        assert line.text in shown.text
    images = [attrs for tag, attrs in shown.elements if tag == "img"]
    assert len(images) == 20 + 5 + sum(chapter.picture is not None for chapter in chapters(result))
    assert all(image["alt"] for image in images)
    links = {attrs["href"][1:] for tag, attrs in shown.elements if tag == "a"}
    ids = [attrs["id"] for _, attrs in shown.elements if "id" in attrs]
    assert links
    assert links <= set(ids)
    assert len(ids) == len(set(ids))


def test_nothing_is_fetched_and_only_our_script_may_run(tmp_path: Path) -> None:
    html = page(recording(folder=tmp_path, hours=0.1, slides=4), tmp_path)
    assert not re.search(r"https?://|url\(|@import", html)
    shown = Page(html)
    sources = [attrs[key] for _, attrs in shown.elements for key in ("src", "href") if key in attrs]
    assert all(source.startswith(("data:image/jpeg;base64,", "#")) or source == "data:," for source in sources)
    policy = next(attrs["content"] for tag, attrs in shown.elements if "http-equiv" in attrs)
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy


def hostile(folder: Path) -> Result:
    """A result in which everything that may come from outside tries to be more than text."""
    box = (0.0, 0.0, 10.0, 10.0)
    proof = [Evidence(EVIL, 0, 1, EVIL, EVIL), Evidence(EVIL, 0, 1, EVIL, None, "speech")]
    cv2.imwrite(str(folder / "ok.jpg"), np.zeros((9, 16, 3), np.uint8))
    return Result(
        [SourceInfo(EVIL, EVIL, 640, 360, 25, None, 5, 1, [EVIL], 2, 48_000, [(3.0, 4.0)]), SourceInfo("b")],
        RunInfo(EVIL, 10, drops={EVIL: 3}, gate=EVIL, recogniser=EVIL, started=EVIL, interrupted=True),
        [TextLine(EVIL, EVIL, EVIL, 0, 1, box)],
        [SpeechLine(EVIL, EVIL, EVIL, 2, 5, 1, EVIL)],
        [SoundMark(EVIL, EVIL, EVIL, 6, 7)],
        [EventMark(EVIL, EVIL, 1, thumbnail="ok.jpg"), EventMark("2", EVIL, 2, thumbnail=EVIL)],
        [Answer(EVIL, EVIL, True, EVIL, "llm", proof, 1, EVIL), Answer("n", EVIL, False, EVIL, note=EVIL)],
        [Alert(EVIL, EVIL, 1, 1, 0, EVIL, proof)],
        [EVIL, EVIL + "2"],
        {EVIL: Series(0.25, [0.0, 0.25], [0.1, 0.2], [0.0, 0.1], [100, 200], [0, 3], [-20.0, -30.0], [0.0, 1.0])},
        headrace=EVIL,
    )


def test_what_comes_from_outside_is_only_text(tmp_path: Path) -> None:
    html = page(hostile(tmp_path), tmp_path)
    shown = Page(html)
    assert shown.count("script") == 1
    assert {attrs["src"][:15] for tag, attrs in shown.elements if tag == "img"} == {"data:image/jpeg"}
    assert not [attrs for _, attrs in shown.elements if any(key.startswith("on") for key in attrs)]
    assert shown.text.count("<script>alert('x')</script>") >= 20
    assert "\x00" not in html
    assert "\u202e" not in html


def test_pictures_outside_the_folder_or_damaged_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    cv2.imwrite(str(tmp_path / "secret.jpg"), np.zeros((9, 16, 3), np.uint8))
    (tmp_path / "out" / "bad.jpg").write_bytes(b"\xff\xd8 no picture")
    (tmp_path / "out" / "empty.jpg").write_bytes(b"")
    names = ("../secret.jpg", str(tmp_path / "secret.jpg"), "bad.jpg", "empty.jpg", "gone.jpg", "")
    marks = [EventMark(f"e{i}", "s", i, thumbnail=name) for i, name in enumerate(names)]
    shown = Page(page(Result([SourceInfo("s")], events=marks), tmp_path / "out"))
    assert shown.count("img") == 0
    assert "6 events, no pictures" in shown.text


@pytest.mark.parametrize("sources", [[], [SourceInfo("camera")]])
def test_an_empty_result_makes_a_sensible_page(tmp_path: Path, sources: list[SourceInfo]) -> None:
    shown = Page(page(Result(sources), tmp_path))
    assert "No text was read on the screen, and no speech heard" in shown.text
    assert "No event boundaries were found" in shown.text
    assert "Answers" not in shown.text
    assert "Alerts" not in shown.text
    assert "nan" not in shown.text
    assert "nothing, on any edge" in shown.text


def test_what_a_reader_must_know_is_said(tmp_path: Path) -> None:
    source = SourceInfo("cam", frames_read=900, frames_dropped=100, errors=["connection lost at 4 s"])
    run = RunInfo(media_s=90, interrupted=True, state_bytes=2 << 20, budget_bytes=1 << 20, drops={"gate": 7, "x": 0})
    text = Page(page(Result([source], run, standing=["rain"]), tmp_path)).text
    for words in (
        "Interrupted.",
        "100 frames dropped of cam (10 %)",
        "connection lost",
        "Over budget.",
        "gate: 7",
    ):
        assert words in text
    assert "never rain" in text


def test_what_was_found_is_said_in_words(tmp_path: Path) -> None:
    source = SourceInfo("hall", width=640, height=360, channels=1, gaps=[(10.0, 25.0)])
    result = Result([source], RunInfo(media_s=90, resumed=1), standing=["rain", "snow"])
    result.speech = [
        SpeechLine("u0", "hall", "good morning", 1, 31),
        SpeechLine("u1", "hall", "", 40, 50),
        SpeechLine("u2", "hall", "goodbye", 60, 65),
    ]
    result.sounds = [SoundMark("s", "hall", "silence", 70, 90), SoundMark("l", "hall", "loud", 5, 6)]
    spoken = [Evidence("hall", 1, 31, "good morning", None, "speech"), Evidence("hall", 2, 3, "rain", None, "text")]
    result.answers = [Answer("a", "who greets?", True, "good morning", evidence=spoken)]
    result.alerts = [Alert("x", "rain", t, t, None, "rain", spoken[1:]) for t in (3.0, 50.0)]
    text = " ".join(Page(page(result, tmp_path)).text.split())
    for words in (
        "No text and no events were seen.",
        "45 s of speech was heard in 3 stretches, 2 of them put into words.",
        "There were 1 silence and 1 loud moment.",
        "1 of 1 question was answered.",
        "“rain” came true twice, first at 0:03.",
        "“snow” never came true.",
        "Not watched: 15 s of hall (0:10–0:25).",
        "resumed once",
        "mono sound",
        "quoted from what was said and the screen",
        "said, 0:01–0:31",
        "on screen, 0:02–0:03",
    ):
        assert words in text


def test_evidence_names_its_source_where_there_are_several(tmp_path: Path) -> None:
    result = Result([SourceInfo("hall"), SourceInfo("door")], RunInfo(media_s=9))
    result.answers = [Answer("a", "?", True, "x", evidence=[Evidence("door", 1, 1, "x", None, "sound")])]
    text = " ".join(Page(page(result, tmp_path)).text.split())
    assert "heard in door, 0:01" in text


def test_lanes_are_those_that_have_something_to_show() -> None:
    def lanes(result: Result) -> list[str]:
        return re.findall(r'data-lane="(\w+)"', figure(result, set()))

    full = recording(hours=0.5, slides=12)
    assert "backlog" not in lanes(full)  # at full speed what waits means nothing
    full.run.speed = "realtime"
    assert lanes(full) == ["flags", "change", "events", "text", "speech", "sounds", "state", "backlog"]
    deaf = recording(hours=0.5, slides=12, sound=False)
    deaf.run.speed = "realtime"
    assert lanes(deaf) == ["flags", "change", "events", "text", "state", "backlog"]
    html = figure(recording(hours=0.5, slides=30, sources=("a", "b", "c")), set())
    assert html.count('class="void gap"') == 1
    assert html.count('class="void after"') == 2
    assert html.count('class="budget"') == 1  # of all sources together


def test_state_of_all_sources_is_their_sum() -> None:
    result = Result([SourceInfo("a"), SourceInfo("b")], RunInfo(media_s=2))
    result.series = {
        "a": Series(0.5, [0.0, 0.5], [0.0] * 2, [0.0] * 2, [100, 300], [0] * 2, [-120.0] * 2, [0.0] * 2),
        "b": Series(0.25, [0.25, 1.0], [0.0] * 2, [0.0] * 2, [1000, 2000], [0] * 2, [-120.0] * 2, [0.0] * 2),
    }
    whole = figure(result, set()).rpartition('class="group all"')[2]
    assert "2.25 KiB at most" in whole  # 300 of a and 2,000 of b


def test_the_size_is_bounded(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (360, 640, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "big.jpg"), cv2.GaussianBlur(noise, (0, 0), 4))
    events = [EventMark(f"e{i}", "s", i / 2, thumbnail="big.jpg") for i in range(3_000)]
    box = (0.0, 0.0, 9.0, 9.0)
    lines = [TextLine(str(i), "s", "word " * 500, i, i + 2 + i % 7, box) for i in range(ROWS + 2_000)]
    result = Result([SourceInfo("s", height=720)], RunInfo(media_s=7_000), lines, events=events)
    shown = Page(html := page(result, tmp_path))
    images = [attrs for tag, attrs in shown.elements if tag == "img"]
    assert len(images) == PICTURES
    assert images[0]["width"] == "320"
    assert images[0]["height"] == "180"
    assert f"the {ROWS:,} longest of 7,000 lines" in shown.text
    kept = [float(attrs["data-t"]) for tag, attrs in shown.elements if tag == "figure" and "data-t" in attrs]
    drawn = PICTURES - sum(chapter.picture is not None for chapter in chapters(result))
    assert len(kept) == drawn > PICTURES / 2
    assert f"{drawn} of 3,000, evenly picked" in shown.text
    assert kept[0] == 0
    assert kept[-1] == 1499.5
    assert max(b - a for a, b in itertools.pairwise(kept)) < 9
    assert b64decode(images[0]["src"].partition(",")[2])[:2] == b"\xff\xd8"
    assert len(html) < 12e6


def test_every_path_of_the_timeline_is_valid() -> None:
    result = recording(hours=10, slides=40, sources=("a", "b", "c"))
    series = result.series["a"]
    series.t_s[5:400] = [t + 7_200 for t in series.t_s[5:400]]
    html = figure(result, set())
    paths = re.findall(r' d="([^"]*)"', html)
    number = r"-?\d+(\.\d+)?"
    shape = rf"(M{number},{number}(h{number}|H{number}|V{number})*)+"
    assert len(paths) > 40
    assert all(re.fullmatch(shape, path) for path in paths)
    assert html.count("<b>Text</b>") == html.count("<b>Speech</b>") == 3
    assert "10:00:00" in html
