"""Shuffled: the blind baseline, an order drawn by lot."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.core.errors import ConfigError
from headrace.engine.job import Job
from headrace.engine.ready import Ready

_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Shuffled:
    """Every exchange draws its place once and keeps it: by splitmix64(seed + seq) (Steele et al., OOPSLA 2014).

    Blind: it looks at nothing but the number of the exchange. What another scheduler gains over arrival order is its
    own only as far as this one does not gain it.

    Attributes:
        seed: of the lot.

    Raises:
        ConfigError: it is negative.
    """

    seed: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigError(f"Shuffled(seed={self.seed!r}): give a whole number, 0 or more")

    def __call__(self, ready: Ready) -> list[Job]:
        """All jobs, by lot."""
        return sorted(ready.jobs, key=lambda job: (_splitmix(self.seed * 0x632BE59BD9B4E019 + job.seq), job.seq))


def _splitmix(number: int) -> int:
    z = (number + 1) * 0x9E3779B97F4A7C15 & _MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
    return z ^ (z >> 31)
