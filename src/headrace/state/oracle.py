"""Oracle: attention worked out entry by entry, to hold policies against. Slow on purpose; shares no code with them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: Which entries query p sees, and where entry j stands as it does.
Sees = Callable[[int], list[int]]
Stands = Callable[[int, int], int]


def dense(q: Tensor, k: Tensor, v: Tensor, frequencies: Tensor, scaling: float, sees: Sees, stands: Stands) -> Tensor:
    """float64 [n, heads, dim] for q [heads, n, dim], k and v [kv_heads, n, dim], "half" layout, exact angles."""

    def turn(x: Tensor, positions: list[int]) -> Tensor:
        angles = torch.tensor([[p * f for f in frequencies.tolist()] for p in positions], dtype=torch.float64)
        half, c, s = angles.shape[1], angles.cos(), angles.sin()
        a, b, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
        return torch.cat([a * c - b * s, b * c + a * s, rest], -1)

    q, k, v = (
        x.double() for x in (q, k.repeat_interleave(len(q) // len(k), 0), v.repeat_interleave(len(q) // len(v), 0))
    )
    out = []
    for p in range(q.shape[1]):
        seen = sees(p)
        origin = stands(p, p)
        keys = turn(k[:, seen], [stands(p, j) - origin for j in seen])
        weights = (q[:, p : p + 1] @ keys.transpose(1, 2) * scaling).softmax(-1)
        out.append((weights @ v[:, seen])[:, 0])
    return torch.stack(out)


def streaming(pins: int, recent: int, block: int) -> tuple[Sees, Stands]:
    """Pinned entries and the last `recent`, in blocks, gaps closed: what pin + recent + cache must come to."""
    blocks = -(-recent // block)

    def sees(p: int) -> list[int]:
        return [j for j in range(p + 1) if j < pins or j // block >= p // block - blocks]

    return sees, lambda p, j: sees(p).index(j)
