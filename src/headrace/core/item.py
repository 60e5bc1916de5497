"""Item: what arrives. Emission: what leaves. Times are integers in nanoseconds throughout."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

MS = 1_000_000
SECOND = 1_000_000_000

#: Epoch of items that no interruption voids (everything that comes from a source).
TIMELESS = 1 << 62


@dataclass(slots=True)
class Item:
    """One thing that arrives on a stream.

    Attributes:
        pts: media time in ns, rebased so that a source starts near 0.
        kind: what `data` is: "video", "audio", "text", or an operator's own word.
        data: the payload; never copied by the graph.
        arrival: time of arrival in ns on the clock of the graph; a replay releases the item then.
        epoch: the epoch of the Turn that made it; `TIMELESS` if no interruption may void it.
        source: name of the stream it came from.
    """

    pts: int
    kind: str
    data: Any
    arrival: int = 0
    epoch: int = TIMELESS
    source: str = ""

    def derive(self, data: Any, kind: str | None = None) -> Item:
        """A new item at the same time and of the same source that carries `data`."""
        return Item(self.pts, kind or self.kind, data, self.arrival, self.epoch, self.source)


@dataclass(slots=True)
class Emission:
    """One thing that leaves.

    Attributes:
        id: stable name, see `emission_id`; the same run resumed gives the same ids.
        kind: "text", "event", "answer", "alert", …
        content: JSON-serialisable payload.
        start: media time in ns that the content begins to be about.
        end: media time in ns that it ends to be about (== `start` for an instant).
        t_emit: clock time in ns at which it was released, after the compute that made it.
        t_input: media time in ns of the newest evidence used: staleness is another column
            than latency.
        source: stream it is about.
        cancelled: an interruption cut it.
        cause: id of the question or emission that asked for it.
    """

    id: str
    kind: str
    content: Any
    start: int
    end: int
    t_emit: int
    t_input: int
    source: str = ""
    cancelled: bool = False
    cause: str | None = None


def emission_id(source: str, kind: str, pts: int, ordinal: int = 0) -> str:
    """Sixteen hex digits that name an emission by what it is about, not by when it was made.

    `ordinal` tells emissions of one source, kind and pts apart.
    """
    text = f"{source}\x1f{kind}\x1f{pts}\x1f{ordinal}".encode()
    return blake2b(text, digest_size=8).hexdigest()
