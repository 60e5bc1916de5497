"""Interleave: sound held back until the pictures have caught up."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from headrace.core.sound import Samples

#: Samples a second.
RATE = 16_000

#: Samples held back at most.
HELD = 2 * RATE


class Chunk(NamedTuple):
    """Sound at its place on the media clock: `samples` float32 [n], the first at `pts` ns."""

    pts: int
    samples: Samples


class Interleave:
    """Gives chunks of sound in order, each as soon as a picture stands at or after it.

    So neither sound nor pictures wait for each other on a clock that releases items in the order they are given.
    Beyond two seconds of sound the oldest goes without a picture.

    Args:
        held: samples held back at most; 0 where there are no pictures.
    """

    def __init__(self, held: int = HELD) -> None:
        self._held = held
        self._waiting: deque[Chunk] = deque()
        self._samples = 0

    def put(self, chunk: Chunk) -> None:
        """Sound has been decoded."""
        self._waiting.append(chunk)
        self._samples += chunk.samples.size

    def excess(self) -> Iterator[Chunk]:
        """Takes the chunks that are too many to be held back."""
        while self._samples > self._held:
            yield self._take()

    def before(self, pts: int) -> Iterator[Chunk]:
        """Takes the chunks that begin before `pts` ns."""
        while self._waiting and self._waiting[0].pts < pts:
            yield self._take()

    def rest(self) -> Iterator[Chunk]:
        """Takes all that wait."""
        while self._waiting:
            yield self._take()

    def _take(self) -> Chunk:
        chunk = self._waiting.popleft()
        self._samples -= chunk.samples.size
        return chunk
