"""OmniInteract: worked examples by hand, and what gaining time wins."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND
from headrace.evaluation.benchmark import Stream
from headrace.evaluation.benchmarks.omniinteract import OmniInteract, exchanges
from headrace.evaluation.judges import Exact
from headrace.evaluation.online import prompts
from headrace.evaluation.truth import Exchange
from headrace.recipes.omniinteract import OmniInteract as Recipe
from tests.evaluation.benchmarks.bad import SAMPLES, Damage, damaged

FOLDER, SAID = SAMPLES / "omniinteract", SAMPLES / "omniinteract-responses"
BENCH = OmniInteract()


@pytest.fixture
def streams() -> list[Stream]:
    return BENCH.load(FOLDER)


def _data(folder: Path, scene: str, rows: Any) -> Path:
    root = folder / "1q1a"
    (root / "annotations").mkdir(parents=True)
    entry = {"video": "videos/0001.mp4", "annotation": "annotations/0001.json", "scene_type": scene}
    (root / "video_json_map.json").write_text(json.dumps({"total": 1, "entries": [entry]}))
    (root / "annotations" / "0001.json").write_text(json.dumps(rows))
    return root


def _row(asked: str, due: str) -> dict[str, Any]:
    return {"question_time": asked, "question_text": "?", "answer_time": due, "answer_text": "a"}


def test_the_samples_load(streams: list[Stream]) -> None:
    turns, steps = streams
    assert (turns.id, turns.media) == ("1q1a/videos/0001", "1q1a/videos/0001.mp4")
    assert (steps.id, steps.media) == (
        "1qna/videos_bench/captaincook4d/soup",
        "1qna/videos_bench/captaincook4d/soup.mp4",
    )
    assert [(one.start // SECOND, one.t_answer // SECOND, one.end // SECOND) for one in exchanges(turns)] == [
        (1, 5, 20),
        (20, 20, 80),
    ]
    assert [task.kind for task in (*turns.tasks, *steps.tasks)] == ["proactive", "realtime", "steps", "steps"]


def test_steps_start_when_they_are_due_and_are_asked_for_once(streams: list[Stream]) -> None:
    first, second = exchanges(streams[1])
    request = "Boil, then salt.\n\nGuide me through it."
    assert first == Exchange(2 * SECOND, 10 * SECOND, 30 * SECOND, request, "Boil the water.", group=streams[1].id)
    assert second == Exchange(30 * SECOND, 30 * SECOND, 90 * SECOND, request, "Add salt.", group=streams[1].id)
    assert [item.pts // SECOND for item in prompts(streams[1])] == [2]


def test_a_worked_example_of_steps(streams: list[Stream]) -> None:
    """ "Boil the" is said before 10 s, "water." from 10.5 s: not the answer alone, so a sign of life worth 0.2
    (1 - 6/8) = 0.05, and a wrong answer: FP and FN. "Add salt." at 36 s, its times reversed in the file: the first step
    alone waits, so 1 (1 - 6/60) = 0.9. TP 0.95, FP 1, FN 1. Causal: the sign of life is followed by nothing right.
    """
    emitted = BENCH.responses([SAID], [streams[1]])
    report = BENCH.score([streams[1]], emitted, Exact())
    assert report.published["IA-QTF1 1QnA"].value == pytest.approx(100 * 2 * 0.95 / (2 * 0.95 + 2))
    assert report.causal["IA-QTF1 1QnA"].value == pytest.approx(100 * 2 * 0.9 / (2 * 0.9 + 2))


def test_the_worked_examples_of_the_recipe_hold() -> None:
    check = Recipe().check()
    assert check.holds, check.note
    # Two requests are due later than asked, where "one moment" earns 0.2 each; the interrupted one earns nothing.
    assert check.baselines["one moment"]["moments: published IA-QTF1 proactive"] == pytest.approx(200 / 7)
    assert check.baselines["one moment"]["moments: causal IA-QTF1"] == 0
    assert check.baselines["silence"]["turns: published IA-QTF1"] == 0


def test_videos_without_a_transcript_count_in_the_causal_figures_only(streams: list[Stream]) -> None:
    emitted = BENCH.responses([SAID / "1q1a" / "videos__0001" / "precise_truncation.json"], streams)
    report = BENCH.score(streams, emitted, Exact())
    assert report.published["IA-QTF1"].count == 2
    assert report.causal["IA-QTF1"].count == 4
    assert report.missing == 2
    assert report.causal["IA-QTF1"].value < report.published["IA-QTF1"].value


def test_streams_drawn_twice_count_twice(streams: list[Stream]) -> None:
    emitted = BENCH.responses([SAID], streams)
    once, twice = (BENCH.score(streams * n, emitted, Exact()) for n in (1, 2))
    assert twice.published["IA-QTF1"].value == pytest.approx(once.published["IA-QTF1"].value)
    assert twice.published["IA-QTF1"].count == 2 * once.published["IA-QTF1"].count


def test_the_better_transcript_is_taken(tmp_path: Path, streams: list[Stream]) -> None:
    shutil.copytree(SAID, tmp_path / "out")
    folder = tmp_path / "out" / "1q1a" / "videos__0001"
    (folder / "output.json").write_text('{"chunks": []}')
    assert len(BENCH.responses([tmp_path / "out"], streams)["1q1a/videos/0001"]) == 4
    (folder / "precise_truncation.json").unlink()
    assert BENCH.responses([tmp_path / "out"], streams)["1q1a/videos/0001"] == []


def test_without_a_judge_nothing_is_scored(streams: list[Stream]) -> None:
    with pytest.raises(ConfigError, match="judge"):
        BENCH.score(streams, {})


def test_an_exchange_lasts_until_its_answer_is_due(tmp_path: Path) -> None:
    (stream,) = BENCH.load(_data(tmp_path, "multi_turn", [_row("00:01", "00:30"), _row("00:10", "00:12")]))
    assert [(one.start // SECOND, one.end // SECOND) for one in exchanges(stream)] == [(1, 30), (10, 72)]


@pytest.mark.parametrize(
    ("scene", "rows", "words"),
    [
        ("nested", [_row("00:01", "00:05"), _row("00:10", "00:12")], "none nested in it"),
        ("multi_turn", [_row("soon", "00:05")], "'question_time'"),
        ("multi_turn", [{**_row("00:01", "00:05"), "is_interrupted": "no"}], "'is_interrupted'"),
        ("multi_turn", {"a": 1}, "not a list"),
        ("multi_turn", [], "no exchange"),
    ],
)
def test_malformed_annotations_are_refused(tmp_path: Path, scene: str, rows: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        BENCH.load(_data(tmp_path, scene, rows))
    assert "0001.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_subsets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds none of"):
        BENCH.load(tmp_path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole.update(chunks="x"), "not a list"),
        (lambda whole: whole["chunks"][0].update(timestamp=[1]), "'timestamp'"),
        (lambda whole: whole["chunks"][0].update(timestamp=[1, None]), "'time'"),
        (lambda whole: whole["chunks"][0].__delitem__("text"), "'text'"),
    ],
)
def test_malformed_responses_are_refused(tmp_path: Path, streams: list[Stream], damage: Damage, words: str) -> None:
    folder = tmp_path / "1q1a" / "videos__0001"
    folder.mkdir(parents=True)
    damaged(SAID / "1q1a" / "videos__0001" / "precise_truncation.json", folder, damage)
    with pytest.raises(InputError, match=words):
        BENCH.responses([tmp_path], streams)
