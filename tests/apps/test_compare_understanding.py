"""Gates and memories compared on millrace: a small run against what must come out, and what a comparison leaves."""

from __future__ import annotations

import json
import math
import multiprocessing
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from headrace.apps.compare.report import write_report
from headrace.apps.compare.result import Figure
from headrace.apps.compare.understanding import run
from headrace.apps.compare.understanding.blind import blind
from headrace.apps.compare.understanding.kept import Kept, Outcome
from headrace.apps.compare.understanding.picture import HEIGHT, WIDTH, png
from headrace.apps.compare.understanding.result import SETTINGS, Understanding
from headrace.apps.compare.understanding.run import Job, compare_understanding, weigh
from headrace.apps.compare.understanding.stream import run_stream
from headrace.apps.compare.understanding.table import TERMINAL, legend, markdown, rows, title
from headrace.core.errors import CapacityError, ConfigError, InputError
from headrace.evaluation.millrace import World
from headrace.recipes.tokens import BASELINES, Composition, Setting, before
from headrace.understanding.keeper import Keeper
from headrace.understanding.memories.everything import Everything
from headrace.understanding.memories.window import Window
from tests.apps import kept
from tests.apps.kept import understanding
from tests.apps.test_compare_report import ink, tables

SMALL = {"streams": 1, "minutes": 5.0, "hours": 0.0, "workers": 1}


def here(workers: int, *_: object, **__: object) -> ThreadPoolExecutor:
    """Threads in place of processes, so that what a test puts in place is seen by the work, too."""
    return ThreadPoolExecutor(workers)


