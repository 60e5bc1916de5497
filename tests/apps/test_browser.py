"""The page in a browser: it answers, jumps, fits, obeys its policy, and stays light with hours of material."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.apps.report import write_report
from headrace.apps.result import EventMark, Result, RunInfo, SourceInfo, SpeechLine, TextLine
from tests.apps.chromium import Chromium, Tab, chromium, found
from tests.apps.recordings import recording
from tests.apps.test_report import EVIL, hostile

pytestmark = pytest.mark.skipif(found() is None, reason="needs chromium (apt install chromium)")

#: Everything wider than the window that is not inside something that scrolls or clips.
WIDER = """[...document.querySelectorAll('body *')].filter((el) => {
  const box = el.getBoundingClientRect();
  if (!box.width || box.right <= innerWidth + 1) return false;
  for (let up = el; up; up = up.parentElement)
    if (up !== el && getComputedStyle(up).overflowX !== 'visible') return false;
  return true; }).map((el) => el.outerHTML.slice(0, 90))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of twenty minutes and two sources."""
    folder = tmp_path_factory.mktemp("talk")
    return write_report(recording(hours=1 / 3, slides=24, folder=folder, sources=("hall", "door")), folder)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of two hours with 5,000 lines of transcript, and more that are not on it."""
    folder = tmp_path_factory.mktemp("long")
    result = recording(hours=2, slides=900, lines=5)
    assert len(result.text) + len(result.speech) > 5_000
    return write_report(result, folder)


def shown(tab: Tab, selector: str) -> int:
    """How many such elements are displayed."""
    found = tab.run(f"[...document.querySelectorAll({selector!r})].filter((el) => el.getClientRects().length).length")
    return int(found)


def look_for(tab: Tab, words: str) -> None:
    tab.run("(document.getElementById('search').value = '', document.getElementById('search').focus())")
    tab.type(words)


def window(tab: Tab) -> tuple[float, float]:
    """Start and end of the window on the timeline, as shares of the whole."""
    left, _, width, _ = tab.run("document.querySelector('.lanes svg').getAttribute('viewBox').split(' ').map(Number)")
    return left / 10_000, (left + width) / 10_000


@pytest.mark.parametrize("width", [390, 760, 1400])
@pytest.mark.parametrize("script", [True, False])
def test_nothing_overflows_and_nothing_is_complained_about(
    browser: Chromium, talk: Path, width: int, script: bool
) -> None:
    with browser.tab(talk, width, dark=width == 760, script=script) as tab:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)
        assert tab.run("document.documentElement.scrollWidth") <= width
        assert tab.run(WIDER) == []
        assert tab.troubles() == []
        assert shown(tab, "#transcript input") == script
        assert shown(tab, ".lines > li") > 200


def test_zoom_by_drag_keys_buttons_and_wheel(browser: Chromium, talk: Path) -> None:
    with browser.tab(talk) as tab:
        left, top, width, height = tab.box("[data-lane=change] .plot")
        y = top + height / 2
        tab.drag(left + 0.25 * width, y, left + 0.5 * width)
        start, end = window(tab)
        assert start == pytest.approx(0.25, abs=0.01)
        assert end == pytest.approx(0.5, abs=0.01)
        lines = shown(tab, ".lines > li")
        assert 0 < lines < int(tab.run("document.querySelectorAll('.lines > li').length"))
        assert " lines from 5:0" in tab.run("document.querySelector('[data-count=rows]').textContent")
        assert 0 < shown(tab, ".strip figure") < 24
        tab.run("document.getElementById('lanes').focus()")
        tab.key("ArrowRight")
        assert window(tab)[0] == pytest.approx(start + 0.25 * (end - start), abs=0.01)
        tab.key("+", "+")
        assert window(tab)[1] - window(tab)[0] == pytest.approx(0.125, abs=0.01)
        tab.key("Escape")
        assert window(tab) == (0, 1)
        tab.run("document.querySelector('[data-zoom=in]').click()")
        assert window(tab) == pytest.approx((0.25, 0.75))
        tab.run("document.querySelector('[data-zoom=all]').click()")
        tab.mouse("mouseWheel", left + 0.5 * width, y, deltaX=0, deltaY=-60, modifiers=2)
        start, end = window(tab)
        assert end - start < 0.7
        assert tab.troubles() == []


