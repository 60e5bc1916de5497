"""The structured start: circuits that would need far more tokens than these two stages to form by themselves.

Dimension 0 of every embedding is a constant, dimension 1 marks `<bos>`; no layer writes to either at the start.
- Every head has a null sink: it looks at `<bos>`, whose value is almost nothing, unless something else scores higher
  (attention sinks: Xiao et al., 2024, arXiv:2309.17453).
- Layer 0, head 0 looks at the token before; layer 1, head 0 looks for the token that followed an earlier occurrence of
  the current one and copies it (induction heads: Olsson et al., 2022, arXiv:2209.11895).
Training goes through all of it; nothing is frozen.
"""

from __future__ import annotations

import math

import torch

from zoo.tiny_llama.model import TinyLlama

CONSTANT = 0.4  # of dimension 0
NOISE = 0.05  # standard deviation of the rest of an embedding
SINK = (8.0, 8.0, 9.0, 9.0)  # a layer's attention score of any token on <bos>
QUIET = 0.15 * 0.3  # scale of what layers write at the start
FAST_PAIRS = 6  # rotary pairs by which the token before is found
SLOW_PAIRS = 8  # rotary pairs by which contents are compared at any distance
BEFORE = 7.15  # strength of the token before, per pair
MATCH = 3.0  # strength of the comparison


@torch.no_grad()
def structured(model: TinyLlama, bos: int, generator: torch.Generator) -> None:
    """Set all parameters of `model`."""
    shape = model.shape
    wide, head, half = shape.width, shape.head, shape.head // 2
    spread = 0.6 * wide**-0.5
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            parameter.fill_(1.0)
        else:
            parameter.normal_(0.0, NOISE if name.startswith("embed") else spread, generator=generator)
    embedding = model.embed_tokens.weight
    embedding[:, 0], embedding[:, 1] = CONSTANT, 0.0
    embedding[bos] = 0.0
    embedding[bos, 1] = 1.0
    normal = CONSTANT * math.sqrt(wide) / math.sqrt(CONSTANT**2 + NOISE**2 * wide)  # dimension 0 after the norm
    slowest = [h * head + half - 1 for h in range(shape.heads)]
    for layer, score in zip(model.layers, SINK, strict=True):
        q, k, v, o = (layer.self_attn[f"{n}_proj"].weight for n in "qkvo")
        v[:, :2] = 0.0
        strength = math.sqrt(score * math.sqrt(head) / (normal * math.sqrt(wide)))
        q[slowest, :2] = torch.tensor([strength, 0.0])
        k[slowest, :2] = torch.tensor([0.0, strength])
        for writes in (o, layer.mlp["down_proj"].weight):
            writes *= QUIET
            writes[:2] = 0.0
    _token_before(model, BEFORE / normal)
    _induction(model)


def _token_before(model: TinyLlama, strength: float) -> None:
    """Layer 0, head 0: the score is the sum of cos((distance - 1) * frequency) over the fastest pairs."""
    shape = model.shape
    head, half = shape.head, shape.head // 2
    q, k, o = (model.layers[0].self_attn[f"{n}_proj"].weight for n in "qko")
    q[:head] *= 0.1
    k[:head] *= 0.1
    q[half - 1, 0] = k[half - 1, 1] = 0.0
    for pair in range(FAST_PAIRS):
        frequency = shape.theta ** (-pair / half)
        q[pair, 0] = strength
        k[pair, 0] = strength * math.cos(frequency)
        k[pair + half, 0] = strength * math.sin(frequency)
    o[:, :head] *= 1 / 0.15


def _induction(model: TinyLlama) -> None:
    """Layer 1, head 0: a query reads the current token as layer 0, head 0 reads the token before a key, and copies."""
    head, half = model.shape.head, model.shape.head // 2
    first, second = (model.layers[i].self_attn for i in (0, 1))
    reads, writes = first["v_proj"].weight[:head], first["o_proj"].weight[:, :head]
    slow = [i + side for side in (0, half) for i in range(half - 1 - SLOW_PAIRS, half - 1)]
    q, k = second["q_proj"].weight, second["k_proj"].weight
    q[:head, 2:] *= 0.1
    k[:head, 2:] *= 0.1
    q[slow] = MATCH * reads[slow]
    k[slow] = MATCH * writes.T[slow] * (reads.norm() / writes.norm())
    second["o_proj"].weight[:, :head] = second["v_proj"].weight[:head].T
