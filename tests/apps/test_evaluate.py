"""Runs over recordings: scored, taken up again, and never brought down by one stream."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("av")
pytest.importorskip("cv2")
pytest.importorskip("matplotlib")

from headrace.apps.evaluate import find
from headrace.apps.evaluate.picture import png
from headrace.apps.evaluate.run import Plan, recording, run, run_blind
from headrace.apps.evaluate.scored import score, score_responses
from headrace.apps.evaluate.table import audit_lines, score_lines, score_markdown, score_rows
from headrace.core.errors import CapacityError, ConfigError, InputError
from headrace.core.trace import Trace, read_trace
from headrace.evaluation.audit import audit
from headrace.evaluation.benchmark import Stream
from headrace.evaluation.benchmarks import known
from headrace.evaluation.timing import Timing, costs_of
from headrace.recipes.registry import GROUP, open_registry
from tests.apps.evaluated import SHOWN, Eyes, annotations, recordings
from tests.evaluation.asked import COLOURS, Asked, stream


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    streams = Asked().load(annotations(tmp_path / "asked.json"))
    return Plan(Asked(), streams, recordings(tmp_path / "videos"), Eyes(), Timing(), tmp_path / "out")


def other(plan: Plan, **changes: Any) -> Plan:
    fields = {name: getattr(plan, name) for name in Plan.__slots__}
    return Plan(**{**fields, **changes})


def test_a_system_that_sees_is_right_and_the_blind_are_beside_it(plan: Plan) -> None:
    scored = run(plan, resamples=20)
    row = next(row for row in scored.rows() if row.figure == "colour")
    assert (row.values["causal"].value, row.values["causal"].count) == (100.0, 9)
    assert (row.best["causal"].policy, row.best["causal"].value.value) == ('always "A"', pytest.approx(100 / 3))
    assert not scored.beaten("causal")
    assert (scored.report.missing, scored.run["streams run"], scored.run["faults"]) == (0, 3, [])
    traces = sorted((plan.folder / "traces").glob("*.jsonl"))
    assert len(traces) == 3
    for trace in traces:
        header, *_, end = read_trace(trace)
        assert (header["system"], header["timing"]["clock"], end["type"], end["skipped"]) == ("eyes", "zero", "end", 0)


def test_a_second_run_goes_on_with_what_is_not_whole(plan: Plan) -> None:
    run(plan)
    damaged = plan.traces().path("two")
    damaged.write_bytes(damaged.read_bytes()[:-30])  # killed while it wrote the end
    system = Eyes()
    scored = run(other(plan, system=system))
    assert system.opened == ["two"]
    assert (scored.run["streams run"], scored.run["streams kept"]) == (1, 2)
    assert scored.rows()[0].values["causal"].value == 100.0
    assert run(other(plan, streams=plan.streams[:1], system=Eyes())).run["streams kept"] == 1  # fewer streams: the same


def test_a_fault_is_its_streams_own_and_is_tried_again(plan: Plan) -> None:
    (plan.videos / "one" / "0.png").write_bytes(b"no picture")
    (plan.videos / "one" / "1.png").write_bytes(b"no picture")
    (plan.videos / "one" / "2.png").write_bytes(b"no picture")
    scored = run(other(plan, system=Eyes("two")))
    faults = scored.run["faults"]
    assert len(faults) == 2
    assert faults[0].startswith("one: ")
    assert "picture" in faults[0] or "image" in faults[0]
    assert faults[1] == "two: ValueError: my eyes hurt"
    assert scored.report.missing == 6
    values = next(row for row in scored.rows() if row.figure == "colour").values
    assert (values["published"].value, values["causal"].value) == (100.0, pytest.approx(100 / 3))
    assert "2 streams could not be run to their end; their tasks are missing" in scored.notes
    system = Eyes()
    assert run(other(plan, system=system)).run["streams kept"] == 1
    assert system.opened == ["two"]  # the recording of one cannot be opened at all


def test_if_nothing_can_be_run_it_says_why(plan: Plan) -> None:
    with pytest.raises(InputError, match="no stream could be run; one: ValueError: my eyes hurt"):
        run(other(plan, system=Eyes(*SHOWN)))


def test_what_fails_again_and_again_is_not_the_streams_fault(plan: Plan) -> None:
    streams = [stream(f"s{number}", [[1.5, "which?", COLOURS, "red"]]) for number in range(9)]
    for one in streams:
        (plan.videos / one.id).symlink_to(plan.videos / "one")
    system = Eyes(*(one.id for one in streams))
    with pytest.raises(InputError, match="5 streams failed alike, the rest is not tried: ValueError: my eyes hurt"):
        run(other(plan, streams=[stream("a", [[1.5, "which?", COLOURS, "red"]]), *streams], system=system))
    assert len(system.opened) == 5


def test_recordings_that_are_not_there(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: none of 3 recordings is there, such as 'one'"):
        run(other(plan, videos=tmp_path / "empty"))
    (plan.videos / "two").rename(tmp_path / "elsewhere")
    scored = run(plan)
    assert scored.run["faults"] == [f"two: its recording two is not in {plan.videos}"]


def test_a_recording_is_looked_for_below_its_folder_only(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "secret.mp4").touch()
    (tmp_path / "videos" / "clip.mp4").touch()
    (tmp_path / "videos" / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    folder = tmp_path / "videos"
    assert recording(folder, "clip.mp4") == folder / "clip.mp4"
    assert recording(folder, "set/clip.mp4") == folder / "clip.mp4"
    for name in ("../secret.mp4", str(tmp_path / "secret.mp4"), "link.mp4", "", ".", "no.mp4", "a\0b"):
        assert recording(folder, name) is None


def test_a_bare_name_that_several_recordings_have_is_nobodys(plan: Plan, tmp_path: Path) -> None:
    """`one` stands in the folder without its path, and might be either's."""
    rows = [[0.5, "which?", COLOURS, "red"]]
    media = {"a": "sample_1/one", "b": "sample_2/one", "c": "sample_2/two"}
    streams = [Stream(name, media[name], stream(name, rows).tasks) for name in media]
    faults = {name: f"{name}: its recording {media[name]} is not in {plan.videos}" for name in media}
    more = "; several are named one, so it needs its path there"
    scored = run(other(plan, streams=streams, system=Eyes()))
    assert scored.run["faults"] == [faults["a"] + more, faults["b"] + more]
    scored = run(other(plan, streams=streams[1:], every=streams, system=Eyes(), folder=tmp_path / "fewer"))
    assert scored.run["faults"] == [faults["b"] + more]
    (plan.videos / "sample_2").mkdir()
    (plan.videos / "one").rename(plan.videos / "sample_2" / "one")
    scored = run(other(plan, streams=streams, system=Eyes(), folder=tmp_path / "placed"))
    assert scored.run["faults"] == [faults["a"] + more]


