"""TokenView: what a reader of a token memory sees, and the Cue it is read with."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.understanding.admission import Floats
from headrace.understanding.tokens.rows import Rows


@dataclass(frozen=True, slots=True)
class Cue:
    """What a memory is asked for.

    Attributes:
        features: float32 [Q, D], the question in the space of the tokens; None: no particular thing, all is wanted.
        since, until: ns, ends of a stretch of time, or None.
    """

    features: Floats | None = None
    since: int | None = None
    until: int | None = None


@dataclass(slots=True)
class TokenView:
    """The rows that a reader gets, in order of their first time; not to be changed.

    Attributes:
        rows: what was kept and found.
        now: media time of the reading, ns.
    """

    rows: Rows
    now: int
