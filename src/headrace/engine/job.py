"""Job: what a session wants now, as far as a scheduler may know."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from headrace.engine.request import NEVER, Slo


@dataclass(slots=True)
class Job:
    """The exchange that a session is at; only data, and only the lane changes it.

    Attributes:
        session: its name.
        seq: by order of arrival, unique; ties are broken by it.
        release: clock time at which the exchange began, ns.
        slo: what was promised.
        todo_in: tokens to read before the next output.
        todo_out: outputs that are left, as far as foreseen; 0: it only reads.
        done_in, done_out: tokens read and outputs made in this exchange.
        piece: tokens that the next launch may take at most; 1 to say a token.
        atomic: the piece cannot be cut.
        shape: pieces of one shape share a launch.
        resident: entries of its state that a read goes over.
        bytes: that its state takes when it is resident.
        resides: whether its state is on the device; what is not is brought there before it runs.
        away: seconds predicted for that, else 0.
        value: weight of its outputs.
        program: user or program it belongs to.
        group: prefix that it shares with others, or None.
        last_chunk: clock time of its newest input, ns.
        open: more input of this exchange is to come.
    """

    session: str
    seq: int
    release: int
    slo: Slo
    todo_in: int
    todo_out: int
    done_in: int = 0
    done_out: int = 0
    piece: int = 1
    atomic: bool = False
    shape: Hashable = None
    resident: int = 0
    bytes: int = 0
    resides: bool = True
    away: float = 0.0
    value: float = 1.0
    program: str = ""
    group: Hashable = None
    last_chunk: int = 0
    open: bool = False

    @property
    def due(self) -> int:
        """When its next output is due, ns."""
        return self.slo.due(self.release, self.done_out)

    @property
    def next(self) -> int:
        """Units that its next launch would take, uncut."""
        return min(self.piece, self.todo_in) if self.todo_in else 1

    @property
    def deadline(self) -> bool:
        """Whether anything was promised about its next output."""
        return self.due < NEVER
