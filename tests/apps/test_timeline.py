"""The picture: its size, that all parts of a result leave ink, and that settings stay as they were."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pytest

from headrace.apps import fonts
from headrace.apps.result import Result, RunInfo, SourceInfo, TextLine
from headrace.apps.timeline import write_timeline
from tests.apps.recordings import recording

#: Colours as in the picture, B G R.
WATER, ALERT, ANSWER = (0x87, 0x6A, 0x0B), (0x10, 0x3A, 0xB8), (0x12, 0x7A, 0x4D)


def drawn(result: Result, path: Path) -> npt.NDArray[np.uint8]:
    picture = cv2.imread(str(write_timeline(result, path)))
    assert picture is not None
    assert picture.shape == (700, 1600, 3)
    return np.asarray(picture, dtype=np.uint8)


def ink(picture: npt.NDArray[np.uint8], colour: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(int) - colour).max(axis=2) < 12).sum())


@pytest.mark.parametrize(("hours", "slides"), [(10 / 3600, 2), (2.0, 600), (10.0, 30)])
def test_from_seconds_to_hours(tmp_path: Path, hours: float, slides: int) -> None:
    before = dict(mpl.rcParams)
    result = recording(hours=hours, slides=slides, folder=tmp_path if slides == 30 else None)
    picture = drawn(result, tmp_path / "timeline.png")
    assert ink(picture, ALERT) > 100
    assert ink(picture, ANSWER) > 20
    assert ink(picture, WATER) > 200
    assert dict(mpl.rcParams) == before
    assert [p.name for p in tmp_path.iterdir() if p.suffix != ""] == ["timeline.png"]


def test_an_empty_result_and_names_that_are_no_formula(tmp_path: Path) -> None:
    name = "cost $x_{1$ 日本 \x1b[31m.mp4"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        empty = drawn(Result([SourceInfo(name)]), tmp_path / "a.png")
        drawn(Result([]), tmp_path / "b.png")
    assert ink(empty, ALERT) == 0


def test_a_line_of_text_is_where_it_was(tmp_path: Path) -> None:
    """A line low on the screen in the last third leaves ink there and nowhere else."""
    run = RunInfo(media_s=90)
    bare = drawn(Result([SourceInfo("s", height=720)], run), tmp_path / "a.png").astype(int)
    line = TextLine("t", "s", "word", 60, 90, (0, 650, 100, 690))
    full = drawn(Result([SourceInfo("s", height=720)], run, [line]), tmp_path / "b.png").astype(int)
    changed = (np.abs(full - bare).max(axis=2) > 60)[:, 170:1552]
    bar = np.argwhere(changed[:, 1100:])
    assert len(bar) > 200
    assert np.ptp(bar[:, 0]) <= 4
    middle = int(np.median(bar[:, 0]))
    assert not changed[middle - 2 : middle + 3, :900].any()


def test_several_sources_have_their_own_lanes(tmp_path: Path) -> None:
    result = recording(hours=0.5, slides=30, sources=("hall", "door", "gate"))
    picture = cv2.imread(str(write_timeline(result, tmp_path / "t.png")))
    assert picture is not None
    height, width = picture.shape[:2]
    assert width == 1600
    assert 900 < height < 1600
    speech = np.abs(picture.astype(int) - (0x0A, 0x54, 0xA8)).max(axis=2) < 40
    rows = np.flatnonzero(speech[:, 170:1550].sum(axis=1) > 200)
    assert (np.diff(rows) > 100).sum() == 2
    many = recording(hours=0.1, slides=14, sources=tuple("abcdefg"), sound=False)
    assert cv2.imread(str(write_timeline(many, tmp_path / "m.png"))).shape[0] < 1700  # type: ignore[union-attr]


@pytest.fixture
def kanji(tmp_path: Path) -> Iterator[None]:
    """A font that holds a filled square for each of two kanji and nothing else."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from matplotlib.font_manager import fontManager

    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 900), (900, 900), (900, 0)):
        pen.lineTo(corner)
    pen.closePath()
    square = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({0x65E5: "square", 0x672C: "square"})
    builder.setupGlyf({".notdef": square, "square": square})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "square": (1000, 0)})
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Two Kanji", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "two.ttf")
    before = list(fontManager.ttflist)
    fontManager.addfont(tmp_path / "two.ttf")
    yield
    fontManager.ttflist[:] = before


def test_every_script_is_written_for_which_there_is_a_font(
    kanji: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from matplotlib.font_manager import fontManager

    held = [entry for entry in fontManager.ttflist if entry.name in ("DejaVu Sans", "Two Kanji")]
    monkeypatch.setattr(fontManager, "ttflist", held)
    assert fonts.families("plain") == ["DejaVu Sans"]
    assert fonts.families("日本 x") == ["DejaVu Sans", "Two Kanji"]
    assert fonts.writable("日本 xé") == "日本 xé"
    assert fonts.writable("日語語 x") == "日… x"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        written = drawn(Result([SourceInfo("日本")]), tmp_path / "a.png")
    ink = (written[15:50, 20:120].max(axis=2) < 90).sum()
    assert ink > 800  # two filled squares


def test_a_font_of_boxes_is_not_a_font() -> None:
    assert not [name for name in fonts.families("\U0001ffff日") if name.startswith("Last Resort")]
