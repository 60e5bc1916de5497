"""StreamingBench: worked examples by hand, and what those get who never look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.evaluation.benchmark import Stream, say, tasks
from headrace.evaluation.benchmarks.choices import asked, right
from headrace.evaluation.benchmarks.streamingbench import StreamingBench
from headrace.evaluation.truth import Event, Question
from headrace.recipes.streamingbench import StreamingBench as Recipe
from tests.evaluation.benchmarks.bad import SAMPLES, Damage, damaged, refused, refuses_unreadable

FOLDER = SAMPLES / "streamingbench"
REAL, SQA, ASKS = (FOLDER / f"questions_{name}.json" for name in ("real", "sqa", "proactive"))
BENCH = StreamingBench()
TIME, OUTPUT = "Proactive Output, time", "Proactive Output, output"


@pytest.fixture
def streams() -> list[Stream]:
    return BENCH.load(FOLDER)


def requests(folder: Path, *waits: int) -> list[Stream]:
    """Requests put at 10 s that come true after so many seconds."""
    questions = [
        {
            "task_type": "Proactive Output",
            "question": f'When lamp {n} lights up, output "lamp {n}".',
            "time_stamp": "00:00:10",
            "ground_truth_time_stamp": f"00:00:{10 + wait}",
            "ground_truth_output": f"lamp {n}",
        }
        for n, wait in enumerate(waits)
    ]
    path = folder / "questions_proactive.json"
    path.write_text(json.dumps([{"video_path": "./videos/a.mp4", "questions": [one]} for one in questions]))
    return BENCH.load(path)


def test_the_samples_load(streams: list[Stream]) -> None:
    assert {stream.id: len(stream.tasks) for stream in streams} == {"v1.mp4": 4, "v2.mp4": 2, "v3.mp4": 3, "v4.mp4": 5}
    by_id = {task.id: task for _, task in tasks(streams)}
    first = by_id["v1.mp4#1"]
    assert first.truth == Question(
        10 * SECOND, "Which of these is it (0)?", ("A. one", "B. two", "C. three", "D. four"), "A. one"
    )
    assert first.prompt.count("A. ") == 1
    assert (right(by_id["v1.mp4#4"]), right(by_id["v3.mp4#2"])) == ("D", "B")
    request = by_id["v4.mp4#2"]
    assert request.truth == Event(20 * SECOND, 20 * SECOND, "3")
    assert asked(request) == 11 * SECOND


def test_the_worked_examples_of_the_recipe_hold() -> None:
    check = Recipe().check()
    assert check.holds, check.note
    assert check.measured["requests: published Proactive Output, time"] == 60
    assert check.baselines["silence"]["requests: causal Proactive Output, time"] == 0
    assert check.baselines["always A"]["questions: published Counting"] == pytest.approx(100 / 3)


def test_samples_are_scored_together(streams: list[Stream]) -> None:
    """By hand, see the recipe's examples: the questions have 2 of 4 in all, the chain 2 of 3, requests 2 of 5."""
    report = BENCH.score(streams, BENCH.responses([FOLDER / "responses"], streams))
    causal = {name: (round(one.value, 2), one.count) for name, one in report.causal.items()}
    assert causal["real"] == (50, 4)
    assert causal["Sequential Question Answering"] == (66.67, 3)
    assert causal[TIME] == (40, 5)
    assert report.missing == 2
    assert report.published["real"].count == 3
    assert any("begin with a space" in note for note in report.notes)


def test_a_constant_delay_meets_requests(tmp_path: Path) -> None:
    """Waits of 4, 6, 8 and 9 s: spoken at 6 s, the first three lie within 2 s; the first two lie behind by 2 and 0."""
    streams = requests(tmp_path, 4, 6, 8, 9)
    report = BENCH.score(streams, BENCH.blind(streams)["6 s after the request, the words quoted in it"])
    assert (report.published[TIME].value, report.published[OUTPUT].value) == (75, 75)
    assert (report.causal[TIME].value, report.causal[OUTPUT].value) == (50, 50)


def test_talking_every_second_does_not_meet_requests(tmp_path: Path) -> None:
    streams = requests(tmp_path, 5)
    stream, task = next(tasks(streams))
    emitted = {stream.id: [say(task, stream, "lamp 0", t * SECOND) for t in range(30)]}
    report = BENCH.score(streams, emitted)
    assert report.causal[TIME].value == report.published[TIME].value == 0


def test_what_is_said_before_the_request_does_not_count(tmp_path: Path) -> None:
    streams = requests(tmp_path, 5)
    stream, task = next(tasks(streams))
    emitted = {stream.id: [say(task, stream, "lamp 0", t * SECOND) for t in (9, 15)]}
    report = BENCH.score(streams, emitted)
    assert report.causal[OUTPUT].value == report.published[OUTPUT].value == 100


