"""The reader reads rendered text, grows cut regions, and never takes one line for another."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from headrace.core.errors import ConfigError, InputError

pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")
matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("PIL")

from headrace.understanding.linecache import LineCache  # noqa: E402
from headrace.understanding.reader import TextReader  # noqa: E402

Plane = npt.NDArray[np.uint8]
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def draw(
    *lines: tuple[str, int, int, int],
    font: str = "DejaVuSans",
    size: tuple[int, int] = (640, 160),
    ink: int = 20,
) -> Plane:
    """A light textured plane with (text, x, y, height) lines on it; same texture for the same size."""
    from PIL import Image, ImageDraw, ImageFont

    rng = np.random.default_rng(5)
    ground = np.clip(220 + rng.normal(0, 3, size[::-1]), 0, 255).astype(np.uint8)
    image = Image.fromarray(ground)
    for text, x, y, height in lines:
        face = ImageFont.truetype(str(FONTS / f"{font}.ttf"), height)
        ImageDraw.Draw(image).text((x, y), text, fill=ink, font=face)
    return np.asarray(image)


def squeeze(text: str) -> str:
    return re.sub(r"\W", "", text.lower())


@pytest.fixture(scope="module")
def reader() -> TextReader:
    return TextReader()


@pytest.fixture
def recognised(reader: TextReader, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the recogniser was asked for since the test began; the cache starts empty."""
    calls: list[str] = []
    plain: Callable[[Plane], tuple[str, float]] = reader._recogniser.__call__

    def counted(crop: Plane) -> tuple[str, float]:
        found = plain(crop)
        calls.append(found[0])
        return found

    reader.reset()
    monkeypatch.setattr(reader, "_recogniser", counted)
    return calls


def test_reads_every_line_highest_first(reader: TextReader) -> None:
    page = draw(
        ("Small print 18 px", 30, 20, 18),
        ("Headline", 30, 60, 48),
        ("Reservoir level 4.2 m", 30, 130, 24),
        size=(640, 200),
    )
    lines = list(reader.read(page, (0, 0, 640, 200)))
    assert [squeeze(line.text) for line in lines] == ["headline", "reservoirlevel42m", "smallprint18px"]
    for line, (x, y) in zip(lines, [(30, 60), (30, 130), (30, 20)], strict=True):
        assert line.score > 0.8
        assert abs(line.box[0] - x) < 15
        assert y - 10 < line.box[1] < y + 15


def test_the_words_of_a_terminal_are_one_line(reader: TextReader) -> None:
    from matplotlib import get_data_path
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSansMono.ttf", 20)
    shown = [f"[00{k}] worker {k}{k} retry request handled in {k}7 ms" for k in range(10, 18)]
    picture = Image.new("L", (1280, 320), 20)
    for k, line in enumerate(shown):
        ImageDraw.Draw(picture).text((20, 15 + 34 * k), line, fill=225, font=font)
    read = [line.text for line in reader.read(np.asarray(picture), (0, 0, 1280, 320))]
    assert sorted(squeeze(line) for line in read) == [squeeze(line) for line in shown]


def test_lines_come_one_by_one(reader: TextReader, recognised: list[str]) -> None:
    page = draw(("First and large", 30, 20, 40), ("second and small", 30, 100, 20))
    lines = reader.read(page, (0, 0, 640, 160))
    assert squeeze(next(lines).text) == "firstandlarge"
    assert len(recognised) == 1
    assert squeeze(next(lines).text) == "secondandsmall"


def test_region_grows_to_hold_a_cut_line(reader: TextReader) -> None:
    text = "The gate at the northern canal opens at noon"
    page = draw((text, 60, 300, 22), size=(1280, 640))
    (line,) = reader.read(page, (200, 290, 420, 340))
    assert squeeze(line.text) == squeeze(text)
    assert line.box[0] < 70


def test_lines_outside_the_region_are_not_read(reader: TextReader) -> None:
    page = draw(("inside the region", 30, 30, 24), ("outside of it", 30, 480, 24), size=(640, 560))
    assert [squeeze(line.text) for line in reader.read(page, (0, 0, 640, 100))] == ["insidetheregion"]


def test_text_at_the_edge_of_the_frame(reader: TextReader) -> None:
    page = draw(("Corner text", 1, 0, 28), size=(320, 64))
    assert [squeeze(line.text) for line in reader.read(page, (0, 0, 320, 64))] == ["cornertext"]


def test_vertical_and_tiny_boxes_are_skipped(reader: TextReader) -> None:
    upright = draw(("Sideways words here", 20, 60, 30), size=(400, 160))
    assert list(reader.read(np.ascontiguousarray(np.rot90(upright)), (0, 0, 160, 400))) == []
    strict = TextReader(min_height=40)
    assert list(strict.read(draw(("low line", 30, 30, 18)), (0, 0, 640, 160))) == []


