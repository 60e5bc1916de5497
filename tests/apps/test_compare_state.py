"""Comparing methods that keep a language model's past: names, results as JSON, and a small run from end to end."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from headrace.apps.compare.methods import find, names_of
from headrace.apps.compare.result import Comparison, Figure, MethodResult
from headrace.apps.compare.state import compare_state
from headrace.core.errors import ConfigError, InputError
from headrace.recipes.baselines import BASELINES


def small(**changes: object) -> Comparison:
    method = MethodResult("window", "baseline", "the newest", True, loss={"0-8": Figure(2.0, 1.5, 2.5)})
    method.recall = {8: Figure(0.5, math.nan, math.nan)}
    fields = {
        "family": "state",
        "model": "m",
        "stream": "shipped",
        "seed": 0,
        "tokens": 16,
        "streams": 1,
        "trained": 8,
        "budget": 4,
        "block": 2,
        "chance": 0.01,
        "timed_at": 8,
        "buckets": {"0-8": (0, 8), "8-16": (8, 16)},
        "ages": [8],
        "methods": [method],
        "notes": ["one"],
        "date": "2026-01-01T00:00:00+00:00",
        "machine": "a machine",
    }
    return Comparison(**{**fields, **changes})


# -- results --------------------------------------------------------------------------------------


def test_a_figure_is_a_mean_with_an_interval_over_streams() -> None:
    figure = Figure.of([1.0, 2.0, 3.0])
    assert figure.mean == 2.0
    assert 1.0 <= figure.low < 2.0 < figure.high <= 3.0
    assert figure.sure
    assert not Figure.of([-1.0, 2.0]).sure
    one = Figure.of([5.0, math.nan])
    assert one.mean == 5.0
    assert math.isnan(one.low)
    assert not one.sure
    assert math.isnan(Figure.of([math.nan]).mean)


def test_a_comparison_is_the_same_after_json() -> None:
    text = json.dumps(small().to_json(), allow_nan=False)
    again = Comparison.from_json(json.loads(text))
    assert json.dumps(again.to_json()) == text
    assert again.buckets == {"0-8": (0, 8), "8-16": (8, 16)}
    assert again.method("window").loss["0-8"] == Figure(2.0, 1.5, 2.5)
    assert math.isnan(again.method("window").recall[8].low)
    assert math.isnan(again.method("window").cpu_ms_per_token.mean)
    with pytest.raises(KeyError):
        again.method("nobody")


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"methods": [{"name": "x"}]}, {"buckets": {"a": 3}}, {"surprise": 1}, {"methods": None}],
)
def test_a_damaged_comparison_is_refused(change: dict) -> None:
    with pytest.raises(InputError, match="comparison"):
        Comparison.from_json({**small().to_json(), **change})


# -- names ----------------------------------------------------------------------------------------


def test_a_family_is_its_recipes_that_exist_and_the_baselines() -> None:
    found = find(["state"])
    assert [method.name for method in found] == names_of()
    assert [m.name for m in found if m.kind == "baseline"] == list(BASELINES)
    assert "streamingllm" in [m.name for m in found if m.kind == "recipe"]
    assert [m.name for m in found if not m.bounded] == ["dense"]
    assert [m.name for m in found if m.approximate] == ["h2o"]


def test_the_window_baseline_is_always_run_and_recipes_come_first() -> None:
    assert [method.name for method in find(["h2o", "streamingllm", "h2o"])] == ["streamingllm", "window", "h2o"]


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("windw", "did you mean window"),
        ("zzz", "headrace recipes lists all"),
        ("generation", "cannot be compared yet"),
        ("streamingvlm", "planned"),
        ("timechat", "builds no policy"),
    ],
)
def test_a_name_that_cannot_be_compared_is_one_line(name: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        find([name])
    with pytest.raises(ConfigError, match="nothing to compare"):
        find([])


# -- a run ----------------------------------------------------------------------------------------


def test_a_small_run_measures_every_method_on_the_same_tokens(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    told: list[tuple[str, int, int]] = []
    found = compare_state(
        ["streamingllm", "h2o"], tokens=448, streams=2, budget=128, progress=lambda *args: told.append(args)
    )
    assert (found.trained, found.tokens, found.streams, found.chance) == (512, 448, 2, 0.01)
    assert list(found.buckets) == ["0-128", "128-448"]
    assert [m.name for m in found.methods] == ["streamingllm", "window", "h2o", "unigram"]
    inside, outside = [a for a in found.ages if a <= 128], [a for a in found.ages if a > 128]
    for method in found.methods[:3]:
        assert list(method.loss) == list(found.buckets)
        assert method.slope == 0.0
        assert method.tokens == 448
        assert not method.ended
        assert 0 < method.resident_bytes <= method.total_bytes
        assert method.cpu_ms_per_token.mean > 0
    sinks, window, blind = found.methods[0], found.methods[1], found.methods[-1]
    assert window.against == {}
    assert sinks.against["0-128"] == Figure(0.0, 0.0, 0.0)
    difference = sinks.loss["128-448"].mean - window.loss["128-448"].mean
    assert sinks.against["128-448"].mean == pytest.approx(difference)
    assert blind.loss["128-448"].mean > window.loss["128-448"].mean + 1
    for method in (sinks, window):
        assert min(method.recall[age].mean for age in inside) > 0.5
        assert max(method.recall[age].mean for age in outside) < 0.2
    assert "favour the method of its training" in found.notes[0]
    assert any("3 by window; 4 by streamingllm, h2o" in note for note in found.notes)
    assert any("read once for streamingllm, window" in note for note in found.notes)
    assert any("h2o read the beginning itself" in note for note in found.notes)
    assert told[-1][1] == told[-1][2]
    assert [done for _, done, _ in told[1:]] == sorted(done for _, done, _ in told[1:])
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"budget": 100}, "budget"),
        ({"streams": 0}, "streams"),
        ({"tokens": 300}, "tokens=300: use 384"),
        ({"budget": 6000}, "tokens=5120"),
        ({"names": []}, "nothing to compare"),
    ],
)
def test_numbers_that_cannot_be_used(changes: dict, match: str) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(ConfigError, match=match):
        compare_state(**changes)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"model": "zoo:nobody"}, "does not ship"),
        ({"stream": "nowhere.txt"}, "nowhere.txt"),
        ({"tokens": 90000}, "part"),
    ],
)
def test_what_cannot_be_read_is_one_line(changes: dict, match: str) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(InputError, match=match):
        compare_state(**changes)
