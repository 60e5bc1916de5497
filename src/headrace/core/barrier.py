"""Barrier: a mark in a stream; when it has reached every end of a graph, all before it is worked off."""

from __future__ import annotations

from collections.abc import Callable

#: The kind of the items that carry a Barrier.
BARRIER = "barrier"


class Barrier:
    """The payload of an item of kind `BARRIER`, with which a source asks for a moment of rest.

    It passes every operator behind what came before it and never enters `Op.step`; an edge neither
    drops, merges nor ages it, and it takes no room. At the moment of rest nothing is queued or under
    way, so a snapshot of every operator is consistent. This is the one control that rides the data
    queue: it means "everything before this".

    A source gives nothing more until `reached` has been called (or it is closed). A graph with a join, a
    merge or a react takes no barrier.

    Source: Chandy and Lamport, Distributed Snapshots, 1985; with the source held, the channels' part
    of the snapshot is empty.

    Args:
        reached: called once, on the event loop's thread.
    """

    nbytes = 0

    def __init__(self, reached: Callable[[], None]) -> None:
        self._reached = reached
        self._awaited = 0

    def expect(self, ends: int) -> None:
        """So many ends of the graph are waited for; the graph says it when the barrier enters."""
        self._awaited = ends

    def arrive(self) -> None:
        """One end of the graph has been reached."""
        self._awaited -= 1
        if self._awaited == 0:
            self._reached()
