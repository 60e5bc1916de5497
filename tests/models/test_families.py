"""The small models are what the other tests take them for."""

from __future__ import annotations

import pytest
import torch

from headrace.state import none
from tests.models.families import FAMILIES, HIDDEN, LAYERS, VOCABULARY, dense, frames, ids, opened, plain, relative
from tests.models.families import attached as attach
from tests.models.families import untouched as untouch

pytest.importorskip("transformers")


@pytest.mark.parametrize("name", FAMILIES)
def test_load_finds_out_how_a_family_turns_its_keys(name: str) -> None:
    report, family = attach(name).report, FAMILIES[name]
    assert (report.family, report.sites, report.layout, report.rope) == (
        family.architecture,
        LAYERS,
        family.layout,
        family.rope,
    )
    assert report.error < 1e-12
    assert bool(report.notes) == (family.rope == "longrope")


@pytest.mark.parametrize("name", FAMILIES)
def test_positions_and_the_past_matter(name: str) -> None:
    model = untouch(name)
    states = frames() if FAMILIES[name].encoder else None
    assert model.get_input_embeddings().weight.shape == (VOCABULARY, HIDDEN)
    assert model.dtype == torch.float64
    text = ids(40)
    expected = plain(model, torch.tensor(text), states)
    swapped = plain(model, torch.tensor([*text[:36], text[37], text[36], *text[38:]]), states)
    assert relative(swapped[-1], expected[-1]) > 1e-4
    [unturned] = attach(name).read([(opened(name, dense(none())), text)])
    assert relative(unturned, expected) > 1e-2


def test_a_seed_gives_a_model() -> None:
    build = FAMILIES["llama"].build
    one, same, other = (torch.cat([p.flatten() for p in build(seed=seed).parameters()]) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
