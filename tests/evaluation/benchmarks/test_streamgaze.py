"""StreamGaze: worked examples by hand, and what those get who never look."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.evaluation.benchmark import Stream, tasks
from headrace.evaluation.benchmarks.choices import asked, right
from headrace.evaluation.benchmarks.streamgaze import StreamGaze
from headrace.evaluation.truth import Question
from headrace.recipes.streamgaze import StreamGaze as Recipe
from tests.evaluation.benchmarks.bad import SAMPLES, Damage, damaged, refused, refuses_unreadable

FOLDER = SAMPLES / "streamgaze"
PAST, ALERT = FOLDER / "past_scene_recall.json", FOLDER / "proactive_gaze_triggered_alert.json"
KIND = ALERT.stem
BENCH = StreamGaze()


@pytest.fixture
def streams() -> list[Stream]:
    return BENCH.load(FOLDER)


def test_the_samples_load(streams: list[Stream]) -> None:
    (stream,) = streams
    assert [task.kind for task in stream.tasks] == ["past_scene_recall"] * 4 + [KIND] * 12
    assert [right(task) for task in stream.tasks[:4]] == list("ABCD")
    probe = stream.tasks[5]
    assert probe.truth == Question(12 * SECOND, "Tell me when I look at the <plate>.", None, "Yes")
    assert asked(stream.tasks[0]) == 20 * SECOND
    assert probe.detail["span"] == (12 * SECOND, 13 * SECOND)


def test_the_worked_examples_of_the_recipe_hold() -> None:
    check = Recipe().check()
    assert check.holds, check.note
    assert check.baselines['always "Yes"'][f"requests: causal {KIND}"] == 50
    assert check.baselines['always "Yes"'][f"requests: causal {KIND}, T_acc"] == 0
    assert check.baselines["silence"][f"requests: causal {KIND}"] == 0


def test_the_samples_are_scored_together(streams: list[Stream]) -> None:
    """By hand, see the recipe's examples: published 3 of 3 and 6 of 12, causal 1 of 4 and 6 of 12."""
    report = BENCH.score(streams, BENCH.responses([FOLDER / "responses"], streams))
    assert report.published["average"].value == 75
    assert report.causal["average"].value == 37.5
    assert report.missing == 2


def test_an_answer_may_bring_its_words(tmp_path: Path) -> None:
    path = damaged(PAST, tmp_path, lambda whole: whole[0]["questions"][0].update(answer="B. a knife"))
    assert right(next(tasks(BENCH.load(path)))[1]) == "B"


def test_predictions_go_with_the_question_of_their_place(tmp_path: Path, streams: list[Stream]) -> None:
    path = damaged(
        FOLDER / "responses" / "past_scene_recall_output.json",
        tmp_path,
        lambda whole: whole[1].update(model_predictions=[{"model_prediction": "X"}, {"model_prediction": None}]),
    )
    said = BENCH.responses([path], streams)["v1.mp4"]
    assert [one.content["text"] for one in said] == ["I see a cup", "B.", "X", ""]


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    refuses_unreadable(BENCH, PAST, tmp_path)


@pytest.mark.parametrize(
    ("sample", "damage", "words"),
    [
        (PAST, lambda whole: whole[0]["questions"][1].__delitem__("answer"), ("questions[1]", "'answer'", "missing")),
        (PAST, lambda whole: whole[0]["questions"][1].update(answer="E"), ("questions[1]", "'answer'", "4 options")),
        (PAST, lambda whole: whole[0]["questions"][1].update(time_stamp="x"), ("questions[1]", "'time_stamp'")),
        (PAST, lambda whole: whole[0].update(questions="x"), ("entry 0", "'questions'")),
        (PAST, lambda whole: whole[0].__delitem__("video_path"), ("entry 0", "'video_path'", "missing")),
        (ALERT, lambda whole: whole[0]["questions"][0]["test_info"][1].update(type=2), ("test_info[1]", "'type'")),
        (
            ALERT,
            lambda whole: whole[0]["questions"][0]["test_info"][1].update(realtime=float("nan")),
            ("test_info[1]", "NaN"),
        ),
        (ALERT, lambda whole: whole[0]["questions"][0].__delitem__("first_appearance"), ("'first_appearance'",)),
    ],
)
def test_malformed_annotations_are_refused(
    tmp_path: Path, sample: Path, damage: Damage, words: tuple[str, ...]
) -> None:
    refused(BENCH, damaged(sample, tmp_path, damage), *words)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole[0]["questions"][0].update(question="?"), "belongs to no task"),
        (lambda whole: whole.append(whole[0]), "has an output already"),
        (lambda whole: whole[0]["model_predictions"][0].update(model_prediction=7), "'model_prediction'"),
        (lambda whole: [one.__delitem__("model_predictions") for one in whole] and None, "holds no model's outputs"),
    ],
)
def test_malformed_responses_are_refused(tmp_path: Path, streams: list[Stream], damage: Damage, words: str) -> None:
    path = damaged(FOLDER / "responses" / "past_scene_recall_output.json", tmp_path, damage)
    with pytest.raises(InputError, match=words):
        BENCH.responses([path], streams)
