"""Keeper: a gate and the memory behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from headrace.core.item import Item
from headrace.core.stateful import Snapshot
from headrace.understanding.gate import Gate
from headrace.understanding.memory import Memory
from headrace.understanding.tokens import Cue, TokenAdmission, TokenView


class Keeper:
    """Judges tokens and keeps what enters; Stateful.

    Args:
        gate: what enters.
        memory: what is kept of it.
    """

    def __init__(self, gate: Gate[TokenAdmission], memory: Memory[TokenAdmission, Cue, TokenView]) -> None:
        self.gate, self.memory = gate, memory

    def see(self, item: Item) -> TokenAdmission:
        """Take in one item of kind "tokens"; returns what the gate said of it."""
        admission = self.gate.admit(item)
        self.memory.write(admission)
        return admission

    def read(self, cue: Cue, now: int) -> TokenView:
        """What the memory gives a reader at media time `now` (ns)."""
        return self.memory.read(cue, now)

    def tiers(self) -> Mapping[str, int]:
        """Bytes by tier; what the gate holds is on the device."""
        held = dict(self.memory.tiers())
        held["device"] = held.get("device", 0) + self.gate.nbytes()
        return held

    # -- Stateful -----------------------------------------------------------------------------

    def reset(self) -> None:
        self.gate.reset()
        self.memory.reset()

    def snapshot(self) -> Snapshot:
        return Snapshot.join("keeper", {"gate": self.gate.snapshot(), "memory": self.memory.snapshot()})

    def restore(self, snapshot: Snapshot) -> None:
        snapshot.expect("keeper")
        self.gate.restore(snapshot.part("gate"))
        self.memory.restore(snapshot.part("memory"))

    def fork(self) -> Self:
        return type(self)(self.gate.fork(), self.memory.fork())

    def nbytes(self) -> int:
        return self.gate.nbytes() + self.memory.nbytes()

    def max_bytes(self) -> int:
        return self.gate.max_bytes() + self.memory.max_bytes()
