"""flashvstream, savemem and videoscaffold: what they build, at which budgets, and what their checks measure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.recipes.encoded import Encoded, streams
from headrace.recipes.flashvstream import FlashVStream
from headrace.recipes.remembered import Remembered, compared, figures, grid_of, looked_for
from headrace.recipes.savemem import SAVEMem
from headrace.recipes.videoscaffold import VideoScaffold
from headrace.understanding.gates.everything import AdmitAll
from headrace.understanding.memories import Window
from headrace.understanding.tokens import Cue

RECIPES = (FlashVStream, SAVEMem, VideoScaffold)


@pytest.fixture(scope="module")
def stream() -> Encoded:
    return next(streams(("calm",), 0, 1, 300.0))


@pytest.mark.parametrize("kind", RECIPES)
@pytest.mark.parametrize("tokens", [260, 512, 1728, 4000])
def test_a_recipe_is_scaled_to_a_budget(kind: Any, tokens: int) -> None:
    scaled = kind().at(tokens)
    memory = scaled.build()
    assert tokens - 6 < memory.budget <= tokens
    assert memory.budget == scaled.budget
    assert memory.max_bytes() < kind().at(2 * tokens).build().max_bytes()


@pytest.mark.parametrize("kind", RECIPES)
def test_the_published_size_is_the_default_and_too_small_a_budget_is_refused(kind: Any) -> None:
    assert kind().build().budget == kind().budget
    with pytest.raises(ConfigError, match=f"{kind.name}: a budget of 40 rows"):
        kind().at(40)


def test_flashvstream_has_the_numbers_of_the_paper() -> None:
    memory = FlashVStream().build()
    assert (memory.clusters, memory.slots, memory.looked_up, memory.pool) == (25, 25, 3, (2, 3))
    assert memory.budget == 24 + 25 * 6 + 25 + 3 * 24


def test_flashvstream_is_constant_and_readable_after_every_frame(stream: Encoded) -> None:
    assert FlashVStream().at(512).readable(stream) == (True, len(stream.items))


def test_videoscaffold_finds_the_scenes_of_a_stream_that_cuts() -> None:
    cut = next(streams(("cut",), 0, 1, 300.0))
    found, windows = VideoScaffold().scored(cut)
    assert found.f1 > 0.7 > windows.f1


def test_what_is_kept_is_judged_by_age(stream: Encoded) -> None:
    done = compared(stream, {"tiny": Window(grid_of(stream), 24)}, 720, seed=0)
    whole, tiny = figures([done["everything"]]), figures([done["tiny"]])
    assert whole["accuracy"] == 1.0
    assert tiny["accuracy"] < figures([done["FIFO"]])["accuracy"] + 0.05 < whole["accuracy"] + 0.05
    assert tiny["bytes"] < whole["bytes"]
    again = Remembered.of(stream, Window(grid_of(stream), 24))
    assert again.right == done["tiny"].right


@pytest.mark.parametrize("regime", ["calm", "pan"])
def test_a_cue_is_the_portraits_of_whom_a_question_is_about_at_every_offset(regime: str) -> None:
    panned = next(streams((regime,), 0, 1, 300.0))
    offsets = len(range(-panned.world.settings.reach, panned.world.settings.reach + 1, 2))
    assert (offsets > 1) == (regime == "pan")
    for asked in panned.asked:
        cue = looked_for(panned.oracle, asked)
        assert (cue is None) == (not asked.who)
        if cue is not None:
            assert cue.shape == (len(asked.who) * offsets, 48)
            assert np.allclose(np.linalg.norm(cue, axis=1), 1, atol=1e-5)


def test_savemem_reads_nine_tenths_of_its_moments_at_any_budget(stream: Encoded) -> None:
    assert [SAVEMem().at(tokens).top for tokens in (216, 2624, 5248)] == [10, 10, 20]
    assert SAVEMem(floor=0.3, even=0.2).build().floor == 0.3
    memory, gate = SAVEMem(ratio=float("inf")).at(216).build(), AdmitAll()
    for item in stream.items:
        memory.write(gate.admit(item))
    cue = stream.oracle.portraits(next(asked.who[0] for asked in stream.asked if asked.who))
    whole, found = (memory.read(Cue(wanted), 300 * SECOND).rows for wanted in (None, cue))
    assert len(np.unique(found.first)) >= 0.9 * len(np.unique(whole.first)) > 20


@pytest.mark.slow
@pytest.mark.parametrize("kind", RECIPES)
def test_a_check_measures_the_claim_beside_its_baselines(kind: Any) -> None:
    check = kind().check()
    assert {"FIFO", "reservoir", "everything"} <= set(check.baselines)
    assert check.measured["distant"] <= check.baselines["everything"]["distant"] + 0.05
    assert check.baselines["FIFO"]["distant"] < check.baselines["everything"]["distant"]
    assert check.note
