"""Virtual sources: seeded streams that need no file, for tests, benchmarks and examples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from threading import Event
from typing import Any

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.frame import Frame
from headrace.core.item import SECOND, Item
from headrace.media.source import MediaSource, Part
from headrace.media.timeline import exact_rate

#: Draws frame number `index` of a size (width, height); all randomness comes from the generator.
Painter = Callable[[int, tuple[int, int], np.random.Generator], Frame]


class VirtualVideo(MediaSource):
    """A video that is computed: frame i depends on the seed and i only, whoever reads it.

    Args:
        seed: of everything random.
        size: (width, height) in pixels.
        fps: frames a second.
        seconds: length, None for endless.
        make: draws a frame; `moving` if None.
        every, loop, name: see MediaSource.
    """

    blocking = False

    def __init__(
        self,
        seed: int = 0,
        size: tuple[int, int] = (320, 240),
        fps: float = 25.0,
        seconds: float | None = None,
        make: Painter | None = None,
        *,
        every: int | None = None,
        loop: bool = False,
        name: str = "virtual",
    ) -> None:
        if seconds is not None and not 0 < seconds < math.inf:
            raise ConfigError(f"a virtual video needs seconds > 0, not {seconds}; leave it out for an endless one")
        if min(size) < 1:
            raise ConfigError(f"a virtual video needs a width and a height of 1 or more, not {size}")
        self._rate = exact_rate(fps, 1001)
        super().__init__(name, can_wait=True, every=every, loop=loop)
        self._seed, self._size, self._make = seed, size, make or moving
        self._frame_count = None if seconds is None else max(1, round(seconds * self._rate))

    def frame(self, index: int) -> Frame:
        """Frame number `index`."""
        return self._make(index, self._size, np.random.default_rng([self._seed, index]))

    def _identity(self) -> dict[str, Any]:
        about = {"seed": self._seed, "size": list(self._size), "rate": str(self._rate), "frames": self._frame_count}
        return super()._identity() | about

    def _parts(self, near: Mapping[str, Any] | None = None) -> Iterator[Part]:
        self._timeline.restart(1 / self._rate, int(SECOND / self._rate))
        for index in count() if self._frame_count is None else range(self._frame_count):
            yield index, partial(self.frame, index)


def moving(index: int, size: tuple[int, int], random: np.random.Generator) -> Frame:
    """A bright square that crosses a grey ramp, with noise of a few grey levels."""
    width, height = size
    ramp = np.linspace(40, 180, width, dtype=np.float32)[None, :]
    luma = ramp + random.normal(0, 2, (height, width)).astype(np.float32)
    side = max(min(size) // 4, 1)
    left, top = (4 * index) % max(width - side, 1), (2 * index) % max(height - side, 1)
    luma[top : top + side, left : left + side] = 220
    chroma = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
    return Frame(np.clip(luma, 16, 235).astype(np.uint8), chroma, chroma.copy())


def heavy(index: int, size: tuple[int, int], random: np.random.Generator) -> Frame:
    """Moving waves under strong noise: what costs a decoder the most."""
    width, height = size
    x, y = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
    luma = 126 + 60 * np.sin((x + 3 * index) / 40) * np.cos((y - 2 * index) / 30)
    noise = random.integers(-24, 25, (height, width), np.int8)
    chroma = [128 + 40 * np.sin((x[:, ::2] + y[::2] * sign + 5 * index) / 60) for sign in (1, -1)]
    return Frame((luma + noise).astype(np.uint8), chroma[0].astype(np.uint8), chroma[1].astype(np.uint8))


class VirtualItems:
    """Items at a constant rate that arrive late by a seeded, bounded amount, in order.

    Args:
        rate: items a second.
        kind: of the items.
        seconds: length, None for endless.
        seed: of the lateness.
        jitter: ns; an item arrives `uniform[0, jitter]` after its pts, and never before one ahead of it.
        make: gives the payload of item number i; i itself if None.
        name: `Item.source`.
        can_wait: False to play a live source.
    """

    blocking = False

    def __init__(
        self,
        rate: float,
        kind: str,
        seconds: float | None = None,
        seed: int = 0,
        jitter: int = 0,
        make: Callable[[int], Any] | None = None,
        *,
        name: str = "virtual",
        can_wait: bool = True,
    ) -> None:
        if jitter < 0 or (seconds is not None and not 0 <= seconds < math.inf):
            raise ConfigError(f"virtual items need jitter >= 0 and seconds >= 0, not {jitter} and {seconds}")
        self.name, self.can_wait = name, can_wait
        self._rate = exact_rate(rate, 1_000_000)
        self._count = None if seconds is None else round(seconds * self._rate)
        self._kind, self._seed, self._jitter, self._make = kind, seed, jitter, make
        self._closed = Event()

    def items(self) -> Iterator[Item]:
        random = np.random.default_rng(self._seed)
        arrival = 0
        for index in count() if self._count is None else range(self._count):
            if self._closed.is_set():
                return
            pts = int(index * SECOND / self._rate)
            late = int(random.integers(0, self._jitter, endpoint=True))
            arrival = max(arrival, pts + late)
            data = index if self._make is None else self._make(index)
            yield Item(pts, self._kind, data, arrival, source=self.name)

    def close(self) -> None:
        self._closed.set()
