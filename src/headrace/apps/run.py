"""Run: the sessions of one `watch`, and what they add up to."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Literal
from zlib import crc32

from headrace.apps.options import Options
from headrace.apps.record import Desk, as_evidence
from headrace.apps.result import Answer, EventMark, Result, RunInfo, SoundMark, SpeechLine, TextLine
from headrace.apps.session import Session
from headrace.apps.status import Status
from headrace.core.clock import Stopwatch
from headrace.core.errors import HeadraceError, InputError
from headrace.core.item import SECOND, Emission, emission_id
from headrace.understanding.observation import Observation
from headrace.understanding.past import Past
from headrace.understanding.reply import reply
from headrace.understanding.search import Query

#: Least wall seconds between two looks at the state of a run.
EVERY_S = 0.1


class Run:
    """One run.

    Args:
        sessions: at least one.
        queries: answered at the end, over what all sessions remember.
        options, speed: as given, and as it is.
        desk: what the sessions write to.
    """

    def __init__(
        self, sessions: Sequence[Session], queries: Sequence[Query], options: Options, speed: str, desk: Desk
    ) -> None:
        self.sessions, self.queries, self.options, self.speed, self.desk = sessions, queries, options, speed, desk
        self._stopwatch, self._interrupted = Stopwatch(), False
        self._failure: BaseException | None = None
        self._told: float | None = None
        self._started = datetime.now().astimezone().isoformat(timespec="seconds")
        desk.progress = self._progress

    def go(self) -> Result:
        try:
            self._show()  # so that the view knows the sources before the first note
            self.desk.clock.run(self._main())
            self._show()
            result = self._finish()
            if self._failure is not None:
                raise self._failure
            return result
        finally:
            self.desk.view.close()
            if self.desk.journal.trace is not None:
                with suppress(HeadraceError):
                    self.desk.journal.trace.close()

    async def _main(self) -> None:
        with _signals(self._stop):
            ends = await asyncio.gather(*(session.run() for session in self.sessions), return_exceptions=True)
        for session, end in zip(self.sessions, ends, strict=True):
            if isinstance(end, HeadraceError):
                if session.gone:
                    self._failure = BrokenPipeError()
                elif not isinstance(end, InputError):  # not the source's fault: told once the report is written
                    self._failure = end
            elif isinstance(end, BaseException):
                raise end

    def _stop(self) -> None:
        """Interrupted: end the sources and let what is under way finish; a second time, break off."""
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True
        for session in self.sessions:
            session.stop()

    # -- while it goes on -----------------------------------------------------------------------

    def _progress(self) -> None:
        """Something was worked off: tell the view, if it was not told just now."""
        if self._told is None or self._stopwatch.wall() >= self._told + EVERY_S:
            self._show()

    def _show(self) -> None:
        sessions, wall = self.sessions, self._stopwatch.wall()
        self._told = wall
        told = [session.status() for session in sessions]
        media = max(status.media_s for status in told)
        playing = [status for status in told if status.state != "lost"]
        known = [status.duration_s for status in playing if status.duration_s is not None]
        blocks = sum(session.record.tally.blocks for session in sessions)
        self.desk.view.update(
            Status(
                media_s=media,
                told_s=min(session.told_s for session in sessions),
                wall_s=wall,
                source=", ".join(status.name for status in told),
                duration_s=max(known) if known and len(known) == len(playing) else None,
                speed=self.speed,
                fps=sum(session.decoded for session in sessions) / wall if wall > 0.2 else 0.0,
                realtime_factor=media / wall if wall > 0.2 else 0.0,
                edges=[edge for session in sessions for edge in session.edges(len(sessions) > 1)],
                state_bytes=sum(session.record.memory.nbytes() for session in sessions),
                budget_bytes=sum(session.record.memory.max_bytes() for session in sessions),
                admitted_share=sum(session.record.tally.entered for session in sessions) / blocks if blocks else 0.0,
                sources=told,
            )
        )

    # -- at the end -----------------------------------------------------------------------------

    def _finish(self) -> Result:
        """Answer, add up, write."""
        desk, sessions, options = self.desk, self.sessions, self.options
        for session in sessions:
            session.settle()
            session.record.settle()
            session.record.info.watched_s = session.record.tally.media / SECOND
        media = max(session.record.tally.media for session in sessions)
        answers = [self._answer(query, media) for query in self.queries]
        for session in sessions:
            session.record.retire()
            desk.journal.retire(session.name, session.record.tally.media)
        memories = [session.record.stored() for session in sessions]
        rows = [row for memory in memories for row in memory.rows()]
        rows.sort(key=lambda row: (row.first, row.id))
        info = self._info(media)
        result = Result(
            sources=[session.record.info for session in sessions],
            run=info,
            text=[_line(row) for row in rows if row.kind == "text" and row.box is not None],
            speech=[_speech(row, info.recogniser) for row in rows if row.kind == "speech"],
            sounds=[_sound(row) for row in rows if row.kind == "sound"],
            events=[
                EventMark(row.id, row.source, row.first / SECOND, row.score, row.thumbnail)
                for row in rows
                if row.kind == "event"
            ],
            answers=answers,
            alerts=[alert for session in sessions for alert in session.record.alerts],
            standing=list(options.when),
            series={session.name: session.record.series for session in sessions},
        )
        if desk.journal.trace is not None:
            errors = {session.name: session.record.info.errors for session in sessions if session.record.info.errors}
            desk.journal.trace.end(desk.clock.now(), drops=self._drops(), errors=errors)
            desk.journal.trace.close()
        if desk.output is not None:
            desk.output.finish(result, memories)
        return result

    def _info(self, media: int) -> RunInfo:
        sessions, wall = self.sessions, self._stopwatch.wall()
        tallies = [session.record.tally for session in sessions]
        blocks, readings = sum(tally.blocks for tally in tallies), [s.reading for s in sessions if s.reading]
        began = min((session.began for session in sessions), default=0)
        return RunInfo(
            speed=self.speed,
            media_s=media / SECOND,
            wall_s=wall,
            cpu_s=self._stopwatch.cpu(),
            realtime_factor=max(media - began, 0) / SECOND / wall,
            admitted_share=sum(tally.entered for tally in tallies) / blocks if blocks else 0.0,
            blocks_total=blocks,
            reads=sum(reading.calls for reading in readings),
            lines_read=sum(reading.lines for reading in readings),
            state_bytes=sum(tally.largest for tally in tallies),
            budget_bytes=sum(session.record.memory.max_bytes() for session in sessions),
            drops={
                f"{channel} ({reason})": number
                for channel, drops in self._drops().items()
                for reason, number in sorted(drops["by"].items())
            },
            oldest_processed_s=max(tally.oldest for tally in tallies) / SECOND,
            gate=next((session.parts.gate.kind for session in sessions if session.parts.gate is not None), ""),
            recogniser=next((s.parts.recogniser.name for s in sessions if s.parts.recogniser is not None), ""),
            interrupted=self._interrupted,
            resumed=max(tally.resumed for tally in tallies),
            started=self._started,
        )

    def _drops(self) -> dict[str, dict]:  # type: ignore[type-arg]
        """What each edge dropped, with the name of its source where there are several."""
        return {
            session.edge_name(channel.name, len(self.sessions) > 1): channel.drops.to_json()
            for session in self.sessions
            for channel in session.channels
            if channel.drops.count
        }

    def _answer(self, query: Query, now: int) -> Answer:
        pasts = [Past(s.record.memory, s.record.tally.media, name=s.name) for s in self.sessions]
        made = reply(query, pasts, self.options.responder)
        name = emission_id("", "answer", now, crc32(query.text.encode("utf-8", "replace")))
        evidence = [as_evidence(found) for found in made.evidence]
        content = {"question": query.text, "seen": made.seen, "text": made.text, "by": made.by}
        newest = max((proof.end for proof in made.evidence), default=now)
        self.desk.journal.emit(Emission(name, "answer", content, now, now, self.desk.clock.now(), newest))
        by: Literal["extractive", "llm"] = "llm" if made.by == "llm" else "extractive"
        return Answer(name, query.text, made.seen, made.text, by, evidence, None, made.note)


def _line(row: Observation) -> TextLine:
    assert row.box is not None
    return TextLine(row.id, row.source, row.text, row.first / SECOND, row.last / SECOND, row.box, row.score, row.weight)


def _speech(row: Observation, by: str) -> SpeechLine:
    by = by if row.text else ""
    return SpeechLine(
        row.id, row.source, row.text, row.first / SECOND, row.last / SECOND, row.score, by if row.text else ""
    )


def _sound(row: Observation) -> SoundMark:
    level = row.level_db if row.level_db is not None else 0.0
    return SoundMark(row.id, row.source, row.text, row.first / SECOND, row.last / SECOND, level, row.score)


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on SIGINT and SIGTERM, where the platform and the thread allow it."""
    loop = asyncio.get_running_loop()
    caught = []
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(number, stop)
            caught.append(number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
