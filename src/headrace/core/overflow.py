"""Overflow: what an edge does when its consumer is slower than its producer.

The rule belongs to the edge and is the consumer's choice. Every rule is bounded by a number of
items; it may also be bounded by bytes and by media time. An edge is full when any bound would be
passed; an item larger than the byte bound still passes an empty edge, else it could never pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from headrace.core.errors import ConfigError
from headrace.core.item import Item

#: Items an edge holds at most when only bytes or media time were given as its bound.
ITEM_CEILING = 4096


@dataclass(frozen=True, slots=True)
class Overflow:
    """Base of the rules.

    Attributes:
        items: bound by count, at least 1.
        nbytes: bound by payload bytes (`payload_bytes`), or None.
        span: bound by media time in ns between the oldest and the newest item (late ones aside), or None.
        max_age: an item older than this (clock time since arrival, ns) is dropped when taken; a
            worker's generator is closed after the output with which its item grew too old.
    """

    items: int | None = None
    nbytes: int | None = None
    span: int | None = None
    max_age: int | None = None

    def __post_init__(self) -> None:
        if self.items is None:
            bounded = self.nbytes is not None or self.span is not None
            object.__setattr__(self, "items", self._default_items(bounded))
        for name in ("items", "nbytes", "span", "max_age"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigError(f"{type(self).__name__}({name}={value!r}): a bound is a whole number >= 1")

    @staticmethod
    def _default_items(bounded: bool) -> int:
        """The bound by count where none was given; `bounded` if another bound was."""
        return ITEM_CEILING if bounded else 8

    @property
    def capacity(self) -> int:
        """The bound by count; always finite."""
        assert self.items is not None
        return self.items

    @property
    def lossy(self) -> bool:
        """Whether items may be lost because the consumer is slow."""
        return True


@dataclass(frozen=True, slots=True)
class Block(Overflow):
    """The producer waits. Loses nothing (unless `max_age` is given)."""

    @property
    def lossy(self) -> bool:
        return self.max_age is not None


@dataclass(frozen=True, slots=True)
class DropOldest(Overflow):
    """The oldest waiting item makes room."""


@dataclass(frozen=True, slots=True)
class DropNewest(Overflow):
    """What arrives at a full edge is dropped."""


@dataclass(frozen=True, slots=True)
class Fail(Overflow):
    """What arrives at a full edge raises CapacityError in the producer."""

    @property
    def lossy(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Latest(DropOldest):
    """One item waits: the newest. The rule for a model that should see the present.

    Attributes:
        merge: if given, `merge(waiting, arriving)` makes the one item that waits, so that what
            the older one asked for is not forgotten (its pts still counts as dropped).
    """

    merge: Callable[[Item, Item], Item] | None = None

    def __post_init__(self) -> None:
        DropOldest.__post_init__(self)
        if self.items != 1:
            raise ConfigError(f"Latest(items={self.items}): one item waits there; use DropOldest({self.items})")

    @staticmethod
    def _default_items(bounded: bool) -> int:
        return 1


def lossless(rule: Overflow) -> Overflow:
    """The rule that holds on a source that can wait at full speed: nothing is lost to speed."""
    return Block(max(2, rule.capacity), rule.nbytes, rule.span) if rule.lossy else rule


def payload_bytes(data: Any) -> int:
    """Bytes an item's payload counts as: its `nbytes`, its length if bytes or text, else 1.

    A tuple or list (what a join makes) counts as the sum of its parts.
    """
    if isinstance(data, (tuple, list)):
        return max(1, sum(map(payload_bytes, data)))
    size = getattr(data, "nbytes", None)
    if callable(size):
        size = size()
    if size is None:
        size = len(data) if isinstance(data, (bytes, bytearray, memoryview, str)) else 1
    return max(1, int(size))
