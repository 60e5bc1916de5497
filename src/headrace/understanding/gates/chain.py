"""Chain: one gate after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Self

from headrace.core.errors import ConfigError
from headrace.core.item import Item
from headrace.core.stateful import Snapshot
from headrace.understanding.gates.tokengate import TokenGate
from headrace.understanding.tokens import TokenAdmission


class Chain:
    """Lets in what every gate lets in; each judges the tokens as the one before left them. Stateful.

    Args:
        gates: at least one. Their grids must stay the same along the chain.

    Raises:
        ConfigError: no gate.
    """

    kind = "chain"

    def __init__(self, *gates: TokenGate) -> None:
        if not gates:
            raise ConfigError("a chain needs at least one gate")
        self.gates = gates

    def admit(self, item: Item) -> TokenAdmission:
        """Judge one item; the score is that of the last gate, the work that of all."""
        made = self.gates[0].admit(item)
        for gate in self.gates[1:]:
            after = gate.admit(replace(item, data=made.tokens))
            made = replace(
                after,
                admitted=made.admitted & after.admitted,
                computed=made.computed * after.computed,
                detail=min(made.detail, after.detail),
            )
        return made

    # -- Stateful -----------------------------------------------------------------------------

    def _named(self) -> Mapping[str, TokenGate]:
        return {f"gate{k}": gate for k, gate in enumerate(self.gates)}

    def reset(self) -> None:
        for gate in self.gates:
            gate.reset()

    def snapshot(self) -> Snapshot:
        return Snapshot.join(self.kind, {name: gate.snapshot() for name, gate in self._named().items()})

    def restore(self, snapshot: Snapshot) -> None:
        snapshot.expect(self.kind)
        for name, gate in self._named().items():
            gate.restore(snapshot.part(name))

    def fork(self) -> Self:
        return type(self)(*(gate.fork() for gate in self.gates))

    def nbytes(self) -> int:
        return sum(gate.nbytes() for gate in self.gates)

    def max_bytes(self, shape: tuple[int, int, int] | None = None) -> int:
        """As of the gates."""
        return sum(gate.max_bytes(shape) for gate in self.gates)
