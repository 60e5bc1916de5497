"""Segment: the unit in which state is kept or dropped."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

#: Positions that one segment may span.
REACH = 1 << 32


@dataclass(slots=True)
class Segment:
    """A row of the segment table: a block of tokens, a frame, a chunk or a turn.

    Attributes:
        index: serial number within the session, never reused.
        stream: whose input it is, such as "main", "source", "target".
        kind: of the input, such as "text", "video", "system"; budgets may go by it.
        t0: number of its first entry since the session was opened, over all streams.
        s0: the same within its stream.
        lane: ordinal of its stream, by first use.
        anchor: how far the other streams had come when its stream began.
        shot: boundaries of shots before it.
        slots: where its entries lie, in units of one block of storage.
        length: entries that are there.
        extent: how many positions they span.
        pinned: entries at its head that never leave.
        closed: no entry will be added.
        score: its statistic (see `score`).
        weight: how many segments are folded into it, itself included.
        first, last: media time of its first and last input, in ns.
        inputs: what went into the model, kept only if the policy may redo.
    """

    index: int
    stream: str
    kind: str
    t0: int
    s0: int
    lane: int = 0
    anchor: int = 0
    shot: int = 0
    slots: list[int] = field(default_factory=list)
    length: int = 0
    extent: int = 0
    pinned: int = 0
    closed: bool = False
    score: float = 0.0
    weight: float = 1.0
    first: int = 0
    last: int = 0
    inputs: list[Any] | None = None

    def copy(self) -> Segment:
        """A row that shares nothing with this one."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return Segment(
            **{**fields, "slots": list(self.slots), "inputs": None if self.inputs is None else list(self.inputs)}
        )

    @classmethod
    def from_json(cls, row: Any) -> Segment:
        """A row that `to_json` gave; ValueError if anything in it is of another type or out of range."""
        segment = cls(**row)
        for name in cls.__slots__:
            value = getattr(segment, name)
            if name in ("stream", "kind"):
                fits = isinstance(value, str)
            elif name in ("slots", "inputs"):
                fits = (name == "inputs" and value is None) or (isinstance(value, list) and all(map(_count, value)))
            elif name in ("score", "weight"):
                fits = isinstance(value, int | float) and math.isfinite(value)
            elif name == "closed":
                fits = isinstance(value, bool)
            else:
                fits = _count(value) or (name in ("first", "last") and isinstance(value, int))
            if not fits:
                raise ValueError(f"{name} of a segment is {value!r}")
        if segment.pinned > segment.length or segment.extent > REACH:
            raise ValueError(
                f"a segment of {segment.length} entries has pinned={segment.pinned}, extent={segment.extent}"
            )
        return segment

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62
