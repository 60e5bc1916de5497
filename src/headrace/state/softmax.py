"""Softmax over segments: queries turn once a segment, then one softmax over the entries of all of them.

Throughout, m = n x group: the queries of one key head, those of one input side by side.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: Types whose softmax is taken in float32.
SHORT = (torch.float16, torch.bfloat16)


def weights(queries: Tensor, keys: Tensor, turns: Tensor | None, bias: Tensor, softcap: float = 0.0) -> Tensor:
    """Logits of queries over the entries of all slots, biased.

    Args:
        queries: [kv_heads, m, key_dim], scaled; if `turns` is given complex [kv_heads, m, key_dim / 2] and turned by
            their own offset.
        keys: [slots x kv_heads, key_dim, block], each key turned by its own offset (`KV.reads`).
        turns: complex [slots, 1, 1, key_dim / 2], by (base of the queries' segment - base of the slot's).
        bias: [m, slots x block]; -inf where a query does not see.
        softcap: c of c x tanh(logits / c), 0 for none.

    Returns:
        [kv_heads, m, slots x block], in the dtype of the keys.
    """
    heads, m = queries.shape[:2]
    slots, block = keys.shape[0] // heads, keys.shape[2]
    if turns is None:
        turned = queries.expand(slots, heads, m, -1)
    else:
        turned = torch.view_as_real(queries * turns)
        turned = turned if turned.dtype == keys.dtype else turned.to(keys.dtype)
    logits = torch.bmm(turned.reshape(slots * heads, m, -1), keys)
    logits = logits.view(slots, heads, m, block).permute(1, 2, 0, 3).reshape(heads, m, slots * block)
    if softcap:
        logits = softcap * torch.tanh(logits / softcap)
    return logits.add_(bias)


def mix(logits: Tensor, values: Tensor, sinks: Tensor | None = None) -> Tensor:
    """Softmax, and the mean of values under it.

    Args:
        logits: [kv_heads, m, entries].
        values: [kv_heads, entries, value_dim]; rows may be strided.
        sinks: [kv_heads, m]: logits of one more entry for each query, whose value is zero.

    Returns:
        [kv_heads, m, value_dim].
    """
    if sinks is not None:
        logits = torch.cat([logits, sinks.to(logits.dtype)[..., None]], -1)
    probabilities = shares(logits)
    return torch.bmm(probabilities if sinks is None else probabilities[..., :-1], values)


def shares(logits: Tensor) -> Tensor:
    """Softmax along the last axis, in the dtype of the logits."""
    if logits.dtype in SHORT:
        return logits.softmax(-1, dtype=torch.float32).to(logits.dtype)
    return logits.softmax(-1)
