"""Attached models say what the untouched ones say, fed in any pieces, as long as nothing is dropped."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from headrace.state import absolute, cache
from tests.models.families import (
    FAMILIES,
    VOCABULARY,
    WINDOW,
    Family,
    attached,
    cut,
    dense,
    frames,
    ids,
    opened,
    plain,
    relative,
    untouched,
)

pytest.importorskip("transformers")

#: Inputs a piece (0: all at once), of how many, and where entries stand.
FEEDS = {
    "one by one, cache": (1, 40, cache()),
    "by sevens, absolute": (7, 100, absolute()),
    "by 64, cache": (64, 128, cache()),
    "whole, absolute": (0, 128, absolute()),
}


def fed(name: str, policy: Any, text: list[int], chunk: int, dtype: torch.dtype = torch.float64, **options: Any) -> Any:
    """Logits [n, vocabulary] of a text in pieces."""
    session = opened(name, policy, dtype=dtype, **options)
    return torch.cat([attached(name, dtype).read([(session, piece)])[0] for piece in cut(text, chunk)])


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("name", FAMILIES)
def test_in_float64_nothing_but_rounding_is_between_them(name: str, feed: str) -> None:
    chunk, n, place = FEEDS[feed]
    expected = plain(untouched(name), torch.tensor(ids(n)), frames() if FAMILIES[name].encoder else None)
    assert relative(fed(name, dense(place), ids(n), chunk), expected) < 1e-9


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-4), (torch.bfloat16, 3e-2)])
@pytest.mark.parametrize("name", FAMILIES)
def test_shorter_types_are_as_close_as_they_can_be(name: str, dtype: torch.dtype, bound: float) -> None:
    states = frames(dtype=dtype) if FAMILIES[name].encoder else None
    expected = plain(untouched(name, dtype), torch.tensor(ids(64)), states)
    found = fed(name, dense(cache()), ids(64), 7, dtype)
    assert found.dtype == expected.dtype == dtype
    assert relative(found, expected) < bound


@pytest.mark.parametrize("start", [0, 2**31, 10**12])
def test_the_number_of_the_first_input_does_not_matter(start: int) -> None:
    expected = plain(untouched("llama"), torch.tensor(ids(60)))
    assert relative(fed("llama", dense(absolute()), ids(60), 7, start=start), expected) < 1e-9


def test_sliding_layers_see_their_window_and_no_more() -> None:
    reach = 2 * (WINDOW - 1)  # of two layers
    text, other = ids(60), [7, *ids(60)[1:]]
    assert text[0] != 7
    one, two = (fed("mistral", dense(cache(), block=4), inputs, 5) for inputs in (text, other))
    apart = [relative(a, b) for a, b in zip(one, two, strict=True)]
    assert min(apart[:WINDOW]) > 1e-9
    assert apart[reach] > 1e-12
    assert max(apart[reach + 1 :]) == 0


def test_a_bounded_policy_wider_than_the_windows_is_the_plain_model_for_ever() -> None:
    from headrace.state import Policy, recent

    text = ids(120)
    session = opened("mistral", Policy(recent(tokens=2 * WINDOW), place=cache(), block=4))
    found = torch.cat([attached("mistral").read([(session, piece)])[0] for piece in cut(text, 7)])
    assert session.container.evicted > 90
    assert relative(found, plain(untouched("mistral"), torch.tensor(text))) < 1e-9


@pytest.mark.parametrize("name", ["llama", "gemma3"])
def test_embeddings_are_read_as_their_ids_would_be(name: str) -> None:
    lm = attached(name)
    expected = fed(name, dense(cache()), ids(30), 0)
    session = opened(name, dense(cache()))
    embeddings = lm.attached.embed(torch.tensor(ids(30)))
    found = torch.cat([lm.read([(session, embeddings[:11])])[0], lm.read([(session, ids(30)[11:])])[0]])
    assert relative(found, expected) < 1e-9


def test_another_encoder_state_is_another_text() -> None:
    lm = attached("moonshine")
    one, two = (lm.session(dense(cache()), encoded=frames(seed, n=n)) for seed, n in ((0, 9), (1, 5)))
    both = lm.read([(one, ids(20)), (two, ids(20))])
    for found, (seed, n) in zip(both, ((0, 9), (1, 5)), strict=True):
        assert relative(found, plain(untouched("moonshine"), torch.tensor(ids(20)), frames(seed, n=n))) < 1e-9


def test_the_model_cannot_be_called_past_headrace() -> None:
    from headrace.core.errors import StateError

    with pytest.raises(StateError, match="belongs to headrace"):
        attached("llama").attached.model(torch.tensor([ids(5)]))


def test_the_vocabulary_is_the_configs() -> None:
    assert attached("llama").vocabulary == VOCABULARY


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        # all layers of one type, while the config has frequencies for two
        ("Olmo3ForCausalLM", {"sliding_window": WINDOW, "layer_types": ["sliding_attention"] * 2}),
        ("Olmo3ForCausalLM", {"sliding_window": WINDOW, "layer_types": ["sliding_attention", "full_attention"]}),
        # an output that is viewed, not reshaped
        ("JetMoeForCausalLM", {"kv_channels": 16, "num_local_experts": 4, "num_experts_per_tok": 2}),
        # no rotary embedding in every other layer
        ("SmolLM3ForCausalLM", {"no_rope_layers": [1, 0]}),
        # layers that read the keys of others
        (
            "Gemma3nForCausalLM",
            {
                "head_dim": 16,
                "num_hidden_layers": 4,
                "layer_types": ["sliding_attention", "full_attention"] * 2,
                "sliding_window": WINDOW,
                "num_kv_shared_layers": 2,
                "vocab_size_per_layer_input": VOCABULARY,
                "hidden_size_per_layer_input": 8,
                "intermediate_size": [96] * 4,
                "activation_sparsity_pattern": [0.0] * 4,
                "laurel_rank": 8,
            },
        ),
        # logits under a soft cap
        ("Gemma2ForCausalLM", {"head_dim": 16, "sliding_window": WINDOW, "attn_logit_softcapping": 2.0}),
    ],
)
def test_what_is_peculiar_to_other_families(architecture: str, options: dict[str, Any]) -> None:
    from headrace.models.hf.lm import LM

    family = Family(architecture, options)
    lm, text = LM(family.build(torch.float32)), ids(60)
    session = lm.session(dense(cache()))
    found = torch.cat([lm.read([(session, piece)])[0] for piece in cut(text, 7)])
    assert relative(found, plain(family.build(torch.float32), torch.tensor(text))) < 1e-4
