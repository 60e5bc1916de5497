"""Past: what is remembered of one stream, and how far it was watched."""

from __future__ import annotations

from dataclasses import dataclass, replace

from headrace.understanding.observations import ObservationMemory, View
from headrace.understanding.search import Query


@dataclass(frozen=True, slots=True)
class Past:
    """What is remembered of a stream.

    Attributes:
        memory: its observations.
        now: media time that it was watched to, ns, on its own clock.
        folder: where it was recalled from; "" if that need not be told.
        name: of the stream; "" if the memory holds several.
    """

    memory: ObservationMemory
    now: int
    folder: str = ""
    name: str = ""

    def read(self, query: Query) -> View:
        """The observations that the query's filters let through."""
        view = self.memory.read(query, self.now)
        return replace(view, folders=[self.folder] * len(view.rows))
