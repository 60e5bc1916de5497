"""CellGate: a gate that remembers something of each cell of a grid."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from headrace.core.stateful import Snapshot, Stateful


class CellGate(ABC):
    """What all gates share: the number of the item, the size of the grid, and all that is remembered.

    Subclasses keep arrays in `self.memory`, numbers in `self.numbers` and further Stateful parts in `parts()`; they
    are forgotten, saved, forked and counted here. An array is replaced or written to, never handed out.

    Attributes:
        kind: its name in snapshots and results.
    """

    kind: str

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything; also done when the grid has another size."""
        self.memory: dict[str, npt.NDArray[Any]] = {}
        self.numbers: dict[str, float] = {}
        self._size: tuple[int, ...] = ()
        self._tick = -1
        for part in self.parts().values():
            part.reset()

    def parts(self) -> Mapping[str, Stateful]:
        """What else it remembers, by name."""
        return {}

    def enter(self, size: tuple[int, ...]) -> int:
        """The number of the next item, whose grid has that size."""
        if size != self._size:
            tick = self._tick
            self.reset()
            self._size, self._tick = size, tick
        self._tick += 1
        return self._tick

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        own = Snapshot("arrays", {}, {name: array.copy() for name, array in self.memory.items()})
        parts = {"own": own} | {name: part.snapshot() for name, part in self.parts().items()}
        meta = {"size": list(self._size), "tick": self._tick, "numbers": dict(self.numbers)}
        return Snapshot.join(self.kind, parts, meta)

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect(self.kind).meta["own"]
        self.reset()
        self._size, self._tick = tuple(meta["size"]), meta["tick"]
        self.numbers = dict(meta["numbers"])
        self.memory = {name: array.copy() for name, array in snapshot.part("own").arrays.items()}
        for name, part in self.parts().items():
            part.restore(snapshot.part(name))

    @abstractmethod
    def _new(self) -> Self:
        """An empty gate of the same settings."""

    def fork(self) -> Self:
        other = self._new()
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        own = sum(np.asarray(array).nbytes for array in self.memory.values()) + 256
        return own + sum(part.nbytes() for part in self.parts().values())

    @abstractmethod
    def max_bytes(self) -> int: ...
