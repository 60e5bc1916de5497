"""Resumption: what an earlier run left in the folder, from which its sessions go on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from headrace.apps.folder import TRACE
from headrace.apps.opening import Opened
from headrace.apps.output import Output
from headrace.apps.record import Record
from headrace.apps.redo import AGAIN, Redone, acknowledged, alert, observation, since
from headrace.apps.session import Session
from headrace.core.errors import StateError
from headrace.core.item import SECOND
from headrace.core.stateful import Snapshot

#: A clock that jumped says nothing about how long a live stream was not watched.
LONGEST_GAP = 30 * 86400 * SECOND


@dataclass(frozen=True, slots=True)
class Begin:
    """Where a session begins: at media time `at` ns, `gap` ns of which were not watched."""

    at: int = 0
    gap: int = 0


@dataclass
class Resumption:
    """The saved state of each session, and what was acknowledged since; nothing of a run that is new.

    A file read at full speed goes on exactly where the state was saved: what was acknowledged after it is made
    again, under the same ids, and not told again. Live streams and pipes, and files in real time, do not repeat
    themselves: there it is taken in again from the trace.

    Attributes:
        states: one for each source, None where none was saved, or where it is damaged.
        damaged: why the state of a source cannot be read.
        records: `emit` and `mark` records of the trace, oldest first.
        resumed: an earlier run is gone on with.
    """

    states: Sequence[Snapshot | None]
    records: list[dict[str, Any]] = field(default_factory=list)
    resumed: bool = False
    damaged: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, output: Output, sources: int) -> Resumption:
        """What lies in a folder.

        Raises:
            InputError: the trace is damaged.
        """
        states: list[Snapshot | None] = []
        damaged = {}
        for number in range(sources):
            try:
                state = output.saved(number)
                states.append(None if state is None else _checked(state))
            except StateError as error:
                states.append(None)
                damaged[number] = f"{error}; begun anew"
        return cls(states, acknowledged(output.folder / TRACE), True, damaged)

    @property
    def known(self) -> list[str]:
        """The ids that were acknowledged."""
        return [record["id"] for record in self.records if record["type"] == "emit"]

    def ended(self, number: int) -> bool:
        """Whether this source had come to its end."""
        state = self.states[number]
        return state is not None and state.meta["own"]["position"] is None

    def rewind(self, number: int, one: Opened) -> Begin:
        """Bring a source to where its session stands; that it is not the source that it was is its own fault."""
        if not self.resumed or one.source is None:
            return Begin()
        state, source = self.states[number], one.source
        position, saved_at = source.position(), time.time()
        if state is not None:
            own = state.meta["own"]
            position, saved_at = own["position"], own["saved_at"]
        gap = 0
        if not source.repeats:
            told = since(self.records, one.info.name, 0)
            reached = max((record["t_input"] for record in told), default=0)
            away = min(max(int((time.time() - saved_at) * SECOND), 0), LONGEST_GAP)
            gap = max(away, reached - position["time"]) + SECOND
        try:
            if state is not None or gap:
                source.resume(position, gap)
        except StateError as error:
            one.give_up(error)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            one.give_up(StateError(f"the saved position of {one.info.name} is damaged; watch again without --resume"))
        return Begin(position["time"] + gap, gap)

    def restore(self, number: int, record: Record) -> None:
        """Bring a record to its saved state, but for what is known anew of its source."""
        state = self.states[number]
        if state is None:
            return
        fresh = record.info
        try:
            record.restore(state.part("record"))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise StateError(f"the saved state of {fresh.name} is damaged; watch again without --resume") from error
        if fresh.width or fresh.channels:
            fresh.gaps, record.info = record.info.gaps, fresh

    def catch_up(self, sessions: Sequence[Session], begins: Sequence[Begin], paced: bool) -> None:
        """Bring the sessions to what was acknowledged last."""
        if not self.resumed:
            return
        rows = []
        for session, state, begin in zip(sessions, self.states, begins, strict=True):
            record = session.record
            record.tally.resumed += 1
            if state is not None:
                session.restore(state, gap=begin.gap)
            if session.source is not None and session.source.source.repeats and not paced and _exact(state):
                continue
            if not _exact(state):  # what is still there is not new
                rows += [row for row in record.memory.rows() if row.last >= record.tally.media - AGAIN]
            reached = begin.at - begin.gap
            for told in since(self.records, session.name, session.number):
                reached = max(reached, told["t_input"])
                row, fired = observation(told), alert(told)
                if row is not None:
                    record.memory.write(row)
                    rows.append(row)
                if fired is not None:
                    record.alerts.append(fired)
                    record.standing.disarm(told["cause"])
            if begin.gap:
                record.gap(reached, begin.at)
        sessions[0].record.desk.redone = Redone(rows)


def _checked(state: Snapshot) -> Snapshot:
    """The state, if it has what going on needs; else StateError."""
    own = state.expect("session").meta.get("own")
    saved = own if isinstance(own, dict) else {}
    if not (
        isinstance(saved.get("number"), int)
        and isinstance(saved.get("saved_at"), float)
        and isinstance(saved.get("position", ""), dict | None)
        and (saved["position"] is None or isinstance(saved["position"].get("time"), int))
    ):
        raise StateError("the saved state is damaged")
    state.part("record")
    return state


def _exact(state: Snapshot | None) -> bool:
    """Whether what was acknowledged behind this state is made again to the letter: not if perception begins afresh."""
    return state is None or len(state.meta["parts"]) > 1
