"""Source: where items come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from headrace.core.item import Item


@runtime_checkable
class Source(Protocol):
    """An ordered stream of items.

    Attributes:
        name: unique in a graph; becomes `Item.source`.
        can_wait: True if the source may be held back without loss (a file); False if it is live
            (a camera). With a source that can wait, and a clock that does not pace it, lossy
            edges become `Block`.
        blocking: True if taking the next item may block or computes for long (decoding, the
            network): the graph then reads it in a thread of its own.

    `items()` may be called once. Items carry `arrival` on the source's own clock, starting near 0;
    the graph releases each no earlier than that. Live sources leave `arrival` 0: they arrive when
    they are read.
    """

    name: str
    can_wait: bool
    blocking: bool

    def items(self) -> Iterator[Item]: ...

    def close(self) -> None:
        """Stop as soon as possible; may be called from another thread, more than once."""
        ...