def test_a_large_frame_is_scaled_down_to_the_bound(reader: TextReader, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []
    detect = reader._detector.__call__
    monkeypatch.setattr(reader, "_detector", lambda picture: seen.append(picture.shape) or detect(picture))
    monkeypatch.setattr(reader, "_max_pixels", 1 << 17)
    page = draw(("Notice of the council", 200, 500, 90), size=(1920, 1080))
    assert [squeeze(line.text) for line in reader.read(page, (0, 0, 1920, 1080))] == ["noticeofthecouncil"]
    (shape,) = seen
    assert shape[0] * shape[1] < 1.4 * (1 << 17)
    assert shape[0] % 32 == shape[1] % 32 == 0


def test_blank_empty_and_outside_regions_give_nothing(reader: TextReader) -> None:
    blank = np.full((90, 160), 128, np.uint8)
    for box in [(0, 0, 160, 90), (50, 50, 50, 80), (500, 500, 600, 600), (-20, -20, 0, 0), (3, 3, 4, 4)]:
        assert list(reader.read(blank, box)) == []


def test_same_input_same_output_and_the_second_time_from_the_cache(reader: TextReader, recognised: list[str]) -> None:
    page = draw(("Flow 310 litres", 30, 20, 30), ("valid until Friday", 30, 90, 20))
    first = list(reader.read(page, (0, 0, 640, 160)))
    assert len(recognised) == 2
    assert 0 < reader.nbytes() <= reader.max_bytes()
    noise = np.random.default_rng(1).normal(0, 3, page.shape)
    darker = np.clip(0.95 * page + noise, 0, 255).astype(np.uint8)
    second = list(reader.read(darker, (0, 0, 640, 160)))
    assert [line.text for line in second] == [line.text for line in first]
    assert len(recognised) == 2
    reader.reset()
    assert reader.nbytes() == 0
    assert list(reader.read(page, (0, 0, 640, 160))) == first


@pytest.mark.parametrize("font", ["DejaVuSans", "DejaVuSerif-Bold", "DejaVuSansMono"])
@pytest.mark.parametrize("height", [16, 22, 44])
@pytest.mark.parametrize(
    "pair", [("Level 4.21 m", "Level 4.27 m"), ("Gate 3 open", "Gate 8 open")], ids=["level", "gate"]
)
def test_one_changed_digit_is_read_again(
    reader: TextReader, recognised: list[str], font: str, height: int, pair: tuple[str, str]
) -> None:
    for text in pair:
        page = draw((text, 40, 40, height), font=font, size=(448, 112))
        (line,) = reader.read(page, (0, 0, 448, 112))
        assert squeeze(line.text) == squeeze(text)
    assert len(recognised) == 2


def test_a_changed_digit_in_a_long_line_is_another_line() -> None:
    cache = LineCache()
    rows = [
        draw((f"The northern reservoir stands at 4.2{digit} metres above", 8, 4, 18), size=(620, 30))
        for digit in range(10)
    ]
    for digit, row in enumerate(rows):
        assert cache.get(row) is None
        cache.put(row, str(digit), 1.0)
    for digit, row in enumerate(rows):
        assert cache.get(row) == (str(digit), 1.0)
    shifted = [cache.get(np.roll(row, 1, axis=1)) for row in rows]
    assert all(found in (None, (str(digit), 1.0)) for digit, found in enumerate(shifted))
    assert sum(found is not None for found in shifted) >= 5


def test_cache_keeps_its_bounds_and_the_lines_used_last() -> None:
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 255, (20, 100 + 8 * k), np.uint8) for k in range(12)]
    cache = LineCache(lines=4, budget=9000)
    for k, crop in enumerate(crops):
        cache.put(crop, str(k), 1.0)
        if k:
            assert cache.get(crops[0]) == ("0", 1.0)
        assert len(cache) <= 4
        assert cache.nbytes() <= cache.max_bytes() == 9000
    assert cache.get(crops[1]) is None
    off = LineCache(lines=0)
    off.put(crops[0], "0", 1.0)
    assert len(off) == 0


def test_wrong_settings_and_input_say_what_to_do(reader: TextReader, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="scale"):
        TextReader(scale=1.5)
    with pytest.raises(ConfigError, match="max_pixels"):
        TextReader(max_pixels=0)
    with pytest.raises(ConfigError, match="models="):
        TextReader(models=tmp_path)
    with pytest.raises(InputError, match="uint8"):
        next(reader.read(np.zeros((4, 4, 3), np.uint8), (0, 0, 4, 4)))


@pytest.mark.parametrize("package", ["cv2", "onnxruntime", "rapidocr"])
def test_without_the_extra_one_line_says_which_command_brings_it(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError) as caught:
        TextReader()
    assert str(caught.value) == "reading text needs the ocr extra: pip install 'headrace[ocr]'"


def test_importing_loads_no_heavy_package_and_reading_is_silent() -> None:
    program = (
        "import sys, headrace.understanding.reader as r; import numpy as np\n"
        "assert not {'cv2', 'onnxruntime', 'rapidocr'} & set(sys.modules)\n"
        "list(r.TextReader().read(np.zeros((64, 64), np.uint8), (0, 0, 64, 64)))\n"
        "assert 'requests' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
