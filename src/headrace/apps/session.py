"""Watching: one source's session, from frames to what is remembered and reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from headrace.apps.live import View
from headrace.apps.output import Output
from headrace.apps.result import Alert, Evidence, Series, SourceInfo
from headrace.apps.wording import counted
from headrace.core.clock import Clock
from headrace.core.executor import Threads
from headrace.core.frame import Frame
from headrace.core.graph import Graph, Stream
from headrace.core.item import SECOND, Emission, Item, emission_id
from headrace.core.op import Op
from headrace.core.overflow import Block, Latest
from headrace.core.trace import Trace
from headrace.media.source import VideoSource
from headrace.understanding.gate import Gate
from headrace.understanding.hold import Hold
from headrace.understanding.memory import ObservationMemory
from headrace.understanding.observation import Observation
from headrace.understanding.perceive import Moment, Perceive, merge_moments
from headrace.understanding.question import Evidence as Found
from headrace.understanding.reading import Reader, Reading, Sighting
from headrace.understanding.standing import StandingQuestions

#: Frames a second that are looked at.
RATE = 6
#: On a live stream nothing older than this is processed.
OLDEST = 2 * SECOND
#: At full speed the gate may run this far ahead of the reader, in frames.
AHEAD = 4 * RATE


@dataclass(slots=True)
class Shared:
    """What the sessions of one run have in common; used from the event loop's thread alone.

    Attributes:
        proofs: evidence of alerts with the id of its observation, whose end and picture are known later.
        progress: called after each frame.
        largest: most bytes that the memory has held.
    """

    clock: Clock
    memory: ObservationMemory
    standing: StandingQuestions
    view: View
    series: Series = field(default_factory=Series)
    output: Output | None = None
    trace: Trace | None = None
    publish: Callable[[Emission], None] | None = None
    alerts: list[Alert] = field(default_factory=list)
    proofs: list[tuple[Evidence, str]] = field(default_factory=list)
    progress: Callable[[], None] = lambda: None
    largest: int = 0

    def emit(self, emission: Emission) -> None:
        """Acknowledge an emission: on disk first, then shown."""
        if self.trace is not None:
            self.trace.emit(emission)
            self.trace.sync()
        if self.publish is not None:
            self.publish(emission)


class Primed:
    """A source whose first item has been read already, so that what cannot be read is known early.

    Args:
        source: opened; its first item is read now.

    Raises:
        InputError: nothing can be read from it.
    """

    blocking = True

    def __init__(self, source: VideoSource) -> None:
        self.source, self.name, self.can_wait = source, source.name, source.can_wait
        self._items = source.items()
        self._first: Item | None = next(self._items, None)

    def items(self) -> Iterator[Item]:
        if self._first is not None:
            first, self._first = self._first, None
            yield first
            yield from self._items

    def close(self) -> None:
        self.source.close()


class Session:
    """One source: frames are judged as they come, text is read beside them, both are remembered.

    On a live stream, or a file in real time, moments wait for the reader at most one deep, merged
    into the newest; at full speed the reader holds the file back and nothing is lost.
    """

    def __init__(self, source: Primed, info: SourceInfo, gate: Gate, reader: Reader, shared: Shared) -> None:
        self.source, self.info, self.shared = source, info, shared
        self.reading = Reading(reader)
        self.perceive = Perceive(gate)
        self.media = 0
        self.gone: BrokenPipeError | None = None
        self.frames = self.blocks = self.oldest = 0
        self.entered = 0.0
        self._thread = Threads(1, name=f"text-{source.name}")
        clock = shared.clock
        self.graph = Graph(clock, trace=shared.trace, name=source.name)
        frames: Stream[Frame] = self.graph.map(Hold(SECOND // RATE), self.graph.source(source), name="hold")
        moments: Stream[Moment] = self.graph.map(self.perceive, frames, name="perceive")
        self.graph.sink(_Calls(partial(self._tell, self._moment)), moments, name="events")
        edge = Latest(merge=merge_moments, max_age=OLDEST) if clock.paced or not source.can_wait else Block(AHEAD)
        lines: Stream[Sighting] = self.graph.map(self.reading, moments, edge=edge, on=self._thread, name="read")
        self.graph.sink(_Calls(partial(self._tell, self._sighting)), lines, name="remember")

    async def run(self) -> None:
        """To the end of the source; an error after the first frame is kept, not raised."""
        try:
            await self.graph.main()
        finally:
            self._thread.close()
            stats = self.source.source.stats
            self.info.frames_read = stats.frames + stats.skipped
            trouble = {"damaged packet": stats.decode_errors, "mended time stamp": stats.bad_pts}
            trouble["reconnect"] = stats.reconnects
            self.info.errors += [counted(number, what) for what, number in trouble.items() if number]
            self.info.frames_dropped = sum(channel.drops.lost for channel in self.graph.channels)

    def _tell(self, function: Callable[[Item], None], item: Item) -> None:
        """Call a sink; note if whoever reads our output has gone."""
        try:
            function(item)
        except BrokenPipeError as error:
            self.gone = error
            raise

    def _moment(self, item: Item) -> None:
        """A frame has been judged."""
        shared, moment = self.shared, item.data
        admission = moment.admission
        self.media = max(self.media, item.pts)
        self.frames += 1
        self.blocks += admission.admitted.size
        self.entered += float(admission.admitted.sum())
        if shared.trace is not None:
            shared.trace.item(shared.clock.now(), item)
        if moment.boundary is not None:
            self._event(item)
        used = shared.memory.nbytes()
        shared.largest = max(shared.largest, used)
        shared.series.add(
            item.pts / SECOND,
            change=float(admission.unstable.mean()) if self.frames > 3 else 0.0,
            admitted=admission.share,
            state_bytes=used,
            backlog=sum(len(channel) for channel in self.graph.channels),
        )
        shared.progress()

    def _event(self, item: Item) -> None:
        """An event begins."""
        shared, moment = self.shared, item.data
        boundary = moment.boundary
        picture = None
        if shared.output is not None:
            picture = shared.output.thumbnail(moment.segment, moment.admission.frame)
        event = Observation(
            id=moment.segment,
            kind="event",
            source=item.source,
            text="",
            first=boundary.pts,
            last=boundary.known,
            score=boundary.score,
            thumbnail=picture,
            segment=moment.segment,
        )
        shared.memory.write(event)
        content = {"score": round(boundary.score, 4), "thumbnail": picture}
        self._emit(moment.segment, "event", content, boundary.pts, boundary.pts, item.pts)
        shared.view.note(boundary.pts / SECOND, "event", "a new scene" if boundary.score else "the stream begins")

    def _sighting(self, item: Item) -> None:
        """A line of text was read, read again, or is gone."""
        shared, sighting = self.shared, item.data
        seen = sighting.observation
        if shared.clock.paced and sighting.change != "gone":
            self.oldest = max(self.oldest, shared.clock.now() - item.arrival)
        event = shared.memory.get(seen.segment) if seen.segment else None
        seen = replace(seen, thumbnail=event.thumbnail if event is not None else None)
        shared.memory.write(seen)
        shared.largest = max(shared.largest, shared.memory.nbytes())
        if sighting.change == "new":
            content = {"text": seen.text, "box": seen.box, "score": round(seen.score, 4)}
            self._emit(seen.id, "text", content, seen.first, seen.last, item.pts)
            shared.view.note(seen.first / SECOND, "text", seen.text)
        if sighting.change != "gone":
            now = shared.clock.now() if shared.clock.paced else item.pts
            for alert in shared.standing.decide(now, [seen]):
                self._alert(alert, item)

    def _alert(self, alert: Any, item: Item) -> None:
        """A standing question came true."""
        name = emission_id(item.source, "alert", alert.since, int(alert.question.rpartition("-")[2]))
        evidence = [as_evidence(found) for found in alert.evidence]
        self.shared.proofs += zip(evidence, [found.observation for found in alert.evidence], strict=True)
        text = "; ".join(f'"{proof.text}"' for proof in evidence)
        latency = alert.latency / SECOND if self.shared.clock.paced else None
        self.shared.alerts.append(
            Alert(name, alert.when, alert.since / SECOND, alert.now / SECOND, latency, text, evidence)
        )
        content = {"when": alert.when, "text": text}
        self._emit(name, "alert", content, alert.since, item.pts, item.pts, cause=alert.question)
        self.shared.view.note(alert.since / SECOND, "alert", f"{alert.when}: {text}")

    def _emit(
        self, name: str, kind: str, content: Any, start: int, end: int, newest: int, cause: str | None = None
    ) -> None:
        now = self.shared.clock.now()
        self.shared.emit(Emission(name, kind, content, start, end, now, newest, source=self.source.name, cause=cause))


def as_evidence(found: Found) -> Evidence:
    """Evidence as the result keeps it."""
    return Evidence(found.source, found.start / SECOND, found.end / SECOND, found.text, found.thumbnail)


class _Calls(Op):
    """A sink that wants the item, not only its payload."""

    def __init__(self, function: Callable[[Item], None]) -> None:
        self._function = function

    def step(self, item: Item) -> tuple[()]:
        self._function(item)
        return ()
