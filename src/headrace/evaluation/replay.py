"""Replay: recorded items come again as they came, and a trace gives back what left."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from headrace.core.errors import InputError
from headrace.core.item import Emission, Item
from headrace.core.trace import read_trace


class Replay:
    """A source of recorded items, each released at its recorded arrival: nothing can look ahead.

    Late and jittered arrivals come again as they were, on any clock that paces its sources; a clock that does
    not (`MeasuredClock`) still sets its time to each arrival.

    Args:
        items: in order of arrival. They are copied when released, so one recording can be replayed often.
        name: becomes `Item.source` of items that have none.
        payload: makes an item's data when it is released (a recording that keeps pictures in files); what it
            returns replaces `Item.data`.

    Raises:
        InputError: an item arrives before the one in front of it.
    """

    can_wait = True
    blocking = False

    def __init__(
        self, items: Iterable[Item], name: str = "replay", payload: Callable[[Item], Any] | None = None
    ) -> None:
        self.name = name
        self._items = list(items)
        self._payload = payload
        self._closed = False
        for earlier, later in pairwise(self._items):
            if later.arrival < earlier.arrival:
                raise InputError(f"replay {name!r}: the item of pts {later.pts} arrives before the one in front of it")

    def items(self) -> Iterator[Item]:
        for item in self._items:
            if self._closed:
                return
            data = item.data if self._payload is None else self._payload(item)
            yield replace(item, data=data, source=item.source or self.name)

    def close(self) -> None:
        self._closed = True


def arrivals(trace: str | os.PathLike[str], source: str | None = None) -> list[Item]:
    """The items that a trace says came in (of one source, or of all), in order of arrival, without data.

    Raises:
        InputError: see `read_trace`; also if a record lacks a field.
    """
    try:
        items = [
            Item(record["pts"], record["kind"], None, record["t"], source=record["source"])
            for record in read_trace(trace)
            if record["type"] == "in" and source in (None, record["source"])
        ]
        return sorted(items, key=lambda item: item.arrival)
    except (KeyError, TypeError) as error:
        raise InputError(f"trace {os.fspath(trace)}: an 'in' record is not whole ({error}); record it again") from None


def emissions(trace: str | os.PathLike[str]) -> list[Emission]:
    """What a trace says has left, in the order in which it left; cancelled emissions too.

    Raises:
        InputError: see `read_trace`; also if a record lacks a field.
    """
    try:
        return [Emission(**record) for record in read_trace(trace) if record.pop("type") == "emit"]
    except TypeError as error:
        raise InputError(f"trace {os.fspath(trace)}: an emission is not whole ({error}); record it again") from None
