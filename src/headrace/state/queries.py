"""LastQueries: the newest queries of every site, and the attention that they give each segment."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from headrace.state.kv import KV
from headrace.state.layout import Layout
from headrace.state.softmax import weights
from headrace.state.table import SegmentTable


class LastQueries:
    """What scores by attention are made from.

    Of each site the last `count` queries are kept, turned by their offset and laid out pair by pair like keys, oldest
    first at the end of their buffer. Attention weights of the forward pass itself are never kept.

    Args:
        layout: the sites.
        count: queries a site; 0 keeps nothing.
    """

    def __init__(self, layout: Layout, count: int) -> None:
        self.layout, self.count = layout, count
        like = {"dtype": layout.dtype, "device": layout.device}
        self.buffers = [torch.zeros(count, site.heads, site.key_dim, **like) for site in layout.sites]

    def keep(self, queries: Mapping[int, Tensor], n: int) -> None:
        """Keep the last of the first n queries of a step, by site: [kv_heads, steps x group, key_dim] or its pairs."""
        for number, found in queries.items():
            site, held = self.layout.sites[number], self.buffers[number]
            found = torch.view_as_real(found).flatten(-2) if found.is_complex() else found
            rows = found.unflatten(1, (-1, site.heads // site.kv_heads))[:, :n].transpose(0, 1)
            rows = rows.reshape(n, site.heads, site.key_dim).to(held.dtype)[-self.count :]
            held.copy_(torch.cat([held[len(rows) :], rows]))

    def masses(self, number: int, table: SegmentTable, kv: KV) -> Tensor:
        """float64 [segments]: attention an entry from the last queries of the last segment, at one site.

        The mean over queries and heads of softmax weights, summed over a segment and divided by its length.
        """
        site, last = self.layout.sites[number], table.segments[-1]
        m = min(self.count, last.length)
        held = self.buffers[number][-m:].view(m, site.kv_heads, -1, site.key_dim).transpose(0, 1).flatten(1, 2)
        turns = None
        if table.policy.place.rotates and site.rotary is not None:
            wide = held if held.dtype in (torch.float32, torch.float64) else held.float()
            held = torch.view_as_complex(wide.unflatten(-1, (-1, 2)).contiguous())
            turns = table.turns(site.rotary, held)
        keys, values = kv.reads(table.used)
        bias = table.bias(last.length - m, m, None, values).repeat_interleave(site.heads // site.kv_heads, 0)
        shares = weights(held, keys, turns, bias).double().softmax(-1).mean((0, 1))
        slots = shares.view(table.used, -1).sum(1).cpu()
        return torch.stack([slots[segment.slots].sum() / max(segment.length, 1) for segment in table.segments])
