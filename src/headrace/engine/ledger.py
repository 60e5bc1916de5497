"""Ledger: what a durable session must not lose, on disk before anybody is told.

A session is two files of its name: `ID.ledger`, lines of JSON, and the state that these go on from, `ID.N.state`. The
first line names that state and says how the session was opened. Each other line is one of

    {"w": [inputs]}            all that waits to be read is now this
    {"h": [held]}              all that waits for the end of the reply is now this
    {"t": turns}               the conversation stands here
    {"r": n}                   so many of the tokens that wait were read
    {"s": [number, token, text, ended, stream, kind]}   a token was said

Once there are many lines the state is saved anew and the ledger begins again, with the newest outputs as they were.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from headrace.core.errors import CapacityError, StateError
from headrace.core.files import atomic_write, fsync
from headrace.core.stateful import Snapshot
from headrace.engine.host import Inputs
from headrace.engine.opening import Opening, Said
from headrace.engine.request import NEVER, Slo
from headrace.engine.seat import Held

#: Version of the ledger; a newer one is refused.
FORMAT = 1
#: Outputs that are kept when a ledger begins again: a client may be so many behind.
BEHIND = 256
#: Lines after which the state is saved anew.
LONG = 2048


@dataclass
class Found:
    """What a ledger tells about a session.

    Attributes:
        opening: how it was opened.
        state: to go on from; None: from the beginning.
        known: read and said since, in order.
        waiting: what waits to be read.
        held: what waits for the end of the reply.
        turns: where its conversation stands.
        said: its newest outputs.
        number: of the last one.
    """

    opening: Opening
    state: Snapshot | None = None
    known: list[Inputs] = field(default_factory=list)
    waiting: list[Inputs] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    turns: Any = None
    said: list[Said] = field(default_factory=list)
    number: int = 0


class Ledger:
    """Writes the ledger of one session.

    Args:
        folder: of all sessions; it is there.
        name: of the session.

    Attributes:
        lines: since it began.
        held: how many inputs wait for the end of the reply, as it has them.
        left: tokens that wait, as it has them.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.lines, self.left, self.held, self._generation = 0, 0, 0, 0
        self._file: TextIO | None = None
        self._dirty = False

    @property
    def path(self) -> Path:
        return self.folder / f"{self.name}.ledger"

    def begin(
        self,
        opening: Opening,
        state: Snapshot | None,
        waiting: Sequence[Inputs],
        turns: Any,
        said: Sequence[Said],
        number: int,
        held: Iterable[Held] = (),
    ) -> None:
        """Begin anew from a state; what there was before stays until all is written.

        Raises:
            CapacityError: the disk refuses.
        """
        old = self._state() if self._generation else None
        self._generation += 1
        try:
            if state is not None:
                state.save(self._state())
            generation = self._generation if state else 0
            head = {"format": FORMAT, "opening": asdict(opening), "state": generation, "number": number}
            kept = {"old": [_said(one, "", "") for one in said[-BEHIND:]]}
            after = {"h": [astuple(one) for one in held]}
            body = [kept, {"t": turns}, {"w": [_inputs(one) for one in waiting]}, after]
            self.close()
            atomic_write(self.path, "".join(_line(one) for one in (head, *body)))
            self._file = self.path.open("a", encoding="utf-8")
        except (OSError, StateError) as error:
            raise CapacityError(f"session {self.name} cannot be kept: {error}") from error
        self.lines, self.left, self.held, self._dirty = 0, _tokens(waiting), len(body[-1]["h"]), False
        if old is not None:
            old.unlink(missing_ok=True)

    def waits(self, waiting: Sequence[Inputs], turns: Any = None) -> None:
        """All that waits is now this."""
        if turns is not None:
            self._write({"t": turns})
        self._write({"w": [_inputs(one) for one in waiting]})
        self.left = _tokens(waiting)

    def holds(self, held: Iterable[Held]) -> None:
        """All that waits for the end of the reply is now this."""
        told = [astuple(one) for one in held]
        self._write({"h": told})
        self.held = len(told)

    def read(self, n: int) -> None:
        """So many tokens of what waits were read."""
        self._write({"r": n})
        self.left -= n

    def say(self, said: Said, stream: str, kind: str) -> None:
        """A token was said."""
        self._write({"s": _said(said, stream, kind)})

    def sync(self) -> None:
        """Return once all of it is on the disk."""
        if self._file is None or not self._dirty:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise CapacityError(f"session {self.name} cannot be kept: {error.strerror or error}") from error
        self._dirty = False

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def remove(self) -> None:
        """Forget the session for good."""
        self.close()
        self.path.unlink(missing_ok=True)
        for state in self.folder.glob(f"{self.name}.*.state"):
            state.unlink(missing_ok=True)
        fsync(self.folder)

    def load(self) -> Found:
        """What was kept, and go on writing behind it; a last line that a crash cut is left out.

        The file is another from then on: a worker that has not noticed yet that its parent is gone writes to none.

        Raises:
            StateError: there is no such session, or its files are damaged or of a newer format.
            CapacityError: the disk refuses.
        """
        try:
            lines = self.path.read_bytes().split(b"\n")[:-1]
            records = [json.loads(line) for line in lines]
            head = records[0]
            if head["format"] > FORMAT:
                raise StateError(f"{self.path} has format {head['format']}; this headrace reads up to {FORMAT}")
            self._generation = int(head["state"])
            told = dict(head["opening"])
            found = Found(Opening(**{**told, "slo": Slo(**told["slo"])}))
            found.number = int(head["number"])
            if self._generation:
                found.state = Snapshot.load(self._state())
            for record in records[1:]:
                _add(found, record)
        except FileNotFoundError:
            raise StateError(f"session {self.name} was not kept") from None
        except (OSError, LookupError, TypeError, ValueError) as error:
            raise StateError(f"{self.path} is damaged: {error!r}") from error
        try:
            atomic_write(self.path, "".join(line.decode() + "\n" for line in lines))
            self._file = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise CapacityError(f"session {self.name} cannot be kept: {error.strerror or error}") from error
        self.lines, self.left, self.held = len(lines), _tokens(found.waiting), len(found.held)
        return found

    def _state(self) -> Path:
        return self.folder / f"{self.name}.{self._generation}.state"

    def _write(self, record: dict[str, Any]) -> None:
        if self._file is None:
            return
        try:
            self._file.write(_line(record))
        except OSError as error:
            raise CapacityError(f"session {self.name} cannot be kept: {error.strerror or error}") from error
        self.lines += 1
        self._dirty = True


