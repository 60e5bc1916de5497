"""SVBench: a worked example by hand, links, and what those get who never look."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND
from headrace.evaluation.benchmark import Stream, say
from headrace.evaluation.benchmarks.svbench import SVBench
from headrace.evaluation.judges import Exact
from headrace.evaluation.truth import Question
from headrace.recipes.svbench import SVBench as Recipe
from tests.evaluation.benchmarks.bad import SAMPLES, Damage, damaged, refused, refuses_unreadable

FOLDER, SAID = SAMPLES / "svbench", SAMPLES / "svbench-responses"
FILE = FOLDER / "Dialogue" / "Dialogue_EN" / "v.json"
BENCH = SVBench()


@pytest.fixture
def streams() -> list[Stream]:
    return BENCH.load(FOLDER)


def test_the_sample_loads(streams: list[Stream]) -> None:
    """The index names the test split's videos; the links name questions of neighbouring chains."""
    (stream,) = streams
    assert (stream.id, stream.media) == ("v", "SVBench/Video/v.mp4")
    end = 12_500_000_000
    assert stream.tasks[0].truth == Question(end, "Who is there?", None, "A man.", ((0, end),))
    assert [(task.id, task.detail["linked"]) for task in stream.tasks] == [
        ("v/0.0", False),
        ("v/0.1", True),
        ("v/2.0", False),
    ]


def test_links_are_between_neighbouring_chains(tmp_path: Path) -> None:
    """Without the empty part between them, the second chain is behind the first one, and its question is linked."""
    shutil.copytree(FOLDER, tmp_path / "data")
    (tmp_path / "data" / "Dialogue" / "Dialogue_EN" / "v.json").unlink()
    damaged(FILE, tmp_path / "data" / "Dialogue" / "Dialogue_EN", lambda parts: [parts[0], parts[2]])
    (stream,) = BENCH.load(tmp_path / "data")
    assert [task.detail["linked"] for task in stream.tasks] == [False, True, True]


def test_a_folder_of_dialogues_and_one_of_them_load_too() -> None:
    for path in (FILE, FILE.parent):
        (stream,) = BENCH.load(path)
        assert stream.media == "v.mp4"
        assert not any(task.detail["linked"] for task in stream.tasks)


def test_the_worked_example_of_the_recipe_holds() -> None:
    check = Recipe().check()
    assert check.holds, check.note
    assert check.baselines["silence"]["chains: causal turns"] == 0
    assert "chains: published turns" not in check.baselines["silence"]


def test_an_answer_before_the_part_is_over_is_none(streams: list[Stream]) -> None:
    (stream,) = streams
    early = {"v": [say(stream.tasks[0], stream, "a man", 12 * SECOND)]}
    report = BENCH.score(streams, early, Exact())
    assert report.published["turns"].value == 100
    assert report.causal["turns"].value == 0


def test_without_a_judge_nothing_is_scored(streams: list[Stream]) -> None:
    with pytest.raises(ConfigError, match="judge"):
        BENCH.score(streams, {})


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    refuses_unreadable(BENCH, FILE, tmp_path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole[0]["chain"].__delitem__("answers"), ("entry 0", "'answers'", "missing")),
        (lambda whole: whole[0]["chain"]["answers"].extend(["x"]), ("entry 0", "'chain'", "3 answers")),
        (lambda whole: whole[0].update(qac_timestamps_end="soon"), ("entry 0", "'qac_timestamps_end'")),
        (lambda whole: whole[2].update(qac_timestamps_end=3), ("entry 2", "before")),
        (lambda whole: whole[0].update(chain=[]), ("entry 0", "'chain'")),
    ],
)
def test_malformed_annotations_are_refused(tmp_path: Path, damage: Damage, words: tuple[str, ...]) -> None:
    refused(BENCH, damaged(FILE, tmp_path, damage), *words)


def test_times_may_be_texts(tmp_path: Path) -> None:
    path = damaged(
        FILE, tmp_path, lambda whole: whole[0].update(qac_timestamps_end="00:00:12.5", qac_timestamps_start="0")
    )
    assert BENCH.load(path)[0].tasks == BENCH.load(FILE)[0].tasks


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole[0].update(answers=["x"]), "'answers'"),
        (lambda whole: whole[0].update(answers=[1, 2]), "answers.0."),
    ],
)
def test_malformed_responses_are_refused(tmp_path: Path, streams: list[Stream], damage: Damage, words: str) -> None:
    with pytest.raises(InputError, match=words):
        BENCH.responses([damaged(SAID / "v.json", tmp_path, damage)], streams)


def test_responses_to_other_videos_are_refused(tmp_path: Path, streams: list[Stream]) -> None:
    (tmp_path / "w.json").write_text("[]")
    with pytest.raises(InputError, match="none is named"):
        BENCH.responses([tmp_path], streams)
