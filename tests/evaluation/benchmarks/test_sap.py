"""sAP: a worked example by hand; average precision by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND
from headrace.evaluation.benchmark import Stream
from headrace.evaluation.benchmarks.boxes import OVERLAPS, Found, Truths, average_precisions
from headrace.evaluation.benchmarks.sap import StreamingAp
from headrace.evaluation.truth import Series
from tests.evaluation.benchmarks.bad import SAMPLES, Damage, damaged, refused

FILE, SAID = SAMPLES / "sap" / "val.json", SAMPLES / "sap-responses" / "drive.json"
BENCH = StreamingAp()


@pytest.fixture
def streams() -> list[Stream]:
    return BENCH.load(FILE)


def test_the_sample_loads(streams: list[Stream]) -> None:
    (stream,) = streams
    assert (stream.id, stream.media) == ("drive", "drive/ring_front_center")
    truth = stream.tasks[0].truth
    assert isinstance(truth, Series)
    assert truth.times == tuple(round(k * SECOND / 30) for k in range(4))
    assert truth.values[2] == [[1, 20, 0, 10, 10, 0]]


def test_a_worked_example(streams: list[Stream]) -> None:
    """A car moves by its width each frame; outputs at 50 ms (on frame 0) and 90 ms (on frame 2), each one frame ahead.

    Frames are at 0, 33, 67 and 100 ms: the first two have nothing, the third the box of frame 1 (wrong), the fourth
    that of frame 3 (right). In order of the scores, 0.9 wrong, 0.8 right: precision 1/2 up to recall 1/4, which 26 of
    the 101 recalls reach: AP 13 / 101. Behind by 2 and 1 frames.
    """
    report = BENCH.score(streams, BENCH.responses([SAID], streams))
    for figures in (report.published, report.causal):
        assert figures["sAP"].value == pytest.approx(100 * 13 / 101)
        assert figures["sAP50"].value == pytest.approx(100 * 13 / 101)
        assert (figures["in time"].value, figures["none yet"].value) == (0, 50)
        assert figures["mismatch"].value == 1.5


def test_an_early_output_is_asked_for_with_eta(streams: list[Stream]) -> None:
    """With eta = -1 an output may be a frame late: frames 1 to 3 have the boxes of 1, 3 and 3."""
    bench = StreamingAp(eta=-1)
    report = bench.score(streams, bench.responses([SAID.parent], streams))
    assert report.published["none yet"].value == 25
    # Right at 0.9 and, of the two at 0.8 (frame 2 wrong, frame 3 right), at the third: precision 1, 1/2, 2/3.
    assert report.published["sAP"].value == pytest.approx(100 * (26 * 1 + 25 * 2 / 3) / 101)


def test_an_output_on_a_frame_that_has_not_come_is_left_out_causally(tmp_path: Path, streams: list[Stream]) -> None:
    path = damaged(SAID, tmp_path, lambda whole: whole.update(input_fidx=[0, 3]))
    report = BENCH.score(streams, BENCH.responses([path], streams))
    assert report.published["in time"].value == 25
    assert report.causal["in time"].value == 0
    assert report.causal["sAP"].value == 0
    assert "1 outputs rest on frames that came after" in report.notes[1]


def test_blind_rows(streams: list[Stream]) -> None:
    """The mean box, 15 to 25, overlaps those at 10 and 20 by 5 of 15: right from nowhere near 0.5."""
    rows = {name: BENCH.score(streams, said) for name, said in BENCH.blind(streams).items()}
    assert rows["silence"].causal["sAP"].value == 0
    assert rows["silence"].missing == 1
    assert rows["mean box of the commonest class (prior of the whole set)"].published["sAP50"].value == 0
    assert rows["mean box of the commonest class (prior of the whole set)"].published["in time"].value == 100


def _truths(*boxes: tuple[float, ...], crowd: int = 0) -> Truths:
    table = np.array(boxes, float).reshape(-1, 4)
    flags = np.arange(len(table)) >= len(table) - crowd
    return Truths(table, np.zeros(len(table), np.int64), flags)


def _found(*boxes: tuple[float, ...], score: float = 0.5, kind: int = 0) -> Found:
    table = np.array(boxes, float).reshape(-1, 4)
    return Found(table, np.full(len(table), kind), np.linspace(score, score / 2, len(table)))


def average_precision(frames: list[tuple[Truths, Found]], overlaps: tuple[float, ...] = OVERLAPS) -> float:
    return float(np.mean(average_precisions(frames, overlaps)))


def test_average_precision_by_hand() -> None:
    box, half, far = (0, 0, 10, 10), (0, 0, 10, 6), (50, 50, 5, 5)
    assert average_precision([(_truths(box), _found(box))]) == 1
    assert average_precision([(_truths(box), _found())]) == 0
    # 6/10 overlaps from 0.50 to 0.60: three of the ten overlaps.
    assert average_precision([(_truths(box), _found(half))]) == pytest.approx(0.3)
    # The better box is wrong: precision 1/2 at all recalls.
    assert average_precision([(_truths(box), _found(far, box))]) == pytest.approx(0.5)
    # A box is taken once: the second detection is wrong, but comes when all are found.
    assert average_precision([(_truths(box), _found(box, box))]) == 1
    # In a crowd a detection does not count; without the crowd it is wrong.
    assert average_precision([(_truths(box, far, crowd=1), _found(far, box))]) == 1
    # Another class is another matter, and one without boxes is none.
    assert average_precision([(_truths(box), _found(box, kind=1))]) == 0
    assert np.isnan(average_precision([(_truths(), _found(box))]))
    # The first detection overlaps both boxes by 8/12 and takes the last, so that the second finds the first one free.
    near = _found((2, 0, 10, 10), (0, 0, 10, 10))
    assert average_precision([(_truths(box, (4, 0, 10, 10)), near)], (0.5,)) == 1
    # Two frames, one found: recalls up to 1/2, 51 of 101.
    assert average_precision([(_truths(box), _found(box)), (_truths(box), _found())]) == pytest.approx(51 / 101)


def test_settings() -> None:
    with pytest.raises(ConfigError, match="fps"):
        StreamingAp(fps=0)
    with pytest.raises(ConfigError, match="eta"):
        StreamingAp(eta=-2)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE.name
    path.write_text(FILE.read_text()[:100])
    refused(BENCH, path, "no whole JSON")
    path.write_text("[]")
    refused(BENCH, path, "no object")


def test_pickles_are_refused_unopened(tmp_path: Path, streams: list[Stream]) -> None:
    (tmp_path / "drive.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    refused(BENCH, tmp_path / "drive.pkl", "is a pickle")
    for path in (tmp_path, tmp_path / "drive.pkl"):
        with pytest.raises(InputError, match="is a pickle"):
            BENCH.responses([path], streams)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole["images"][0].__delitem__("sid"), ("images[0]", "'sid'", "missing")),
        (lambda whole: whole["images"][0].update(sid=4), ("sequence 4",)),
        (lambda whole: whole["annotations"][1].update(image_id=99), ("annotations[1]", "'image_id'")),
        (lambda whole: whole["annotations"][1].update(bbox=[1, 2]), ("annotations[1]", "'bbox'")),
        (lambda whole: whole["annotations"][1].update(bbox=[1, 2, 3, float("nan")]), ("annotations[1], bbox",)),
        (lambda whole: whole.update(seq_dirs=[]), ("'seq_dirs'",)),
    ],
)
def test_malformed_annotations_are_refused(tmp_path: Path, damage: Damage, words: tuple[str, ...]) -> None:
    refused(BENCH, damaged(FILE, tmp_path, damage), *words)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole.update(timestamps=[0.1]), "'timestamps'"),
        (lambda whole: whole["results_parsed"].__setitem__(0, [[[0, 0, 1, 1]], [], []]), "1 boxes, 0 scores"),
        (lambda whole: whole["results_parsed"].__setitem__(0, 7), "output 0"),
    ],
)
def test_malformed_responses_are_refused(tmp_path: Path, streams: list[Stream], damage: Damage, words: str) -> None:
    with pytest.raises(InputError, match=words):
        BENCH.responses([damaged(SAID, tmp_path, damage)], streams)
