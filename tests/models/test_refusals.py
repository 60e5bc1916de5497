"""Models that cannot run as a stream are refused by name, before they give wrong answers."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from headrace.core.errors import HeadraceError, Unstreamable
from headrace.models.hf.lm import LM
from tests.models.families import FAMILIES, HIDDEN, LAYERS, VOCABULARY, Family

transformers = pytest.importorskip("transformers")

_SMALL = {"n_embd": HIDDEN, "n_layer": LAYERS, "n_head": 4}
_DYNAMIC = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}
#: Ministral 3: queries grow with their absolute position, from the end of the first training length on.
_SCALED = {
    "rope_type": "yarn",
    "rope_theta": 10000.0,
    "factor": 2.0,
    "original_max_position_embeddings": 32,
    "llama_4_scaling_beta": 0.1,
    "beta_fast": 32.0,
    "beta_slow": 1.0,
    "mscale": 1.0,
    "mscale_all_dim": 1.0,
}
#: What is refused, and what the message has to name.
REFUSED: dict[str, tuple[Family, str]] = {
    "GPT-2, learned positions": (Family("GPT2LMHeadModel", _SMALL), r"module transformer\.wpe .*absolute positions"),
    "OPT, learned positions": (
        Family("OPTForCausalLM", {"ffn_dim": 96, "word_embed_proj_dim": HIDDEN, "pad_token_id": 1}),
        r"module model\.decoder\.embed_positions .*absolute positions",
    ),
    "BLOOM, ALiBi": (Family("BloomForCausalLM", {"n_head": 4}), "BloomConfig .*attention interface"),
    "MPT, ALiBi": (Family("MptForCausalLM", {"d_model": HIDDEN, "n_heads": 4, "n_layers": LAYERS}), "attention"),
    "GPT-J, attention of its own": (Family("GPTJForCausalLM", {**_SMALL, "rotary_dim": 8}), "attention interface"),
    "Mamba, a recurrence": (Family("MambaForCausalLM"), "layer 0 .*linear_attention"),
    "dynamic NTK": (Family("LlamaForCausalLM", {"rope_parameters": _DYNAMIC}), "'dynamic' .*length of the text"),
    "Llama 4, chunks": (
        Family(
            "Llama4ForCausalLM",
            {
                "attention_chunk_size": 8,
                "layer_types": ["full_attention", "chunked_attention"],
                "num_local_experts": 2,
                "intermediate_size_mlp": 96,
                "head_dim": 16,
            },
        ),
        "layer 1 .*chunked_attention",
    ),
    "DeepSeek V3, latent heads": (
        Family(
            "DeepseekV3ForCausalLM",
            {
                "kv_lora_rank": 16,
                "q_lora_rank": 16,
                "qk_rope_head_dim": 8,
                "qk_nope_head_dim": 16,
                "v_head_dim": 16,
                "n_routed_experts": 4,
                "num_experts_per_tok": 2,
                "n_group": 1,
                "topk_group": 1,
                "first_k_dense_replace": 2,
                "num_key_value_heads": 4,
            },
        ),
        "layer 0 of DeepseekV3ForCausalLM .*differ",
    ),
    "DiffLlama, two readings a layer": (Family("DiffLlamaForCausalLM", {"num_key_value_heads": 4}), "layer|module"),
    "Ministral 3, queries that grow": (
        Family("Ministral3ForCausalLM", {"head_dim": 16, "rope_parameters": _SCALED}),
        "position|scal",
    ),
}


def refusal(model: Any) -> str:
    with pytest.raises(Unstreamable) as caught:
        LM(model)
    message = str(caught.value)
    assert "\n" not in message
    assert "cannot stream: " in message
    assert isinstance(caught.value, HeadraceError)
    return message


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_stream_is_refused_by_name(case: str) -> None:
    import re

    family, names = REFUSED[case]
    message = refusal(family.build(torch.float32))
    assert re.search(names, message), message


def test_whispers_decoder_is_refused() -> None:
    config = transformers.WhisperConfig(
        vocab_size=VOCABULARY,
        d_model=HIDDEN,
        encoder_layers=1,
        decoder_layers=LAYERS,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=96,
        decoder_ffn_dim=96,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    message = refusal(transformers.WhisperForConditionalGeneration(config).eval())
    assert message.startswith("module embed_positions cannot stream: WhisperPositionalEmbedding")


# ── wrong on purpose ─────────────────────────────────────────────────────────────────────────────────────────────────


def _spoilt(name: str, number: int, spoil: Any) -> Any:
    """A model one layer of which turns its keys in a way that its config does not tell."""
    model = FAMILIES[name].build(torch.float32)
    attention = model.model.layers[number].self_attn
    forward = attention.forward

    def wrong(*args: Any, position_embeddings: Any, **kwargs: Any) -> Any:
        return forward(*args, position_embeddings=spoil(*position_embeddings), **kwargs)

    attention.forward = wrong
    return model


@pytest.mark.parametrize("number", range(LAYERS))
@pytest.mark.parametrize("name", ["llama", "gemma3"])
def test_the_self_check_names_the_layer_that_turns_otherwise(name: str, number: int) -> None:
    def backwards(cos: Any, sin: Any) -> Any:
        return cos.flip(-1), sin.flip(-1)

    assert f"layer {number} of {FAMILIES[name].architecture}" in refusal(_spoilt(name, number, backwards))


def test_a_base_that_the_config_does_not_tell_is_noticed() -> None:
    def slower(cos: Any, sin: Any) -> Any:
        angles = torch.atan2(sin, cos)
        return (angles * 0.5).cos(), (angles * 0.5).sin()

    assert "layer 1 of LlamaForCausalLM" in refusal(_spoilt("llama", 1, slower))


def test_frequencies_of_another_base_are_noticed() -> None:
    model = FAMILIES["llama"].build(torch.float32)
    model.config.rope_parameters["rope_theta"] = 500.0
    assert "layer 0 of LlamaForCausalLM" in refusal(model)


def test_a_model_whose_weights_are_not_finite_is_refused() -> None:
    model = FAMILIES["llama"].build(torch.float32)
    with torch.no_grad():
        model.model.layers[1].mlp.down_proj.weight.fill_(float("nan"))
    refusal(model)


def test_a_refusal_leaves_nothing_behind() -> None:
    """Hooks of the search for the layer are gone, and other models are not touched."""
    from headrace.models.hf.attach import UNDER_WAY

    model = _spoilt("llama", 0, lambda cos, sin: (sin, cos))
    refusal(model)
    assert not any(module._forward_hooks for module in model.modules())
    assert UNDER_WAY.get() is None
    assert LM(FAMILIES["llama"].build(torch.float32)).report.error < 1e-4