def kept(folder: Path) -> list[str]:
    """Names of the sessions that a folder keeps."""
    return sorted(path.stem for path in folder.glob("*.ledger"))


def _add(found: Found, record: dict[str, Any]) -> None:
    if "w" in record:
        found.waiting = [Inputs(list(one[0]), one[1], one[2], one[3]) for one in record["w"]]
    elif "h" in record:
        found.held = [Held(*one) for one in record["h"]]
    elif "t" in record:
        found.turns = record["t"]
    elif "old" in record:
        found.said = [_unsaid(one) for one in record["old"]]
    elif "s" in record:
        said = _unsaid(record["s"])
        found.said.append(said)
        found.number = said.number
        if said.token is not None:
            found.known.append(Inputs([said.token], record["s"][4], record["s"][5], 0))
    else:
        left = int(record["r"])
        while left:
            first = found.waiting[0]
            n = min(left, len(first.ids))
            found.known.append(Inputs(list(first.ids[:n]), first.stream, first.kind, first.pts))
            left -= n
            if n == len(first.ids):
                found.waiting.pop(0)
            else:
                found.waiting[0] = Inputs(list(first.ids[n:]), first.stream, first.kind, first.pts)


def _tokens(waiting: Sequence[Inputs]) -> int:
    return sum(len(one.ids) for one in waiting)


def _inputs(one: Inputs) -> list[Any]:
    return [list(one.ids), one.stream, one.kind, one.pts]


def _said(said: Said, stream: str, kind: str) -> list[Any]:
    return [said.number, said.token, said.text, said.ended, stream, kind]


def _unsaid(record: Sequence[Any]) -> Said:
    return Said(int(record[0]), record[1], record[2], 0, NEVER, record[3])


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, separators=(",", ":")) + "\n"
