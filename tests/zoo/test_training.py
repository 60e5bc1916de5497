"""The parts by which tiny-llama is trained do what they say."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tokenizers")

import torch

from zoo.tiny_llama.corpus import Source, excerpts
from zoo.tiny_llama.model import Shape, TinyLlama, rotate
from zoo.tiny_llama.muon import Muon, orthogonal
from zoo.tiny_llama.rows import Probe, Rows
from zoo.tiny_llama.start import structured

PROBE = Probe(keys=np.arange(900, 1024), values=np.arange(100, 200), end=7, bos=0)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def model() -> TinyLlama:
    model = TinyLlama(Shape())
    structured(model, PROBE.bos, torch.Generator().manual_seed(1))
    return model.requires_grad_(False)


@pytest.fixture
def rows() -> Rows:
    text = np.random.default_rng(2).integers(200, 900, 20_000).astype(np.uint16)
    return Rows(text, PROBE, seed=3)


def test_every_asked_value_is_that_of_the_last_fact_of_its_key(rows: Rows) -> None:
    for row in [rows.facts(512) for _ in range(20)]:
        assert row.ids.shape == row.age.shape == (512,)
        assert row.ids[0] == PROBE.bos
        assert (row.age > 0).sum() >= 2
        assert set(row.age[row.age > 0].tolist()) <= set(range(4, 512))
        for place in np.flatnonzero(row.age):
            assert row.ids[place] == row.ids[place - row.age[place]]
        keys = np.flatnonzero(np.isin(row.ids, PROBE.keys))
        assert np.isin(row.ids[keys + 1], PROBE.values).all()
        assert np.isin(row.ids[keys + 2], PROBE.values).all()
        assert (row.ids[keys + 3] == PROBE.end).all()
        again = [int(k) for i, k in enumerate(keys) if row.ids[k] in row.ids[keys[:i]]]
        assert [int(p) for p in np.flatnonzero(row.age)] == [k + i for k in again for i in (1, 2)]


def test_packed_segments_ask_within_a_segment(rows: Rows) -> None:
    row = rows.packed(512, 128, 0.5)
    assert row.ids.shape == row.age.shape == (512,)
    assert row.age.max() < 128
    for place in np.flatnonzero(row.age):
        assert row.ids[place] == row.ids[place - row.age[place]]


def test_equal_seeds_draw_equal_rows(rows: Rows) -> None:
    other = Rows(rows.tokens, PROBE, seed=3)
    assert all((rows.facts(256).ids == other.facts(256).ids).all() for _ in range(3))


def test_a_window_as_long_as_the_row_is_the_dense_model(model: TinyLlama) -> None:
    ids = torch.randint(1, 900, (2, 512), generator=torch.Generator().manual_seed(4))
    scores, _ = model.windowed(ids, torch.tensor(512), 4, 512)
    torch.testing.assert_close(scores, model(ids), rtol=0, atol=1e-4)


@pytest.mark.parametrize(("sinks", "window"), [(0, 24), (4, 40)])
def test_windowed_attention_is_that_of_a_cache_with_relative_positions(sinks: int, window: int) -> None:
    """One layer, so that a query sees exactly the kept tokens, numbered 0, 1, 2, … as they stand in the cache."""
    one = TinyLlama(Shape(layers=1)).requires_grad_(False)
    ids = torch.randint(1, 900, (1, 128), generator=torch.Generator().manual_seed(5))
    scores, _ = one.windowed(ids, torch.tensor(window), sinks, 64, block=32)
    for at in (3, 23, 50, 127):
        kept = [i for i in range(at + 1) if i < sinks or i > at - (window - sinks)]
        torch.testing.assert_close(scores[:, at], one(ids[:, kept])[:, -1], rtol=0, atol=1e-4)


def test_at_the_start_a_token_looks_at_bos_and_at_the_token_before(model: TinyLlama) -> None:
    ids = torch.randint(1, 900, (1, 64), generator=torch.Generator().manual_seed(6))
    ids[0, 0] = PROBE.bos
    layer, head = model.layers[0], model.shape.head
    normal = layer.input_layernorm(model.embed_tokens(ids))
    q, k = (layer.self_attn[f"{n}_proj"](normal).unflatten(-1, (4, head)).transpose(1, 2) for n in "qk")
    turn = model.angles(torch.arange(64))
    scores = (rotate(q, turn) @ rotate(k, turn).mT * head**-0.5)[0]
    weights = scores.masked_fill(torch.ones(64, 64).triu(1).bool(), -torch.inf).softmax(-1)
    assert weights[1:, 8:, 0].mean() > 0.9
    # The scores rest on a constant, which the noise of an embedding blurs a little.
    assert weights[0].diagonal(-1)[8:].mean() > 0.8


def test_the_share_of_attention_on_bos_is_told_for_every_head(model: TinyLlama) -> None:
    ids = torch.randint(1, 900, (1, 512), generator=torch.Generator().manual_seed(9))
    ids[0, 0] = PROBE.bos
    _, share = model.windowed(ids, torch.tensor(200), 4, 200)
    assert share.shape == (4, 4)
    assert share[0, 1:].min() > 0.8
    assert share[0, 0] < 0.1
    ids[0, 0] = 5
    assert model.windowed(ids, torch.tensor(200), 4, 200)[1].max() < 0.1


def test_orthogonal_brings_singular_values_near_one() -> None:
    batch = torch.randn(3, 16, 40, generator=torch.Generator().manual_seed(7))
    values = torch.linalg.svdvals(orthogonal(batch))
    assert values.min() > 0.4
    assert values.max() < 1.4


def test_muon_lowers_a_loss_and_clears_gradients() -> None:
    model = TinyLlama(Shape(layers=1))
    optimiser = Muon(model, 0.02, 3e-3)
    ids = torch.randint(1, 900, (2, 32), generator=torch.Generator().manual_seed(8))
    losses = []
    for _ in range(10):
        loss = torch.nn.functional.cross_entropy(model(ids)[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        optimiser.step(1.0)
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 1
    assert all(p.grad is None for p in model.parameters())


def test_only_text_under_pythons_own_licence_is_passed_on() -> None:
    line = "x = 1  # a line\n"
    sources = [
        Source("a.py", line * 40),
        Source("b.py", "# Copyright 1999 A. N. Other\n" + line * 40),
        Source("c.py", "# see the licence\n" + line * 40),
        Source("d.py", line * 4000),
        Source("e.py", line),
    ]
    assert sorted(len(text) for text in excerpts(sources, longest=1000)) == [len(line) * 40, len(line) * 62]
