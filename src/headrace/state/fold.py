"""Fold: what segments that are dropped leave behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from headrace.core.errors import ConfigError


class Fold(Protocol):
    """The contract.

    Attributes:
        into_pins: what leaves goes into the pinned segments, one after the other; each must be as long as what
            goes into it, since entries of equal offsets are turned equally.
    """

    @property
    def into_pins(self) -> bool: ...

    def mix(self, kept: Tensor, leaving: Tensor) -> Tensor:
        """The new entries of a pinned segment, from its own and those of the segment that leaves; same shapes."""
        ...


@dataclass(frozen=True)
class Drop:
    """Nothing."""

    @property
    def into_pins(self) -> bool:
        return False

    def mix(self, kept: Tensor, leaving: Tensor) -> Tensor:
        return kept


@dataclass(frozen=True)
class Ema:
    """An exponential moving average, `alpha` of the old (EMA-Sink of Reward Forcing, arXiv 2512.04678, there 0.999)."""

    alpha: float

    @property
    def into_pins(self) -> bool:
        return True

    def mix(self, kept: Tensor, leaving: Tensor) -> Tensor:
        return kept.lerp(leaving, 1 - self.alpha)


def drop() -> Drop:
    return Drop()


def ema(alpha: float) -> Ema:
    if not 0 <= alpha <= 1:
        raise ConfigError(f"ema({alpha}): the share of the old lies within 0 and 1")
    return Ema(alpha)
