"""Graded: true positives that count by degrees."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Graded:
    """Like `Score`, but a true positive counts by how good and how timely it is. Add them to pool streams."""

    tp: float = 0.0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: Graded) -> Graded:
        return Graded(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> float:
        """tp / (tp + fp); 0, as published, where there is neither."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp > 0 else 0.0

    @property
    def recall(self) -> float:
        """tp / (tp + fn); 0, as published, where there is neither."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn > 0 else 0.0

    @property
    def f1(self) -> float:
        """2 P R / (P + R); 0 where both are 0."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0