def test_hover_tells_what_was_there(browser: Chromium, talk: Path) -> None:
    with browser.tab(talk) as tab:
        line = tab.run(
            "(() => { const all = [...document.querySelectorAll('.lines > li.speech')];"
            "const el = all.find((one) => !one.querySelector('em'));"
            "const t = el.querySelector('time'); return [+t.dataset.from, +t.dataset.to, +el.dataset.s,"
            "el.querySelector('p').textContent, el.id]; })()"
        )
        middle, source, words, name = (line[0] + line[1]) / 2, int(line[2]), line[3], line[4]
        left, top, width, height = tab.box(f".group[data-s='{source}'] [data-lane=speech] .plot")
        x, y = left + width * middle / 1200, top + height - 6
        tab.mouse("mouseMoved", x, y)
        told = tab.run("document.getElementById('tip').innerText")
        assert words in told
        assert "dBFS" in told
        assert ("hall", "door")[source] in told
        assert shown(tab, "#tip img") == 1
        tab.click(x, y)
        assert tab.run("document.querySelector('.found').id") == name
        assert tab.run("document.activeElement.id") == name
        assert tab.run("document.getElementById('tip').hidden")
        box = tab.run("(() => { const b = document.querySelector('.found').getBoundingClientRect(); return b.top })()")
        assert 0 < box < 900


def test_search_finds_marks_and_is_forgotten_by_a_jump(browser: Chromium, talk: Path) -> None:
    with browser.tab(talk) as tab:
        every = shown(tab, ".lines > li")
        tab.run("document.getElementById('search').focus()")
        tab.type("PRIYA")
        marked = tab.run("[...document.querySelectorAll('mark')].map((el) => el.textContent)")
        assert marked
        assert set(marked) == {"Priya"}
        assert shown(tab, ".lines > li") == len(marked) < every
        assert {"text", "speech"} <= set(
            tab.run("[...document.querySelectorAll('mark')].map((el) => el.closest('li').classList[0])")
        )
        tab.run("document.querySelector('button[data-kind=speech]').click()")
        assert shown(tab, ".lines > li.speech") == 0
        assert 0 < shown(tab, ".lines > li.text") < len(marked)
        look_for(tab, "zzz")
        assert shown(tab, ".lines > li") == 0
        assert shown(tab, ".none") == 1
        left, top, width, height = tab.box("[data-lane=text] .plot")
        tab.click(left + width / 2, top + height / 3)
        assert shown(tab, ".found") == 1
        assert shown(tab, "mark") == 0
        assert shown(tab, ".lines > li") == every


def test_times_flags_and_pictures_jump(browser: Chromium, talk: Path) -> None:
    with browser.tab(talk) as tab:
        part = "document.querySelector('.chapter .note time')"
        span = tab.run(f"[+{part}.dataset.from / 1200, +{part}.dataset.to / 1200]")
        tab.run(f"({part}.focus(), 1)")
        tab.key("Enter", "\r")
        assert window(tab) == pytest.approx(tuple(span), abs=0.002)
        assert tab.run("document.activeElement.id") == "lanes"
        tab.run("document.querySelector('[data-zoom=all]').click()")
        left, top, width, height = tab.box(".film a")
        tab.click(left + width / 2, top + height / 2)
        assert tab.run("document.querySelector('.found').id").startswith("event-")
        left, top, width, height = tab.box(".pin.alert b")
        tab.click(left + width / 2, top + height / 2)
        assert tab.run("location.hash").startswith("#alert-")
        tab.run("document.querySelector('.scroll').focus()")
        tab.key("ArrowDown")
        tab.key("ArrowDown")
        second = tab.run("document.querySelectorAll('.lines > li')[1].id")
        assert tab.run("document.activeElement.id") == second
        tab.key("Enter", "\r")
        assert window(tab)[1] - window(tab)[0] < 1


