"""Drift: how much slower a machine is now than when it was calibrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from headrace.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Drift:
    """A running average of measured / predicted seconds; a value, and each observation gives the next.

    The first observations are averaged evenly, later ones with exponentially falling weight. One tick counts as
    `most` times too slow at most, so that a single pause of the machine does not move what is promised for long.

    Attributes:
        scale: measured / predicted, 1 until something was observed.
        weight: of one observation; half of the average is made of the last 0.69 / weight ones.
        most: an observation lies between 1 / most and most.
        count: observations.

    Raises:
        ConfigError: weight is not in (0, 1], or most not above 1.
    """

    scale: float = 1.0
    weight: float = 0.05
    most: float = 4.0
    count: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.weight <= 1:
            raise ConfigError(f"Drift(weight={self.weight!r}): give a number above 0, 1 at most")
        if not self.most > 1:
            raise ConfigError(f"Drift(most={self.most!r}): give a number above 1")

    def observe(self, predicted: float, measured: float) -> Self:
        """What is known after a tick.

        Args:
            predicted: seconds, by the cost model itself, not scaled; what is not above 0 tells nothing.
            measured: seconds.
        """
        if not predicted > 0:
            return self
        ratio = min(max(measured / predicted, 1 / self.most), self.most)
        weight = max(self.weight, 1 / (self.count + 1))
        return type(self)(self.scale + weight * (ratio - self.scale), self.weight, self.most, self.count + 1)

    def seconds(self, predicted: float) -> float:
        """A prediction, as the machine is now."""
        return self.scale * predicted

    def __str__(self) -> str:
        if not self.count:
            return "no tick observed"
        return f"{self.scale:.2f} x the calibrated time over {self.count} tick{'s' * (self.count > 1)}"
