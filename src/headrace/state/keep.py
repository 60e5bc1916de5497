"""Keep: what stays of a group of segments, and how much that is at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from headrace.core.errors import ConfigError
from headrace.state.score import Score
from headrace.state.segment import Segment


@dataclass(frozen=True)
class Grid:
    """How entries are laid out.

    Attributes:
        block: entries a slot; a token-wise segment takes one slot.
        unit: entries a frame at most; a segment that is a frame takes `ceil(unit / block)` slots.
        spread: slots that are set aside for each one that full segments would need, since a change of kind or
            stream may close a segment early.
    """

    block: int
    unit: int = 1
    spread: int = 1

    def slots(self, frames: int, tokens: int) -> int:
        """Slots for so many frames and tokens at most; whichever is 0 does not limit."""
        whole = -(-self.unit // self.block)
        by_tokens = self.spread * -(-tokens // self.block)
        if not frames:
            return by_tokens
        return min(frames * whole, by_tokens + frames) if tokens else frames * whole


@dataclass(frozen=True)
class Room:
    """What a term may hold: frames, entries and slots; None: any number."""

    frames: int | None
    tokens: int | None
    slots: int

    def take(self, segment: Segment, length: int, slots: int) -> Room | None:
        """What is left after a segment, or None if it does not fit."""
        frames = None if self.frames is None else self.frames - 1
        tokens = None if self.tokens is None else self.tokens - length
        left = Room(frames, tokens, self.slots - slots)
        return None if left.slots < 0 or (frames or 0) < 0 or (tokens or 0) < 0 else left


class Term(Protocol):
    """One of the terms that a Keep adds up."""

    @property
    def frames(self) -> int: ...

    def slots(self, grid: Grid) -> int:
        """Slots that this term can hold at most."""
        ...

    def mark(self, segments: Sequence[Segment], kept: list[int], grid: Grid) -> None:
        """Raise `kept[i]`, the entries that stay of segment i (a head of it), to what this term keeps."""
        ...


@dataclass(frozen=True)
class Pin:
    """The first entries (or frames) of the group, for ever; a block is split where they end."""

    tokens: int = 0
    frames: int = 0

    def __post_init__(self) -> None:
        _check("pin", self.tokens, self.frames)

    def slots(self, grid: Grid) -> int:
        return grid.slots(self.frames, self.tokens)

    def mark(self, segments: Sequence[Segment], kept: list[int], grid: Grid) -> None:
        left = Room(self.frames or None, self.tokens or None, self.slots(grid))
        for i, segment in enumerate(segments):
            length = min(segment.length, left.tokens) if left.tokens is not None and not self.frames else segment.length
            after = left.take(segment, length, -(-length // grid.block))
            if after is None or not length:
                return
            left = after
            segment.pinned = length
            kept[i] = max(kept[i], length)


@dataclass(frozen=True)
class Recent:
    """The newest entries (or frames), and the segment that is being written.

    Of token-wise segments, `tokens` counts in whole blocks, rounded up: n to n + block - 1 entries stay.
    """

    tokens: int = 0
    frames: int = 0

    def __post_init__(self) -> None:
        _check("recent", self.tokens, self.frames)

    def slots(self, grid: Grid) -> int:
        return grid.slots(self.frames, self.tokens)

    def mark(self, segments: Sequence[Segment], kept: list[int], grid: Grid) -> None:
        tokens = self.tokens if self.frames else -(-self.tokens // grid.block) * grid.block
        left = Room(self.frames or None, tokens or None, self.slots(grid))
        for i in reversed(range(len(segments))):
            after = left.take(segments[i], segments[i].length, len(segments[i].slots))
            if after is None:
                return
            left = after
            kept[i] = segments[i].length


@dataclass(frozen=True)
class Top:
    """Of what no other term keeps whole, the segments of the highest score, while they fit; the newer of equals."""

    tokens: int
    score: Score
    frames: int = 0

    def __post_init__(self) -> None:
        _check("top", self.tokens, self.frames)
        if isinstance(self.score, type) or not (hasattr(self.score, "renew") and hasattr(self.score, "queries")):
            raise ConfigError(f"top: score={self.score!r} is none; it has `queries` and `renew(segment, mass)`")

    def slots(self, grid: Grid) -> int:
        return grid.slots(self.frames, self.tokens)

    def mark(self, segments: Sequence[Segment], kept: list[int], grid: Grid) -> None:
        left = Room(self.frames or None, self.tokens or None, self.slots(grid))
        rest = [i for i, segment in enumerate(segments) if kept[i] < segment.length]
        for i in sorted(rest, key=lambda i: (segments[i].score, segments[i].index), reverse=True):
            after = left.take(segments[i], segments[i].length, len(segments[i].slots))
            if after is not None:
                left = after
                kept[i] = segments[i].length


@dataclass(frozen=True)
class Everything:
    """Nothing leaves: for a Policy with `bounded=False`."""

    frames: int = 0

    def slots(self, grid: Grid) -> int:
        return 0

    def mark(self, segments: Sequence[Segment], kept: list[int], grid: Grid) -> None:
        kept[:] = [segment.length for segment in segments]


@dataclass(frozen=True)
class Keep:
    """A sum of terms; what any of them keeps stays."""

    terms: tuple[Term, ...] = field(default=())

    def __add__(self, other: Keep) -> Keep:
        return Keep(self.terms + other.terms)

    def __post_init__(self) -> None:
        if not all(hasattr(term, "mark") and hasattr(term, "slots") for term in self.terms):
            raise ConfigError(f"keep: {self.terms!r} are no terms; add up pin, recent, top and everything")
        scored = sum(isinstance(term, Top) for term in self.terms)
        if scored > 1:
            raise ConfigError("keep: one top(...) a sum, since a segment has one score")

    @property
    def unbounded(self) -> bool:
        return any(isinstance(term, Everything) for term in self.terms)

    @property
    def atomic(self) -> bool:
        """Segments are frames, each written in one piece: a term counts them."""
        return any(term.frames for term in self.terms)

    @property
    def score(self) -> Score | None:
        return next((term.score for term in self.terms if isinstance(term, Top)), None)

    def slots(self, grid: Grid) -> int:
        return sum(term.slots(grid) for term in self.terms)

    def choose(self, segments: Sequence[Segment], grid: Grid) -> list[int]:
        """How many entries of each closed segment stay, oldest first; `pinned` is set on the way."""
        kept = [0] * len(segments)
        for term in sorted(self.terms, key=lambda term: isinstance(term, Top)):
            term.mark(segments, kept, grid)
        return kept


def pin(*, tokens: int = 0, frames: int = 0) -> Keep:
    """Keep the first entries of the group for ever."""
    return Keep((Pin(tokens, frames),))


def recent(*, tokens: int = 0, frames: int = 0) -> Keep:
    """Keep the newest; with both counts, whichever is reached first."""
    return Keep((Recent(tokens, frames),))


def top(*, tokens: int = 0, frames: int = 0, score: Score) -> Keep:
    """Keep the best of the rest."""
    return Keep((Top(tokens, score, frames),))


def everything() -> Keep:
    return Keep((Everything(),))


def _check(name: str, tokens: Any, frames: Any) -> None:
    counts = isinstance(tokens, int) and isinstance(frames, int) and min(tokens, frames) >= 0
    if not counts or not (tokens or frames):
        raise ConfigError(f"{name}(tokens={tokens!r}, frames={frames!r}): say how many, whole numbers above 0")
