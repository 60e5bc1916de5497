"""Event: what happens to sessions, as an engine tells it."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.engine.opening import Said
from headrace.engine.request import NEVER


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a session.

    Attributes:
        session: its name.
        kind: "said" (see `said`), "read" (all that waited was read) or "failed" (a reading failed, see `error`).
        time: ns.
        due: when it was due, ns.
        reply: what the reply is known by that it belongs to, see `Exchanges.say`.
    """

    session: str
    kind: str
    time: int
    due: int = NEVER
    said: Said | None = None
    error: str = ""
    reply: int = 0
