"""VCBench: worked examples by hand, and what those get who never look."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.evaluation.benchmark import Stream, say
from headrace.evaluation.benchmarks.vcbench import VCBench
from headrace.evaluation.truth import Question
from headrace.recipes.vcbench import VCBench as Recipe
from tests.evaluation.benchmarks.bad import SAMPLES, Damage, refused
from tests.evaluation.benchmarks.lines import damaged_lines

FILE, SAID = SAMPLES / "vcbench" / "vcbench_eval.jsonl", SAMPLES / "vcbench-responses"
BENCH = VCBench()


@pytest.fixture
def streams() -> list[Stream]:
    return BENCH.load(FILE)


def test_the_sample_loads(streams: list[Stream]) -> None:
    (stream,) = streams
    assert stream.id == stream.media == "rooms/a.mp4"
    assert [task.kind for task in stream.tasks] == ["E1-Action"] * 3 + ["O1-Snap"] * 2 + ["O2-Gain"]
    assert stream.tasks[1].truth == Question(20 * SECOND, "How many, so far (0000)?", None, "2")


def test_the_worked_examples_of_the_recipe_hold() -> None:
    check = Recipe().check()
    assert check.holds, check.note
    # Counts of actions rise by one at each query, so that nobody needs to see them.
    one_more = check.baselines["one more at each query"]
    assert one_more["whole: published GPA E1-Action"] == one_more["whole: published UDA E1-Action"] == 100
    assert check.baselines["always 1"]["whole: published MoC"] == 100


def test_outputs_load_as_the_runner_and_as_the_converter_write_them(streams: list[Stream]) -> None:
    raw = BENCH.responses([SAID / "raw.jsonl"], streams)
    assert [one.content["text"] for one in raw["rooms/a.mp4"]] == ["1", "2", "2", "2", "1", "3"]
    unified = BENCH.responses([SAID / "unified.jsonl"], streams)
    assert [one.content["text"] for one in unified["rooms/a.mp4"]] == ["1", "2", "2", "2", "3"]
    assert BENCH.score(streams, unified).missing == 1


def test_queries_out_of_order_are_put_in_order_of_time(tmp_path: Path) -> None:
    """In the file, 1, 3, 2 for 2, 1, 3: up, down for down, up. By time, 3, 1, 2 for 1, 2, 3: down, up for up, up."""

    def swap(lines: list[dict[str, object]]) -> list[dict[str, object]]:
        return [lines[1], lines[0], lines[2]]

    streams = BENCH.load(damaged_lines(FILE, tmp_path, swap))
    said = {"0000": "3", "0001": "1", "0002": "2"}
    emitted = {s.id: [say(t, s, said[t.id], t.truth.t) for t in s.tasks] for s in streams}  # type: ignore[union-attr]
    report = BENCH.score(streams, emitted)
    assert report.published["UDA"].value == 0
    assert report.causal["UDA"].value == 50
    assert report.published["MoC"].value == 50
    assert report.causal["MoC"].value == 0


def test_a_count_given_before_the_query_is_none(streams: list[Stream]) -> None:
    (stream,) = streams
    early = {stream.id: [say(task, stream, str(task.truth.answer), 0) for task in stream.tasks]}  # type: ignore[union-attr]
    report = BENCH.score(streams, early)
    assert report.published["GPA"].value == 100
    assert report.causal["GPA"].value == 0


def test_a_huge_number_is_no_count(streams: list[Stream]) -> None:
    (stream,) = streams
    report = BENCH.score(streams, {stream.id: [say(task, stream, "9" * 5000, 60 * SECOND) for task in stream.tasks]})
    assert report.causal["GPA"].value == 0


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda lines: lines[2].__delitem__("count"), ("line 3", "'count'", "missing")),
        (lambda lines: lines[2].update(count="two"), ("line 3", "'count'")),
        (lambda lines: lines[2].update(query_time=float("nan")), ("line 3", "'query_time'", "NaN")),
        (lambda lines: lines[2].update(query_time=-1), ("line 3", "'query_time'")),
        (lambda lines: lines[2].update(q_id="0000"), ("line 3", "'0000'", "unique")),
        (lambda lines: lines[0].update(query_points={}), ("vcbench_eval.jsonl",)),
    ],
)
def test_malformed_annotations_are_refused(tmp_path: Path, damage: Damage, words: tuple[str, ...]) -> None:
    refused(BENCH, damaged_lines(FILE, tmp_path, damage), *words)


def test_a_cut_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE.name
    path.write_text(FILE.read_text()[:-30])
    refused(BENCH, path, "line 6", "no whole JSON")


@pytest.mark.parametrize(
    ("sample", "damage", "words"),
    [
        ("raw.jsonl", lambda lines: lines[0].update(q_id="9"), "no query point"),
        ("raw.jsonl", lambda lines: lines.append(lines[0]), "unique"),
        ("unified.jsonl", lambda lines: lines[0].update(predictions=[1]), "'predictions'"),
        ("unified.jsonl", lambda lines: lines[0]["query_times"].__setitem__(0, 11.0), "no query point"),
    ],
)
def test_malformed_responses_are_refused(
    tmp_path: Path, streams: list[Stream], sample: str, damage: Damage, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        BENCH.responses([damaged_lines(SAID / sample, tmp_path, damage)], streams)
