"""OVO-Bench: worked examples by hand, the published figures, and what those get who never look."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from headrace.core.errors import InputError
from headrace.core.item import SECOND, Emission
from headrace.evaluation.benchmark import Stream, say, tasks
from headrace.evaluation.benchmarks.choices import ANSWER_AT_PLACE, asked, right, said
from headrace.evaluation.benchmarks.ovobench import OvoBench
from headrace.evaluation.truth import Question
from tests.evaluation.benchmarks.bad import SAMPLES, Damage, damaged, refused, refuses_unreadable

SAMPLE = SAMPLES / "ovobench" / "ovo_bench_sample.json"
RESPONSES = SAMPLES / "ovobench" / "responses"
#: Of the repository's own scoring code, as its README prints it.
GEMINI = {
    "ASI": 76.35, "HLD": 52.69, "EPM": 58.59, "backward": 62.54,
    "ATR": 79.31, "ACR": 66.97, "OCR": 85.91, "STU": 58.43, "OJR": 61.96, "FPD": 63.37, "real-time": 69.32,
    "REC": 35.53, "SSR": 74.24, "CRR": 61.67, "forward": 57.15,
    "total": 63.00,
}  # fmt: skip
OVO = OvoBench()


@pytest.fixture
def streams() -> list[Stream]:
    return OVO.load(SAMPLE)


@pytest.fixture(scope="module")
def published() -> Path:
    folder = os.environ.get("HEADRACE_OVO_DIR", "")
    if not folder or not Path(folder, "ovo_bench_new.json").is_file():
        pytest.skip("HEADRACE_OVO_DIR names no copy of OVO-Bench")
    return Path(folder)


@pytest.fixture(scope="module")
def whole(published: Path) -> list[Stream]:
    return OVO.load(published / "ovo_bench_new.json")


def test_the_sample_loads(streams: list[Stream]) -> None:
    assert [(stream.id, len(stream.tasks)) for stream in streams] == [("made/kitchen.mp4", 8), ("made/street.mp4", 7)]
    by_id = {task.id: task for _, task in tasks(streams)}
    assert list(by_id) == ["0", "1", "2", "8_0", "8_1", "9_0", "9_1", "9_2", "3", "4", "5", "6", "7_0", "7_1", "7_2"]
    assert by_id["0"].truth == Question(
        30 * SECOND, "What did I put down?", ("a plate", "a pan", "a cup", "a fork"), "a cup"
    )
    assert right(by_id["0"]) == "C"
    assert by_id["7_1"].truth == Question(9_500_000_000, "How many times so far: clap?", None, "1")
    assert "B. a lid" in by_id["1"].prompt


def test_worked_example(streams: list[Stream]) -> None:
    """By hand.

    EPM: "C" and "A" are right (the second output bears the id of the first, and is told by its right letter): 2 of 2.
    HLD: "A", right is B: 0 of 1. STU: the list ["B"] holds B: 1 of 1. FPD: "D. They sing." holds D, but is more than
    the letter: published 1 of 1, causal 0 of 1. OCR: "C." right, and none: 1 of 2. REC: "0" right; "I count 1." has the
    digit, "1 2" the digits 12: published 3 of 3, causal 1 of 3. SSR: "Y" counts as Yes as published, "No" right:
    published 2 of 2, causal 1 of 2. CRR: "No", "Not yet, No" (holds No), none: published 2 of 3, causal 1 of 3.
    """
    report = OVO.score(streams, OVO.responses([RESPONSES], streams))
    assert {name: one.value for name, one in report.published.items()} == pytest.approx({
        "EPM": 100, "HLD": 0, "OCR": 50, "STU": 100, "FPD": 100, "REC": 100, "SSR": 100, "CRR": 200 / 3,
        "backward": 50, "real-time": 250 / 3, "forward": 800 / 9, "total": (50 + 250 / 3 + 800 / 9) / 3,
    })  # fmt: skip
    assert {name: one.value for name, one in report.causal.items()} == pytest.approx({
        "EPM": 100, "HLD": 0, "OCR": 50, "STU": 100, "FPD": 0, "REC": 100 / 3, "SSR": 50, "CRR": 100 / 3,
        "backward": 50, "real-time": 50, "forward": 350 / 9, "total": (100 + 350 / 9) / 3, "delay (median)": 0,
    })  # fmt: skip
    assert report.missing == 2
    assert report.published["OCR"].count == 2
    assert report.notes[0].startswith("1 of 15 questions are put within a second")


def test_what_is_said_too_early_counts_as_published_only(streams: list[Stream]) -> None:
    stream, task = next((s, t) for s, t in tasks(streams) if t.id == "2")
    early = {stream.id: [say(task, stream, "B", asked(task) - 1)]}
    report = OVO.score(streams, early)
    assert report.published["HLD"].value == 100
    assert report.causal["HLD"].value == 0
    again = {stream.id: [*early[stream.id], say(task, stream, "B", asked(task) + 3 * SECOND)]}
    report = OVO.score(streams, again)
    assert report.causal["HLD"].value == 100
    assert report.causal["delay (median)"].value == 3
    cancelled = {stream.id: [replace(one, cancelled=True) for one in again[stream.id]]}
    assert OVO.score(streams, cancelled).missing == 15


def test_silence_is_wrong(streams: list[Stream]) -> None:
    report = OVO.score(streams, {})
    assert report.causal["total"].value == 0
    assert report.missing == 15


def test_blind_policies_do_not_hear_the_answers(streams: list[Stream]) -> None:
    """Those without a prior say the same when all answers are others."""
    other = [
        replace(stream, tasks=tuple(
            replace(
                task,
                truth=replace(task.truth, answer=task.truth.options[-1] if task.truth.options else "?"),
                detail={key: value for key, value in task.detail.items() if key != "right"},
            )
            for task in stream.tasks
            if isinstance(task.truth, Question)
        ))
        for stream in streams
    ]  # fmt: skip
    told, untold = OVO.blind(streams, seed=3), OVO.blind(other, seed=3)
    free = [name for name in told if "prior" not in name]
    assert {"always A", "refusal", "random (seed 3)", 'always "Yes"', "silence"} <= set(free)
    assert all(told[name] == untold[name] for name in free)
    assert told["random (seed 3)"] != OVO.blind(streams, seed=4)["random (seed 4)"]


def test_refusing_wins_what_cannot_be_answered(streams: list[Stream]) -> None:
    report = OVO.score(streams, OVO.blind(streams)["refusal"])
    assert report.causal["HLD"].value == report.published["HLD"].value == 100
    assert report.causal["EPM"].value == 0
    assert isnan(report.published["total"].value)
    assert report.causal["total"].value == pytest.approx(50 / 3)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    refuses_unreadable(OVO, SAMPLE, tmp_path)


def field(name: str, value: Any, index: int = 0) -> Damage:
    return lambda whole: whole[index].__setitem__(name, value)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole[0].__delitem__("gt"), ("entry 0", "'gt'", "missing")),
        (field("gt", 4), ("entry 0", "'gt'", "4 options")),
        (field("gt", "2"), ("entry 0", "'gt'")),
        (field("realtime", float("nan")), ("entry 0", "'realtime'", "NaN")),
        (field("realtime", None), ("entry 0", "'realtime'")),
        (field("options", "abcd"), ("entry 0", "'options'")),
        (field("options", [1, 2, 3]), ("entry 0", "'options[0]'")),
        (field("task", "XYZ"), ("entry 0", "'XYZ'")),
        (field("id", 1), ("entry 1", "entry 0", "unique")),
        (field("test_info", [{"realtime": 3}], 8), ("entry 8", "test_info[0]", "'step'")),
        (lambda whole: whole[9]["test_info"][1].update(type=2), ("entry 9", "test_info[1]", "'type'")),
        (lambda whole: whole[7]["test_info"][1].update(realtime="9"), ("entry 7", "test_info[1]", "'realtime'")),
    ],
)
def test_malformed_annotations_are_refused(tmp_path: Path, damage: Damage, words: tuple[str, ...]) -> None:
    refused(OVO, damaged(SAMPLE, tmp_path, damage), *words)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole["backward"][0].update(id=99), "no task"),
        (lambda whole: whole["backward"][0].update(task="ASI"), "no task"),
        (lambda whole: whole["backward"][0].__delitem__("response"), "'response' is missing"),
        (lambda whole: whole["backward"][0].update(response=3), "neither a text"),
        (lambda whole: whole["backward"].append(whole["backward"][2] | {"response": "B"}), "give the outputs of one"),
        (lambda whole: {"other": []}, "none of backward"),
        (lambda whole: [], "none of backward"),
    ],
)
def test_malformed_responses_are_refused(tmp_path: Path, streams: list[Stream], damage: Damage, words: str) -> None:
    path = damaged(RESPONSES / "model_backward_offline.json", tmp_path, damage)
    with pytest.raises(InputError, match=words) as caught:
        OVO.responses([path], streams)
    assert path.name in str(caught.value)


def test_an_output_that_is_there_twice_is_one(tmp_path: Path, streams: list[Stream]) -> None:
    path = damaged(
        RESPONSES / "model_backward_offline.json",
        tmp_path,
        lambda whole: whole["backward"].append(whole["backward"][2]),
    )
    assert sum(map(len, OVO.responses([path], streams).values())) == 3


def outputs(folder: Path, model: str) -> list[Path]:
    return sorted(folder.glob(f"{model}_*.json"))


def test_golden_gemini(published: Path, whole: list[Stream]) -> None:
    """The published outputs have the published figures, every one."""
    assert sum(len(stream.tasks) for stream in whole) == 1468 + 1567
    report = OVO.score(whole, OVO.responses(outputs(published, "Gemini"), whole))
    assert {name: round(one.value, 2) for name, one in report.published.items()} == GEMINI
    assert report.causal["total"].value < report.published["total"].value
    assert report.missing == 35


def test_golden_flash_vstream_only_says_yes(published: Path, whole: list[Stream]) -> None:
    emitted = OVO.responses(outputs(published, "FlashVStream"), whole)
    forward = {task.id for _, task in tasks(whole) if task.kind in ("SSR", "CRR")}
    spoken = [one.content["text"] for some in emitted.values() for one in some if one.cause in forward]
    assert spoken == ["Yes"] * 869
    report = OVO.score(whole, emitted)
    assert round(report.published["SSR"].value, 1) == 67.2
    assert report.published["CRR"].value == 60.0


def test_golden_blind_policies(whole: list[Stream]) -> None:
    scores = {name: OVO.score(whole, emitted) for name, emitted in OVO.blind(whole).items()}
    yes = scores['always "Yes"']
    assert (round(yes.published["SSR"].value, 1), yes.published["CRR"].value) == (67.2, 60.0)
    assert (round(yes.causal["SSR"].value, 1), yes.causal["CRR"].value) == (67.2, 60.0)
    assert scores["refusal"].causal["HLD"].value == 100.0
    assert scores[ANSWER_AT_PLACE].causal["CRR"].value == 100.0


def test_golden_counting_the_probes_is_enough(whole: list[Stream]) -> None:
    """Every probe of CRR: "No", "No", then "Yes", without a prior."""

    def counting(task: Any) -> str:
        return "" if task.kind != "CRR" else "No" if task.detail["place"] < 2 else "Yes"

    assert OVO.score(whole, said(whole, counting)).causal["CRR"].value == 100.0


def test_responses_are_emissions_of_their_time(streams: list[Stream]) -> None:
    found: list[Emission] = [one for some in OVO.responses([RESPONSES], streams).values() for one in some]
    times = {task.id: asked(task) for _, task in tasks(streams)}
    assert all(one.t_emit == one.t_input == times[str(one.cause)] for one in found)
    assert json.dumps([one.content for one in found])
