"""Gate: decides which parts of what arrives may enter."""

from __future__ import annotations

from typing import Protocol, TypeVar

from headrace.core.item import Item
from headrace.core.stateful import Stateful
from headrace.understanding.admission import Admission

A_co = TypeVar("A_co", bound=Admission, covariant=True)


class Gate(Stateful, Protocol[A_co]):
    """Decides what enters, item by item. Causal and deterministic.

    Two kinds of items are judged: frames, by gates on blocks of luma (a `BlockAdmission` comes of them), and
    tokens, by gates on features (a `TokenAdmission`).

    Attributes:
        kind: its name in snapshots and results.
    """

    kind: str

    def admit(self, item: Item) -> A_co:
        """Judge one item. The grid may have any size; a change of it resets the gate.

        Raises:
            InputError: the item carries something else than this gate judges.
        """
        ...
