"""The file of a result: what is written reads back, what is damaged is named."""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random
from typing import Any

import pytest

from headrace.apps.result import FORMAT, Answer, Evidence, Result, SourceInfo
from headrace.apps.series import POINTS, QUIET, Series
from headrace.core.errors import InputError
from tests.apps.recordings import recording


@pytest.fixture(scope="module")
def good() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(recording(hours=0.1, slides=6, sources=("talk",)).to_json())
    return data


def test_a_result_reads_back_equal(tmp_path: Path) -> None:
    result = recording(hours=0.1, slides=6, sources=("a", "b"))
    result.save(tmp_path / "result.json")
    assert Result.load(tmp_path / "result.json") == result
    assert Result.from_json(Result([SourceInfo("cam")]).to_json()).sources[0].duration_s is None


def test_text_that_json_or_utf8_finds_hard_reads_back(tmp_path: Path) -> None:
    result = Result([SourceInfo('<script>"\\')], answers=[Answer("a", "\ud800\u2028\x00é", False)])
    result.save(tmp_path / "r.json")
    assert Result.load(tmp_path / "r.json") == result


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("run.wall_s", "9", "run.wall_s"),
        ("run.seed", True, "run.seed"),
        ("run.seed", 1.5, "run.seed"),
        ("run.media_s", 10**400, "run.media_s"),
        ("run.drops", {"edge": "many"}, "run.drops.edge"),
        ("text.1.box", [1, 2, 3], "text[1].box"),
        ("text.2.source", "elsewhere", "text[2].source"),
        ("answers.0.by", "oracle", "answers[0].by"),
        ("answers.0.evidence.1.source", "x", "answers[0].evidence[1].source"),
        ("events.0.thumbnail", "../../etc/passwd", "events[0].thumbnail"),
        ("alerts.0.evidence.0.thumbnail", "/etc/passwd", "alerts[0].evidence[0].thumbnail"),
        ("answers.0.evidence.0.kind", "smell", "answers[0].evidence[0].kind"),
        ("speech.0.source", "elsewhere", "speech[0].source"),
        ("speech.3.by", None, "speech[3].by"),
        ("sounds.0.level_db", "quiet", "sounds[0].level_db"),
        ("sources.0.gaps", [[1]], "sources[0].gaps[0]"),
        ("series.talk.change", [], "series.talk.change"),
        ("series.talk.voice", [], "series.talk.voice"),
        ("series.elsewhere", {"step_s": 1}, "series.elsewhere"),
        ("standing", {}, "standing"),
        ("sources.0.colour", "red", "sources[0].colour"),
    ],
)
def test_damage_is_refused_by_file_and_field(good: dict[str, Any], path: str, value: Any, told: str) -> None:
    data = json.loads(json.dumps(good))
    *way, last = path.split(".")
    part = data
    for step in way:
        part = part[int(step)] if isinstance(part, list) else part[step]
    part[last] = value
    with pytest.raises(InputError) as caught:
        Result.from_json(json.dumps(data), "out/result.json")
    assert "out/result.json" in str(caught.value)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_field_is_named(good: dict[str, Any]) -> None:
    data = {key: value for key, value in good.items() if key != "alerts"}
    with pytest.raises(InputError, match="field alerts is missing"):
        Result.from_json(json.dumps(data))


def as_format_1(data: dict[str, Any]) -> dict[str, Any]:
    """A result as a headrace that knew no sound wrote it: one series for all sources, evidence without a kind."""
    old = {key: value for key, value in data.items() if key not in ("speech", "sounds")}
    old["format"] = 1
    unheard, unsaid = ("channels", "rate", "gaps"), ("recogniser", "resumed")
    old["sources"] = [{k: v for k, v in source.items() if k not in unheard} for source in data["sources"]]
    old["run"] = {key: value for key, value in data["run"].items() if key not in unsaid}
    course = data["series"][data["sources"][0]["name"]]
    old["series"] = {key: value for key, value in course.items() if key not in ("level_db", "voice")}
    for key in ("answers", "alerts"):
        old[key] = [
            {**made, "evidence": [{k: v for k, v in e.items() if k != "kind"} for e in made["evidence"]]}
            for made in data[key]
        ]
    return old