def test_torn_options_are_put_together(tmp_path: Path) -> None:
    def tear(whole: list) -> None:
        whole[0]["questions"][0]["options"] = [
            "A. one",
            "B. two, he says",
            "and more",
            "",
            "C. three",
            "D. four",
            "E. .",
        ]
        whole[0]["questions"][0]["answer"] = "C"

    _, task = next(tasks(BENCH.load(damaged(REAL, tmp_path, tear))))
    assert isinstance(task.truth, Question)
    assert task.truth.options == ("A. one", "B. two, he says, and more", "C. three", "D. four")
    assert task.truth.answer == "C. three"


def test_options_that_read_the_same_keep_their_letters(tmp_path: Path) -> None:
    path = damaged(REAL, tmp_path, lambda whole: whole[0]["questions"][1].update(options=["two"] * 4))
    _, task = list(tasks(BENCH.load(path)))[1]
    assert right(task) == "B"


def test_the_same_question_twice_takes_two_outputs(tmp_path: Path) -> None:
    twice = damaged(REAL, tmp_path, lambda whole: whole[0]["questions"].append(whole[0]["questions"][0]))
    streams = BENCH.load(twice)
    value = json.loads(twice.read_text())
    for text, place in (("A", 0), ("B", 4)):
        value[0]["questions"][place] = value[0]["questions"][place] | {"model": text}
    path = tmp_path / "out.json"
    path.write_text(json.dumps(value))
    said = BENCH.responses([path], streams)["v1.mp4"]
    assert [(one.cause, one.content["text"]) for one in said] == [("v1.mp4#1", "A"), ("v1.mp4#5", "B")]


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    refuses_unreadable(BENCH, REAL, tmp_path)


@pytest.mark.parametrize(
    ("sample", "damage", "words"),
    [
        (REAL, lambda whole: whole[0]["questions"][1].__delitem__("answer"), ("questions[1]", "'answer'", "missing")),
        (REAL, lambda whole: whole[0]["questions"][1].update(answer="E"), ("questions[1]", "'answer'", "4 options")),
        (REAL, lambda whole: whole[0]["questions"][1].update(answer=""), ("questions[1]", "'answer'")),
        (REAL, lambda whole: whole[0]["questions"][0].update(time_stamp="now"), ("questions[0]", "'time_stamp'")),
        (REAL, lambda whole: whole[0]["questions"][0].update(time_stamp=float("nan")), ("questions[0]", "NaN")),
        (REAL, lambda whole: whole[0].update(questions={}), ("entry 0", "'questions'", "list")),
        (REAL, lambda whole: whole[0].update(video_path=None), ("entry 0", "'video_path'", "missing")),
        (SQA, lambda whole: whole[0][1].update(questions=[3]), ("entry 0.1", "questions[0]")),
        (ASKS, lambda whole: whole[1]["questions"][0].update(ground_truth_output=3), ("entry 1", "text")),
        (ASKS, lambda whole: whole[1]["questions"][0].update(ground_truth_time_stamp="1 s"), ("entry 1", "time")),
    ],
)
def test_malformed_annotations_are_refused(
    tmp_path: Path, sample: Path, damage: Damage, words: tuple[str, ...]
) -> None:
    refused(BENCH, damaged(sample, tmp_path, damage), *words)


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("real", lambda whole: whole[0]["questions"][0].update(other="B"), "several fields of outputs"),
        ("real", lambda whole: whole[0]["questions"][0].update(question="?"), "belongs to no task"),
        ("real", lambda whole: whole.append(whole[0]), "has an output already"),
        ("real", lambda whole: whole[0]["questions"][0].update(model=3), "'model'"),
        ("proactive", lambda whole: whole[0]["questions"][0]["model"].update(dialog_history=3), "'dialog_history'"),
        (
            "proactive",
            lambda whole: whole[0]["questions"][0]["model"]["dialog_history"][0].update(time=float("nan")),
            "'time'",
        ),
    ],
)
def test_malformed_responses_are_refused(
    tmp_path: Path, streams: list[Stream], name: str, damage: Damage, words: str
) -> None:
    path = damaged(FOLDER / "responses" / f"{name}_output_model.json", tmp_path, damage)
    with pytest.raises(InputError, match=words):
        BENCH.responses([path], streams)


def test_annotations_are_no_responses(streams: list[Stream]) -> None:
    with pytest.raises(InputError, match="holds no model's outputs"):
        BENCH.responses([REAL], streams)
