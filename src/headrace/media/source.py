"""VideoSource: what every source of pictures shares, from the decoder's stamps to Items."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from threading import Event

from headrace.core.errors import ConfigError, InputError, StateError
from headrace.core.frame import Frame
from headrace.core.item import Item
from headrace.media.info import Info
from headrace.media.stats import Stats
from headrace.media.timeline import Ticks, Timeline

#: A picture's time stamp in ticks (None if the container gives none), and how to get its planes; that
#: is called, if at all, before the next picture is asked for.
Picture = tuple[int | None, Callable[[], Frame]]


class VideoSource(ABC):
    """A `headrace.core.source.Source` of video items.

    Items carry a Frame, `pts` in ns from 0, strictly increasing, and `arrival` equal to `pts` if the
    source can wait, else 0.

    Args:
        name: `Item.source`.
        can_wait: False if the source is live.
        every: ns of media time between frames that are handed over, None for all.
        loop: begin again at the end, time going on.

    Attributes:
        stats: counters, see Stats.
    """

    blocking = True
    info: Info

    def __init__(self, name: str, *, can_wait: bool, every: int | None = None, loop: bool = False) -> None:
        if every is not None and every <= 0:
            raise ConfigError(f"every={every} ns: the spacing of frames must be positive; leave it out for all")
        self.name, self.can_wait, self.stats = name, can_wait, Stats()
        self._every, self._loop = every, loop
        self._timeline = Timeline(self.stats)
        self._closed = Event()
        self._started = False

    def items(self) -> Iterator[Item]:
        """The items, once.

        Raises:
            StateError: called a second time, or after `close`.
            InputError: not one frame could be decoded, a live stream was lost for good, or the connection
                broke before the end of a file read by network.
        """
        if self._started or self._closed.is_set():
            raise StateError(f"{self.name} has been read or closed already; open it again")
        self._started = True
        return self._read()

    def close(self) -> None:
        """Stop reading as soon as the read in progress returns."""
        self._closed.set()
        if not self._started:
            self._release()

    def _read(self) -> Iterator[Item]:
        ticks = Ticks(self._every)
        try:
            while True:
                any_picture = False
                for stamp, planes in self._pictures():
                    if self._closed.is_set():
                        return
                    any_picture = True
                    pts = self._timeline.place(stamp)
                    if ticks.due(pts):
                        self.stats.frames += 1
                        yield Item(pts, "video", planes(), pts if self.can_wait else 0, source=self.name)
                    else:
                        self.stats.skipped += 1
                if self._closed.is_set():
                    return
                if not self.stats.frames:
                    raise InputError(
                        f"{self.name}: not one frame could be decoded; the file is damaged or holds no video"
                    )
                if not (self._loop and any_picture):
                    return
        finally:
            self._release()

    @abstractmethod
    def _pictures(self) -> Iterator[Picture]:
        """One pass over the source; calls `_timeline.restart` before the first picture."""

    def _release(self) -> None:  # noqa: B027
        """Give back what the source holds; may be called more than once."""
