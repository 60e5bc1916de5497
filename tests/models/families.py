"""Small models of real transformers classes, built from configs with random weights; nothing is downloaded.

`FAMILIES` is the registry; transformers is imported when one is built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

#: Sliding layers look back so many positions, themselves included.
WINDOW = 8
VOCABULARY, HIDDEN, LAYERS = 101, 64, 2
#: Weights are drawn so much wider than transformers would, so that attention is sharp and positions matter.
SCALE = 3.0
#: Encoder states of one session, for models with an encoder.
FRAMES = 9

SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": HIDDEN,
    "intermediate_size": 96,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "bos_token_id": 1,
    "eos_token_id": None,
    "pad_token_id": None,
    "tie_word_embeddings": False,
}


@dataclass(frozen=True)
class Family:
    """How one small model is made, and what `load` should find out about it.

    Attributes:
        architecture: name of the transformers class; the config's is its `config_class`.
        options: of the config, over `SHAPE`.
        layout, rope: as in the report.
        windows: of each layer, None where it sees all.
    """

    architecture: str
    options: dict[str, Any] = field(default_factory=dict)
    layout: str = "half"
    rope: str = "default"
    windows: tuple[int | None, ...] = (None, None)

    @property
    def encoder(self) -> bool:
        return self.architecture.endswith("ConditionalGeneration")

    def config(self, **options: Any) -> Any:
        import transformers

        kind = getattr(transformers, self.architecture).config_class
        return kind(**{**SHAPE, **self.options, **options})

    def build(self, dtype: torch.dtype = torch.float64, seed: int = 0, **options: Any) -> Any:
        """The plain model in eval mode, with eager attention; in float64 throughout if that is asked for."""
        import transformers

        with torch.random.fork_rng(devices=[]), widened(dtype):
            torch.manual_seed(seed)
            config = self.config(**options)
            config._attn_implementation = "eager"
            config._experts_implementation = "eager"
            model = getattr(transformers, self.architecture)(config)
            with torch.no_grad():
                for name, parameter in model.named_parameters():
                    if parameter.dim() > 1:
                        parameter.mul_(SCALE)
                    elif "sinks" in name:
                        parameter.normal_()
        model = model.to(dtype).eval()
        if dtype == torch.float64:
            _widen(model.get_decoder() if self.encoder else model)
        return model


def _yarn(factor: float = 4.0) -> dict[str, Any]:
    return {"rope_type": "yarn", "rope_theta": 10000.0, "factor": factor, "original_max_position_embeddings": 128}


_LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
_LONGROPE = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "factor": 2.0,
    "short_factor": [1.0, 1.1, 1.3, 1.7, 2.0, 2.5, 3.0, 4.0],
    "long_factor": [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
    "original_max_position_embeddings": 256,
}
_SLIDING = ["sliding_attention", "full_attention"]

FAMILIES: dict[str, Family] = {
    "llama": Family("LlamaForCausalLM"),
    "llama-llama3": Family("LlamaForCausalLM", {"rope_parameters": _LLAMA3}, rope="llama3"),
    "llama-yarn": Family("LlamaForCausalLM", {"rope_parameters": _yarn()}, rope="yarn"),
    "mistral": Family("MistralForCausalLM", {"sliding_window": WINDOW}, windows=(WINDOW, WINDOW)),
    "qwen2": Family("Qwen2ForCausalLM"),
    "qwen3": Family("Qwen3ForCausalLM", {"head_dim": 24}),
    "gemma3": Family(
        "Gemma3ForCausalLM",
        {"head_dim": 16, "sliding_window": WINDOW, "layer_types": _SLIDING, "query_pre_attn_scalar": 16},
        windows=(WINDOW, None),
    ),
    "phi3": Family("Phi3ForCausalLM"),
    "phi3-longrope": Family(
        "Phi3ForCausalLM",
        {"rope_parameters": _LONGROPE, "original_max_position_embeddings": 256},
        rope="longrope",
    ),
    "gpt-neox": Family(
        "GPTNeoXForCausalLM",
        {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25}},
    ),
    "olmo2": Family("Olmo2ForCausalLM"),
    "cohere": Family("CohereForCausalLM", layout="pairs"),
    "gpt-oss": Family(
        "GptOssForCausalLM",
        {
            "head_dim": 16,
            "sliding_window": WINDOW,
            "layer_types": _SLIDING,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "rope_parameters": _yarn(),
        },
        rope="yarn",
        windows=(WINDOW, None),
    ),
    "moonshine": Family(
        "MoonshineForConditionalGeneration",
        {
            "encoder_num_hidden_layers": 1,
            "decoder_num_hidden_layers": LAYERS,
            "encoder_num_attention_heads": 4,
            "decoder_num_attention_heads": 4,
            "encoder_num_key_value_heads": 4,
            "decoder_num_key_value_heads": 4,
            "decoder_start_token_id": 1,
        },
        layout="pairs",
    ),
}


def plain(model: Any, inputs: torch.Tensor, encoded: torch.Tensor | None = None) -> torch.Tensor:
    """Logits [n, vocabulary] of the untouched model for ids [n] or embeddings [n, hidden]."""
    given = {"input_ids" if inputs.dim() == 1 else "inputs_embeds": inputs[None]}
    with torch.no_grad():
        if encoded is None:
            return model(**given, use_cache=False).logits[0]
        states = model.get_decoder()(**given, encoder_hidden_states=encoded[None], use_cache=False)
        return model.get_output_embeddings()(states.last_hidden_state)[0]


def frames(seed: int = 0, dtype: torch.dtype = torch.float64, n: int = FRAMES) -> torch.Tensor:
    """Encoder states [n, hidden]."""
    return torch.randn(n, HIDDEN, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).to(dtype)


def ids(n: int, seed: int = 0, low: int = 3) -> list[int]:
    """n token ids, none of them special."""
    return torch.randint(low, VOCABULARY, (n,), generator=torch.Generator().manual_seed(seed)).tolist()


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    """max |found - expected| / max |expected|, in float64; infinite if the shapes differ or anything is NaN."""
    if found.shape != expected.shape:
        return float("inf")
    worst = (found.double() - expected.double()).abs().max() / expected.double().abs().max()
    return float(worst) if worst.isfinite() else float("inf")


def cut(inputs: Sequence[int], chunk: int) -> Iterator[Sequence[int]]:
    """Pieces of `chunk` inputs; 0: all in one."""
    for start in range(0, len(inputs), chunk or len(inputs)):
        yield inputs[start : start + (chunk or len(inputs))]


class Wide(TorchFunctionMode):
    """Where code asks for float32, it gets float64: models compute norms and angles in float32 whatever their type."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        func = torch.Tensor.double if func is torch.Tensor.float else func
        args = [torch.float64 if arg is torch.float32 else arg for arg in args]
        kwargs = {key: torch.float64 if arg is torch.float32 else arg for key, arg in (kwargs or {}).items()}
        return func(*args, **kwargs)


