"""Muon for hidden matrices, AdamW for the embedding and the norms.

Jordan et al., 2024, kellerjordan.github.io/posts/muon.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Muon:
    """One optimiser over a model whose parameters are matrices and vectors.

    A hidden matrix moves along its momentum with all singular values brought near 1, in batches of equal shapes.
    """

    def __init__(self, model: nn.Module, rate: float, adam_rate: float, decay: float = 0.02) -> None:
        self.rate, self.adam_rate, self.decay = rate, adam_rate, decay
        hidden = [p for n, p in model.named_parameters() if p.ndim == 2 and not n.startswith("embed")]
        rest = [p for n, p in model.named_parameters() if p.ndim == 1 or n.startswith("embed")]
        self.groups: dict[tuple[int, int], list[nn.Parameter]] = {}
        for p in hidden:
            self.groups.setdefault((min(p.shape), max(p.shape)), []).append(p)
        self.momentum = {p: torch.zeros_like(p) for p in hidden}
        self.adam = torch.optim.AdamW(rest, lr=adam_rate, betas=(0.9, 0.95), weight_decay=0.0)

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """Move every parameter by its gradient, at `factor` times the rates; gradients are gone afterwards."""
        for parameters in self.groups.values():
            wanted = []
            for p in parameters:
                momentum = self.momentum[p].lerp_(p.grad, 0.05)
                update = p.grad.lerp(momentum, 0.95)  # Nesterov
                wanted.append(update.T if p.shape[0] > p.shape[1] else update)
            for p, update in zip(parameters, orthogonal(torch.stack(wanted)), strict=True):
                tall = p.shape[0] > p.shape[1]
                scale = max(1.0, p.shape[0] / p.shape[1]) ** 0.5
                p.mul_(1 - self.rate * factor * self.decay)
                p.add_(update.T if tall else update, alpha=-self.rate * factor * scale)
                p.grad = None
        for group in self.adam.param_groups:
            group["lr"] = self.adam_rate * factor
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)


def orthogonal(batch: Tensor, steps: int = 5) -> Tensor:
    """Return `batch` [n, rows <= columns, columns] with singular values near 1, by a quintic Newton-Schulz."""
    x = batch / (batch.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * (gram @ gram)) @ x
    return x
