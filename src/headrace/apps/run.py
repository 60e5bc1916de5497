"""Run: the sessions of one `watch`, and what they add up to."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Literal

from headrace.apps.live import Status
from headrace.apps.options import Options
from headrace.apps.result import Answer, EventMark, Result, RunInfo, SourceInfo, TextLine
from headrace.apps.session import Primed, Session, Shared, as_evidence
from headrace.core.clock import Stopwatch
from headrace.core.errors import HeadraceError, InputError
from headrace.core.item import SECOND, Emission, emission_id
from headrace.understanding.responder import answer
from headrace.understanding.search import Query


class Run:
    """One run: its sessions and what they add up to."""

    def __init__(
        self,
        opened: list[tuple[Primed, SourceInfo]],
        parts: list[tuple[Any, Any]],
        queries: list[Query],
        options: Options,
        speed: str,
        shared: Shared,
    ) -> None:
        self.queries, self.options, self.speed, self.shared = queries, options, speed, shared
        self._stopwatch, self._interrupted = Stopwatch(), False
        self._failure: BaseException | None = None
        if shared.output is not None:
            header = {"stream": [info.url for _, info in opened], "clock": speed, "budget": options.budget}
            shared.trace = shared.output.trace({**header, "ask": list(options.ask), "when": list(options.when)})
        shared.progress = self._progress
        self.sessions = [
            Session(source, info, gate, reader, shared)
            for (source, info), (gate, reader) in zip(opened, parts, strict=True)
        ]

    def go(self) -> Result:
        try:
            self.shared.clock.run(self._main())
            result = self._finish()
            if self._failure is not None:
                raise self._failure
            return result
        finally:
            self.shared.view.close()
            if self.shared.trace is not None:
                with suppress(HeadraceError):
                    self.shared.trace.close()

    async def _main(self) -> None:
        with _signals(self._stop):
            ends = await asyncio.gather(*(session.run() for session in self.sessions), return_exceptions=True)
        for session, end in zip(self.sessions, ends, strict=True):
            if isinstance(end, HeadraceError):
                if not isinstance(end, InputError):  # not the source's fault: told once the report is written
                    self._failure = session.gone or end
                session.info.errors.insert(0, str(end))
                self.shared.view.note(session.media / SECOND, "error", str(end))
            elif isinstance(end, BaseException):
                raise end

    def _stop(self) -> None:
        """Interrupted: end the sources and let what is under way finish; a second time, break off."""
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True
        for session in self.sessions:
            session.graph.stop()

    def _progress(self) -> None:
        shared, sessions = self.shared, self.sessions
        media, wall = max(session.media for session in sessions) / SECOND, self._stopwatch.wall()
        durations = [session.info.duration_s for session in sessions]
        known = [duration for duration in durations if duration is not None]
        decoded = sum(session.source.source.stats.frames + session.source.source.stats.skipped for session in sessions)
        blocks = sum(session.blocks for session in sessions)
        shared.view.update(
            Status(
                media_s=media,
                wall_s=wall,
                source=", ".join(session.info.name for session in sessions),
                duration_s=max(known) if len(known) == len(sessions) else None,
                speed=self.speed,
                fps=decoded / wall if wall else 0.0,
                realtime_factor=media / wall if wall else 0.0,
                edges=[
                    (channel.name, len(channel), channel.rule.capacity, channel.drops.lost)
                    for session in sessions
                    for channel in session.graph.channels
                ],
                state_bytes=shared.memory.nbytes(),
                budget_bytes=self.options.budget,
                admitted_share=sum(session.entered for session in sessions) / blocks if blocks else 0.0,
            )
        )

    def _finish(self) -> Result:
        """Answer, add up, write."""
        shared, options = self.shared, self.options
        media = max(session.media for session in self.sessions)
        answers = [self._answer(number, query, media) for number, query in enumerate(self.queries)]
        rows = sorted(shared.memory.rows(), key=lambda row: (row.first, row.id))
        blocks = sum(session.blocks for session in self.sessions)
        wall, cpu = self._stopwatch.wall(), self._stopwatch.cpu()
        drops = {
            f"{channel.name} ({reason})": count
            for session in self.sessions
            for channel in session.graph.channels
            for reason, count in sorted(channel.drops.by_reason.items())
        }
        run = RunInfo(
            speed=self.speed,
            media_s=media / SECOND,
            wall_s=wall,
            cpu_s=cpu,
            realtime_factor=media / SECOND / wall,
            admitted_share=sum(session.entered for session in self.sessions) / blocks if blocks else 0.0,
            blocks_total=blocks,
            reads=sum(session.reading.calls for session in self.sessions),
            lines_read=sum(session.reading.lines for session in self.sessions),
            state_bytes=shared.largest,
            budget_bytes=options.budget,
            drops=drops,
            oldest_processed_s=max(session.oldest for session in self.sessions) / SECOND,
            gate=self.sessions[0].perceive.gate.kind,
            interrupted=self._interrupted,
            started=datetime.now().astimezone().isoformat(timespec="seconds"),
        )
        result = Result(
            sources=[session.info for session in self.sessions],
            run=run,
            text=[
                TextLine(
                    row.id, row.source, row.text, row.first / SECOND, row.last / SECOND, row.box, row.score, row.weight
                )
                for row in rows
                if row.kind == "text" and row.box is not None
            ],
            events=[
                EventMark(row.id, row.source, row.first / SECOND, row.score, row.thumbnail)
                for row in rows
                if row.kind == "event"
            ],
            answers=answers,
            alerts=shared.alerts,
            standing=list(options.when),
            series=shared.series,
        )
        for proof, name in shared.proofs:
            row = shared.memory.get(name)
            if row is not None:
                proof.end_s, proof.thumbnail = row.last / SECOND, row.thumbnail
        if shared.trace is not None:
            errors = {session.info.name: session.info.errors for session in self.sessions if session.info.errors}
            dropped = {
                channel.name: channel.drops.to_json()
                for session in self.sessions
                for channel in session.graph.channels
                if channel.drops.count
            }
            shared.trace.end(shared.clock.now(), drops=dropped, errors=errors)
            shared.trace.close()
        if shared.output is not None:
            shared.output.finish(result, shared.memory)
        return result

    def _answer(self, number: int, query: Query, now: int) -> Answer:
        shared, question = self.shared, query.text
        made = answer(query, shared.memory.read(query, now), self.options.responder)
        name = emission_id("", "answer", now, number)
        evidence = [as_evidence(found) for found in made.evidence]
        content = {"question": question, "seen": made.seen, "text": made.text, "by": made.by}
        newest = max((proof.end for proof in made.evidence), default=now)
        shared.emit(Emission(name, "answer", content, now, now, shared.clock.now(), newest))
        by: Literal["extractive", "llm"] = "llm" if made.by == "llm" else "extractive"
        return Answer(name, question, made.seen, made.text, by, evidence, None, made.note)


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
