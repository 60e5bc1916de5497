"""What a comparison leaves: table.md, table.json, pareto.png and the short table, from figures that are made up."""

from __future__ import annotations

import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import pytest

from headrace.apps.compare import report
from headrace.apps.compare.looks import looks
from headrace.apps.compare.picture import png
from headrace.apps.compare.progress import LiveProgress, PlainProgress, choose_progress
from headrace.apps.compare.report import expect_folder, write_report
from headrace.apps.compare.result import Comparison, Figure
from headrace.apps.compare.table import TERMINAL, legend, markdown, rows
from headrace.apps.compare.words import figure, multiple, number, span
from headrace.core.errors import CapacityError, ConfigError
from tests.apps.compared import comparison


def tables(text: str) -> list[list[list[str]]]:
    """The cells of each table of a markdown text, without the rule under the heads."""
    found = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if ":--" not in line]
        for table in found
    ]


def ink(picture: bytes, colour: str) -> int:
    """Pixels of a colour such as "#b83a10"."""
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    wanted = [int(colour[i : i + 2], 16) for i in (5, 3, 1)]
    return int((np.abs(image.astype(int) - wanted).max(axis=2) < 12).sum())


def test_numbers_have_true_minus_signs_and_no_negative_nothing() -> None:
    assert number(-0.1034, signed=True) == "−0.103"
    assert number(-0.0004, signed=True) == number(0.0, signed=True) == "0.000"
    assert number(math.nan) == "–" == figure(None)
    assert figure(Figure(2.8404, 2.8, 2.9)) == "2.840 [2.800, 2.900]"
    assert figure(Figure(2.8404, math.nan, math.nan)) == "2.840"


def test_positions_are_told_in_trained_lengths() -> None:
    made = comparison()
    made.buckets = {"a": (0, 256), "b": (512, 1024), "c": (5120, 8000), "d": (51200, 1_000_000)}
    assert [multiple(made, name) for name in made.buckets] == ["in length", "1–2×", "10–16×", "100–1953×"]
    assert [span(made, name, brief=True) for name in made.buckets] == ["0–256", "512–1,024", "5,120–8,000", "51k–1.0M"]


def test_the_table_explains_itself() -> None:
    text = markdown(comparison(dense_ends=True))
    for told in (
        "`zoo:tiny-llama`, trained on rows of 512 tokens, reads 3 streams of 5,120 tokens each (`shipped`, seed 0)",
        "keeps 256 tokens of a session",
        "from the lowest stream to the highest",
        "Bounded state does not remember what has left it",
        "0.150 nats a token lower than `window` [0.138, 0.162], better",
        "`random` at positions 2,048–5,120 (4–10×): 0.038 nats a token higher",
        "`dense` at positions 1,024–2,048 (2–4×): 1.525",
        "guessing gives 0.010",
        "- random read its prefix itself",
        "2026-11-21 15:54 UTC",
    ):
        assert told in text
    kinds, _, recall, cost = tables(text)
    marked = {row[0]: row[1] for row in kinds[1:]}
    assert marked["`dense` (grows)"] == "baseline, grows without bound"
    assert marked["`h2o` (≈)"] == "baseline, approximate"
    assert marked["`streamingllm`"] == "recipe"
    assert [head for head in recall[0] if head.startswith("›")] == ["› 384", "› 512", "› 1,024"]
    assert {row[0]: row[3] for row in cost[1:]}["`dense` (grows)"] == "+3.91 MiB"
    assert {row[3] for row in cost[1:]} == {"none", "+3.91 MiB"}


def test_of_other_models_it_says_what_their_config_allows() -> None:
    made = replace(comparison(), model="models/other", trained=2048)
    assert "`models/other`, whose config allows 2,048 positions" in markdown(made)
    unknown = markdown(replace(made, trained=made.tokens))
    assert "`models/other` reads 3 streams" in unknown
    assert "trained on rows" not in markdown(made) + unknown


def test_only_what_the_interval_says_is_bold() -> None:
    made = comparison()
    _, losses, recall, _ = tables(markdown(made))
    paired = {losses[i - 1][0]: row[1:] for i, row in enumerate(losses) if row[0].startswith("… less")}
    assert not any(cell.startswith("**") for row in losses if not row[0].startswith("…") for cell in row)
    assert [cell.startswith("**") for cell in paired["`streamingllm`"]] == [False, True, True, True, True]
    assert not any(cell.startswith("**") for cell in paired["`random`"] + paired["`dense` (grows)"])
    bold = {row[0]: [cell.startswith("**") for cell in row[1:]] for row in recall}
    assert bold["`dense` (grows)"] == [False] * 6 + [True] * 3
    assert not any(bold["`streamingllm`"] + bold["`window`"])
    wide = Figure(-0.15, -0.31, 0.01)
    made.method("streamingllm").against["2048-5120"] = wide
    assert "`streamingllm` at positions 2,048–5,120 (4–10×): no sure difference" in markdown(made)
    assert f"**{figure(wide, signed=True)}" not in markdown(made)


def test_one_stream_has_no_intervals_and_nothing_bold() -> None:
    text = markdown(comparison(streams=1))
    assert "there are no intervals" in text
    assert "[" not in text
    assert "**" not in text.replace("**bold**", "")
    assert not any("*" in cell for row in rows(comparison(streams=1)) for cell in row)


