"""Omni-DuplexEval: worked examples by hand, and what talking all the time wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.evaluation.benchmark import Stream
from headrace.evaluation.benchmarks.omniduplex import OmniDuplex
from headrace.evaluation.benchmarks.standing import events_of
from headrace.evaluation.judges import TokenF1
from headrace.evaluation.truth import Exchange
from headrace.recipes.omniduplex import OmniDuplex as Recipe
from tests.evaluation.benchmarks.bad import SAMPLES, Damage, damaged, refused, refuses_unreadable

FOLDER, SAID = SAMPLES / "omniduplex", SAMPLES / "omniduplex-responses"
FILE = FOLDER / "PR_event_reminder.json"
KIND = FILE.stem
BENCH = OmniDuplex()


@pytest.fixture
def streams() -> list[Stream]:
    return BENCH.load(FOLDER)


def test_the_samples_load(streams: list[Stream]) -> None:
    by_id = {stream.id: stream for stream in streams}
    assert list(by_id) == [*(f"PR_correction/{k}" for k in "123"), f"{KIND}/1", f"{KIND}/2", "RTD_counting/9"]
    assert [event.start // SECOND for event in events_of(by_id[f"{KIND}/1"])] == [15, 40]
    assert by_id["PR_correction/1"].tasks[0].truth == Exchange(
        0, 0, 60 * SECOND, "The ship is black.", "The ship is white."
    )
    assert by_id["RTD_counting/9"].media == "RTD_counting/9.mp4"


def test_the_worked_examples_of_the_recipe_hold() -> None:
    check = Recipe().check()
    assert check.holds, check.note


def test_talking_every_second_reminds_of_everything_where_published(streams: list[Stream]) -> None:
    """Causal: 3 events, 60 + 60 announcements: F1 2 3 / (2 3 + 117)."""
    talking = BENCH.score(streams, BENCH.blind(streams)["every second"])
    assert talking.published[KIND].value == talking.published[f"timing {KIND}"].value == 100
    assert talking.causal[KIND].value == 0
    assert talking.causal[f"events {KIND}"].value == pytest.approx(100 * 6 / (6 + 117))
    silent = BENCH.score(streams, BENCH.blind(streams)["silence"])
    assert silent.published[KIND].value == silent.causal[KIND].value == 0
    assert silent.missing == 7


def test_repeating_the_mistake_wins_with_a_judge_of_words(streams: list[Stream]) -> None:
    """ "The ship is black" has 2 of the 3 words of "The ship is white", articles aside."""
    echo = BENCH.score(streams, BENCH.blind(streams)["every second"], TokenF1())
    assert echo.causal["PR_correction"].value == 100


def test_descriptions_are_compared_with_the_better_reference(streams: list[Stream]) -> None:
    """ "Two cars pass" is the second reference: 1."""
    report = BENCH.score(streams, BENCH.responses([SAID], streams), TokenF1())
    assert report.published["content RTD_counting"].value == 100
    assert report.published["content"].value == 100
    assert "content RTD_counting" not in BENCH.score(streams, {}).published


def test_single_files_of_responses_load(streams: list[Stream]) -> None:
    said = BENCH.responses([SAID / KIND / "1.json"], streams)
    assert [(one.t_emit // SECOND, one.end // SECOND) for one in said[f"{KIND}/1"]] == [(16, 16), (30, 30), (45, 46)]
    with pytest.raises(InputError, match="holds no SPLIT/ID"):
        BENCH.responses([SAMPLES], streams)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    refuses_unreadable(BENCH, FILE, tmp_path)


def test_a_file_of_no_split_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("[]")
    refused(BENCH, path, "no split")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole[1].__delitem__("id"), ("entry 1", "'id'", "missing")),
        (lambda whole: whole[1].update(id="1"), ("entry 1", "unique")),
        (lambda whole: whole[1].update(video_duration=float("nan")), ("entry 1", "NaN")),
        (lambda whole: whole[1].update(reminder1="soon"), ("entry 1", "'reminder1'", "'soon'")),
        (lambda whole: whole[1].update(reminder1=-3), ("entry 1", "'reminder1'")),
        (lambda whole: whole[1].update(reminder1=None), ("entry 1", "'answer1'", "no reminder")),
    ],
)
def test_malformed_annotations_are_refused(tmp_path: Path, damage: Damage, words: tuple[str, ...]) -> None:
    refused(BENCH, damaged(FILE, tmp_path, damage), *words)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole[0].__delitem__("current_time"), "'start'"),
        (lambda whole: whole[0].update(current_time="x"), "'current_time'"),
        (lambda whole: whole[0].update(text=5), "'text'"),
        (lambda whole: {"a": 1}, "not a list"),
    ],
)
def test_malformed_responses_are_refused(tmp_path: Path, streams: list[Stream], damage: Damage, words: str) -> None:
    (tmp_path / KIND).mkdir()
    damaged(SAID / KIND / "1.json", tmp_path / KIND, damage)
    with pytest.raises(InputError, match=words):
        BENCH.responses([tmp_path], streams)
