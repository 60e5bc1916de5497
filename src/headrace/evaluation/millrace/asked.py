"""Asked: a question with what tables need of it; Wait: a standing one."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.core.item import SECOND
from headrace.evaluation.millrace.identity import Identity
from headrace.evaluation.millrace.visit import Cell
from headrace.evaluation.truth import Event, Question

TRACKS = ("now", "past", "count", "order", "place", "heard")
#: Ages by which answers are tabulated, ns: 10 s, 1 and 5 and 30 minutes, 2 and 10 hours.
AGES = tuple(seconds * SECOND for seconds in (10, 60, 300, 1800, 7200, 36000))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a stream.

    Attributes:
        question: text, time and truth; its answer is None where the stream does not tell.
        track: one of `TRACKS`.
        about: what is wanted, for readers that understand no English: "who" (who is in the cell), "seen", "visits",
            "colour" (how many identities of that colour), "first" (which of two came first), "first place",
            "last place", "word" (what was said when it last came in).
        who: whom it is about, in the order of the text.
        cell: where, for "who".
        colour: of what colour, for "colour".
        age: the one of `AGES` that is nearest to how old the newest evidence is; None where nothing is to be
            remembered. A question without an answer has the age of the one it is the counterpart of.
    """

    question: Question
    track: str
    about: str
    who: tuple[Identity, ...] = ()
    cell: Cell | None = None
    colour: str | None = None
    age: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """A standing request: tell me when somebody comes in.

    Attributes:
        t: when it is made, ns; it stands to the end of the stream.
        request: its text.
        who: who is waited for.
        events: the entrances from `t` on, see `World.events`; none in half of all waits.
    """

    t: int
    request: str
    who: Identity
    events: tuple[Event, ...]
