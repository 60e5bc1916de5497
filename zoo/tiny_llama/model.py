"""A plain Llama for training: its parameters carry the names of transformers' `LlamaForCausalLM` without `model.`"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """The sizes of the model; the output matrix is the embedding."""

    vocabulary: int = 1024
    width: int = 128
    layers: int = 4
    heads: int = 4
    inner: int = 352
    theta: float = 500_000.0
    epsilon: float = 1e-5

    @property
    def head(self) -> int:
        """Numbers of one head."""
        return self.width // self.heads


class Layer(nn.Module):
    """One decoder layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        wide, inner = shape.width, shape.inner
        self.input_layernorm = nn.RMSNorm(wide, shape.epsilon)
        self.post_attention_layernorm = nn.RMSNorm(wide, shape.epsilon)
        self.self_attn = nn.ModuleDict({f"{n}_proj": nn.Linear(wide, wide, bias=False) for n in "qkvo"})
        self.mlp = nn.ModuleDict(
            {
                "gate_proj": nn.Linear(wide, inner, bias=False),
                "up_proj": nn.Linear(wide, inner, bias=False),
                "down_proj": nn.Linear(inner, wide, bias=False),
            }
        )


class TinyLlama(nn.Module):
    """Next-token scores, with every earlier token in sight or with a sink and a window."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, shape.epsilon)

    def forward(self, ids: Tensor) -> Tensor:
        """Return scores, float32 [B, T, V], of causal attention over all of `ids`, int64 [B, T]."""
        turn = self.angles(torch.arange(ids.shape[1]))
        return self._run(
            ids, lambda q, k, v: F.scaled_dot_product_attention(rotate(q, turn), rotate(k, turn), v, is_causal=True)
        )

    def windowed(self, ids: Tensor, window: Tensor, sinks: int, widest: int, block: int = 256) -> tuple[Tensor, Tensor]:
        """Return scores as of a cache of the first `sinks` and the last `window` - `sinks` tokens, and attention.

        The attention, float32 [layers, heads], is each head's mean share on the first token that it sees.

        Positions are relative to the cache: from position `window` on, a sink is seen at the distance that it has
        inside the cache. `window`: int64 scalar of at most `widest`, which bounds what is computed; `block` queries are
        computed at a time, so T should be a multiple of it.
        """
        length, head = ids.shape[1], self.shape.head
        at = torch.arange(length)
        shares: list[Tensor] = []
        turn, near, first = self.angles(at), self.angles(at.clamp(max=window - 1)), self.angles(at[:sinks])

        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            recent, turned = rotate(q, turn), rotate(k, turn)
            to_sinks = rotate(q, near) @ rotate(k[:, :, :sinks], first).mT
            out, share = [], torch.zeros(())
            for start in range(0, length, block):
                low, stop = max(0, start - widest), start + block
                gap = at[start:stop, None] - at[None, low:stop]
                seen = (gap >= 0) & (gap < window - sinks) & (at[None, low:stop] >= sinks)
                scores = recent[:, :, start:stop] @ turned[:, :, low:stop].mT
                kept = to_sinks[:, :, start:stop].masked_fill(at[None, :sinks] > at[start:stop, None], -torch.inf)
                weights = torch.cat([kept, scores.masked_fill(~seen, -torch.inf)], -1).mul(head**-0.5).softmax(-1)
                share = share + weights[..., 0].sum((0, 2))
                out.append(weights @ torch.cat([v[:, :, :sinks], v[:, :, low:stop]], 2))
            shares.append(share / ids.numel())
            return torch.cat(out, 2)

        scores = self._run(ids, attend)
        return scores, torch.stack(shares)

    def angles(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return cosine and sine, float32 [T, head], of int64 positions [T]."""
        steps = torch.arange(0, self.shape.head, 2, dtype=torch.float64) / self.shape.head
        angle = positions.double()[:, None] * self.shape.theta**-steps
        angle = torch.cat([angle, angle], -1)
        return angle.cos().float(), angle.sin().float()

    def _run(self, ids: Tensor, attend) -> Tensor:
        shape = self.shape
        hidden = self.embed_tokens(ids)
        for layer in self.layers:
            normal = layer.input_layernorm(hidden)
            q, k, v = (
                layer.self_attn[f"{n}_proj"](normal).unflatten(-1, (shape.heads, shape.head)).transpose(1, 2)
                for n in "qkv"
            )
            hidden = hidden + layer.self_attn["o_proj"](attend(q, k, v).transpose(1, 2).flatten(2))
            normal = layer.post_attention_layernorm(hidden)
            inner = F.silu(layer.mlp["gate_proj"](normal)) * layer.mlp["up_proj"](normal)
            hidden = hidden + layer.mlp["down_proj"](inner)
        return F.linear(self.norm(hidden), self.embed_tokens.weight)


def rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate the pairs (i, i + head/2) of `x` [..., T, head]."""
    left, right = x.chunk(2, -1)
    return x * turn[0] + torch.cat([-right, left], -1) * turn[1]
