"""TimeChat: the gate it builds, its trigger, and what its check measures."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.cli import main
from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.evaluation.planted import REGIMES, Planted
from headrace.recipes.registry import open_registry
from headrace.recipes.timechat import TimeChat, demo_boundaries, demo_events
from headrace.understanding.dip import DropRatioDip
from headrace.understanding.gates.lumadrop import LumaDrop
from headrace.understanding.gates.tokendrop import TokenDrop
from headrace.understanding.perceive import Perceive


def admissions(seed: int, seconds: float, regime: str = "calm") -> list:
    gate = TimeChat().build()
    return [gate.admit(item) for item in Planted(seed, regime, seconds).items()]


def test_the_registry_finds_it_and_it_builds_the_gate() -> None:
    assert open_registry().entry("timechat").load() is TimeChat
    gate = TimeChat(threshold=3.0).build()
    assert isinstance(gate, LumaDrop)
    assert gate.threshold == 3.0
    assert isinstance(TimeChat().tokens(), TokenDrop)
    assert (TimeChat().tokens().similarity, TimeChat(similarity=0.25).tokens().similarity) == (0.5, 0.25)


def test_its_gate_drops_what_did_not_change_and_can_be_resumed_within_perceive() -> None:
    items = list(Planted(2, "calm", 20).items())
    whole = Perceive(TimeChat().build())
    moments = [moment.data for item in items for moment in whole.step(item)]
    shares = [moment.admission.share for moment in moments]
    assert shares[0] == 1.0
    assert np.median(shares) == 0.0
    half = Perceive(TimeChat().build())
    for item in items[:60]:
        half.step(item)
    rest = Perceive(TimeChat().build())
    rest.restore(half.snapshot())
    for item, expected in zip(items[60:], moments[60:], strict=True):
        (moment,) = rest.step(item)
        assert np.array_equal(moment.data.admission.admitted, expected.admission.admitted)
        assert moment.data.segment == expected.segment
        assert rest.nbytes() <= rest.max_bytes()


def test_the_trigger_speaks_at_a_cut() -> None:
    stream = Planted(2, "calm", 40)
    trigger = TimeChat().trigger()
    gate = TimeChat().build()
    spoken = [item.pts for item in stream.items() if trigger.decide(item.pts, gate.admit(item))]
    cuts = [event.start for event in stream.boundaries if event.content["transition"] == "cut"]
    assert cuts
    assert set(cuts) <= set(spoken)
    assert len(spoken) <= 0.1 * stream.frames


def test_the_trigger_looks_at_recent_ratios_only_and_can_be_resumed() -> None:
    seen = admissions(3, 60, "noise")
    trigger, forgets = DropRatioDip(recent=20), DropRatioDip(recent=20)
    for admission in seen[:50]:
        trigger.decide(0, admission)
    for admission in seen[30:50]:
        forgets.decide(0, admission)
    fork, resumed = trigger.fork(), DropRatioDip(recent=20)
    resumed.restore(trigger.snapshot())
    after = [[t.decide(0, admission) for admission in seen[50:]] for t in (trigger, forgets, fork, resumed)]
    assert any(after[0])
    assert after[0][1:] == after[1][1:]
    assert after[0] == after[2] == after[3]
    assert trigger.nbytes() <= trigger.max_bytes()
    trigger.reset()
    assert not any(trigger.decide(0, admission) for admission in seen[: DropRatioDip.WARM])


@pytest.mark.parametrize("wrong", [{"dips": 0.0}, {"dips": 1.0}, {"recent": 3}])
def test_a_trigger_that_cannot_work_is_refused(wrong: dict) -> None:
    with pytest.raises(ConfigError, match="drop ratio dip"):
        DropRatioDip(**wrong)


def test_the_truth_of_the_packaged_clip() -> None:
    events = demo_events()
    assert len(events) == 33
    level = [e for e in events if e.start == 19 * SECOND]
    assert len(level) == 1
    x0, _, x1, _ = level[0].content["box"]
    assert x1 - x0 < 80  # of "Level 3.47 m" only the last digit is new
    faded = [e for e in events if e.start == 7 * SECOND]
    assert {e.content["full"] for e in faded} == {8 * SECOND}
    assert [b.start for b in demo_boundaries()] == [t * SECOND for t in (7, 16, 28, 37, 47, 58)]


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        ("timechatt", "unknown recipe 'timechatt'; did you mean timechat?"),
        ("ongebd", "OnGEBD builds no gate"),
    ],
)
def test_watch_refuses_what_is_no_gate_in_one_line(
    gate: str, says: str, capsys: pytest.CaptureFixture[str], tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["watch", "demo:", "--gate", gate])
    error = capsys.readouterr().err
    assert (end.value.code, len(error.splitlines())) == (2, 1)
    assert says in error


@pytest.mark.slow
def test_the_check_measures_every_method_on_every_regime() -> None:
    check = TimeChat().check(seed=1)
    assert set(check.baselines) == {"full input", "uniform random drop", "key frames", "settle", "periodic trigger"}
    for group in ("demo", *REGIMES):
        ours = check.measured[f"{group}_dropped"]
        assert check.baselines["full input"][f"{group}_recall"] == 1
        for name in ("uniform random drop", "key frames"):  # at the same rate
            assert check.baselines[name][f"{group}_dropped"] == pytest.approx(ours, abs=0.02)
    assert check.holds == (check.measured["demo_dropped"] >= 0.8 and check.measured["demo_recall"] >= 0.98)


@pytest.mark.slow
def test_a_threshold_that_lets_nothing_in_does_not_hold() -> None:
    assert not TimeChat(threshold=256.0).check().holds
