"""GEBD: a worked example by hand, pickles refused, and what ticking wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.evaluation.benchmark import Stream, say
from headrace.evaluation.benchmarks.gebd import Gebd, annotators
from tests.evaluation.benchmarks.bad import SAMPLES, Damage, damaged, refused, refuses_unreadable

FILE, SAID = SAMPLES / "gebd" / "k400_val.json", SAMPLES / "gebd-responses" / "submission.json"
BENCH = Gebd()


@pytest.fixture
def streams() -> list[Stream]:
    return BENCH.load(FILE)


def test_the_sample_loads(streams: list[Stream]) -> None:
    assert [(s.id, s.media, s.duration) for s in streams] == [(f"v{k}", f"v{k}.mp4", 10 * SECOND) for k in (1, 2, 3)]
    assert [[e.start // SECOND for e in events] for events in annotators(streams[0])] == [[2, 5], [5]]


def test_a_worked_example(streams: list[Stream]) -> None:
    """The third video is not scored; the second has no prediction: 1 missed.

    Published, 0.05 of 10 s: 4.6 s is within 0.5 s of 5 s, 9 s of none. Against 2, 5: TP 1, FP 1, FN 1; against 5: TP 1,
    FP 1, FN 0, the better. Pooled TP 1, FP 1, FN 1: 50. Causal, 4.6 s is before 5 s: TP 0, FP 2 and, by the first of
    equal ones, FN 2 + 1. At 0.3 of 10 s 4.6 s is causal for 2 s.
    """
    report = BENCH.score(streams, BENCH.responses([SAID], streams))
    assert report.published["F1@0.05"].value == 50
    assert report.causal["F1@0.05"].value == 0
    # Against 2, 5: 4.6 s reports 2 s, 9 s is 4 s behind 5 s: TP 1, FP 1, FN 1 + 1.
    assert report.causal["F1@0.30"].value == pytest.approx(200 / 5)
    assert report.missing == 1
    assert "2 of 3 videos" in report.notes[0]


def test_a_video_without_a_prediction_counts_the_first_annotator(streams: list[Stream]) -> None:
    """2 + 1 boundaries missed, although the second annotator of the first video has one only."""
    right = {"v2": [say(streams[1].tasks[0], streams[1], "boundary", 8 * SECOND)]}
    assert BENCH.score(streams, right).published["F1@0.05"].value == pytest.approx(100 * 2 / (2 + 2))


def test_ticking_every_second_finds_all(streams: list[Stream]) -> None:
    """Ten ticks a video: 1 of 1 boundaries each (the annotator with one gives F1 2 / 11, that with two 4 / 12)."""
    ticking = BENCH.blind(streams)["every second"]
    assert BENCH.score(streams, ticking).published["F1@0.05"].value == pytest.approx(100 * 2 * 3 / (3 + 20))
    assert BENCH.score(streams, BENCH.blind(streams)["silence"]).causal["F1@0.50"].value == 0


@pytest.mark.parametrize("ending", [".pkl", ".pickle"])
def test_pickles_are_refused_unopened(tmp_path: Path, streams: list[Stream], ending: str) -> None:
    path = tmp_path / f"k400{ending}"
    path.write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    refused(BENCH, path, "is a pickle")
    with pytest.raises(InputError, match="is a pickle"):
        BENCH.responses([path], streams)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    refuses_unreadable(BENCH, FILE, tmp_path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole["v2"].__delitem__("video_duration"), ("video 'v2'", "'video_duration'", "missing")),
        (lambda whole: whole["v2"].update(video_duration=0), ("video 'v2'", "empty")),
        (lambda whole: whole["v2"].update(substages_timestamps=[]), ("video 'v2'", "empty")),
        (lambda whole: whole["v2"].update(substages_timestamps=[[float("nan")]]), ("video 'v2'", "NaN")),
        (lambda whole: whole["v2"].update(substages_timestamps=[[{"start_time": 1}]]), ("'v2'", "raw annotation")),
        (lambda whole: whole["v2"].update(f1_consis_avg="x"), ("video 'v2'", "'f1_consis_avg'")),
    ],
)
def test_malformed_annotations_are_refused(tmp_path: Path, damage: Damage, words: tuple[str, ...]) -> None:
    refused(BENCH, damaged(FILE, tmp_path, damage), *words)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole.update(v1="x"), "'times'"),
        (lambda whole: whole.update(v1=[-1]), "'time'"),
        (lambda whole: [], "no object"),
        (lambda whole: {"w": [1]}, "none is to a video"),
    ],
)
def test_malformed_responses_are_refused(tmp_path: Path, streams: list[Stream], damage: Damage, words: str) -> None:
    with pytest.raises(InputError, match=words):
        BENCH.responses([damaged(SAID, tmp_path, damage)], streams)
