"""Place: where a segment stands on the axes of position.

A place is a function from the segment table to one int64 base a segment and axis. An entry at offset o of a segment
stands at base + o, and so does a query of the segment that is being written; only differences of positions are ever
turned into angles. Bases change at segment boundaries only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from headrace.core.errors import ConfigError
from headrace.state.segment import Segment


class Place(Protocol):
    """The contract.

    Attributes:
        rotates: False: keys and queries are left as they are, as if all stood at one position.
        by_stream, by_kind: bases depend on the stream, or on the kind, so that a change of it begins a new segment.
    """

    rotates: ClassVar[bool]
    by_stream: ClassVar[bool]
    by_kind: ClassVar[bool]

    def bases(self, segments: Sequence[Segment]) -> list[int]:
        """The base of each segment, oldest first; the last one is being written. The same on every axis."""
        ...


@dataclass(frozen=True)
class Absolute:
    """An entry keeps the number it came with; what was dropped leaves a gap."""

    rotates: ClassVar[bool] = True
    by_stream: ClassVar[bool] = False
    by_kind: ClassVar[bool] = False

    def bases(self, segments: Sequence[Segment]) -> list[int]:
        return [s.t0 for s in segments]


@dataclass(frozen=True)
class Cache:
    """An entry stands where it stands among those that are kept: gaps close (StreamingLLM §3.2, arXiv 2309.17453)."""

    rotates: ClassVar[bool] = True
    by_stream: ClassVar[bool] = False
    by_kind: ClassVar[bool] = False

    def bases(self, segments: Sequence[Segment]) -> list[int]:
        return _follow(segments, 0)


@dataclass(frozen=True)
class Origin:
    """Each region counts what it keeps from an origin of its own (Anchor Forcing's three regions, arXiv 2603.13405).

    A region is a kind, or "pinned" for whatever is pinned. What no origin names counts from 0.
    """

    origins: Mapping[str, int] = field(default_factory=dict)
    rotates: ClassVar[bool] = True
    by_stream: ClassVar[bool] = False
    by_kind: ClassVar[bool] = True

    def bases(self, segments: Sequence[Segment]) -> list[int]:
        ends: dict[str, int] = {}
        bases = []
        for s in segments:
            region = "pinned" if s.pinned and "pinned" in self.origins else s.kind
            base = ends.get(region, self.origins.get(region, 0))
            bases.append(base)
            ends[region] = base + s.extent
        return bases


@dataclass(frozen=True)
class Group:
    """Each stream counts its own entries from a base of its own (group position encoding, arXiv 2505.16983)."""

    starts: Mapping[str, int] = field(default_factory=dict)
    rotates: ClassVar[bool] = True
    by_stream: ClassVar[bool] = True
    by_kind: ClassVar[bool] = False

    def bases(self, segments: Sequence[Segment]) -> list[int]:
        return [self.starts.get(s.stream, 0) + s.s0 for s in segments]


@dataclass(frozen=True)
class Gap:
    """Each further stream begins `n` positions after the one before (Speak While Watching, arXiv 2601.06843)."""

    n: int
    rotates: ClassVar[bool] = True
    by_stream: ClassVar[bool] = True
    by_kind: ClassVar[bool] = False

    def bases(self, segments: Sequence[Segment]) -> list[int]:
        return [self.n * s.lane + s.s0 for s in segments]


@dataclass(frozen=True)
class Overlap:
    """A stream counts on from where the others stood when it began; they go on over it (arXiv 2601.06843)."""

    rotates: ClassVar[bool] = True
    by_stream: ClassVar[bool] = True
    by_kind: ClassVar[bool] = False

    def bases(self, segments: Sequence[Segment]) -> list[int]:
        return [s.anchor + s.s0 for s in segments]


@dataclass(frozen=True)
class Jump:
    """Absolute, and each shot begins `phi` positions further on (LongLive 2.0, ShotStream)."""

    phi: int
    rotates: ClassVar[bool] = True
    by_stream: ClassVar[bool] = False
    by_kind: ClassVar[bool] = False

    def bases(self, segments: Sequence[Segment]) -> list[int]:
        return [s.t0 + self.phi * s.shot for s in segments]


@dataclass(frozen=True)
class Realign:
    """Absolute, but what is pinned moves along and ends where the oldest of the rest begins (Deep Forcing's sinks)."""

    rotates: ClassVar[bool] = True
    by_stream: ClassVar[bool] = False
    by_kind: ClassVar[bool] = False

    def bases(self, segments: Sequence[Segment]) -> list[int]:
        if not segments:
            return []
        sinks = [s for s in segments[:-1] if s.pinned]
        moved = {s.index for s in sinks}
        rest = next(s.t0 for s in segments if s.index not in moved)
        bases = iter(_follow(sinks, rest - sum(s.extent for s in sinks)))
        return [next(bases) if s.index in moved else s.t0 for s in segments]


@dataclass(frozen=True)
class Nowhere:
    """No positions: nothing is rotated."""

    rotates: ClassVar[bool] = False
    by_stream: ClassVar[bool] = False
    by_kind: ClassVar[bool] = False

    def bases(self, segments: Sequence[Segment]) -> list[int]:
        return [0] * len(segments)


def absolute() -> Absolute:
    return Absolute()


def cache() -> Cache:
    return Cache()


def origin(**origins: int) -> Origin:
    return Origin(origins)


def group(**starts: int) -> Group:
    return Group(starts)


def gap(n: int) -> Gap:
    if n < 0:
        raise ConfigError(f"gap({n}): streams cannot begin before position 0")
    return Gap(n)


def overlap() -> Overlap:
    return Overlap()


def jump(phi: int) -> Jump:
    return Jump(phi)


def realign() -> Realign:
    return Realign()


def none() -> Nowhere:
    return Nowhere()


def _follow(segments: Iterable[Segment], base: int) -> list[int]:
    bases = []
    for s in segments:
        bases.append(base)
        base += s.extent
    return bases
