"""Listener: judges what was said in an exchange, before and after the answer could be known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from headrace.evaluation.benchmark import Judge
from headrace.evaluation.truth import Exchange


class Listener(Protocol):
    """Judges what was said in an exchange. Qualities are 0 to 1."""

    def early(self, exchange: Exchange, text: str) -> tuple[bool, float]:
        """Of what was said before the answer could be known: was it made up, and how good is it as a sign of life?"""
        ...

    def core(self, exchange: Exchange, text: str, later: Sequence[str]) -> tuple[float, str]:
        """How well it answers, and the words that begin the answer ("" if it is not told); `later`: answers to come."""
        ...

    def partial(self, exchange: Exchange, text: str) -> tuple[float, bool]:
        """Of an answer that was cut off: how good is what was said, and was it made up?"""
        ...


@dataclass(frozen=True, slots=True)
class ByJudge:
    """A listener that has a judge of texts only.

    What is said early is made up if it already holds the answer (as good as `least`), and else as good a sign of life
    as any. The part of an answer is judged against the whole.
    """

    judge: Judge
    least: float = 0.5

    def early(self, exchange: Exchange, text: str) -> tuple[bool, float]:
        return self.core(exchange, text, ())[0] >= self.least, 1.0

    def core(self, exchange: Exchange, text: str, later: Sequence[str]) -> tuple[float, str]:
        return self.judge.judge(exchange.request, exchange.answer or "", text), ""

    def partial(self, exchange: Exchange, text: str) -> tuple[float, bool]:
        return self.core(exchange, text, ())[0], False
