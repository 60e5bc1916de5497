"""Emission: what a live session says to its listeners, as it goes over the wire and into the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from headrace.core.item import MS, emission_id
from headrace.engine.opening import Said
from headrace.engine.request import NEVER

Kind = Literal["token", "reply", "standing", "gap", "closed"]


@dataclass(frozen=True, slots=True)
class Emission:
    """One emission. Times are milliseconds on the engine's clock.

    Attributes:
        number: of all emissions of its session, from 1; what `Last-Event-ID` names.
        id: stable name, sixteen hex digits.
        kind: "token": one of a reply. "reply": a reply is over, with its whole text. "standing": the answer to a
            standing question. "gap": emissions that are no longer kept. "closed": the last one.
        text: of the token, the reply or the answer; of the others the reason.
        said: number of the token among all that the session said; what an interruption names.
        t_emit_ms: when it left the engine.
        due_ms: when it was due; None if nothing was promised.
        late: it was due before.
        cause: id of the reply, or of the standing question, that it belongs to.
        cancelled: an interruption cut it.
        ended: why a reply is over: "stop", "end", "length", "interrupted" or "failed".
        error: what failed.
        lost: first and last number that a gap covers.
    """

    number: int
    id: str
    kind: Kind
    text: str = ""
    said: int | None = None
    t_emit_ms: float | None = None
    due_ms: float | None = None
    late: bool = False
    cause: str | None = None
    cancelled: bool = False
    ended: str = ""
    error: str = ""
    lost: tuple[int, int] | None = None

    def data(self) -> dict[str, Any]:
        """For JSON, whole."""
        return {name: getattr(self, name) for name in _NAMES}

    def short(self) -> dict[str, Any]:
        """For JSON, without what is as it is by default."""
        return {name: value for name, value in self.data().items() if value not in (None, "", False)}


_NAMES = tuple(field.name for field in fields(Emission))


def emission(
    session: str, number: int, kind: Kind, text: str = "", *, said: Said | None = None, **more: Any
) -> Emission:
    """The emission of this number; `said`, the token that it is or that it follows, gives the times.

    Of a reply or an answer, `late` tells whether its last token was.
    """
    if said is not None:
        more["t_emit_ms"], more["late"] = said.time / MS, said.time > said.due
        more["due_ms"] = None if said.due >= NEVER else said.due / MS
        more["said"] = said.number if kind == "token" else None
    return Emission(number, emission_id(session, kind, number), kind, text, **more)


def gap(session: str, first: int, last: int) -> Emission:
    """Says that the emissions first … last are no longer kept; it bears the last number, to be resumed behind."""
    return emission(session, last, "gap", f"emissions {first} to {last} are no longer kept", lost=(first, last))


def from_data(data: Mapping[str, Any]) -> Emission:
    """What `short` or `data` wrote.

    Raises:
        TypeError, KeyError: it is something else.
    """
    lost = data.get("lost")
    return Emission(**{**data, "lost": (lost[0], lost[1]) if lost else None})
