"""Probe: a small attention model of random weights, enough to see every bit of what a policy keeps."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from headrace.state.layout import Layout, Site
from headrace.state.rotary import Rotary
from headrace.state.tick import Tick

#: attend(site, queries [heads, n, dim], keys [kv_heads, n, dim], values [kv_heads, n, dim]) -> [n, heads, dim].
Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]


class Probe:
    """Two pre-norm layers of grouped-query attention and a gated product, float64, on the CPU.

    Args:
        seed: of the weights.
        layers, heads, kv_heads, dim: its shape; `dim` numbers a head.
        vocabulary: input ids are below it.
        dtype: of weights and entries.
    """

    SCALING = 1.0

    def __init__(
        self,
        seed: int = 0,
        *,
        layers: int = 2,
        heads: int = 4,
        kv_heads: int = 2,
        dim: int = 8,
        vocabulary: int = 64,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        draw = torch.Generator().manual_seed(seed)

        def matrix(rows: int, columns: int) -> Tensor:
            return (torch.randn(rows, columns, generator=draw, dtype=torch.float64) * rows**-0.5).to(dtype)

        width = heads * dim
        self.heads, self.kv_heads, self.dim, self.vocabulary = heads, kv_heads, dim, vocabulary
        self.frequencies = 100.0 ** -(torch.arange(0, dim, 2, dtype=torch.float64) / dim)
        self.embedding = matrix(vocabulary, width) * vocabulary**0.5
        self.layers = [
            {
                "q": matrix(width, width),
                "k": matrix(width, kv_heads * dim),
                "v": matrix(width, kv_heads * dim),
                "o": matrix(width, width),
                "up": matrix(width, width),
                "gate": matrix(width, width),
            }
            for _ in range(layers)
        ]
        rotary = Rotary(self.frequencies, dim)
        sites = tuple(Site(f"layers.{i}", heads, kv_heads, dim, dim, rotary) for i in range(layers))
        self.layout = Layout(sites, dtype)

    def __call__(self, ids: Tensor, attend: Attend | Tick) -> Tensor:
        """Hidden states [n, heads x dim] for ids [n]; `attend` stands for the attention of every layer."""
        if isinstance(attend, Tick):
            tick = attend
            attend = lambda site, q, k, v: tick.attend(site, q, k, v, scaling=self.SCALING)  # noqa: E731
        x = self.embedding[ids]
        for number, w in enumerate(self.layers):
            y = self._norm(x)
            q, k, v = (self._split(y @ w[name], heads) for name, heads in self._projections())
            x = x + attend(number, q, k, v).reshape(len(ids), -1).to(x.dtype) @ w["o"]
            y = self._norm(x)
            x = x + (y @ w["up"]) * (y @ w["gate"]).sigmoid()
        return self._norm(x)

    def _projections(self) -> tuple[tuple[str, int], ...]:
        return ("q", self.heads), ("k", self.kv_heads), ("v", self.kv_heads)

    def _split(self, x: Tensor, heads: int) -> Tensor:
        return x.view(len(x), heads, self.dim).transpose(0, 1)

    @staticmethod
    def _norm(x: Tensor) -> Tensor:
        return x * (x.pow(2).mean(-1, keepdim=True) + 1e-6).rsqrt()
