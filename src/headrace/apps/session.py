"""Session: one source of a run, from frames and sound to what is remembered, and its saved state."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from headrace.apps.parts import Parts
from headrace.apps.primed import Primed
from headrace.apps.record import Record
from headrace.apps.status import SourceStatus, State
from headrace.apps.wording import counted, length
from headrace.core.channel import Channel
from headrace.core.errors import HeadraceError, StateError
from headrace.core.executor import Threads
from headrace.core.frame import Frame
from headrace.core.graph import Graph, Stream
from headrace.core.item import SECOND, Item
from headrace.core.op import OnError, Only, Op
from headrace.core.overflow import Block, DropOldest, Latest, Overflow
from headrace.core.sound import Sound
from headrace.core.stateful import Snapshot, Stateful
from headrace.media.listen import Listen
from headrace.media.transcribe import Transcribe
from headrace.understanding.blockadmission import BlockGate
from headrace.understanding.hold import Hold
from headrace.understanding.perceive import Moment, Perceive, merge_moments
from headrace.understanding.reading import Reader, Reading, Sighting

#: Frames a second that are looked at.
RATE = 6
#: On a live stream nothing older than this is processed.
OLDEST = 2 * SECOND
#: At full speed the gate may run this far ahead of the reader, in frames.
AHEAD = 4 * RATE
#: Utterances that may wait for a slow recogniser.
UTTERANCES = 8
#: Saving takes at most one part in this many of a session's time.
SAVING = 20


class Session:
    """Frames are judged as they come, text is read and speech put into words beside them, all is remembered.

    On a live stream, or a file in real time, moments wait for the reader at most one deep, merged
    into the newest; at full speed the reader holds the file back and nothing is lost.

    Args:
        source: None if it had ended before the run was taken up again.
        record: takes in what is found.
        parts: see Parts.
        save: writes a state; returns False if there is no room for it. None saves nothing.
        every_s: least seconds between two saved states.

    Attributes:
        state: how the source fares.
        gone: whoever reads our output has gone.
        began: media time in ns at which this run took the session up.
        number: of the last saved state.
    """

    def __init__(
        self,
        source: Primed | None,
        record: Record,
        parts: Parts,
        save: Callable[[Snapshot], bool] | None = None,
        every_s: float = 10.0,
    ) -> None:
        self.source, self.record, self.parts = source, record, parts
        self.name, self.gone, self.began = record.info.name, False, record.tally.media
        self.state: State = "playing" if source is not None else "ended"
        self.number = 0
        self._stopped = self._unsaved = False
        self._save, self._every_s, self._save_at = save, every_s, 0.0
        self._ops: dict[str, Op] = {}
        self._threads: list[Threads] = []
        self.graph: Graph | None = None
        if source is not None:
            if save is not None:
                source.due = lambda: time.monotonic() >= self._save_at
                source.rested = self._rest
            self.graph = self._wire(source)

    # -- running --------------------------------------------------------------------------------

    async def run(self) -> None:
        """To the end of the source; what went wrong on the way is told in `record.info.errors`."""
        if self.source is None or self.graph is None:
            return
        try:
            await self.graph.main()
        except HeadraceError as error:
            self.fault(str(error))
            raise
        finally:
            for threads in self._threads:
                threads.close()
            self._close_books(self.source)
        self.state = "ended"

    def stop(self) -> None:
        """End the source and let what is under way finish."""
        self._stopped = True
        if self.graph is not None:
            self.graph.stop()

    def settle(self) -> None:
        """If the source has come to its end, it needs not be opened again."""
        if self._save is not None and self.state == "ended" and not self._stopped:
            self._write(None)

    def fault(self, told: str) -> None:
        """The source could not be watched, or not to its end."""
        self.state = "lost"
        self.record.fault(told)

    @property
    def channels(self) -> list[Channel]:
        """The edges; empty before the run."""
        return self.graph.channels if self.graph is not None else []

    def edge_name(self, edge: str, several: bool) -> str:
        """An edge's name for people: with that of the source if there are several."""
        return f"{self.name}: {edge}" if several else edge

    def edges(self, several: bool) -> list[tuple[str, int, int, int]]:
        """Name, items waiting, bound and items dropped of each edge."""
        return [
            (self.edge_name(channel.name, several), len(channel), channel.rule.capacity, channel.drops.lost)
            for channel in self.channels
        ]

    @property
    def decoded(self) -> int:
        """Pictures decoded."""
        stats = self.source.source.stats if self.source is not None else None
        return stats.frames + stats.skipped if stats is not None else 0

    @property
    def told_s(self) -> float:
        """Media seconds up to which everything found has been told."""
        media = self.record.tally.media
        return (self.graph.reached(media) if self.graph is not None else media) / SECOND

    def status(self) -> SourceStatus:
        """How the source fares now."""
        record, channels = self.record, self.channels
        tally, heard = record.tally, record.last_heard
        return SourceStatus(
            self.name,
            tally.media / SECOND,
            record.info.duration_s,
            "reconnecting" if self.source is not None and self.source.source.reconnecting else self.state,
            heard.level_db if heard is not None else None,
            heard.voice if heard is not None else 0.0,
            sum(len(channel) for channel in channels),
            sum(channel.drops.lost for channel in channels),
            record.age / SECOND,
            tally.entered / tally.blocks if tally.blocks else 0.0,
        )

    @property
    def reading(self) -> Reading | None:
        """The operator that reads, for its counters."""
        op = self._ops.get("reading")
        return op if isinstance(op, Reading) else None

    # -- wiring ---------------------------------------------------------------------------------

    def _wire(self, source: Primed) -> Graph:
        desk = self.record.desk
        graph = Graph(desk.clock, trace=desk.journal.trace, name=self.name)
        items: Stream[Any] = graph.source(source)
        if self.parts.gate is not None and self.parts.reader is not None:
            self._wire_pictures(graph, items, self.parts.gate, self.parts.reader, source.can_wait)
        if self.parts.listen is not None:
            self._wire_sound(graph, items, self.parts.listen, source.can_wait)
        return graph

    def _wire_pictures(self, graph: Graph, items: Stream[Any], gate: BlockGate, reader: Reader, can_wait: bool) -> None:
        hold, perceive, reading = Hold(SECOND // RATE), Perceive(gate), Reading(reader)
        self._ops |= {"hold": hold, "perceive": perceive, "reading": reading}
        frames: Stream[Frame] = graph.map(Only("video"), items, name="pictures")
        moments: Stream[Moment] = graph.map(perceive, graph.map(hold, frames, name="hold"), name="perceive")
        graph.sink(self._sink(self._moment), moments, name="events")
        lossy = graph.clock.paced or not can_wait
        edge = Latest(merge=merge_moments, max_age=OLDEST) if lossy else Block(AHEAD)
        lines: Stream[Sighting] = graph.map(reading, moments, edge=edge, on=self._thread("text"), name="read")
        graph.sink(self._sink(self.record.sighting), lines, name="remember")

    def _wire_sound(self, graph: Graph, items: Stream[Any], listen: Listen, can_wait: bool) -> None:
        self._ops["listen"] = listen
        chunks: Stream[Sound] = graph.map(Only("audio"), items, name="sound")
        heard: Stream[Any] = graph.map(listen, chunks, name="listen")
        graph.sink(
            self._sink(self.record.heard), graph.map(Only("heard", "sound"), heard, name="loudness"), name="hear"
        )
        lossy = graph.clock.paced or not can_wait
        edge: Overflow = DropOldest(UTTERANCES) if lossy else Block(UTTERANCES)
        # On a stream that does not wait, saving does not wait for a slow recogniser either.
        speech: Stream[Any] = graph.map(Only("speech"), heard, name="speech", awaited=not lossy)
        words = Transcribe(self.parts.recogniser)
        said: Stream[Any] = graph.map(
            words, speech, edge=edge, on=self._thread("speech"), name="transcribe", on_error=OnError.SKIP
        )
        graph.sink(self._sink(self.record.said), said, name="said")

    def _thread(self, what: str) -> Threads:
        self._threads.append(Threads(1, name=f"{what}-{self.name}"))
        return self._threads[-1]

    def _sink(self, function: Callable[[Item], None]) -> _Calls:
        return _Calls(partial(self._take, function))

    def _take(self, function: Callable[[Item], None], item: Item) -> None:
        """Call a sink; note if whoever reads our output has gone."""
        try:
            function(item)
        except BrokenPipeError:
            self.gone = True
            raise

    def _moment(self, item: Item) -> None:
        self.record.moment(item, sum(len(channel) for channel in self.channels))

    def _close_books(self, source: Primed) -> None:
        """What the source and the edges have counted goes into the result."""
        info, stats = self.record.info, source.source.stats
        info.frames_read = stats.frames + stats.skipped
        trouble = {"damaged packet": stats.decode_errors, "mended time stamp": stats.bad_pts}
        trouble |= {"jump in the sound": stats.sound_jumps, "reconnect": stats.reconnects}
        plural = {"jump in the sound": "jumps in the sound"}
        info.errors += [counted(number, what, plural.get(what, "")) for what, number in trouble.items() if number]
        if stats.ended_early:
            info.errors.append(f"ended {length(stats.ended_early)} before its time; the file is cut short")
        lost = {channel.name: channel.drops.lost for channel in self.channels}
        unsaid = lost.pop("speech->transcribe", 0)
        if unsaid:
            info.errors.append(f"{counted(unsaid, 'stretch', 'stretches')} of speech dropped: --asr is too slow")
        info.frames_dropped += sum(lost.values())
        for number in self.graph.errors().values() if self.graph is not None else ():
            info.errors.append(f"{counted(number, 'stretch', 'stretches')} of speech lost: the recogniser failed")

    # -- saved state ----------------------------------------------------------------------------

    def _rest(self, position: dict[str, Any]) -> None:
        """Everything before `position` has been worked off: save it."""
        began = time.monotonic()
        self._write(position)
        ended = time.monotonic()
        self._save_at = ended + max(self._every_s, SAVING * (ended - began))

    def _write(self, position: Mapping[str, Any] | None) -> None:
        """Save the state at a position of the source; None: at its end."""
        assert self._save is not None
        record, journal = self.record, self.record.desk.journal
        record.retire()
        journal.retire(self.name, record.tally.media)
        self.number += 1
        trace = journal.trace
        if trace is not None:
            trace.mark(self.name, self.number)
            trace.sync()
        meta = {"number": self.number, "position": position, "saved_at": time.time()}
        parts = {"record": record.snapshot()}
        ops = {name: op.snapshot() for name, op in self._ops.items() if isinstance(op, Stateful)}
        bare = position is None or record.desk.keep.private
        whole = not bare and self._save(Snapshot.join("session", {**parts, **ops}, meta))
        if not whole and not self._save(Snapshot.join("session", parts, meta)) and not self._unsaved:
            self._unsaved = True
            record.fault("its state does not fit into --disk any more; a resumed run begins at the last one that did")

    def restore(self, state: Snapshot, *, gap: int = 0) -> None:
        """Go on from a saved state; `gap` ns of a live source were not watched since."""
        self.number = state.expect("session").meta["own"]["number"]
        saved = state.meta["parts"].keys()
        try:
            for name in self._ops.keys() & saved:
                op = self._ops[name]
                if isinstance(op, Stateful) and not (gap and name == "hold"):  # the last picture did not stay until now
                    op.restore(state.part(name))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise StateError(f"the saved state of {self.name} is damaged; watch again without --resume") from error
        perceive = self._ops.get("perceive")
        if isinstance(perceive, Perceive) and "perceive" not in saved:
            events = [row for row in self.record.memory.rows() if row.kind == "event"]
            perceive.go_on(max(events, key=lambda row: row.first).id if events else "")


class _Calls(Op):
    """A sink that wants the item, not only its payload."""

    def __init__(self, function: Callable[[Item], None]) -> None:
        self._function = function

    def step(self, item: Item) -> tuple[()]:
        self._function(item)
        return ()
