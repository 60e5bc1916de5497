"""Retry: how a lost live stream is called back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential back-off with jitter.

    Attributes:
        first: seconds before the first attempt; each next wait is twice as long.
        longest: seconds no wait exceeds.
        jitter: each wait is multiplied by a uniform number in [1 - jitter, 1 + jitter].
        attempts: give up after so many attempts since the last frame.
        seconds: give up before the waits since the last frame add up to more.
        seed: seed of the jitter.
    """

    first: float = 0.5
    longest: float = 30.0
    jitter: float = 0.1
    attempts: int = 30
    seconds: float = 900.0
    seed: int = 0

    def waits(self, random: Random) -> Iterator[float]:
        """The seconds to wait before each attempt, until the limits are reached."""
        total, wait = 0.0, self.first
        for _ in range(self.attempts):
            pause = min(wait, self.longest) * (1 + self.jitter * (2 * random.random() - 1))
            total += pause
            if total > self.seconds:
                return
            yield pause
            wait *= 2