def test_fingers_pinch_pan_and_tap(browser: Chromium, talk: Path) -> None:
    with browser.tab(talk, 390, 844) as tab:
        tab.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
        left, top, width, height = tab.box("[data-lane=text] .plot")
        y = top + height / 2

        def touch(kind: str, *at: float) -> None:
            points = [{"x": left + part * width, "y": y, "id": i} for i, part in enumerate(at)]
            tab.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)

        touch("touchStart", 0.4, 0.6)
        for apart in (0.12, 0.16, 0.2):
            touch("touchMove", 0.5 - apart, 0.5 + apart)
        touch("touchEnd")
        start, end = window(tab)
        assert end - start == pytest.approx(0.5, abs=0.1)
        touch("touchStart", 0.8)
        for part in (0.7, 0.6, 0.5, 0.4):
            touch("touchMove", part)
        touch("touchEnd")
        assert window(tab)[0] == pytest.approx(start + 0.4 * (end - start), abs=0.05)
        touch("touchStart", 0.5)
        touch("touchEnd")
        assert shown(tab, ".lines > li.found") == 1
        assert tab.run("document.documentElement.scrollWidth") <= 390
        assert tab.troubles() == []


def test_hours_lay_out_and_answer(browser: Chromium, long: Path) -> None:
    with browser.tab(long) as tab:
        assert shown(tab, ".lines > li") == 5_000
        assert tab.run("document.querySelectorAll('*').length") < 5_000 * 6 + 3_000
        assert tab.run("document.querySelectorAll('.lanes *').length") < 3_000
        left, top, width, height = tab.box("[data-lane=change] .plot")
        tab.drag(left + 0.5 * width, top + height / 2, left + 0.52 * width)
        assert 0 < shown(tab, ".lines > li") < 250
        assert shown(tab, ".axis span") >= 3
        assert 0 < shown(tab, ".words span") <= 40
        assert window(tab)[1] - window(tab)[0] == pytest.approx(0.02, abs=0.005)
        assert tab.troubles() == []


def test_hostile_text_stays_text(browser: Chromium, tmp_path: Path) -> None:
    path = write_report(hostile(tmp_path), tmp_path)
    with browser.tab(path, 390) as tab:
        assert tab.run("document.querySelectorAll('script').length") == 1
        assert tab.run("document.querySelectorAll('img[src=x]').length") == 0
        assert tab.run("document.querySelector('.lines p').textContent").startswith("<script>alert('x')</script>")
        assert tab.run("document.documentElement.scrollWidth") <= 390
        look_for(tab, "<")
        assert shown(tab, "mark") > 0
        left, top, _, height = tab.box("[data-lane=text] .plot")
        tab.mouse("mouseMoved", left + 2, top + height / 2)
        assert EVIL[:20] in tab.run("document.getElementById('tip').textContent")
        assert tab.run("document.querySelectorAll('script').length") == 1
        assert tab.troubles() == []


def test_portrait_pictures_are_not_tall_and_an_empty_page_stands(browser: Chromium, tmp_path: Path) -> None:
    import cv2
    import numpy as np

    cv2.imwrite(str(tmp_path / "tall.jpg"), np.full((320, 180, 3), 90, np.uint8))
    marks = [EventMark(f"e{i}", "phone", 3.0 * i, thumbnail="tall.jpg") for i in range(4)]
    result = Result([SourceInfo("phone", width=720, height=1280)], RunInfo(media_s=12), events=marks)
    result.speech.append(SpeechLine("u", "phone", "", 1, 4))
    result.text.append(TextLine("t", "phone", "مرحبا بالعالم", 1, 3, (0, 0, 9, 9)))
    with browser.tab(write_report(result, tmp_path)) as tab:
        assert tab.run("Math.max(...[...document.images].map((el) => el.getBoundingClientRect().height))") < 140
        assert tab.run("document.images.length") >= 8
        assert tab.troubles() == []
    with browser.tab(write_report(Result([SourceInfo("cam")]), tmp_path)) as tab:
        tab.run("document.querySelector('[data-zoom=in]').click()")
        assert tab.troubles() == []


def test_it_prints_on_few_sheets(browser: Chromium, talk: Path) -> None:
    with browser.tab(talk) as tab:
        assert 3 <= tab.pages() <= 14


def test_a_policy_that_is_broken_is_noticed(browser: Chromium, talk: Path, tmp_path: Path) -> None:
    """The checks of this file can fail: a second script is refused, and reported."""
    page = talk.read_text(encoding="utf-8").replace("</main>", "</main><script>document.title='x'</script>", 1)
    (tmp_path / "bad.html").write_text(page, encoding="utf-8")
    with browser.tab(tmp_path / "bad.html") as tab:
        assert any("Content Security Policy" in trouble for trouble in tab.troubles())
        assert tab.run("document.title") != "x"
