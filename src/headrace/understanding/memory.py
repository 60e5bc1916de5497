"""Memory: keeps what was admitted, within a budget of bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from headrace.core.stateful import Stateful

W_contra = TypeVar("W_contra", contravariant=True)
Q_contra = TypeVar("Q_contra", contravariant=True)
V_co = TypeVar("V_co", covariant=True)


class Memory(Stateful, Protocol[W_contra, Q_contra, V_co]):
    """Keeps, merges and forgets.

    Two kinds: memories of tokens are written a `TokenAdmission` and read with a `Cue` (a `TokenView` comes of it);
    the memory of a watched stream is written an `Observation` and read with a `Query` (a `View`).
    """

    def write(self, what: W_contra, /) -> None:
        """Take in what was admitted; may merge and evict. `nbytes() <= max_bytes()` afterwards."""
        ...

    def read(self, query: Q_contra, now: int, /) -> V_co:
        """What a reader gets at media time `now` (ns). Changes nothing that is remembered."""
        ...

    def tiers(self) -> Mapping[str, int]:
        """Bytes by tier: "device" is what a reader attends to, "host" and "disk" what it must fetch; they add up to
        `nbytes()`."""
        ...
