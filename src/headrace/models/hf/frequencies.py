"""Frequencies of rotary embeddings, worked out anew in float64 from a transformers config."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from headrace.core.errors import Unstreamable


def rope_parameters(config: Any, layer: int) -> Mapping[str, Any]:
    """The parameters that a layer's rotary embedding has in a config of transformers 5, per layer type or for all."""
    given = getattr(config, "rope_parameters", None) or {}
    types = getattr(config, "layer_types", None)
    if types and types[layer] in given:
        given = given[types[layer]] or {}
    return {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 1.0} | dict(given)


def frequencies(parameters: Mapping[str, Any], head_dim: int, config: Any) -> Tensor:
    """float64 [rotated / 2], radians a position.

    "default" and "linear" (Su et al., arXiv 2104.09864; Chen et al., arXiv 2306.15595), "llama3" (Llama 3.1's
    scaling by wavelength), "yarn" (Peng et al., arXiv 2309.00071, §3.4), "longrope" (Ding et al., arXiv 2402.13753) in
    its short regime, "proportional" (Gemma 3n). Scaling of the attention itself, which these schemes also bring, is in
    the queries and keys already: transformers multiplies it into cosine and sine, also at position 0.

    Raises:
        Unstreamable: "dynamic" scaling, whose frequencies follow the length of the text; or a type that is not known.
    """
    kind = parameters["rope_type"]
    if parameters.get("llama_4_scaling_beta"):
        why = "its queries grow with their position in the whole text"
        raise Unstreamable(f"rotary embedding of type {kind!r}", why, ("a checkpoint without llama_4_scaling_beta",))
    base = float(parameters["rope_theta"])
    rotated = int(head_dim * float(parameters.get("partial_rotary_factor", 1.0)))
    plain = base ** -(torch.arange(0, rotated, 2, dtype=torch.float64) / rotated)
    if kind == "default":
        return plain
    if kind == "linear":
        return plain / float(parameters["factor"])
    if kind == "llama3":
        return _llama3(plain, parameters)
    if kind == "yarn":
        return _yarn(plain, parameters, base, rotated, config)
    if kind == "longrope":
        return plain / torch.tensor(parameters["short_factor"], dtype=torch.float64)
    if kind == "proportional":
        turning = int(rotated // 2)
        slow = base ** -(torch.arange(0, 2 * turning, 2, dtype=torch.float64) / head_dim)
        return slow / float(parameters.get("factor") or 1.0)
    why = "its frequencies follow the length of the text" if kind == "dynamic" else "headrace does not know it"
    raise Unstreamable(f"rotary embedding of type {kind!r}", why, ("a checkpoint with another rope_type",))


def _llama3(plain: Tensor, parameters: Mapping[str, Any]) -> Tensor:
    factor, length = float(parameters["factor"]), float(parameters["original_max_position_embeddings"])
    low, high = float(parameters["low_freq_factor"]), float(parameters["high_freq_factor"])
    turns = length * plain / (2 * math.pi)
    smooth = ((turns - low) / (high - low)).clamp(0, 1)
    return (1 - smooth) * plain / factor + smooth * plain


def _yarn(plain: Tensor, parameters: Mapping[str, Any], base: float, rotated: int, config: Any) -> Tensor:
    length = float(parameters["original_max_position_embeddings"])
    factor = float(parameters.get("factor") or config.max_position_embeddings / length)

    def pair_of(turns: float) -> float:
        return rotated * math.log(length / (turns * 2 * math.pi)) / (2 * math.log(base))

    low, high = pair_of(float(parameters.get("beta_fast") or 32)), pair_of(float(parameters.get("beta_slow") or 1))
    if parameters.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, rotated - 1)
    ramp = ((torch.arange(rotated // 2, dtype=torch.float64) - low) / (max(high - low, 0.001))).clamp(0, 1)
    return plain / factor * ramp + plain * (1 - ramp)
