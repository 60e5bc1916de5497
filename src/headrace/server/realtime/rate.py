"""Rate: how fast one client may send. A bucket that fills steadily; each event takes from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Rate:
    """A token bucket.

    Attributes:
        steady: events a second.
        burst: events at once.
        left: of the burst, at the time `at` (seconds).
    """

    steady: float
    burst: float
    left: float
    at: float

    def take(self, now: float) -> bool:
        """Whether one more event is within the rate."""
        self.left = min(self.burst, self.left + (now - self.at) * self.steady)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True