def test_text_from_outside_ends_no_cell() -> None:
    made = comparison()
    made.methods[0] = replace(made.methods[0], what="a | b ` <b>\n\x1b[31mred", name="x|y")
    made.notes = ["one\n# two"]
    text = markdown(made)
    assert all(len({len(row) for row in table}) == 1 for table in tables(text))
    assert "\x1b" not in text
    assert "\n# two" not in text
    assert "<b>" not in text


def test_without_facts_there_is_no_recall() -> None:
    made = comparison()
    made.ages, made.chance = [], math.nan
    for method in made.methods:
        method.recall = {}
    text = markdown(made)
    assert len(tables(text)) == 3
    assert "nan" not in text + legend(made)
    assert ink(png(made), "#0b6a87") > 100


def test_the_short_table_begins_with_the_best() -> None:
    short = rows(comparison(dense_ends=True))
    assert [row[0] for row in short] == ["streamingllm", "h2o", "window", "random", "dense", "unigram"]
    told = {row[0]: dict(zip(TERMINAL, row, strict=True)) for row in short}
    assert told["streamingllm"]["less window"] == "−0.150*"
    assert told["dense"]["loss"] == "4.865 at 2–4×"
    assert (told["streamingllm"]["recall in"], told["streamingllm"]["recall out"]) == ("0.83", "0.01")
    assert "2,048–5,120" in legend(comparison())


def test_the_picture_shows_every_method_and_leaves_settings_alone() -> None:
    before = dict(mpl.rcParams)
    made = comparison()
    picture = png(made)
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (1000, 1400, 3)
    assert dict(mpl.rcParams) == before
    drawn = looks(made)
    assert all(ink(picture, drawn[method.name].colour) > 150 for method in made.methods)
    without = comparison(names=("streamingllm", "window", "random", "h2o", "unigram"))
    assert ink(png(without), drawn["dense"].colour) < 20


@pytest.mark.parametrize(
    "change",
    [
        {"methods": []},
        {"buckets": {"a": (0, 300), "b": (300, 51_200), "c": (51_200, 1_000_000)}, "trained": 8192},
        {"model": "日本 $x_{1$ " + "x" * 300},
    ],
    ids=["nothing", "odd-buckets", "names"],
)
def test_odd_comparisons_are_drawn_too(change: dict[str, object]) -> None:
    made = replace(comparison(), **change)  # type: ignore[arg-type]
    for method in made.methods:
        method.loss = {name: Figure(3.0, 2.9, 3.1) for name in made.buckets}
        method.against = {}
    assert png(made).startswith(b"\x89PNG")
    assert markdown(made).startswith("# State methods")
    assert len(rows(made)) == len(made.methods)
    assert legend(made)


def test_many_methods_find_room() -> None:
    made = comparison()
    one = made.methods[0]
    made.methods += [replace(one, name=f"recipe{i}") for i in range(20)]
    assert len(set(looks(made).values())) == len(made.methods)
    image = cv2.imdecode(np.frombuffer(png(made), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape[0] > 1000


@pytest.mark.parametrize("streams", [1, 3])
def test_the_folder_holds_the_whole_comparison(tmp_path: Path, streams: int) -> None:
    made, folder = comparison(streams), tmp_path / "a" / "out"
    written = write_report(made, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["pareto.png", "table.json", "table.md"]
    assert sorted(written) == sorted(folder.iterdir())
    back = Comparison.from_json(json.loads((folder / "table.json").read_text()))
    assert markdown(back) == markdown(made) == (folder / "table.md").read_text()
    assert back.to_json() == made.to_json()
    write_report(comparison(2), folder)
    assert "2 streams" in (folder / "table.md").read_text()


def test_a_folder_is_looked_at_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "table.md").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    for name, told in (
        ("file", "is no folder"),
        ("file/out", "is no folder"),
        ("gone", "is no folder"),
        ("theirs", "was not written by"),
        ("x" * 300, "cannot be written"),
    ):
        with pytest.raises(ConfigError, match=told):
            expect_folder(tmp_path / name)
    with pytest.raises(ConfigError, match="--out is empty"):
        expect_folder("")
    expect_folder(tmp_path / "new" / "out")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_is_one_error_and_leaves_no_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    expect_folder(tmp_path)
    monkeypatch.setattr(report, "expect_folder", lambda path: Path(path))
    monkeypatch.setattr(report, "atomic_write", full)
    with pytest.raises(CapacityError, match="is full; make room"):
        write_report(comparison(), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_plain_progress_is_a_line_every_ten_seconds() -> None:
    now, stream = [100.0], io.StringIO()
    progress = PlainProgress(stream, lambda: now[0])
    for second in range(31):
        now[0] = 100.0 + second
        progress("reading\x1b[31m", 1000 * second, 60_000)
    progress("reading", 30_000, 60_000)
    assert stream.getvalue().splitlines() == [
        f"reading[31m: {n:,} of 60,000 tokens, 1,000 a second, {60 - n // 1000} s left"
        for n in (10_000, 20_000, 30_000)
    ]


def test_live_progress_is_drawn_on_terminals_alone() -> None:
    from rich.console import Console

    assert isinstance(choose_progress(Console(file=io.StringIO())), PlainProgress)
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, legacy_windows=False, _environ={"TERM": "xterm"})
    with choose_progress(console) as progress:
        assert isinstance(progress, LiveProgress)
        progress("loading", 0, 1)
        progress("reading [red]x", 1_200, 60_000)
    assert "reading [red]x" in stream.getvalue()
    assert "1,200 of 60,000 tokens" in stream.getvalue()
    assert stream.getvalue().count("\x1b[?25l") == stream.getvalue().count("\x1b[?25h") == 1
