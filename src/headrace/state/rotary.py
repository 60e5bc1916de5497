"""Rotary: angles of rotary position embedding, exact at any position."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from headrace.core.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Rotary:
    """Rotary position embedding (Su et al., RoFormer, arXiv 2104.09864) as a product of complex numbers.

    A head of `dim` numbers is read as dim/2 complex ones; pair f turns by position x frequency f. Positions are
    int64 and angles float64 until the turn is cast, so that differences are exact at any age. Turns compose:
    `turn(a + b)` = `turn(a)` x `turn(b)`, and the product of a turned query and a turned key depends on the difference
    of their positions alone.

    Args:
        frequencies: float64 [rotated / 2], radians a position; `rotated` numbers of the head turn, the others stay.
        dim: numbers in a head.
        layout: "half": pair f is (f, f + rotated / 2), as Llama; "pairs": (2f, 2f + 1), as GPT-J and Cohere.
        axes: int64 [rotated / 2], the axis of the position that each pair follows; None: all follow axis 0.

    Raises:
        ConfigError: the dimensions do not fit together.
    """

    frequencies: Tensor
    dim: int
    layout: str = "half"
    axes: Tensor | None = None
    _order: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pairs = self.frequencies.numel()
        if self.dim % 2 or 2 * pairs > self.dim:
            raise ConfigError(f"rotary: {pairs} frequencies do not fit a head of {self.dim} numbers")
        if self.layout not in ("half", "pairs"):
            raise ConfigError(f"rotary: layout {self.layout!r} is unknown; use 'half' or 'pairs'")
        if self.axes is not None and self.axes.shape != self.frequencies.shape:
            raise ConfigError(f"rotary: {self.axes.numel()} axes for {pairs} frequencies")
        order = torch.arange(self.dim)
        if self.layout == "half":
            order[: 2 * pairs] = torch.arange(2 * pairs).view(2, pairs).T.reshape(-1)
        object.__setattr__(self, "frequencies", self.frequencies.to("cpu", torch.float64))
        object.__setattr__(self, "_order", order)

    @property
    def axis_count(self) -> int:
        return 1 if self.axes is None else int(self.axes.max()) + 1

    def turn(self, positions: Tensor) -> Tensor:
        """complex128 [n, dim / 2], on the CPU, for int64 positions [n, axes]; numbers that do not turn get 1."""
        along = positions[:, :1] if self.axes is None else positions[:, self.axes]
        angles = along.to(torch.float64) * self.frequencies
        turn = torch.ones(len(positions), self.dim // 2, dtype=torch.complex128)
        turn[:, : angles.shape[1]] = torch.polar(torch.ones_like(angles), angles)
        return turn

    def pair(self, x: Tensor) -> Tensor:
        """x [..., dim] as complex [..., dim / 2]: complex128 of float64, complex64 of anything shorter."""
        x = x if x.dtype in (torch.float32, torch.float64) else x.float()
        half = self.dim // 2
        if self.layout == "half" and 2 * self.frequencies.numel() == self.dim:
            return torch.complex(x[..., :half], x[..., half:])
        if self.layout == "half":
            x = x.index_select(-1, self._order.to(x.device))
        return torch.view_as_complex(x.reshape(*x.shape[:-1], half, 2).contiguous())

    @staticmethod
    def flat(x: Tensor, dtype: torch.dtype) -> Tensor:
        """Complex [..., dim / 2] as numbers [..., dim], pair by pair: the order in which keys are kept."""
        flat = torch.view_as_real(x).flatten(-2)
        return flat if flat.dtype == dtype else flat.to(dtype)
