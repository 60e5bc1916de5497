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

from headrace.apps.lanes import figure
from headrace.apps.report import PICTURES, ROWS, page, write_report
from headrace.apps.result import (
    Alert,
    Answer,
    EventMark,
    Evidence,
    Result,
    RunInfo,
    SourceInfo,
    TextLine,
)
from tests.apps.recordings import recording

EVIL = "<script>alert('x')</script> \"><img src=x onerror=alert(1)> & ' \x00\u202e"
VOID = {"meta", "img", "br", "input"}


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
    assert shown.count("tr") >= len(result.text)
    for line in result.text:
        assert line.text in shown.text
    images = [attrs for tag, attrs in shown.elements if tag == "img"]
    assert len(images) == 20 + 5
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
    assert all(source.startswith(("data:image/jpeg;base64,", "#")) for source in sources)
    policy = next(attrs["content"] for tag, attrs in shown.elements if "http-equiv" in attrs)
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy


def test_what_comes_from_outside_is_only_text(tmp_path: Path) -> None:
    box = (0.0, 0.0, 10.0, 10.0)
    proof = [Evidence(EVIL, 0, 1, EVIL, EVIL)]
    result = Result(
        [SourceInfo(EVIL, EVIL, 640, 360, 25, None, 5, 1, [EVIL]), SourceInfo("b")],
        RunInfo(EVIL, 10, drops={EVIL: 3}, gate=EVIL, started=EVIL, interrupted=True),
        [TextLine(EVIL, EVIL, EVIL, 0, 1, box)],
        [EventMark(EVIL, EVIL, 1, thumbnail="ok.jpg"), EventMark("2", EVIL, 2, thumbnail=EVIL)],
        [Answer(EVIL, EVIL, True, EVIL, "llm", proof, 1, EVIL), Answer("n", EVIL, False, EVIL, note=EVIL)],
        [Alert(EVIL, EVIL, 1, 1, 0, EVIL, proof)],
        [EVIL, EVIL + "2"],
        headrace=EVIL,
    )
    cv2.imwrite(str(tmp_path / "ok.jpg"), np.zeros((9, 16, 3), np.uint8))
    html = page(result, tmp_path)
    shown = Page(html)
    assert shown.count("script") == 1
    assert shown.count("img") == 1
    assert not [attrs for _, attrs in shown.elements if any(key.startswith("on") for key in attrs)]
    assert shown.text.count("<script>alert('x')</script>") >= 12
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
    assert "No text was read" in shown.text
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


def test_the_size_is_bounded(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (360, 640, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "big.jpg"), cv2.GaussianBlur(noise, (0, 0), 4))
    events = [EventMark(f"e{i}", "s", i / 2, thumbnail="big.jpg") for i in range(3_000)]
    box = (0.0, 0.0, 9.0, 9.0)
    lines = [TextLine(str(i), "s", "word " * 500, i, i + 2 + i % 7, box) for i in range(ROWS + 2_000)]
    shown = Page(html := page(Result([SourceInfo("s", height=720)], RunInfo(media_s=7_000), lines, events), tmp_path))
    images = [attrs for tag, attrs in shown.elements if tag == "img"]
    assert len(images) == PICTURES
    assert images[0]["width"] == "320"
    assert images[0]["height"] == "180"
    assert f"{PICTURES} of 3,000, evenly picked" in shown.text
    assert f"the {ROWS:,} longest on screen of 7,000" in shown.text
    kept = [float(attrs["data-t"]) for tag, attrs in shown.elements if tag == "figure" and "data-t" in attrs]
    assert kept[0] == 0
    assert kept[-1] == 1499.5
    assert max(b - a for a, b in itertools.pairwise(kept)) < 9
    assert b64decode(images[0]["src"].partition(",")[2])[:2] == b"\xff\xd8"
    assert len(html) < 12e6


def test_every_path_of_the_timeline_is_valid() -> None:
    result = recording(hours=10, slides=40, sources=("a", "b", "c"))
    result.series.t_s[5:400] = [t + 7_200 for t in result.series.t_s[5:400]]
    html = figure(result, set())
    paths = re.findall(r' d="([^"]*)"', html)
    number = r"-?\d+(\.\d+)?"
    shape = rf"(M{number},{number}(h{number}|H{number}|V{number})*)+"
    assert len(paths) > 40
    assert all(re.fullmatch(shape, path) for path in paths)
    assert html.count("<b>Text</b>") == 3
    assert "10:00:00" in html
