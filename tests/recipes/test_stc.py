"""STC: the gate it builds, and what its check measures."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.evaluation.millrace import REGIMES
from headrace.recipes.registry import open_registry
from headrace.recipes.stc import CHANGE, ENCODING, PREFILL, STC
from headrace.understanding.gates.cacher import KEYS, Cacher
from headrace.understanding.gates.pruner import Pruner
from tests.laws.gates import item, unit


def test_the_registry_finds_it_and_its_settings_reach_the_gates() -> None:
    assert open_registry().entry("stc").load() is STC
    cacher, pruner = STC(interval=3, update=0.5, keep=0.2).build().gates
    assert isinstance(cacher, Cacher)
    assert isinstance(pruner, Pruner)
    assert (cacher.interval, cacher.share, pruner.share) == (3, 0.5, 0.2)
    usual, ours = (Cacher(), Pruner()), STC().build().gates
    assert [vars(one)[name] for one, name in zip(usual, ("share", "share"), strict=True)] == [
        ours[0].share,
        ours[1].share,
    ]


def test_it_saves_at_least_the_papers_shares() -> None:
    draw, gate = np.random.default_rng(4), STC().build()
    said = [gate.admit(item(unit(draw.normal(size=(14, 14, 16))), k)) for k in range(20)]
    assert {int(one.admitted.sum()) for one in said} == {60}
    assert np.mean([one.computed for one in said]) == pytest.approx((1 + KEYS + (1 - KEYS) / 4) / 2)
    assert 1 - np.mean([one.computed for one in said]) >= ENCODING
    assert PREFILL <= 1 - 60 / 196


@pytest.mark.slow
def test_the_check_stands_beside_its_baselines() -> None:
    recipe = STC(keep=0.02)
    check = recipe.check(seed=1)
    assert set(check.baselines) == {"everything", "cacher alone", "pruner alone", "random tokens", "whole pictures"}
    whole, ours = check.baselines["everything"], check.measured
    assert whole["admitted"] == whole["computed"] == 1
    assert check.baselines["random tokens"]["admitted"] == pytest.approx(recipe.keep, abs=0.01)
    for figures in (ours, *check.baselines.values()):
        assert np.mean([figures[f"{regime}_accuracy"] for regime in REGIMES]) == pytest.approx(
            figures["accuracy"], abs=0.05
        )
    assert ours["lost"] == pytest.approx(whole["accuracy"] - ours["accuracy"])
    assert check.holds == (abs(ours["lost"]) <= CHANGE)
    assert ours["encoding_fell"] >= ENCODING
    assert ours["tokens_fell"] >= PREFILL
    assert not check.holds  # one token a picture is too few