def test_a_file_of_format_1_still_reads(tmp_path: Path) -> None:
    new = recording(hours=0.1, slides=6, sources=("talk", "screen"), sound=False)
    new.alerts[0].evidence.append(Evidence("talk", 3, 4, "", None, "event"))
    data = as_format_1(json.loads(new.to_json()))
    assert set(data["series"]) == {"step_s", "t_s", "change", "admitted", "state_bytes", "backlog"}
    old = Result.from_json(json.dumps(data))
    assert old.format == FORMAT == 2
    assert old.text == new.text
    assert old.answers == new.answers
    assert [proof.kind for proof in old.alerts[0].evidence] == ["text", "event"]
    assert list(old.series) == ["talk"]
    assert old.series["talk"].change == new.series["talk"].change
    assert set(old.series["talk"].level_db) == {QUIET}
    assert not old.speech
    assert not old.sources[0].channels
    old.save(tmp_path / "r.json")
    assert Result.load(tmp_path / "r.json") == old


@pytest.mark.parametrize("key", ["sources", "series", "answers", "run"])
def test_damage_in_a_file_of_format_1_is_one_line(good: dict[str, Any], key: str) -> None:
    for value in (None, 5, "x", [1], {"t_s": 3}):
        with pytest.raises(InputError, match=r"^events\.json: field .*headrace watch"):
            Result.from_json(json.dumps({**as_format_1(good), key: value}))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}', b"\xff\xd8\xff", "[" * 100_000, "null"])
def test_foreign_files_are_refused(text: str | bytes) -> None:
    with pytest.raises(InputError, match=r"^x\.json: not "):
        Result.from_json(text, "x.json")


def test_a_newer_format_and_numbers_that_are_none_are_refused(good: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="newer"):
        Result.from_json(json.dumps({**good, "format": FORMAT + 1, "surprise": 1}))
    with pytest.raises(InputError, match=r"run\.cpu_s"):
        Result.from_json(json.dumps({**good, "run": {**good["run"], "cpu_s": math.nan}}))
    with pytest.raises(InputError, match="cannot be read"):
        Result.load(tmp_path / "none.json")
    with pytest.raises(ValueError, match="JSON"):
        Result([], answers=[Answer("a", "?", True, evidence=[Evidence("s", math.inf, 0, "")])]).to_json()


@pytest.mark.parametrize("step", [0.04, 1.0, 37.0])
def test_series_stays_small_and_keeps_every_peak(step: float) -> None:
    rng, series, samples = Random(1), Series(), []
    for i in range(9_000):
        samples.append(
            (i * step, rng.random(), rng.random() / 9, rng.randrange(10**9), rng.randrange(5), -90 * rng.random())
        )
        series.add(*samples[-1])
        assert len(series.t_s) <= POINTS
    assert len(series.t_s) > POINTS / 2 - 1 or step * 9_000 / series.step_s < POINTS
    for n, start in enumerate(series.t_s):
        held = list(samples[int(start / step) : int((start + series.step_s) / step) + 2])
        held = [s for s in held if start <= s[0] < start + series.step_s]
        assert series.change[n] == round(max(s[1] for s in held), 5)
        assert series.state_bytes[n] == max(s[3] for s in held)
        assert series.level_db[n] == round(max(s[5] for s in held), 2)
    assert max(series.backlog) == max(s[4] for s in samples)


def test_series_takes_samples_in_any_order() -> None:
    samples = [(float(i), i / 5_000, 0.0, i, 0) for i in range(5_000)]
    straight, mixed = Series(), Series()
    for sample in samples:
        straight.add(*sample)
    for sample in Random(2).sample(samples, len(samples)):
        mixed.add(*sample)
    assert mixed == straight
