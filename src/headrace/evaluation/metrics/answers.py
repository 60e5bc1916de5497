"""Accuracy of answers to questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headrace.core.errors import InputError
from headrace.evaluation.truth import Question

#: The answer that says that the question cannot be answered.
REFUSAL = ""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Right answers among questions, apart for those that have an answer and those that have none.

    A policy that always refuses wins the second and loses the first; only both together tell.
    """

    right: int
    questions: int
    right_refusals: int
    unanswerable: int

    @property
    def answered(self) -> float:
        """Accuracy on questions that have an answer; 1 if there are none."""
        return self.right / self.questions if self.questions else 1.0

    @property
    def refused(self) -> float:
        """Share of unanswerable questions that were refused; 1 if there are none."""
        return self.right_refusals / self.unanswerable if self.unanswerable else 1.0

    @property
    def overall(self) -> float:
        total = self.questions + self.unanswerable
        return (self.right + self.right_refusals) / total if total else 1.0


def accuracy(questions: Sequence[Question], given: Sequence[str | None]) -> Accuracy:
    """Answers by equality, ignoring case and space at the ends.

    Args:
        given: for each question, the answer, `REFUSAL`, or None if nothing came: a missing answer is wrong, for an
            unanswerable question too.

    Raises:
        InputError: there are not as many answers as questions.
    """
    if len(questions) != len(given):
        raise InputError(f"accuracy: {len(questions)} questions, but {len(given)} answers")
    right = refusals = unanswerable = 0
    for question, answer in zip(questions, given, strict=True):
        if question.answer is None:
            unanswerable += 1
            refusals += answer == REFUSAL
        else:
            right += answer is not None and answer.strip().casefold() == question.answer.strip().casefold()
    return Accuracy(right, len(questions) - unanswerable, refusals, unanswerable)
