"""Responder: what to say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeVar

Q_contra = TypeVar("Q_contra", contravariant=True)
V_contra = TypeVar("V_contra", contravariant=True)


class Responder(Protocol[Q_contra, V_contra]):
    """Composes what is said to a question, or of an action, from what a view holds.

    Attributes:
        name: goes into results.
    """

    name: str

    def respond(self, question: Q_contra, view: V_contra, /) -> Iterator[str]:
        """Yields chunks; closing the iterator cancels it. InputError if the composer fails."""
        ...