def test_traces_of_another_run_are_refused_and_left_alone(plan: Plan) -> None:
    run(plan)
    before = plan.traces().path("one").read_bytes()
    with pytest.raises(ConfigError, match=r"one-.*\.jsonl was made with another timing; give another --out"):
        run(other(plan, timing=Timing("measured")))
    rows = [[0.5, "another question", COLOURS, "red"]]
    with pytest.raises(ConfigError, match="was made with another tasks"):
        run(other(plan, streams=[stream("one", rows)]))
    assert plan.traces().path("one").read_bytes() == before
    plan.traces().path("one").write_text("my diary\n")
    with pytest.raises(ConfigError, match=r"is not a headrace trace.*; give a new or an empty folder as --out"):
        run(plan)


def test_a_full_disk_ends_the_run_in_one_line(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Trace, record: dict[str, Any]) -> None:
        raise CapacityError("the trace cannot be written: no space left on device")

    monkeypatch.setattr(Trace, "emit", full)
    with pytest.raises(CapacityError, match="no space left"):
        run(plan)


def test_what_steps_took_is_replayed(plan: Plan, tmp_path: Path) -> None:
    scored = run(other(plan, timing=Timing("measured"), folder=tmp_path / "measured"))
    assert set(scored.run["step ms"]) == {"p50", "p99"}
    costs = costs_of(sorted((tmp_path / "measured" / "traces").glob("*.jsonl")))
    timing, texts = Timing("profile", costs=costs, seed=3), []
    for name in ("a", "b"):
        run(other(plan, timing=timing, folder=tmp_path / name))
        texts.append([path.read_bytes() for path in sorted((tmp_path / name / "traces").iterdir())])
    assert texts[0] == texts[1]


