"""Attention over segments: queries turn once a segment, then one softmax over all of them."""

from __future__ import annotations

import torch
from torch import Tensor


def weights(queries: Tensor, keys: Tensor, turns: Tensor | None, bias: Tensor, softcap: float = 0.0) -> Tensor:
    """Logits of queries over the entries of all slots, biased; the last axis is ready for a softmax.

    Args:
        queries: [kv_heads, n, group, key_dim], scaled; complex [..., key_dim / 2] and turned by their own offset if
            `turns` is given.
        keys: [slots, kv_heads, block, key_dim], each turned by its own offset.
        turns: complex [slots, key_dim / 2], by (base of the queries' segment - base of the slot's).
        bias: [n, slots x block] or [1, slots x block]; -inf where a query does not see.
        softcap: c of c x tanh(logits / c), 0 for none.

    Returns:
        [kv_heads, n, group, slots x block], in the dtype of the keys.
    """
    slots, heads, block, dim = keys.shape
    n, group = queries.shape[1:3]
    flat = queries.reshape(heads, n * group, -1)
    if turns is not None:
        turned = torch.view_as_real(flat * turns[:, None, None]).to(keys.dtype)
        flat = turned.reshape(slots * heads, n * group, dim)
    else:
        flat = flat.expand(slots, heads, n * group, dim).reshape(slots * heads, n * group, dim)
    logits = torch.bmm(flat, keys.reshape(slots * heads, block, dim).transpose(1, 2))
    logits = logits.view(slots, heads, n, group, block).permute(1, 2, 3, 0, 4).reshape(heads, n, group, slots * block)
    if softcap:
        logits = softcap * torch.tanh(logits / softcap)
    return logits + bias[:, None]


def attend(logits: Tensor, values: Tensor, sinks: Tensor | None = None) -> Tensor:
    """Softmax, and the mean of values under it.

    Args:
        logits: [kv_heads, n, group, entries].
        values: [kv_heads, entries, value_dim]; rows may be strided.
        sinks: [kv_heads, group]: logits of one more entry a head, whose value is zero.

    Returns:
        [n, kv_heads x group, value_dim].
    """
    heads, n, group, entries = logits.shape
    if sinks is not None:
        logits = torch.cat([logits, sinks.to(logits.dtype)[:, None, :, None].expand(heads, n, group, 1)], -1)
    wide = torch.float32 if logits.dtype in (torch.float16, torch.bfloat16) else logits.dtype
    probabilities = logits.softmax(-1, dtype=wide)[..., :entries].to(values.dtype)
    read = torch.bmm(probabilities.reshape(heads, n * group, entries), values)
    return read.view(heads, n, group, -1).transpose(0, 1).reshape(n, heads * group, -1)
