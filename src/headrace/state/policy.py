"""Policy: what state to keep and how, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headrace.core.errors import ConfigError
from headrace.state.fold import Drop, Fold
from headrace.state.keep import Grid, Keep, Pin, Recent
from headrace.state.layout import Layout
from headrace.state.place import Cache, Place
from headrace.state.redo import Redo
from headrace.state.score import Score
from headrace.state.see import See, causal

#: Bytes that a row of the segment table is counted as, and what a session costs besides.
ROW_BYTES, BASE_BYTES = 512, 4096
#: Bytes of one input that is kept to be run again.
INPUT_BYTES = 8
#: Entries of a segment at most.
MAX_BLOCK = 1 << 16
#: Streams that a session may have.
MAX_STREAMS = 16
#: Characters of the names of a stream and a kind.
MAX_NAMES = 128


@dataclass(frozen=True)
class Budget:
    """What a policy comes to on a layout.

    Attributes:
        grid: how entries are laid out.
        slots: blocks of storage a table and site, the one being written included.
        queries: of the last ones, how many are kept a site.
        max_bytes: of everything, over all sites; known before the first input.
    """

    grid: Grid
    slots: int
    queries: int
    max_bytes: int


@dataclass(frozen=True)
class Policy:
    """What a session keeps of its past.

    Args:
        keep: what stays; by kind of input if a mapping ("*" stands for any other kind).
        place: where it stands.
        fold: what losers leave behind.
        see: which entries a query sees.
        redo: when kept inputs go through the model again.
        block: entries a token-wise segment; whatever leaves, leaves in whole blocks (pins may split one).
        grain: "row": one table a session; "layer": each site decides for itself.
        bounded: False: nothing leaves, and `max_bytes` raises CapacityError when it is reached.
        max_bytes: a hard limit.

    Raises:
        ConfigError: a setting is out of range, or the parts do not go together.
    """

    keep: Keep | Mapping[str, Keep]
    place: Place = field(default_factory=Cache)
    fold: Fold = field(default_factory=Drop)
    see: See = causal
    redo: Redo | None = None
    block: int = 64
    grain: str = "row"
    bounded: bool = True
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.block, int) or not 1 <= self.block <= MAX_BLOCK:
            raise ConfigError(f"policy: block={self.block!r}; a segment has 1 to {MAX_BLOCK} entries")
        keeps = self.keep.values() if isinstance(self.keep, Mapping) else (self.keep,)
        parts = {"place": self.place, "fold": self.fold, "see": self.see}
        contracts = {
            "place": ("bases", "rotates", "by_stream"),
            "fold": ("mix", "into_pins"),
            "see": ("allows", "whole"),
        }
        for name, part in parts.items():
            lacks = [wanted for wanted in contracts[name] if not hasattr(part, wanted)]
            if lacks or isinstance(part, type):
                raise ConfigError(f"policy: {name}={part!r} is none, it has no {', '.join(lacks) or 'instance'}")
        if not all(isinstance(keep, Keep) for keep in keeps) or not isinstance(self.redo, Redo | None):
            raise ConfigError("policy: keep is a sum of pin, recent, top and everything; redo is on(event, last=…)")
        if not isinstance(self.max_bytes, int | None):
            raise ConfigError(f"policy: max_bytes={self.max_bytes!r}; give a whole number")
        if self.grain not in ("row", "layer"):
            raise ConfigError(f"policy: grain {self.grain!r} is unknown; use 'row' or 'layer'")
        if not self.keeps or not all(keep.terms for keep in self.keeps.values()):
            raise ConfigError("policy: keep is empty; say what stays, such as recent(tokens=2000)")
        unbounded = any(keep.unbounded for keep in self.keeps.values())
        if unbounded and self.bounded:
            raise ConfigError("policy: everything() grows without end; say bounded=False and max_bytes=…")
        if not self.bounded and self.max_bytes is None:
            raise ConfigError("policy: bounded=False needs max_bytes, where it raises")
        if self.queries > self.block:
            raise ConfigError(
                f"policy: a score of {self.queries} queries needs block >= {self.queries}, not {self.block}"
            )
        for keep in self.keeps.values():
            self._check_fold(keep)
            self._check_redo(keep)

    @property
    def keeps(self) -> Mapping[str, Keep]:
        """By kind; "*" stands for any other."""
        return self.keep if isinstance(self.keep, Mapping) else {"*": self.keep}

    @property
    def by_kind(self) -> bool:
        """A change of kind begins a new segment."""
        return isinstance(self.keep, Mapping) or getattr(self.place, "by_kind", False)

    @property
    def by_stream(self) -> bool:
        """A change of stream begins a new segment."""
        return self.place.by_stream or self.see.by_stream

    @property
    def scores(self) -> tuple[Score | None, ...]:
        """Of each budget, in their order."""
        return tuple(keep.score for keep in self.keeps.values())

    @property
    def queries(self) -> int:
        """Queries that scores need."""
        return max((score.queries for score in self.scores if score is not None), default=0)

    def group(self, kind: str) -> str:
        """The key of `keeps` under which a kind stands.

        Raises:
            ConfigError: the policy has no budget for it.
        """
        if kind in self.keeps:
            return kind
        if "*" in self.keeps:
            return "*"
        raise ConfigError(f"policy: no budget for input of kind {kind!r}; it has {', '.join(map(repr, self.keeps))}")

    def atomic(self, kind: str) -> bool:
        """Whether a segment of this kind is written in one piece, and closed by it."""
        return self.see.whole or self.keeps[self.group(kind)].atomic

    def bind(self, layout: Layout, tokens_per_unit: int = 0) -> Budget:
        """What this policy comes to on a model.

        Args:
            layout: the model's.
            tokens_per_unit: entries a frame at most; needed if frames are counted.

        Raises:
            ConfigError: frames are counted and `tokens_per_unit` is not given, or `max_bytes` is too small for
                what is to be kept.
        """
        if any(self.atomic(kind) for kind in self.keeps) and tokens_per_unit < 1:
            raise ConfigError("policy: it counts frames; say tokens_per_unit, the entries of a frame at most")
        grid = Grid(self.block, max(1, tokens_per_unit), 2 if self.by_kind or self.by_stream else 1)
        row = sum(layout.entry_bytes(site) for site in layout.sites) * self.block
        tables = len(layout.sites) if self.grain == "layer" else 1
        row += ROW_BYTES * tables
        if self.redo is not None:
            row += INPUT_BYTES * self.block * tables
        fixed = BASE_BYTES + sum(
            self.queries * site.heads * site.key_dim * layout.dtype.itemsize for site in layout.sites
        )
        if any(keep.unbounded for keep in self.keeps.values()):
            assert self.max_bytes is not None
            slots = (self.max_bytes - fixed) // row
        else:
            begun = 2 if self.by_kind or self.by_stream else 1
            slots = sum(keep.slots(grid) for keep in self.keeps.values()) + begun * grid.slots(1, 0)
        needed = fixed + row * max(slots, 2)
        if self.max_bytes is not None and needed > self.max_bytes:
            raise ConfigError(f"policy: max_bytes={self.max_bytes} is less than the {needed} bytes that it is to keep")
        return Budget(grid, slots, self.queries, fixed + row * slots)

    def _check_fold(self, keep: Keep) -> None:
        if not self.fold.into_pins:
            return
        pins = [term for term in keep.terms if isinstance(term, Pin)]
        if not pins or any(term.tokens % self.block for term in pins if not term.frames):
            raise ConfigError(
                f"policy: this fold goes into whole pinned segments; pin a multiple of block={self.block}"
            )

    def _check_redo(self, keep: Keep) -> None:
        if self.redo is None or keep.unbounded:
            return
        sure = [
            min(count for count in (t.frames, t.tokens // self.block if t.tokens else 0) if count)
            for t in keep.terms
            if isinstance(t, Recent) and (t.frames or t.tokens >= self.block)
        ]
        least = max(sure, default=0)
        if least < self.redo.last:
            raise ConfigError(
                f"policy: redo of the last {self.redo.last} segments, but only {least} are sure to be there"
            )
