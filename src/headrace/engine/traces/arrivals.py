"""Arrivals: when requests come, where a trace does not say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND

#: Times that are drawn at most.
MOST = 5_000_000


@dataclass(frozen=True, slots=True)
class Arrivals:
    """A renewal process: gaps are drawn from Gamma(shape 1/cv², scale cv²/rate), so that their mean is 1/rate and their
    standard deviation cv/rate.

    Attributes:
        rate: requests a second.
        cv: coefficient of variation of the gaps: 1 is Poisson, above 1 is bursty, 0 is a metronome.
        seed: of the draws; equal seeds, equal times.

    Raises:
        ConfigError: `rate` is not from 1e-6 to 1e6, `cv` is neither 0 nor from 0.01 to 100, or `seed` is below 0.
    """

    rate: float = 1.0
    cv: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1e-6 <= self.rate <= 1e6:
            raise ConfigError(f"Arrivals(rate={self.rate!r}): give requests a second, from 1e-6 to 1e6")
        if self.cv and not 0.01 <= self.cv <= 100:
            raise ConfigError(f"Arrivals(cv={self.cv!r}): give 0, or from 0.01 to 100; 1 is Poisson")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise ConfigError(f"Arrivals(seed={self.seed!r}): give a whole number of 0 or more")

    def times(self, count: int) -> list[int]:
        """`count` times in ns, none before the one above; the first comes one gap after 0."""
        return _times(self._gaps(np.random.default_rng([self.seed, 0]), count))

    def within(self, seconds: float) -> list[int]:
        """The times below `seconds`, in ns; what `times` would give, cut.

        Raises:
            ConfigError: `seconds` is below 0, or more than `MOST` would come.
        """
        if not 0 <= seconds * self.rate <= MOST:
            raise ConfigError(
                f"seconds={seconds!r} at {self.rate:g} a second: give 0 or more, for at most {MOST:,} in all"
            )
        draw, found, last = np.random.default_rng([self.seed, 0]), [np.zeros(0)], 0.0
        while last < seconds:
            gaps = self._gaps(draw, 1024)
            found.append(gaps)
            last += float(gaps.sum())
        return [time for time in _times(np.concatenate(found)) if time < seconds * SECOND]

    def _gaps(self, draw: np.random.Generator, count: int) -> np.ndarray:
        if not self.cv:
            return np.full(count, 1 / self.rate)
        return draw.gamma(1 / self.cv**2, self.cv**2 / self.rate, count)


def _times(gaps: np.ndarray) -> list[int]:
    return [int(time) for time in np.rint(np.cumsum(gaps) * SECOND)]