@pytest.fixture(scope="module")
def small() -> Understanding:
    """Two regimes, one stream of five minutes each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "REGIMES", ("calm",))
        patch.setattr(run, "UNSEEN", "noisy")
        patch.setattr(run, "ProcessPoolExecutor", here)
        return compare_understanding(["headrace"], **SMALL)


def test_the_upper_limit_is_met_and_the_window_fails_the_past(small: Understanding) -> None:
    everything, window, ours = (small.method(name) for name in ("everything", "window", "headrace"))
    assert everything.regimes["calm"].mean == 1.0
    assert window.tracks["now"].mean == 1.0
    assert window.tracks["past"].mean < 0.7
    assert 0.5 < window.accuracy.mean < 0.7
    assert ours.regimes["calm"].mean > 0.95
    assert window.regimes["noisy"].mean < 0.7 < 0.9 < ours.regimes["noisy"].mean
    assert ours.admitted.mean < 0.02
    assert window.admitted.mean == everything.admitted.mean == 1.0
    assert math.isnan(everything.slope), "a short stream tells nothing of growth"
    assert not everything.bounded


def test_it_says_what_was_run(small: Understanding) -> None:
    assert (small.tokens, small.budget, small.regimes, small.unseen) == (14_400, 192, ["calm", "noisy"], "noisy")
    names = ["headrace", "window", "everything", "refuse", "guess", "overheard"]
    assert [one.name for one in small.at("resident")] == names
    assert [one.name for one in small.at("total")] == names
    assert small.ages == [age for age in ("10 s", "1 min", "5 min") if age in small.method("window").ages]
    assert all(math.isnan(one.accuracy.low) == (small.streams * len(small.regimes) < 2) for one in small.methods)


def test_total_bytes_are_equal_or_it_is_said(small: Understanding) -> None:
    even = Setting(small.budget)
    assert small.total_bytes == weigh(BASELINES["window"].make(even), even.grid)[0]
    sound = small.method("window", "total").total_bytes - small.total_bytes
    for one in small.at("total"):
        if one.bounded and one.kind != "blind":
            assert 0.7 * small.total_bytes < one.total_bytes - sound <= 1.03 * small.total_bytes
    again = {one.name: one.same for one in small.at("total") if one.kind != "blind"}
    assert again == dict.fromkeys(("headrace", "window", "everything"), "resident")
    for name in ("window", "everything"):
        assert replace(small.method(name, "total"), setting="resident", same="") == small.method(name)
    assert not any("at its fewest rows" in note for note in small.notes)


def test_a_method_that_cannot_do_with_fewer_bytes_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = Composition("a window that does not shrink", lambda setting: before(Window(setting.grid, 999)))
    monkeypatch.setitem(BASELINES, "sinks", fixed)
    told = quick(monkeypatch, ["sinks"])
    taken = weigh(fixed.make(Setting(192)), Setting(192).grid)[0]
    assert [note for note in told.notes if "at its fewest rows" in note] == [
        f"sinks takes {taken:,} {setting} bytes at its fewest rows: more than others." for setting in SETTINGS
    ]


def test_what_is_won_without_looking_is_what_the_world_says(small: Understanding) -> None:
    refuse, guess = small.method("refuse"), small.method("guess")
    worlds = [World(1, regime, 300) for regime in ("calm", "noisy")]
    for world in worlds:
        unanswerable = [one.question.answer is None for one in world.questions]
        assert refuse.regimes[world.regime].mean == pytest.approx(np.mean(unanswerable), abs=1e-9)
    assert refuse.refused.mean == 1.0
    assert (refuse.alerts.mean, refuse.false_per_hour.mean, refuse.courier.mean) == (0.0, 0.0, 0.0)
    assert math.isnan(refuse.delay_s.mean)
    assert guess.refused.mean == 0.0
    assert 0 < guess.accuracy.mean < 0.5
    assert guess.false_per_hour.mean > 1000
    assert guess.courier.mean > 0
    assert (refuse.resident_bytes, refuse.total_bytes) == (0, 0)
    assert [one.name for one in blind(worlds, [], 0)] == ["refuse", "guess", "overheard"]
    overheard = small.method("overheard")
    assert abs(overheard.tracks["past"].mean - 0.5) < 0.05


def quick(monkeypatch: pytest.MonkeyPatch, names: list[str], **options: Any) -> Understanding:
    """A comparison whose streams are made up: of each job and method a different share of right answers."""
    monkeypatch.setattr(run, "REGIMES", ("calm",))
    monkeypatch.setattr(run, "ProcessPoolExecutor", here)
    monkeypatch.setattr(run, "_work", made_up)
    return compare_understanding(names, **(SMALL | options))


def made_up(job: Job) -> dict[str, Kept]:
    def of(number: int) -> Kept:
        made = Kept(slope=1000.0 * job.seed + job.seconds, resident=100, total=100, read=3.0)
        right = (job.seed + number) % 8 + len(job.regime) % 3
        made.outcomes = [Outcome("past", None, k % 2 == 0, k < right, k % 2 == 1) for k in range(12)]
        return made

    return {key: of(number) for number, key in enumerate(job.settings)}


def test_the_order_in_which_streams_end_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    def figures(told: Understanding) -> Any:
        return replace(told, seconds=0.0, date="").to_json()

    def last(waiting: dict[Future[Any], Job], **_: object) -> tuple[set[Future[Any]], set[Future[Any]]]:
        future = list(waiting)[-1]
        future.result()
        return {future}, set()

    one = quick(monkeypatch, ["sinks"], streams=2)
    monkeypatch.setattr(run, "wait", last)
    other = quick(monkeypatch, ["sinks"], streams=2)
    assert figures(one) == figures(other)
    assert list(one.method("window").regimes) == ["calm", "night"]


def test_a_long_stream_may_be_as_long_as_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    told = quick(monkeypatch, ["sinks"], minutes=60.0, hours=1.0, workers=3)
    assert told.long_minutes == 60
    assert {one.slope for one in told.at("resident") if one.kind != "blind"} == {1000.0 + 3600}


def test_what_is_full_ends_and_what_is_asked_later_is_wrong() -> None:
    world, grid = World(2, "calm", 120), Setting().grid
    keepers: dict[str, Keeper] = {"all": before(Everything(grid)), "full": before(Everything(grid, 24 * 150))}
    whole, full = run_stream(world, keepers, grows=keepers).values()
    assert whole.ended == ""
    assert "give more" in full.ended
    early = sum(one.question.t < 75_000_000_000 for one in world.questions)
    assert 0 < early < len(world.questions) == len(full.outcomes)
    assert full.outcomes[-early:] == whole.outcomes[:early]
    assert not any(one.right for one in full.outcomes[:-early])


def test_a_worker_that_dies_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_work", kept.dies)
    with pytest.raises(CapacityError, match="was ended from outside, as happens where memory is short; compare fewer"):
        compare_understanding(["everything"], **SMALL)


def test_no_worker_outlives_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = []

    def interrupted(what: str, done: int, total: int) -> None:
        workers.extend(multiprocessing.active_children())
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "_work", kept.sleeps)
    with pytest.raises(KeyboardInterrupt):
        compare_understanding(["everything"], **SMALL, progress=interrupted)
    (worker,) = workers
    worker.join(60)
    assert worker.exitcode not in (None, 0)


@pytest.mark.parametrize(
    ("names", "options", "told"),
    [
        ([], {}, "nothing to compare"),
        (["headracee"], {}, "unknown method 'headracee'; did you mean headrace?"),
        (["rekv"], {}, "is planned"),
        (["streamingbench"], {}, "streamingbench cannot be compared in family 'understanding'"),
        (["window"], {"budget": 191}, "budget=191: use 192 rows or more"),
        (["window"], {"minutes": 4.9}, "5 minutes to a day"),
        (["window"], {"minutes": 1441.0}, "5 minutes to a day"),
        (["window"], {"minutes": math.nan}, "5 minutes to a day"),
        (["window"], {"minutes": math.inf}, "5 minutes to a day"),
        (["window"], {"hours": 0.5}, r"1 to 24 hours \(0 for no long stream\)"),
        (["window"], {"hours": math.nan}, "1 to 24 hours"),
        (["window"], {"hours": 25.0}, "1 to 24 hours"),
        (["window"], {"streams": 0}, "use 1 stream or more"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_run(
    names: list[str], options: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_run", None)
    with pytest.raises(ConfigError, match=told):
        compare_understanding(names, **(SMALL | options))


# -- what it leaves ---------------------------------------------------------------------------


def test_a_comparison_is_written_and_read(small: Understanding, tmp_path: Path) -> None:
    for number, made in enumerate((small, understanding(ends=True))):
        folder = tmp_path / str(number)
        write_report(made, folder)
        assert sorted(path.name for path in folder.iterdir()) == ["pareto.png", "table.json", "table.md"]
        back = Understanding.from_json(json.loads((folder / "table.json").read_text()))
        assert back.to_json() == made.to_json()
        assert markdown(back) == markdown(made) == (folder / "table.md").read_text()
        image = cv2.imdecode(np.frombuffer((folder / "pareto.png").read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        assert image.shape == (HEIGHT, WIDTH, 3) == (1180, 1500, 3)


def test_json_of_something_else_is_refused() -> None:
    whole = understanding().to_json()
    for change in ({"format": 0}, {"family": "state"}, {"methods": [{}]}, {"more": 1}, {"methods": None}):
        with pytest.raises(InputError, match="comparison: "):
            Understanding.from_json(whole | change)


def test_the_table_explains_itself() -> None:
    text = markdown(understanding(ends=True))
    for told in (
        "2 held-out streams of 15 min in each of 8 regimes, and one stream of 10 h (seed 0; `night` was never looked",
        "2 frames a second, 43,200 tokens a stream",
        "keeps 216 rows, 0.5% of them, and every bounded method as many bytes",
        "`headrace`: 0.97 of all questions, 98 % of the unbounded `everything` (0.99), 96 % of what that gains over",
        "It loses most in the courier: 0.20 against 0.40 of",
        "past: best `headrace` 0.95, last `window` 0.50; unbounded 0.99",
        "approximate: a reconstruction",
        "ended: everything: the limit is 50; give more",
        "2026-11-21 15:54 UTC",
        "- equal total bytes are those of the window",
    ):
        assert told in text
    found = tables(text)
    assert len(found) == 1 + 2 * 6 + 1
    assert [row[1] for row in found[0][1:]] == ["recipe", "ours", *["baseline"] * 3, "blind", "blind"]
    for table in (found[1], found[2], found[4], *found[8:11]):
        assert [row[0] for row in table[1:]] == [f"`{name}`" + marks(name) for name in kept.WHAT]
        best = [row[0] for row in table[1:] if row[-1].startswith("**")]
        assert best == ["`headrace`"]
    cost = {row[0]: row[1:] for row in found[7][1:]}
    assert cost["`flashvstream` (≈)"][3:6] == ["97.7 KiB", "293 KiB", "none"]
    assert cost["`everything` (grows)"][5].startswith("+39.1 MiB")
    assert "`refuse`" not in cost
    assert "nan" not in text


def marks(name: str) -> str:
    return {"everything": " (grows)", "flashvstream": " (≈)"}.get(name, "")


def test_the_short_table_begins_with_the_best_and_ends_blind() -> None:
    short = rows(understanding())
    assert [row[0] for row in short] == [
        "everything", "headrace", "flashvstream", "reservoir", "window", "refuse", "guess",
    ]  # fmt: skip
    told = dict(zip(TERMINAL, short[1], strict=True))
    assert (told["accuracy"], told["oldest"], told["count"], told["rows in"]) == ("0.97", "0.95", "0.95", "1.0 %")
    assert "216 rows (0.5% of the tokens)" in title(understanding())
    assert "evidence 2 h old" in legend(understanding())


def test_what_was_not_measured_is_a_dash() -> None:
    made = understanding()
    nothing = Figure(math.nan, math.nan, math.nan)
    for one in made.methods:
        one.accuracy = one.alerts = one.cpu_ms = nothing
        one.tracks, one.regimes, one.read = {"now": nothing}, {"calm": nothing}, math.nan
        one.ages = dict.fromkeys(one.ages, nothing)
    assert "nan" not in markdown(made)
    assert all("nan" not in cell for row in rows(made) for cell in row)
    assert png(made).startswith(b"\x89PNG")


def test_the_upper_limit_may_have_failed() -> None:
    made = understanding()
    made.method("everything", "total").accuracy = Figure(0.0, 0.0, 0.0)
    assert "`headrace`: 0.97 of all questions, – of the unbounded `everything` (0.00)" in markdown(made)


def test_every_method_is_in_the_picture() -> None:
    whole, few = png(understanding()), png(understanding(streams=1, names=("window", "refuse")))
    assert ink(whole, "#b83a10") > ink(few, "#b83a10") + 100


def test_many_methods_of_any_name_find_room() -> None:
    made = understanding()
    made.methods += [replace(made.methods[0], name=f"recipe {i} $x_{{1$" + "x" * 60) for i in range(20)]
    assert png(made).startswith(b"\x89PNG")
