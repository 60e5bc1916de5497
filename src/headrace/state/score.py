"""Score: how much a segment is worth keeping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from headrace.core.errors import ConfigError
from headrace.state.rng import Rng
from headrace.state.segment import Segment


class Score(Protocol):
    """The contract. Scores are renewed when a segment closes, and only then.

    Attributes:
        queries: how many of the last queries the container keeps for this score; at most one block.
    """

    @property
    def queries(self) -> int: ...

    def renew(self, segment: Segment, mass: float) -> float:
        """The new score of a segment.

        Args:
            segment: a closed segment, its `score` the old one.
            mass: attention that an entry of it gets from the last queries: the mean over queries, heads, entries
                and (at grain "row") sites of softmax weights; 0 if `queries` is 0.
        """
        ...


@dataclass(frozen=True)
class Attention:
    """Attention of the last queries, added up with a decay.

    With `decay=1` the sums approximate H2O's heavy hitters (arXiv 2306.14048): they are taken from `queries` queries
    at the end of each segment, not from every query.
    """

    queries: int = 16
    decay: float = 0.0

    def __post_init__(self) -> None:
        if self.queries < 1 or not 0 <= self.decay <= 1:
            raise ConfigError(
                f"attention(queries={self.queries}, decay={self.decay}): use queries >= 1, 0 <= decay <= 1"
            )

    def renew(self, segment: Segment, mass: float) -> float:
        return self.decay * segment.score + mass


@dataclass(frozen=True)
class Draw:
    """A random number, drawn once when the segment closes: what stays is a uniform sample of what was."""

    seed: int = 0

    @property
    def queries(self) -> int:
        return 0

    def renew(self, segment: Segment, mass: float) -> float:
        return Rng(self.seed, segment.index).uniform()


def attention(queries: int = 16, decay: float = 0.0) -> Attention:
    return Attention(queries, decay)


def random(seed: int = 0) -> Draw:
    return Draw(seed)