@contextmanager
def widened(dtype: torch.dtype) -> Iterator[None]:
    """`Wide`, and float64 as the default, if the type is float64."""
    if dtype != torch.float64:
        yield
        return
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with Wide():
            yield
    finally:
        torch.set_default_dtype(before)


def _widen(module: Any) -> None:
    """Run the forward of a module under `Wide`; its code stays as it is."""
    forward: Callable[..., Any] = module.forward

    def wide(*args: Any, **kwargs: Any) -> Any:
        with Wide():
            return forward(*args, **kwargs)

    module.forward = wide


@cache
def _untouched(name: str, dtype: torch.dtype) -> Any:
    return FAMILIES[name].build(dtype)


@cache
def _attached(name: str, dtype: torch.dtype) -> Any:
    from headrace.models.hf.lm import LM

    return LM(FAMILIES[name].build(dtype), name=name)


def untouched(name: str, dtype: torch.dtype = torch.float64) -> Any:
    """The plain model of a family, built once; nobody may change it."""
    return _untouched(name, dtype)


def attached(name: str, dtype: torch.dtype = torch.float64) -> Any:
    """The `LM` of a family, built once, of the same weights as `untouched`; whoever changes it builds his own."""
    return _attached(name, dtype)


def opened(name: str, policy: Any, *, dtype: torch.dtype = torch.float64, **options: Any) -> Any:
    """A session of a family, with encoder states where it needs them."""
    encoded = {"encoded": frames(dtype=dtype)} if FAMILIES[name].encoder else {}
    return attached(name, dtype).session(policy, **{**encoded, **options})


def dense(place: Any, block: int = 16) -> Any:
    """A policy that drops nothing."""
    from headrace.state import Policy, everything

    return Policy(everything(), place=place, block=block, bounded=False, max_bytes=1 << 24)
