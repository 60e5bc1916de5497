"""LiveStar: silence against perfect timing, and a worked example by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.evaluation.benchmark import Stream
from headrace.evaluation.benchmarks.livestar import LiveStar, perfect_timing
from headrace.evaluation.benchmarks.standing import events_of
from headrace.evaluation.judges import Exact
from tests.evaluation.benchmarks.bad import SAMPLES, Damage, refused
from tests.evaluation.benchmarks.lines import damaged_lines

FILE, SAID = SAMPLES / "livestar" / "RNG_task_eval.txt", SAMPLES / "livestar-responses" / "result.jsonl"
BENCH = LiveStar()


@pytest.fixture
def streams() -> list[Stream]:
    return BENCH.load(FILE)


def test_the_sample_loads(streams: list[Stream]) -> None:
    assert [(s.id, s.media, s.duration) for s in streams] == [
        ("a-1", "data/caption_videos/a-1.mp4", 6 * SECOND),
        ("b", "data/caption_videos/b.mp4", 10 * SECOND),
    ]
    assert [event.start // SECOND for event in events_of(streams[1])] == [2, 5, 10]
    assert [bool(task.prompt) for task in streams[1].tasks] == [True, False, False]


def test_a_worked_example(streams: list[Stream]) -> None:
    """One video has a response: at 2, 4 and 5 s.

    Published spans [2, 2], [3, 5], [6, 10]: delays 0, 1 and, with nothing there, 4: 5/3 s; counts 1, 2, 0: redundancy
    2/3, coverage 2/3. Causal spans [2, 5), [5, 10), [10, 10]: delays 0, 0, 0; counts 2, 1, 0. The video without a
    response counts whole: delays 6 and 0 of [0, 6) and [6, 6]. F1: 2 hits, 1 more said, 1 + 2 missed.
    """
    emitted = BENCH.responses([SAID], streams)
    report = BENCH.score(streams, emitted)
    assert report.published["TimeDiff"].value == pytest.approx(5 / 3)
    assert report.published["Redundancy"].value == pytest.approx(2 / 3)
    assert report.published["Coverage"].value == pytest.approx(200 / 3)
    assert report.causal["TimeDiff"].value == pytest.approx((3 + 0) / 2)
    assert report.causal["Coverage"].value == pytest.approx(100 * (2 / 3 + 0) / 2)
    assert report.causal["F1"].value == pytest.approx(100 * 4 / (4 + 1 + 3))
    assert report.missing == 2
    # "A dog runs" and "It jumps" are the captions' words; "Hm" is not.
    assert BENCH.score(streams, emitted, Exact()).causal["F1"].value == pytest.approx(100 * 4 / 8)


def test_the_published_time_cannot_tell_perfect_timing_from_silence(streams: list[Stream]) -> None:
    """Spans of 0 and 5 s, and of 0, 2 and 4 s: (5/2 + 6/3) / 2 = 2.25 s for both, and 0 for talking every second."""
    blind = BENCH.blind(streams)
    perfect = BENCH.score(streams, perfect_timing(streams))
    silent = BENCH.score(streams, blind["silence"])
    assert perfect.published["TimeDiff"] == silent.published["TimeDiff"]
    assert perfect.published["TimeDiff"].value == 2.25
    assert perfect.causal["TimeDiff"].value == 0 < silent.causal["TimeDiff"].value
    assert (perfect.causal["F1"].value, silent.causal["F1"].value) == (100, 0)
    talking = BENCH.score(streams, blind["every second"])
    assert talking.published["TimeDiff"].value < perfect.published["TimeDiff"].value
    assert talking.causal["F1"].value < 60
    assert "2.250 s; of speaking exactly on time: 2.250 s" in silent.notes[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Timestamp: 00:00:00 Caption: a\n", ("line 1", "no video")),
        ("a.mp4\nTimestamp: 00:00 a\n", ("line 2", "no video")),
        ("a.mp4\nTimestamp: 00:00:00:00 Caption: a\n", ("line 2", "a time")),
        ("a.mp4\nTimestamp: 00:00 Caption: a\nb/a.mp4\n", ("line 3", "'a'", "unique")),
    ],
)
def test_malformed_annotations_are_refused(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    path = tmp_path / FILE.name
    path.write_text(text)
    refused(BENCH, path, *words)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda lines: lines[0].__delitem__("video_id"), "'video_id'"),
        (lambda lines: lines[0].update(result=[["00:01"]]), "result.0."),
        (lambda lines: lines[0].update(result=[["x", "y"]]), "'time'"),
        (lambda lines: lines.append(lines[0]), "unique"),
        (lambda lines: lines[0].update(video_id="c"), "none is to a video"),
    ],
)
def test_malformed_responses_are_refused(tmp_path: Path, streams: list[Stream], damage: Damage, words: str) -> None:
    with pytest.raises(InputError, match=words):
        BENCH.responses([damaged_lines(SAID, tmp_path, damage)], streams)
