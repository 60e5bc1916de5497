"""Progress: how far a session has come, in counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from headrace.state.segment import Segment


@dataclass(slots=True)
class Stream:
    """How far one stream has come.

    Attributes:
        count: entries written to it.
        lane: its ordinal, by first use.
        anchor: how far the others had come then.
    """

    count: int
    lane: int
    anchor: int


@dataclass(slots=True)
class Progress:
    """The counters of a container.

    Attributes:
        start: number of the first input.
        count: inputs that were committed.
        shots: boundaries of shots.
        closed: segments that were closed, which is the next one's serial number.
        evicted: entries that were dropped, at the first site.
        folded: segments that were folded.
        streams: by name.
    """

    start: int = 0
    count: int = 0
    shots: int = 0
    closed: int = 0
    evicted: int = 0
    folded: int = 0
    streams: dict[str, Stream] = field(default_factory=dict)

    def segment(self, stream: str, kind: str, pts: int) -> Segment:
        """The segment that begins here, still empty."""
        own = self._stream(stream)
        return Segment(
            index=self.closed,
            stream=stream,
            kind=kind,
            t0=self.start + self.count,
            s0=self.start + own.count,
            lane=own.lane,
            anchor=own.anchor,
            shot=self.shots,
            first=pts,
            last=pts,
        )

    def add(self, stream: str, n: int) -> None:
        """So many inputs of a stream came; or went, if below 0."""
        self.streams.setdefault(stream, self._stream(stream)).count += n
        self.count += n

    def copy(self) -> Progress:
        """Counters that share nothing with these."""
        return replace(self, streams={name: replace(stream) for name, stream in self.streams.items()})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` gave, other keys aside; KeyError, TypeError or ValueError if something is missing or wrong."""
        numbers = {name: int(data[name]) for name in cls.__slots__ if name != "streams"}
        streams = {name: Stream(**{key: int(n) for key, n in one.items()}) for name, one in data["streams"].items()}
        return cls(**numbers, streams=streams)

    def _stream(self, name: str) -> Stream:
        """A stream, known or about to begin."""
        anchor = max((other.count for other in self.streams.values()), default=0)
        return self.streams.get(name) or Stream(0, len(self.streams), anchor)
