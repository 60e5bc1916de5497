"""StreamEQA: a worked example by hand, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.evaluation.benchmark import Stream, tasks
from headrace.evaluation.benchmarks.choices import asked, right
from headrace.evaluation.benchmarks.streameqa import StreamEqa
from headrace.recipes.streameqa import StreamEqa as Recipe
from tests.evaluation.benchmarks.bad import SAMPLES, Damage, damaged, refused, refuses_unreadable

FOLDER = SAMPLES / "streameqa"
SAMPLE = FOLDER / "Perception.json"
BENCH = StreamEqa()


@pytest.fixture
def streams() -> list[Stream]:
    return BENCH.load(FOLDER)


def test_the_samples_load(streams: list[Stream]) -> None:
    (stream,) = streams
    assert stream.media == "P01/P01-20240101-000000.mp4"
    assert [(task.id, right(task)) for task in stream.tasks[:3]] == [("I2:4", "A"), ("I2:5", "B"), ("P1:0", "A")]
    assert asked(stream.tasks[2]) == 12_500_000_000


def test_times_may_be_clock_times(tmp_path: Path) -> None:
    path = damaged(SAMPLE, tmp_path, lambda whole: whole[0].update(realtime="00:01:02"))
    assert asked(next(tasks(BENCH.load(path)))[1]) == 62 * SECOND


def test_the_worked_example_of_the_recipe_holds() -> None:
    check = Recipe().check()
    assert check.holds, check.note
    assert check.baselines["always A"]["six questions: causal total"] == pytest.approx(100 / 3)
    assert check.baselines["silence"]["six questions: causal total"] == 0


def test_missing_answers_cost_nothing_as_published_only(streams: list[Stream]) -> None:
    first = {
        name: [one for one in some if one.cause == "P1:0"]
        for name, some in BENCH.responses([FOLDER / "responses"], streams).items()
    }
    report = BENCH.score(streams, first)
    assert report.published["total"].value == 100
    assert report.causal["total"].value == pytest.approx(100 / 6)
    assert report.missing == 5


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    refuses_unreadable(BENCH, SAMPLE, tmp_path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole[1].__delitem__("gt"), ("entry 1", "'gt'", "missing")),
        (lambda whole: whole[1].update(gt=4), ("entry 1", "'gt'", "4 options")),
        (lambda whole: whole[1].update(gt=-1), ("entry 1", "'gt'", "4 options")),
        (lambda whole: whole[1].update(id=0), ("entry 1", "entry 0", "unique")),
        (lambda whole: whole[1].update(id=[0]), ("entry 1", "'id'")),
        (lambda whole: whole[1].update(options=[]), ("entry 1", "'gt'")),
        (lambda whole: whole[1].update(realtime=float("inf")), ("entry 1", "'realtime'", "Infinity")),
        (lambda whole: whole[1].update(video=3), ("entry 1", "'video'", "text")),
    ],
)
def test_malformed_annotations_are_refused(tmp_path: Path, damage: Damage, words: tuple[str, ...]) -> None:
    refused(BENCH, damaged(SAMPLE, tmp_path, damage), *words)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole[0].update(other="B"), "several fields of outputs"),
        (lambda whole: whole[0].update(id=77), "belongs to no task"),
        (lambda whole: whole.append(whole[0]), "has an output already"),
        (lambda whole: whole[0].update(model=7), "'model'"),
    ],
)
def test_malformed_responses_are_refused(tmp_path: Path, streams: list[Stream], damage: Damage, words: str) -> None:
    path = damaged(FOLDER / "responses" / "Perception_output_model.json", tmp_path, damage)
    with pytest.raises(InputError, match=words):
        BENCH.responses([path], streams)


def test_annotations_are_no_responses(streams: list[Stream]) -> None:
    with pytest.raises(InputError, match="holds no model's outputs"):
        BENCH.responses([SAMPLE], streams)
