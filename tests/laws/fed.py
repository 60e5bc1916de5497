"""Fed: a part that is fed one item at a time, as a subject of the laws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Why laws do not apply to what understands pictures and sound.
ONE_AT_A_TIME = "is fed item by item, so there are no chunks"
TIMES_OF_ITEMS = "has no counter of its own: its times are those of its items"
NO_REFERENCE = "is its own definition: nothing else computes it"


@dataclass(frozen=True)
class Fed:
    """How one part is made and fed: `feed(part, i)` is item i of the stream and returns what comes of it.

    Each seed begins `apart` items later in the one stream.
    """

    name: str
    make: Callable[[], Any]
    feed: Callable[[Any, int], Any]
    capacity: int = 9
    apart: int = 9
    exempt: Mapping[int, str] = field(default_factory=lambda: {1: ONE_AT_A_TIME, 5: TIMES_OF_ITEMS, 6: NO_REFERENCE})

    def open(self, start: int = 0, seed: int = 0) -> Any:
        return self.make()

    def inputs(self, n: int, seed: int) -> Sequence[Any]:
        return range(self.apart * seed, self.apart * seed + n)

    def step(self, rows: Sequence[tuple[Any, Sequence[Any]]]) -> list[list[Any]]:
        return [[self.feed(part, i) for i in inputs] for part, inputs in rows]
