"""MediaSource: what every source of pictures and sound shares, from the decoder's stamps to Items."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from threading import Event
from typing import Any

from headrace.core.errors import ConfigError, InputError, StateError
from headrace.core.frame import Frame
from headrace.core.item import Item
from headrace.core.sound import Sound
from headrace.media.info import Info
from headrace.media.interleave import HELD, Chunk, Interleave
from headrace.media.position import FORMAT, Given, Mark, Mismatch, State, same_source
from headrace.media.stats import Stats
from headrace.media.timeline import Ticks, Timeline

#: A picture's time stamp in ticks (None if the container gives none), and how to get its planes; that
#: is called, if at all, before the next picture is asked for.
Picture = tuple[int | None, Callable[[], Frame]]

#: What a source decodes; None says that nothing follows for a while.
Part = Picture | Chunk | None

#: Counters that go back with a State; the others count what was handed over.
DECODED = tuple(field.name for field in fields(Stats) if field.name not in ("frames", "samples"))


class MediaSource(ABC):
    """A `headrace.core.source.Source` of items of kind "video", which carry a Frame, and "audio", which carry Sound.

    `pts` is in ns from 0, strictly increasing within a kind, and `arrival` equal to `pts` if the source can
    wait, else 0. Sound comes before the first frame that is later than it, if the container gives it in time.

    Args:
        name: `Item.source`.
        can_wait: False if the source is live.
        every: ns of media time between frames that are handed over, None for all.
        loop: begin again at the end, time going on.

    Attributes:
        stats: counters, see Stats.
        reconnecting: a lost live stream is being called back.
    """

    blocking = True
    info: Info
    #: Whether reading again gives the same items.
    repeats = True
    reconnecting = False

    def __init__(self, name: str, *, can_wait: bool, every: int | None = None, loop: bool = False) -> None:
        if every is not None and every <= 0:
            raise ConfigError(f"every={every} ns: the spacing of frames must be positive; leave it out for all")
        self.name, self.can_wait, self.stats = name, can_wait, Stats()
        self._every, self._loop = every, loop
        self._timeline, self._ticks = Timeline(self.stats), Ticks(every)
        #: Samples of sound held back at most, ns before which no sound is placed, ns to wait for at the start.
        self._held, self._heard, self._gap = HELD, 0, 0
        self._start = self._state()
        self._given_frames, self._given_chunks = Given(), Given()
        self._mark: Mark | None = None
        self._resumed: Mapping[str, Any] | None = None
        self._closed = Event()
        self._started = False

    def items(self) -> Iterator[Item]:
        """The items, once.

        Raises:
            StateError: called a second time, or after `close`; or the source no longer gives what it gave before
                the position it is to go on from.
            InputError: nothing could be decoded, a live stream was lost for good, or the connection
                broke before the end of a file read by network.
        """
        self._check_unread()
        self._started = True
        return self._read()

    def close(self) -> None:
        """Stop reading as soon as the read in progress returns."""
        self._closed.set()
        if not self._started:
            self._release()

    def position(self) -> dict[str, Any]:
        """Where reading stands, for `resume`; JSON holds it.

        Called between two items by the thread that reads. Costs a few ms where a large picture is to be recognised
        again.
        """
        if self._resumed is not None:
            return dict(self._resumed)
        about = {
            "format": FORMAT,
            "source": self._identity(),
            "time": self._timeline.reached,
            "stats": asdict(self.stats),
        }
        if not self.repeats:
            return about
        near = None if self._mark is None else self._near(self._mark)
        given = {"frames": self._given_frames.as_json(), "chunks": self._given_chunks.as_json()}
        return about | {"start": asdict(self._start), "near": near} | given

    def resume(self, position: Mapping[str, Any], gap: int = 0) -> None:
        """Begin behind `position` instead of at the start; called before `items`.

        A source that can be read again then gives exactly the items that would have come next. A live one, and
        standard input, begins anew, `gap` ns after the time of the position.

        Raises:
            StateError: the position is of another source, or reading has begun.
            ConfigError: `gap` is negative.
        """
        self._check_unread()
        if gap < 0:
            raise ConfigError(f"gap={gap} ns: time cannot run back; give 0 or more")
        same_source(self.name, position, self._identity())
        for counter, value in position["stats"].items():
            setattr(self.stats, counter, value)
        if self.repeats:
            self._resumed = position
            self._start = State.of(position["start"])
            self._restore(self._start)
        else:
            self._timeline.advance(position["time"])
            self._heard, self._gap = position["time"], gap

    def _check_unread(self) -> None:
        if self._started or self._closed.is_set():
            raise StateError(f"{self.name} has been read or closed already; open it again")

    def _read(self) -> Iterator[Item]:
        near = self._resumed and self._resumed["near"]
        try:
            while True:
                if self._resumed is not None:
                    self._given_frames = Given(*self._resumed["frames"])
                    self._given_chunks = Given(*self._resumed["chunks"])
                try:
                    for item in self._play(near):
                        self._resumed = None
                        yield item
                except Mismatch:
                    near = None
                    self._restore(self._start)
                    continue
                if self._closed.is_set():
                    return
                if not (self._given_frames.done and self._given_chunks.done):
                    raise StateError(f"{self.name}: ends before the position it is to go on from; begin without it")
                if not self.stats.frames and not self.stats.samples:
                    kind, what = ("frame", "video") if self._held else ("sound", "sound")
                    raise InputError(
                        f"{self.name}: not one {kind} could be decoded (damaged, encrypted, or no {what}); "
                        "copy, convert or record it again"
                    )
                if not self._loop or (self._mark is None and not self._given_chunks.count):
                    return
                near = self._resumed = self._mark = None
                self._start, self._given_frames, self._given_chunks = self._state(), Given(), Given()
        finally:
            self._release()

    def _play(self, near: Mapping[str, Any] | None) -> Iterator[Item]:
        """One pass, without what was handed over before; with `near`, decoding begins shortly before that."""
        sounds = Interleave(self._held)
        if near is not None:
            self._restore(State.of(near["state"]))
        for part in self._parts(near):
            if self._closed.is_set():
                return
            if part is None:
                yield from self._sounds(sounds.rest())
            elif isinstance(part, Chunk):
                if not self._given_chunks.skips(part.pts):
                    sounds.put(part)
                    if near is None:
                        yield from self._sounds(sounds.excess())
            else:
                stamp, planes = part
                if near is None:
                    pts = self._timeline.place(stamp)
                    due = self._ticks.due(pts)
                    self._mark = Mark(self._state(), due, self._given_frames.count, planes)
                else:
                    self._mark = Mark.of(near, planes)
                    self._restore(self._mark.state)
                    self._given_frames.stand(self._mark.frames)
                    pts, due, near = self._timeline.reached, self._mark.due, None
                yield from self._sounds(sounds.before(pts))
                if not due:
                    self.stats.skipped += 1
                elif not self._given_frames.skips(pts):
                    self.stats.frames += 1
                    self._given_frames.give(pts)
                    yield Item(pts, "video", planes(), pts if self.can_wait else 0, source=self.name)
        yield from self._sounds(sounds.rest())

    def _sounds(self, chunks: Iterator[Chunk]) -> Iterator[Item]:
        for pts, samples in chunks:
            if self._closed.is_set():
                return
            self.stats.samples += samples.size
            self._given_chunks.give(pts)
            yield Item(pts, "audio", Sound(samples), pts if self.can_wait else 0, source=self.name)

    def _state(self) -> State:
        return State(self._timeline.snapshot(), self._ticks.next, replace(self.stats), self._heard)

    def _restore(self, state: State) -> None:
        """Be as in `state`, but for the counts of what was handed over."""
        self._timeline.restore(state.timeline)
        self._ticks.next, self._heard = state.next, state.heard
        for counter in DECODED:
            setattr(self.stats, counter, getattr(state.stats, counter))

    def _identity(self) -> dict[str, Any]:
        """What tells this source from others; JSON holds it, and a position is refused where it differs."""
        return {"every": self._every}

    def _near(self, mark: Mark) -> dict[str, Any] | None:
        """What `_parts` needs to begin with the picture of `mark`, the last that it gave; None if it cannot."""
        return None

    @abstractmethod
    def _parts(self, near: Mapping[str, Any] | None = None) -> Iterator[Part]:
        """One pass over the source; calls `_timeline.restart` before the first picture.

        With `near`, what `_near` gave, the first picture is the one marked, and the timeline is not restarted;
        sound comes from the start all the same.

        Raises:
            Mismatch: the picture marked is not found as it was.
        """

    def _release(self) -> None:  # noqa: B027
        """Give back what the source holds; may be called more than once."""