def test_a_blind_policy_needs_no_recordings(plan: Plan, tmp_path: Path) -> None:
    scored = run_blind(plan.benchmark, plan.streams, 'blind:always "A"', tmp_path / "blind")
    assert scored.rows()[0].values["causal"].value == pytest.approx(100 / 3)
    assert scored.beaten("causal")["colour"] == 'always "A"'
    assert len(list((tmp_path / "blind" / "traces").iterdir())) == 3
    with pytest.raises(ConfigError, match="asked has no blind policy 'sleep'; use one of never, always \"A\""):
        run_blind(plan.benchmark, plan.streams, "blind:sleep", tmp_path / "blind")


def test_published_outputs(tmp_path: Path) -> None:
    told = annotations(tmp_path / "asked.json")
    (tmp_path / "out.json").write_text(json.dumps({"one/0": "A", "one/1": "B", "two/0": "B"}))
    scored = score_responses(Asked(), str(told), [str(tmp_path / "out.json")], resamples=0)
    values = scored.rows()[0].values
    assert values["published"].value == pytest.approx(200 / 3)
    assert values["causal"].value == pytest.approx(200 / 9)
    assert scored.report.missing == 6
    assert scored.beaten("causal")["colour"] == 'always "A"'
    lines = score_lines(scored)
    assert lines[0] == "6 tasks of 9 without any response."
    assert '† causal: a blind policy does as well or better on colour, total (always "A").' in lines
    (tmp_path / "none.json").write_text("{}")
    with pytest.raises(InputError, match="no response to any task of asked; give its outputs"):
        score_responses(Asked(), str(told), [str(tmp_path / "none.json")])


def test_tables_in_words(tmp_path: Path) -> None:
    streams = Asked().load(annotations(tmp_path / "asked.json"))
    scored = score(Asked(), streams, {}, "no|body <b>")
    rows = score_rows(scored)
    assert rows[1] == ("colour", "–", "0.0 % [0.0, 0.0] †", '33.3 % always "A"', '33.3 % always "A"', "9")
    text = score_markdown(scored)
    assert "# asked: no/body ‹b›" in text
    assert "| never " in text
    made = audit(Asked(), streams)
    assert audit_lines(made)[0] == "published: won outright by a blind policy: nothing."
    assert 'causal: of the figure total, always "A" takes 33.3 %.' in audit_lines(made)
    assert png(made).startswith(b"\x89PNG")


def test_a_recipe_of_another_package_brings_a_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint(name, f"tests.apps.evaluated:{kind}", GROUP) for name, kind in (("hues", "Hues"), ("paint", "Paint"))
    ]
    registry = open_registry(points)
    monkeypatch.setattr(find, "open_registry", lambda: registry)
    assert "hues" in find.names()
    assert isinstance(find.benchmark("hues"), Asked)
    assert "hues" in [name for name in find.names() if name not in known()]
    with pytest.raises(ConfigError, match="the recipe paint builds no benchmark; `headrace eval` lists those that do"):
        find.benchmark("paint")
    with pytest.raises(ConfigError, match=r"unknown benchmark 'huess'; did you mean hues\?"):
        find.benchmark("huess")
    found, problems = find.listing()
    assert "asked" in [one.name for one in found]
    assert problems == []
