"""OmniPro: worked examples by hand, and what those get who never look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.core.errors import InputError
from headrace.core.item import SECOND, Emission
from headrace.evaluation.benchmark import Stream, say
from headrace.evaluation.benchmarks.choices import asked
from headrace.evaluation.benchmarks.omnipro import OmniPro
from headrace.evaluation.benchmarks.omnipro_content import count, place
from headrace.evaluation.benchmarks.standing import events_of
from headrace.evaluation.judges import Exact
from headrace.recipes.omnipro import OmniPro as Recipe
from tests.evaluation.benchmarks.bad import SAMPLES, Damage, damaged, refused, refuses_unreadable
from tests.evaluation.benchmarks.lines import damaged_lines

FILE, SAID = SAMPLES / "omnipro" / "benchmark.json", SAMPLES / "omnipro-responses"
BENCH = OmniPro()


@pytest.fixture
def streams() -> list[Stream]:
    return BENCH.load(FILE)


def test_the_sample_loads(streams: list[Stream]) -> None:
    assert [(s.id, s.media, s.duration) for s in streams] == [
        ("a", "raw_videos/a.mp4", 60 * SECOND),
        ("c", "raw_videos/c.mp4", 60 * SECOND),
    ]
    assert [event.start // SECOND for event in events_of(streams[0])] == [10, 20]
    assert asked(streams[0].tasks[0]) == 2 * SECOND
    assert [bool(task.prompt) for task in streams[0].tasks] == [True, False]


def test_the_worked_examples_of_the_recipe_hold() -> None:
    check = Recipe().check()
    assert check.holds, check.note
    # Every 6 s, so that each event is within 3 s of one: 2 of 9 in the 58 s, F1 2 2 / (2 + 9).
    assert check.baselines["every 6 s"]["online: published time F1"] == pytest.approx(400 / 11)
    assert check.baselines["silence"]["online: published time F1"] == 0


def test_before_is_as_good_as_after_where_published(streams: list[Stream]) -> None:
    def speaking(delay: int) -> dict[str, list[Emission]]:
        return {s.id: [say(s.tasks[0], s, "x", event.start + delay) for event in events_of(s)] for s in streams}

    before, after = (BENCH.score(streams, speaking(delay * SECOND)) for delay in (-2, 2))
    assert before.published["time F1"].value == after.published["time F1"].value == 100
    assert before.causal["time F1"].value == 0
    assert after.causal["time F1"].value == 100


@pytest.mark.parametrize(
    ("task", "content", "said", "right"),
    [
        ("explicit_target_grounding", {"position": "top-left"}, "The cup. Position: Top-Left", True),
        ("explicit_target_grounding", {"position": "center"}, "at the top-center", False),
        ("snapshot_counting", {"count": 3}, "At 00:10 there are 3 cups", True),
        ("snapshot_counting", {"count": 3}, "three", False),
        ("realtime_state_monitor", {"state_to": "Open"}, " 'open' ", True),
        ("realtime_state_monitor", {"state_to": "Open"}, "the door is open", False),
        ("event_narration", {"response": "A man enters"}, "a man enters.", True),
        ("event_narration", {"response": "A man enters"}, "a dog enters", False),
    ],
)
def test_contents(tmp_path: Path, task: str, content: dict[str, object], said: str, right: bool) -> None:
    truth = [{"trigger_time": "00:10", **content}]
    path = damaged(FILE, tmp_path, lambda whole: [whole[0] | {"task": task, "ground_truth": truth}])
    (stream,) = BENCH.load(path)
    report = BENCH.score([stream], {"a": [say(stream.tasks[0], stream, said, 11 * SECOND)]}, Exact())
    assert report.causal[f"content {task}"].value == 100 * right
    assert report.causal[f"joint F1 {task}"].value == 100 * right


def test_free_texts_have_no_content_without_a_judge(tmp_path: Path) -> None:
    path = damaged(FILE, tmp_path, lambda whole: [whole[0] | {"task": "event_narration"}])
    streams = BENCH.load(path)
    report = BENCH.score(streams, {})
    assert "joint F1 event_narration" not in report.causal
    assert "no judge" in report.notes[1]
    assert report.missing == 2


def test_the_ground_truth_may_stand_as_json_in_a_text(tmp_path: Path, streams: list[Stream]) -> None:
    path = damaged(
        FILE, tmp_path, lambda whole: [one | {"ground_truth": json.dumps(one["ground_truth"])} for one in whole]
    )
    assert BENCH.load(path) == streams


def test_a_probe_before_an_event_that_comes_later_than_the_event_is_left_out(tmp_path: Path) -> None:
    """The runner probes at 1 s at the earliest, which may be behind the event: "no" is then right, and wrong."""
    early = [{"trigger_time_sec": 0.5, "response": "it rings"}]
    streams = BENCH.load(damaged(FILE, tmp_path, lambda whole: [whole[0] | {"ground_truth": early}]))
    line = {"gt_idx": 0, "probe_type": "pre", "time_sec": 1, "raw_response": "NO", "parsed": {}, "correct": True}
    path = damaged_lines(
        SAID / "probes.jsonl",
        tmp_path,
        lambda lines: lines[0].update(predictions=[line, line | {"probe_type": "post", "raw_response": "YES"}]),
    )
    report = BENCH.score(streams, BENCH.responses([path], streams))
    assert report.published["probe pairs"].value == 100
    assert report.causal["probe post"].value == 100
    assert report.causal["probe pairs"].count == 0


def test_parsers() -> None:
    assert [place(text) for text in ("position: bottom-right", "TOP-CENTER!", "centre", "the center")] == [
        "bottom-right",
        "top-center",
        None,
        "center",
    ]
    assert [count(text) for text in ("at 1:23 two", "-4 or 5", "1234567890123")] == [None, -4, 123456789]


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    refuses_unreadable(BENCH, FILE, tmp_path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole[1].update(id="a"), ("entry 1", "'a'", "unique")),
        (lambda whole: whole[1].update(task="other"), ("entry 1", "'task'", "'other'")),
        (lambda whole: whole[1].update(ground_truth=[]), ("entry 1", "'ground_truth'", "empty")),
        (lambda whole: whole[1].update(ground_truth="[{"), ("entry 1", "'ground_truth'")),
        (lambda whole: whole[1]["ground_truth"][0].update(trigger_time_sec=float("inf")), ("'trigger_time_sec'",)),
        (lambda whole: whole[1]["ground_truth"][0].update(count="x"), ("ground_truth, entry 0", "'count'")),
    ],
)
def test_malformed_annotations_are_refused(tmp_path: Path, damage: Damage, words: tuple[str, ...]) -> None:
    refused(BENCH, damaged(FILE, tmp_path, damage), *words)


@pytest.mark.parametrize(
    ("sample", "damage", "words"),
    [
        ("online.jsonl", lambda lines: lines[0].update(id="z"), "no sample"),
        ("online.jsonl", lambda lines: lines.append(lines[0]), "unique"),
        ("online.jsonl", lambda lines: lines[0]["predictions"][0].update(t_sec=None), "'t_sec'"),
        ("probes.jsonl", lambda lines: lines[0]["predictions"][0].update(gt_idx=7), "'gt_idx'"),
        ("probes.jsonl", lambda lines: lines[0]["predictions"][0].update(probe_type="mid"), "'probe_type'"),
    ],
)
def test_malformed_responses_are_refused(
    tmp_path: Path, streams: list[Stream], sample: str, damage: Damage, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        BENCH.responses([damaged_lines(SAID / sample, tmp_path, damage)], streams)
